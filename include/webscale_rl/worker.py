"""One worker: takes the documents of one shard down the road, many at a time, and records what comes of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from webscale_rl.config import ConversionConfig
from webscale_rl.convert import convert_document
from webscale_rl.corpus.shards import read_shard
from webscale_rl.errors import LeaseLost, ShardBusy, ShardFailed, Stopping, WebscaleError
from webscale_rl.llm.endpoint import Endpoint, EndpointClient
from webscale_rl.llm.ledger import Asker, KnownCalls
from webscale_rl.records import Document, DocumentOutcome, DocumentState
from webscale_rl.store.conversions import LEASE_SECONDS, Claim, FencedWriter, claim
from webscale_rl.store.rows import outcome_rows

logger = logging.getLogger(__name__)

WINDOW = 64  # documents whose known calls are looked up at once
FAULTS = ("endpoint", "internal")  # reasons that are no matter of the document
BREAKER = 8  # documents in a row whose calls all failed in transport: the endpoint is gone
STOP_SECONDS = 2.0  # Airflow kills a task five seconds after it asked it to stop
CLAIM_WAIT_SECONDS = LEASE_SECONDS + 5  # the lease of a worker that died runs out within this


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker needs beside the shard. ``endpoints`` by role: generator, checker, maybe second_solver."""

    database_url: str  # as libpq reads it
    endpoints: Mapping[str, Endpoint]
    config: ConversionConfig
    max_in_flight: int = 32  # calls at a time, per endpoint
    max_failed_share: float = (
        0.05  # of a shard's documents, by faults of endpoint or code, before the shard fails
    )


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

    ``first`` stops after so many documents and leaves the conversion open.

    Raises:
        ShardBusy: another worker holds the shard.
        EndpointRefusal: a setting of an endpoint is wrong.
        ShardFailed: too many calls failed in transport. What was answered is kept.
        LeaseLost, Stopping: this worker must not go on; another try will.
    """
    async with AsyncExitStack() as stack:
        reader = await AsyncConnection.connect(
            settings.database_url, autocommit=True, connect_timeout=10, application_name="webscale_rl reader"
        )
        stack.push_async_callback(reader.close)
        held = await _claim_patiently(reader, shard_id, run_id, settings.config.hash, owner)
        clients = await _open_clients(stack, settings)
        writer = await stack.enter_async_context(FencedWriter(settings.database_url, held))
        worker = _Worker(reader, writer, clients, held, settings, first)
        try:
            await _run_until(stop, worker, writer)
            worker.judge_failures()
        except* WebscaleError as errors:
            error = _gravest(errors)
            if not isinstance(error, LeaseLost):
                stopped = isinstance(error, Stopping)
                await writer.flush(
                    closing="open" if stopped else "failed", error="" if stopped else str(error)
                )
            raise error from None
        left = first is not None or worker.counts[DocumentState.FAILED]
        await writer.flush(closing="open" if left else "done")
        return worker.summary()


class _Worker:
    def __init__(
        self,
        reader: AsyncConnection[Any],
        writer: FencedWriter,
        clients: Mapping[str, EndpointClient],
        held: Claim,
        settings: WorkerSettings,
        first: int | None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._clients = clients
        self._claim = held
        self._settings = settings
        self._first = first
        self._in_flight = asyncio.Semaphore(settings.max_in_flight)
        self._failed_in_a_row = 0
        self._faults = 0
        self._last_fault = ""
        self.counts: Counter[DocumentState] = Counter()
        self.pairs = 0

    async def run(self) -> None:
        """Send every document of the shard that is not final yet."""
        async with asyncio.TaskGroup() as group:
            async for documents in self._windows():
                results = await self._results(documents)
                known = await self._known_calls([document.id for document in documents])
                for document in documents:
                    if (before := results.get(document.id)) and before[0] != DocumentState.FAILED:
                        self._count(DocumentState(before[0]), before[1])
                        continue
                    await self._in_flight.acquire()
                    self._writer.check()
                    group.create_task(self._convert(document, known.get(document.id, KnownCalls())))

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

    async def _convert(self, document: Document, known: KnownCalls) -> None:
        try:
            origin = self._claim.origin
            asker = Asker(document.id, known, self._clients, self._writer, origin)
            outcome = await self._outcome(document, asker)
            for table, row in outcome_rows(outcome, self._claim.config_hash, origin):
                self._writer.add(table, row)
            self._count(outcome.state, outcome.accepted)
            self._watch(outcome, sent=asker.sent > 0)
        finally:
            self._in_flight.release()

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

    def _watch(self, outcome: DocumentOutcome, *, sent: bool) -> None:
        """Break the circuit when document after document fails in transport: the endpoint is gone."""
        if outcome.reason in FAULTS:
            self._faults += 1
            self._last_fault = outcome.detail
        if outcome.reason != "endpoint":
            if sent:  # else it says nothing about the endpoint
                self._failed_in_a_row = 0
            return
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= BREAKER:
            raise ShardFailed(
                f"{BREAKER} documents in a row failed by faults of the endpoint; the last: {outcome.detail}. "
                "Bring the endpoint back and run again: what was answered is kept."
            )

    async def _windows(self) -> AsyncIterator[list[Document]]:
        cursor = await self._reader.execute("SELECT uri FROM shards WHERE id = %s", (self._claim.shard_id,))
        row = await cursor.fetchone()
        if row is None:
            raise ShardFailed(f"shard {self._claim.shard_id} is not in the database: cut the corpus again")
        groups = read_shard(row[0])
        left = self._first
        while left != 0 and (group := await asyncio.to_thread(_next, groups)) is not None:
            group = group[:left]
            left = None if left is None else left - len(group)
            for start in range(0, len(group), WINDOW):
                yield group[start : start + WINDOW]

    async def _results(self, documents: list[Document]) -> dict[str, tuple[str, int]]:
        cursor = await self._reader.execute(
            "SELECT document_id, state, n_accepted FROM document_results "
            "WHERE config_hash = %s AND document_id = ANY(%s)",
            (self._claim.config_hash, [document.id for document in documents]),
        )
        return {document_id: (state, accepted) async for document_id, state, accepted in cursor}

    async def _known_calls(self, document_ids: list[str]) -> dict[str, KnownCalls]:
        """Return what the ledger holds of these documents."""
        cursor = await self._reader.execute(
            "SELECT document_id, call_key, attempt, valid, CASE WHEN valid THEN response END "
            "FROM llm_calls WHERE document_id = ANY(%s) ORDER BY document_id, call_key, attempt",
            (document_ids,),
        )
        known: dict[str, KnownCalls] = {}
        async for document_id, key, attempt, valid, response in cursor:
            calls = known.setdefault(document_id, KnownCalls())
            calls.attempts[key] = attempt
            if valid:
                calls.valid[key] = response
        return known


async def _claim_patiently(
    connection: AsyncConnection[Any], shard_id: str, run_id: str, config_hash: str, owner: str
) -> Claim:
    """Claim the conversion, waiting for the lease of a worker that may have died."""
    deadline = time.monotonic() + CLAIM_WAIT_SECONDS
    while True:
        try:
            return await claim(connection, shard_id, config_hash, run_id, owner)
        except ShardBusy:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(1)


async def _open_clients(stack: AsyncExitStack, settings: WorkerSettings) -> dict[str, EndpointClient]:
    """Return a client for every role; roles with the same endpoint share one, and its ceiling."""
    clients: dict[str, EndpointClient] = {}
    for role, endpoint in settings.endpoints.items():
        shared = [client for client in clients.values() if client.endpoint == endpoint]
        clients[role] = (
            shared[0]
            if shared
            else await stack.enter_async_context(
                EndpointClient(endpoint, max_in_flight=settings.max_in_flight)
            )
        )
    return clients


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
            await asyncio.wait({running}, timeout=STOP_SECONDS)
            if not running.done():
                running.cancel()
                await asyncio.wait({running})
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
    for kind in (LeaseLost, Stopping):
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
