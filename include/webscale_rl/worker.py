"""One worker: takes the documents of one shard down the road, many at a time, and records what comes of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection

from webscale_rl.config import ConversionConfig
from webscale_rl.convert import convert_document
from webscale_rl.corpus.shards import read_shard
from webscale_rl.errors import BudgetSpent, LeaseLost, ShardBusy, ShardFailed, Stopping, WebscaleError
from webscale_rl.governor import Governor
from webscale_rl.llm.admission import Admission
from webscale_rl.llm.endpoint import Endpoint, EndpointClient
from webscale_rl.llm.in_flight import InFlight
from webscale_rl.llm.ledger import Asker, KnownCalls
from webscale_rl.llm.purse import Amount, Purse
from webscale_rl.records import Document, DocumentOutcome, DocumentState
from webscale_rl.store.conversions import LEASE_SECONDS, Claim, FencedWriter, claim
from webscale_rl.store.rows import outcome_rows
from webscale_rl.store.spending import run_purse

logger = logging.getLogger(__name__)

WINDOW = 64  # documents whose known calls are looked up at once
MOST_OPEN = 4096  # documents at a time, however many calls an endpoint takes: it bounds memory
FAULTS = ("endpoint", "internal")  # reasons that are no matter of the document
STOP_SECONDS = 2.0  # Airflow kills a task five seconds after it asked it to stop
CLAIM_WAIT_SECONDS = LEASE_SECONDS + 5  # the lease of a worker that died runs out within this


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker needs beside the shard.

    ``endpoints`` by role: generator, checker, maybe second_solver. ``max_in_flight`` bounds the calls of all
    workers to one endpoint; None leaves it to the endpoint. ``max_failed_share`` of a shard's documents may fail by
    faults of endpoint or code before the shard fails. ``budget`` bounds what the run may spend. ``only_failed``
    drives nothing but documents that failed for one of these reasons.
    """

    database_url: str  # as libpq reads it
    endpoints: Mapping[str, Endpoint]
    config: ConversionConfig
    max_in_flight: int | None = None
    max_failed_share: float = 0.05
    budget: Amount | None = None
    only_failed: frozenset[str] | None = None


async def convert_shard(
    shard_id: str,
    run_id: str,
    settings: WorkerSettings,
    *,
    owner: str,
    stop: asyncio.Event,
    first: int | None = None,
) -> dict[str, int]:
    """Convert what is left to do of a shard and return the number of its documents by state, and of pairs.

    ``first`` stops after so many documents and leaves the conversion open. Where the run's budget is spent, the
    documents that were not reached are missing in the counts.

    Raises:
        ShardBusy: another worker holds the shard.
        EndpointRefusal: a setting of an endpoint is wrong.
        ShardFailed: too many calls failed in transport. What was answered is kept.
        LeaseLost, Stopping: this worker must not go on; another try will.
    """
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(_Reader(settings.database_url))
        held = await _claim_patiently(reader, shard_id, run_id, settings.config.hash, owner)
        writer = await stack.enter_async_context(FencedWriter(settings.database_url, held))
        worker = _Worker(reader, writer, held, settings, first)
        await worker.open_endpoints(stack)
        error: WebscaleError | None = None
        try:
            await _run_until(stop, worker, writer)
            worker.judge_failures()
        except* WebscaleError as errors:
            error = _gravest(errors)
        await worker.settle(error, stop)
        if isinstance(error, LeaseLost):
            raise error
        if error is not None:
            closing = {Stopping: "open", BudgetSpent: "spent"}.get(type(error), "failed")
            await writer.close(closing, "" if closing == "open" else str(error))
            if closing != "spent":
                raise error
            return worker.summary()
        left = first is not None or settings.only_failed is not None or worker.counts[DocumentState.FAILED]
        await writer.close("open" if left else "done")
        return worker.summary()


