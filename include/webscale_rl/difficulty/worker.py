"""One worker: has solvers attempt the accepted pairs of one shard, and records what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from webscale_rl.difficulty.attempts import Attempt, Tally, attempts_at, solver_name
from webscale_rl.difficulty.conditions import Condition
from webscale_rl.difficulty.config import DifficultyConfig
from webscale_rl.difficulty.marks import marks_of
from webscale_rl.difficulty.pairs import COLUMNS, SHARD_PAIRS, Pair
from webscale_rl.errors import EndpointError, RequestRejected, WebscaleError
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.ledger import Asker, KnownCalls
from webscale_rl.llm.purse import Amount
from webscale_rl.shard_work import Desk, Turn, work_shard
from webscale_rl.store.conversions import LEASE_SECONDS
from webscale_rl.store.reader import known_attempts

logger = logging.getLogger(__name__)

NOW = "now"  # the time of the transaction, as PostgreSQL reads it
WINDOW = 32  # documents whose known attempts are looked up at once: many and long
MOST_OPEN = 512  # pairs at a time, each with several responses: of a rerun, all of them known and long
CLAIM_WAIT_SECONDS = LEASE_SECONDS + 5  # the lease of a worker that died runs out within this


@dataclass(frozen=True)
class MeasureSettings:
    """What a worker needs beside the shard.

    ``endpoints`` by role, in the order of the connections. ``sources`` are the configurations whose accepted pairs
    are measured. ``attempts`` at each pair and condition. The rest as for ``worker.WorkerSettings``.
    """

    database_url: str  # as libpq reads it
    endpoints: Mapping[str, Endpoint]
    config: DifficultyConfig
    sources: Sequence[str]
    attempts: int
    max_in_flight: int | None = None
    max_failed_share: float = 0.05
    budget: Amount | None = None


async def measure_shard(
    shard_id: str, run_id: str, settings: MeasureSettings, *, owner: str, stop: asyncio.Event
) -> dict[str, int]:
    """Have every solver attempt the pairs of a shard, and return counts of (pair, solver).

    Attempts that the ledger holds are not asked again, and are judged anew by today's rules.

    Raises:
        ShardBusy, EndpointRefusal, ShardFailed, LeaseLost, Stopping: as for ``shard_work.work_shard``.
    """
    return await work_shard(
        shard_id,
        run_id,
        settings.config.hash,
        settings,
        lambda desk: _Measurement(desk, settings),
        owner=owner,
        stop=stop,
        claim_seconds=CLAIM_WAIT_SECONDS,
    )


class _Measurement:
    """The pairs of a shard before the solvers."""

    def __init__(self, desk: Desk, settings: MeasureSettings) -> None:
        self._desk = desk
        self._settings = settings
        self._counts: Counter[str] = Counter()

    async def run(self) -> None:
        """Send every pair to every solver; a solver does not wait for another."""
        claim = self._desk.claim
        rows = await self._desk.reader.rows(
            SHARD_PAIRS, (list(self._settings.sources), claim.shard_id, claim.run_id)
        )
        pairs = [Pair.read(dict(zip(COLUMNS, row, strict=True))) for row in rows]
        async with asyncio.TaskGroup() as group:
            for role in self._settings.endpoints:
                group.create_task(self._solve(role, pairs))

    def total(self) -> tuple[int, str]:
        """Return the number of (pair, solver) that were tried."""
        return self._counts["measured"] + self._counts["failed"], "measurements"

    def is_complete(self) -> bool:
        """Say whether every pair was measured with every solver."""
        return not self._counts["failed"]

    def summary(self) -> dict[str, int]:
        """Return the counts, as an XCom may hold them."""
        names = ("measured", "failed", "attempts", "successes", "unsure", "unanswered", "marks")
        return {name: self._counts[name] for name in names}

    async def _solve(self, role: str, pairs: Sequence[Pair]) -> None:
        desk = self._desk
        solver = self._settings.endpoints[role]
        async with asyncio.TaskGroup() as group:
            for window in _windows(pairs):
                known = await known_attempts(
                    desk.reader, sorted({pair.document_id for pair in window}), solver
                )
                for pair in window:
                    await desk.room(role, most_open=MOST_OPEN)
                    desk.writer.check()
                    calls = known.setdefault(pair.document_id, KnownCalls())
                    group.create_task(self._measure(pair, role, calls, Turn(desk, role)))
                    await asyncio.sleep(0)  # it may have nothing to ask, and be done
            desk.exhaust(role)

    async def _measure(self, pair: Pair, role: str, known: KnownCalls, turn: Turn) -> None:
        try:
            found = await self._attempted(pair, role, self._desk.asker(pair.document_id, known, turn))
            if found is None:
                self._counts["failed"] += 1
                return
            marks = await asyncio.to_thread(marks_of, pair, found, self._settings.config.suspect_attempts)
            self._counts["measured"] += 1
            self._counts["marks"] += len(marks)
            solver = solver_name(self._settings.endpoints[role])
            # All at once: attempts take the mark of their condition away, and a new one stands in the same flush.
            for condition, attempts in found.items():
                if attempts:
                    self._record(pair, solver, condition, Tally.of(attempts))
            for mark in marks:
                said = {"pair_id": pair.id, "mark": mark.mark.value, "detail": mark.detail}
                self._desk.writer.add("pair_marks", {**said, "found_by": solver, "updated_at": NOW})
        finally:
            turn.end()

    async def _attempted(self, pair: Pair, role: str, asker: Asker) -> dict[Condition, list[Attempt]] | None:
        """Return the attempts by condition; None where some of them failed, which is for another run to try."""
        settings = self._settings
        found: dict[Condition, list[Attempt]] | None = None
        try:
            found = {
                condition: await attempts_at(
                    pair, condition, settings.attempts, settings.config.sampling, asker, role=role
                )
                for condition in settings.config.conditions
            }
        except* (EndpointError, RequestRejected) as errors:
            first = _first(errors)
            logger.warning("pair %s, %s: %s", pair.id, role, first)
            if isinstance(first, EndpointError):
                self._desk.note_fault(str(first))
        except* WebscaleError:
            raise
        except* Exception as errors:  # a defect of ours costs no other pair
            logger.exception("pair %s, %s", pair.id, role)
            first = _first(errors)
            self._desk.note_fault(f"{type(first).__name__}: {first}"[:300])
        return found

    def _record(self, pair: Pair, solver: str, condition: Condition, tally: Tally) -> None:
        if condition is Condition.QUESTION:
            self._counts.update(asdict(tally))
        row: dict[str, Any] = {
            "pair_id": pair.id,
            "solver": solver,
            "prompt_version": condition.prompt_version,
            "temperature": self._settings.config.temperature,
            "condition": condition.value,
            "batch": "",
            **asdict(tally),
            "updated_at": NOW,
        }
        self._desk.writer.add("solver_attempts", row)


def _windows(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """Yield the pairs of so many documents at a time; those of one document share what is known of it."""
    window: list[Pair] = []
    for number, (_, group) in enumerate(groupby(pairs, key=lambda pair: pair.document_id), start=1):
        window.extend(group)
        if number % WINDOW == 0:
            yield window
            window = []
    if window:
        yield window


def _first(errors: BaseExceptionGroup[Exception]) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
