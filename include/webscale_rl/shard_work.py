"""What every worker of a shard does, whatever its work: it claims, shares endpoints, and ends without a loss."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Protocol

from webscale_rl.errors import BudgetSpent, LeaseLost, ShardBusy, ShardFailed, Stopping, WebscaleError
from webscale_rl.governor import Governor
from webscale_rl.llm.admission import Admission
from webscale_rl.llm.endpoint import Endpoint, EndpointClient
from webscale_rl.llm.in_flight import InFlight
from webscale_rl.llm.ledger import Asker, KnownCalls
from webscale_rl.llm.purse import Amount, Purse
from webscale_rl.store.conversions import Claim, FencedWriter, claim
from webscale_rl.store.reader import Reader
from webscale_rl.store.spending import run_purse

MOST_OPEN = 4096  # units of work at a time, however many calls an endpoint takes: it bounds memory
STOP_SECONDS = 2.0  # Airflow kills a task five seconds after it asked it to stop


class Means(Protocol):
    """What a worker works with. ``endpoints`` by role; the rest as ``worker.WorkerSettings`` says."""

    @property
    def database_url(self) -> str: ...
    @property
    def endpoints(self) -> Mapping[str, Endpoint]: ...
    @property
    def max_in_flight(self) -> int | None: ...
    @property
    def max_failed_share(self) -> float: ...
    @property
    def budget(self) -> Amount | None: ...


class Work(Protocol):
    """One kind of work on one shard."""

    async def run(self) -> None:
        """Do what is left to do."""

    def total(self) -> tuple[int, str]:
        """Return how many units of work were looked at, and what they are, as in ``3, "documents"``."""

    def is_complete(self) -> bool:
        """Say whether nothing of the shard is left to do."""

    def summary(self) -> dict[str, int]:
        """Return the counts, as an XCom may hold them."""


class Turn:
    """A unit of work that was opened; until its first call, it will fill room at an endpoint soon."""

    def __init__(self, desk: Desk, role: str) -> None:
        self._desk = desk
        self._role = role
        self._silent = True
        desk.opened += 1
        desk.open += 1
        desk.silent[role] += 1
        self.priority = desk.opened

    def speak(self) -> None:
        """Note its first call."""
        if self._silent:
            self._silent = False
            self._desk.silent[self._role] -= 1

    def end(self) -> None:
        """Note its end."""
        self.speak()
        self._desk.open -= 1
        self._desk.moved.set()


class Desk:
    """What a worker has before it: its claim, reader and writer, and the endpoints by role.

    Args:
        reader: for questions to the database.
        writer: what takes the rows.
        held: the claim on the shard.
        means: what the worker was given.
    """

    def __init__(self, reader: Reader, writer: FencedWriter, held: Claim, means: Means) -> None:
        self.reader = reader
        self.writer = writer
        self.claim = held
        self.clients: dict[str, EndpointClient] = {}
        self.moved = asyncio.Event()  # a call or a unit has ended, or a limit has changed
        self.open = 0
        self.opened = 0
        self.silent: Counter[str] = (
            Counter()
        )  # open units that have not called yet, by the role they call first
        self._means = means
        self._in_flight = InFlight()
        self._admissions: dict[str, Admission] = {}  # by the name of the endpoint
        self._exhausted: set[str] = set()  # roles for which every unit is open or done
        self._faults = 0
        self._last_fault = ""

    async def open_endpoints(self, stack: AsyncExitStack) -> None:
        """Open a client for every role; roles on the same servers share one admission."""
        means, held = self._means, self.claim
        name = f"{held.shard_id}:{held.config_hash}:{held.epoch}"
        purse: Purse | None = None
        if means.budget is not None:
            purse = await stack.enter_async_context(
                run_purse(means.database_url, held.run_id, name, means.budget)
            )
        clients: list[EndpointClient] = []
        for role, endpoint in means.endpoints.items():
            client = next((client for client in clients if client.endpoint == endpoint), None)
            if client is None:
                admission = await self._admission(stack, endpoint, name)
                client = await stack.enter_async_context(
                    EndpointClient(endpoint, admission=admission, purse=purse)
                )
                clients.append(client)
            self.clients[role] = client

    async def _admission(self, stack: AsyncExitStack, endpoint: Endpoint, worker: str) -> Admission:
        admission = self._admissions.get(endpoint.name)
        if admission is None:
            admission = self._admissions[endpoint.name] = Admission(1, on_change=self.moved.set)
            means = self._means
            roles = {role for role, other in means.endpoints.items() if other.name == endpoint.name}
            await stack.enter_async_context(
                Governor(
                    means.database_url,
                    endpoint,
                    worker,
                    admission,
                    means.max_in_flight,
                    has_more=lambda: not roles <= self._exhausted,
                )
            )
        return admission

    async def room(self, role: str, *heeded: str, most_open: int = MOST_OPEN) -> None:
        """Wait until another unit may be opened: when the endpoint of ``role`` would have nothing else to do.

        Nor while more calls wait at the endpoints of the ``heeded`` roles than they take at a time.
        """
        first = self.clients[role].admission
        others = [self.clients[other].admission for other in (role, *heeded)]
        while (
            first.room <= self.silent[role]
            or self.open >= most_open
            or any(admission.waiting > admission.limit for admission in others)
        ):
            self.moved.clear()
            await self.moved.wait()

    def asker(self, document_id: str, known: KnownCalls, turn: Turn) -> Asker:
        """Return what asks on behalf of a document."""
        return Asker(
            document_id,
            known,
            self.clients,
            self.writer,
            self.claim.origin,
            priority=turn.priority,
            on_first_call=turn.speak,
            in_flight=self._in_flight,
        )

    def exhaust(self, *roles: str) -> None:
        """Note that no more units will be opened that call these roles."""
        self._exhausted.update(roles)

    def note_fault(self, detail: str) -> None:
        """Count a unit that failed by a fault of endpoint or code."""
        self._faults += 1
        self._last_fault = detail

    def judge_failures(self, total: int, units: str) -> None:
        """Raise ShardFailed when a larger share failed by faults than is allowed."""
        if self._faults > self._means.max_failed_share * total:
            raise ShardFailed(
                f"{self._faults} of {total} {units} of shard {self.claim.shard_id} failed by "
                f"faults of endpoint or code; the last: {self._last_fault}. What was answered is kept; run again."
            )

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


async def work_shard(
    shard_id: str,
    run_id: str,
    config_hash: str,
    means: Means,
    begin: Callable[[Desk], Work],
    *,
    owner: str,
    stop: asyncio.Event,
    claim_seconds: float,
) -> dict[str, int]:
    """Claim a shard under a configuration, do what is left of it, and return the counts of the work.

    Args:
        shard_id: which.
        run_id: under which run calls and results are recorded.
        config_hash: of the configuration, which names the work together with the shard.
        means: endpoints, limits, database.
        begin: makes the work.
        owner: of the claim, for people to read.
        stop: ends the work early, keeping what was answered.
        claim_seconds: how long to wait for the lease of a worker that may have died.

    Raises:
        ShardBusy: another worker holds the shard.
        EndpointRefusal: a setting of an endpoint is wrong.
        ShardFailed: too many calls failed in transport. What was answered is kept.
        LeaseLost, Stopping: this worker must not go on; another try will.
    """
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(Reader(means.database_url))
        held = await _claim_patiently(reader, shard_id, run_id, config_hash, owner, claim_seconds)
        writer = await stack.enter_async_context(FencedWriter(means.database_url, held))
        desk = Desk(reader, writer, held, means)
        await desk.open_endpoints(stack)
        work = begin(desk)
        error: WebscaleError | None = None
        try:
            await _run_until(stop, work, writer)
            desk.judge_failures(*work.total())
        except* WebscaleError as errors:
            error = _gravest(errors)
        await desk.settle(error, stop)
        if isinstance(error, LeaseLost):
            raise error
        if error is not None:
            closing = {Stopping: "open", BudgetSpent: "spent"}.get(type(error), "failed")
            await writer.close(closing, "" if closing == "open" else str(error))
            if closing != "spent":
                raise error
            return work.summary()
        await writer.close("done" if work.is_complete() else "open")
        return work.summary()


async def _claim_patiently(
    reader: Reader, shard_id: str, run_id: str, config_hash: str, owner: str, seconds: float
) -> Claim:
    """Claim the work, waiting for the lease of a worker that may have died."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await claim(await reader.connection(), shard_id, config_hash, run_id, owner)
        except ShardBusy:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(1)


async def _run_until(stop: asyncio.Event, work: Work, writer: FencedWriter) -> None:
    """Do the work; after ``stop``, calls in flight have a moment to end before they are given up.

    Raises:
        Stopping: it was stopped; and the errors of the work.
    """
    running = asyncio.create_task(work.run())
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


def _gravest(errors: BaseExceptionGroup[WebscaleError]) -> WebscaleError:
    """Return the error to act on: one that forbids writing, then one that says what to change."""
    flat = list(_flatten(errors))
    for kind in (LeaseLost, Stopping, BudgetSpent):
        if found := [error for error in flat if isinstance(error, kind)]:
            return found[0]
    return flat[0]


def _flatten(errors: BaseExceptionGroup[WebscaleError]) -> Iterator[WebscaleError]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flatten(error)
        else:
            yield error