class _Worker:
    def __init__(
        self,
        reader: _Reader,
        writer: FencedWriter,
        held: Claim,
        settings: WorkerSettings,
        first: int | None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._clients: dict[str, EndpointClient] = {}
        self._in_flight = InFlight()
        self._admissions: dict[str, Admission] = {}  # by the name of the endpoint
        self._claim = held
        self._settings = settings
        self._first = first
        self._moved = asyncio.Event()  # a call or a document has ended, or a limit has changed
        self._exhausted = False  # every document is open or done
        self._open = 0
        self._opened = 0
        self._silent = 0  # open documents that have not called yet
        self._faults = 0
        self._last_fault = ""
        self.counts: Counter[DocumentState] = Counter()
        self.pairs = 0

    async def open_endpoints(self, stack: AsyncExitStack) -> None:
        """Open a client for every role; roles on the same servers share one admission."""
        settings, held = self._settings, self._claim
        name = f"{held.shard_id}:{held.config_hash}:{held.epoch}"
        purse: Purse | None = None
        if settings.budget is not None:
            purse = await stack.enter_async_context(
                run_purse(settings.database_url, held.run_id, name, settings.budget)
            )
        clients: list[EndpointClient] = []
        for role, endpoint in settings.endpoints.items():
            client = next((client for client in clients if client.endpoint == endpoint), None)
            if client is None:
                admission = await self._admission(stack, endpoint, name)
                client = await stack.enter_async_context(
                    EndpointClient(endpoint, admission=admission, purse=purse)
                )
                clients.append(client)
            self._clients[role] = client

    async def _admission(self, stack: AsyncExitStack, endpoint: Endpoint, worker: str) -> Admission:
        admission = self._admissions.get(endpoint.name)
        if admission is None:
            admission = self._admissions[endpoint.name] = Admission(1, on_change=self._moved.set)
            settings = self._settings
            await stack.enter_async_context(
                Governor(
                    settings.database_url,
                    endpoint,
                    worker,
                    admission,
                    settings.max_in_flight,
                    has_more=lambda: not self._exhausted,
                )
            )
        return admission

    async def run(self) -> None:
        """Send every document of the shard that is not final yet."""
        async with asyncio.TaskGroup() as group:
            async for documents in self._windows():
                results = await self._results(documents)
                due = [document for document in documents if self._is_due(results.get(document.id))]
                known = await self._known_calls([document.id for document in due])
                for document in due:
                    await self._room()
                    self._writer.check()
                    self._open += 1
                    self._silent += 1
                    group.create_task(self._convert(document, known.get(document.id, KnownCalls())))
                    await asyncio.sleep(0)  # it may have nothing to ask, and be done
            self._exhausted = True

    async def settle(self, why: WebscaleError | None, stop: asyncio.Event) -> None:
        """See calls through that were sent before the worker ended: they are paid for.

        A spent budget leaves time for all of them, until the worker is told to stop; anything else for a moment.
        """
        if why is None:
            return
        ended = stop
        if not isinstance(why, BudgetSpent):
            ended = asyncio.Event()
            ended.set()
            for admission in self._admissions.values():
                admission.close(why)  # nothing more is sent
        await self._in_flight.settle(ended, 0.0 if isinstance(why, LeaseLost) else STOP_SECONDS)

    def judge_failures(self) -> None:
        """Raise ShardFailed when a larger share failed by faults than is allowed."""
        total = self.counts.total()
        if self._faults > self._settings.max_failed_share * total:
            raise ShardFailed(
                f"{self._faults} of {total} documents of shard {self._claim.shard_id} failed by "
                f"faults of endpoint or code; the last: {self._last_fault}. What was answered is kept; run again."
            )

    def summary(self) -> dict[str, int]:
        """Return the counts, as an XCom may hold them."""
        return {state.value: self.counts[state] for state in DocumentState} | {"pairs": self.pairs}

    def _is_due(self, before: tuple[str, str, int] | None) -> bool:
        """Say whether a document is to be driven; one that is final is counted."""
        only = self._settings.only_failed
        if before is None:
            return only is None
        state, reason, accepted = before
        if state == DocumentState.FAILED and (only is None or reason in only):
            return True
        self._count(DocumentState(state), accepted)
        return False

    async def _room(self) -> None:
        """Wait until another document may be opened: when the endpoint would have nothing else to do."""
        generator = self._clients["generator"].admission
        while (
            generator.room <= self._silent
            or self._open >= MOST_OPEN
            or any(admission.waiting > admission.limit for admission in self._admissions.values())
        ):
            self._moved.clear()
            await self._moved.wait()

    async def _convert(self, document: Document, known: KnownCalls) -> None:
        silent = [True]

        def speak() -> None:
            if silent:
                silent.clear()
                self._silent -= 1

        try:
            self._opened += 1
            origin = self._claim.origin
            asker = Asker(
                document.id,
                known,
                self._clients,
                self._writer,
                origin,
                priority=self._opened,
                on_first_call=speak,
                in_flight=self._in_flight,
            )
            outcome = await self._outcome(document, asker)
            for table, row in outcome_rows(outcome, self._claim.config_hash, origin):
                self._writer.add(table, row)
            self._count(outcome.state, outcome.accepted)
            if outcome.reason in FAULTS:
                self._faults += 1
                self._last_fault = outcome.detail
        finally:
            speak()
            self._open -= 1
            self._moved.set()

    async def _outcome(self, document: Document, asker: Asker) -> DocumentOutcome:
        """Take a document down the road; a defect of ours that it brings to light costs no other document."""
        try:
            return await convert_document(document, self._settings.config, asker)
        except* WebscaleError:
            raise
        except* Exception as errors:
            logger.exception("document %s", document.id)
            first = _first(errors)
            outcome = DocumentOutcome(
                document_id=document.id,
                state=DocumentState.FAILED,
                stage="road",
                reason="internal",
                detail=f"{type(first).__name__}: {first}"[:300],
            )
        return outcome

    def _count(self, state: DocumentState, pairs: int) -> None:
        self.counts[state] += 1
        self.pairs += pairs

    async def _windows(self) -> AsyncIterator[list[Document]]:
        rows = await self._reader.rows("SELECT uri FROM shards WHERE id = %s", (self._claim.shard_id,))
        if not rows:
            raise ShardFailed(f"shard {self._claim.shard_id} is not in the database: cut the corpus again")
        groups = read_shard(rows[0][0])
        left = self._first
        while left != 0 and (group := await asyncio.to_thread(_next, groups)) is not None:
            group = group[:left]
            left = None if left is None else left - len(group)
            for start in range(0, len(group), WINDOW):
                yield group[start : start + WINDOW]

    async def _results(self, documents: list[Document]) -> dict[str, tuple[str, str, int]]:
        rows = await self._reader.rows(
            "SELECT document_id, state, reason, n_accepted FROM document_results "
            "WHERE config_hash = %s AND document_id = ANY(%s)",
            (self._claim.config_hash, [document.id for document in documents]),
        )
        return {document_id: (state, reason, accepted) for document_id, state, reason, accepted in rows}

    async def _known_calls(self, document_ids: list[str]) -> dict[str, KnownCalls]:
        """Return what the ledger holds of these documents."""
        if not document_ids:
            return {}
        rows = await self._reader.rows(
            "SELECT document_id, call_key, attempt, valid, CASE WHEN valid THEN response END "
            "FROM llm_calls WHERE document_id = ANY(%s) ORDER BY document_id, call_key, attempt",
            (document_ids,),
        )
        known: dict[str, KnownCalls] = {}
        for document_id, key, attempt, valid, response in rows:
            calls = known.setdefault(document_id, KnownCalls())
            calls.attempts[key] = attempt
            if valid:
                calls.valid[key] = response
        return known


class _Reader:
    """A connection for questions that is opened again when it is dropped, as long as the lease may last."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AsyncConnection[Any] | None = None

    async def __aenter__(self) -> _Reader:
        await self.connection()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def connection(self) -> AsyncConnection[Any]:
        """Return the open connection."""
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=10, application_name="webscale_rl reader"
            )
        return self._connection

    async def rows(self, query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a query, asking again while the database is away.

        Raises:
            psycopg.OperationalError: it was away for longer than a lease.
        """
        deadline = time.monotonic() + LEASE_SECONDS
        while True:
            try:
                cursor = await (await self.connection()).execute(query.encode(), parameters)
                return await cursor.fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)


