"""What the pairs have cost: calls, tokens and seconds of calls, by stage, and GPU time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from webscale_rl.store.queries import DOCUMENTS_OF_RUNS


@dataclass(frozen=True)
class StageCost:
    """Calls of one stage. ``computed`` tokens are those of prompts that were not served from a prefix cache."""

    stage: str
    calls: int
    unusable: int  # of the calls: their answer could not be used
    computed: int
    cached: int
    generated: int
    seconds: float  # sum of the latencies

    def __add__(self, other: StageCost) -> StageCost:
        return StageCost(
            self.stage,
            self.calls + other.calls,
            self.unusable + other.unusable,
            self.computed + other.computed,
            self.cached + other.cached,
            self.generated + other.generated,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True)
class Costs:
    """What the runs have asked, and how many accepted pairs they wrote themselves.

    Answers that the ledger already held cost these runs nothing: neither those calls nor the pairs that an earlier
    run had finished are in here.
    """

    stages: tuple[StageCost, ...]  # the one that takes most tokens first
    pairs: int
    others_pairs: int  # accepted pairs of the same documents that other runs have paid for
    busy_seconds: float  # in which at least one call was under way
    gpus: int  # that served the calls, as somebody said; 0 where nobody did

    @property
    def total(self) -> StageCost:
        """The sum of the stages."""
        return sum(self.stages, StageCost("all", 0, 0, 0, 0, 0, 0.0))

    @property
    def gpu_seconds(self) -> float | None:
        """GPU seconds of the runs: all GPUs count while a call is under way. None where their number is not known."""
        return self.busy_seconds * self.gpus if self.gpus else None


# The union of the calls' intervals: what of each call lies behind the latest end before it.
_BUSY = text(
    """
    SELECT coalesce(sum(extract(epoch FROM ended - greatest(began, coalesce(before, began)))), 0)
    FROM (
        SELECT began, ended,
               max(ended) OVER (ORDER BY began, ended ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM (
            SELECT created_at - latency_ms * interval '1 millisecond' AS began, created_at AS ended
            FROM llm_calls WHERE run_id = ANY(:runs)
        ) calls
    ) ordered
    WHERE before IS NULL OR ended > before
    """
)


def costs(connection: Connection, run_ids: Sequence[str], gpus: int) -> Costs:
    """Return what the runs have asked."""
    query = text(
        """
        SELECT stage, count(*), sum((NOT valid)::int), sum(prompt_tokens - cached_tokens), sum(cached_tokens),
               sum(completion_tokens), sum(latency_ms)
        FROM llm_calls WHERE run_id = ANY(:runs) GROUP BY 1
        """
    )
    by_stage: dict[str, StageCost] = {}
    for stage, *sums in connection.execute(query, {"runs": list(run_ids)}):
        name = re.sub(r"_\d+$", "", stage)  # repeated solves such as `solve_2` count with the first
        calls, unusable, computed, cached, generated, milliseconds = (int(value) for value in sums)
        cost = StageCost(name, calls, unusable, computed, cached, generated, milliseconds / 1_000)
        by_stage[name] = by_stage[name] + cost if name in by_stage else cost
    paid = text(
        f"""
        SELECT count(*) FILTER (WHERE q.run_id = ANY(:runs)), count(*) FILTER (WHERE q.run_id <> ALL(:runs))
        FROM ({DOCUMENTS_OF_RUNS}) m JOIN questions q USING (config_hash, document_id) WHERE q.state = 'accepted'
        """
    )
    own, others = connection.execute(paid, {"runs": list(run_ids)}).one()
    ordered = sorted(by_stage.values(), key=lambda cost: (-cost.computed - cost.generated, cost.stage))
    busy = float(connection.execute(_BUSY, {"runs": list(run_ids)}).scalar_one())
    return Costs(tuple(ordered), own, others, busy, gpus)