async def _claim_patiently(
    reader: _Reader, shard_id: str, run_id: str, config_hash: str, owner: str
) -> Claim:
    """Claim the conversion, waiting for the lease of a worker that may have died."""
    deadline = time.monotonic() + CLAIM_WAIT_SECONDS
    while True:
        try:
            return await claim(await reader.connection(), shard_id, config_hash, run_id, owner)
        except ShardBusy:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(1)


async def _run_until(stop: asyncio.Event, worker: _Worker, writer: FencedWriter) -> None:
    """Run the worker; after ``stop``, calls in flight have a moment to end before they are given up.

    Raises:
        Stopping: it was stopped; and the errors of the worker.
    """
    running = asyncio.create_task(worker.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done() and not running.done():
            writer.stop()
            running.cancel()  # what has been sent goes on: see `settle`
            await asyncio.wait({running})
            if running.cancelled():
                raise ExceptionGroup("stopped", [Stopping("told to stop; what was answered is kept")])
        await running
    finally:
        for task in (running, stopping):
            task.cancel()
        await asyncio.wait({running, stopping})


def _next(groups: Iterator[list[Document]]) -> list[Document] | None:
    return next(groups, None)


def _gravest(errors: BaseExceptionGroup[WebscaleError]) -> WebscaleError:
    """Return the error to act on: one that forbids writing, then one that says what to change."""
    flat = list(_flatten(errors))
    for kind in (LeaseLost, Stopping, BudgetSpent):
        if found := [error for error in flat if isinstance(error, kind)]:
            return found[0]
    return flat[0]


def _first(errors: BaseExceptionGroup[Exception]) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


def _flatten(errors: BaseExceptionGroup[WebscaleError]) -> Iterator[WebscaleError]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flatten(error)
        else:
            yield error
