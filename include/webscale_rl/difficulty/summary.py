"""What a run has measured, in numbers for people who choose pairs and groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Engine

from webscale_rl.difficulty.statistics import BANDS, band, mixed_share
from webscale_rl.rewards.prompt import PROMPT_VERSION

LEARNABLE = (0.3, 0.7)  # pass rates, ends included


@dataclass(frozen=True, slots=True)
class Alike:
    """Pairs with so many successes in so many attempts each. ``unsure`` and ``unanswered`` are of all of them."""

    attempts: int
    successes: int
    pairs: int
    unsure: int
    unanswered: int


@dataclass(frozen=True)
class Spread:
    """How attempts at a set of pairs came out. Shares are of the pairs; None where there are none.

    ``pass_rates`` counts pairs in ten bands, [0, 0.1) to [0.9, 1]; ``learnable`` is the share from 0.3 to 0.7.
    ``mixed_groups`` is the expected share of groups of mixed outcome.
    """

    pairs: int
    attempts: int
    successes: int
    unsure: int
    unanswered: int
    pass_rates: list[int]
    learnable: float | None
    mixed_groups: float | None

    @classmethod
    def of(cls, counted: Sequence[Alike], group: int) -> Spread:
        """Return the spread of pairs (or pairs and solvers)."""
        pairs = sum(each.pairs for each in counted)
        rates = [0] * BANDS
        learnable, mixed = 0, 0.0
        for each in counted:
            rate = each.successes / each.attempts
            rates[band(rate)] += each.pairs
            learnable += each.pairs if LEARNABLE[0] <= rate <= LEARNABLE[1] else 0
            mixed += each.pairs * mixed_share(each.successes, each.attempts, group)
        return cls(
            pairs=pairs,
            attempts=sum(each.attempts * each.pairs for each in counted),
            successes=sum(each.successes * each.pairs for each in counted),
            unsure=sum(each.unsure for each in counted),
            unanswered=sum(each.unanswered for each in counted),
            pass_rates=rates,
            learnable=round(learnable / pairs, 4) if pairs else None,
            mixed_groups=round(mixed / pairs, 4) if pairs else None,
        )


@dataclass(frozen=True)
class Summary:
    """What is known of the pairs of a run. ``solvers`` is keyed by name, temperature and, of rollouts, batch.

    ``whole`` pools the attempts of all solvers at a pair, as ``pass_rate`` in the data set does; its ``mixed_groups``
    is the mean over pairs and solvers, since a group is sampled from one policy. ``missing`` are pairs, times
    solvers, that the run has not measured.
    """

    pairs: int
    missing: int
    group_size: int
    prompt_version: str
    whole: Spread
    solvers: dict[str, Spread]
    marks: dict[str, int]
    note: str = ""
    imported: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON and XComs have it."""
        return asdict(self)


_MINE = """
    WITH mine AS (
        SELECT DISTINCT q.pair_id
        FROM run_shards s JOIN documents d USING (shard_id)
        JOIN questions q ON q.config_hash = ANY(%(configs)s) AND q.document_id = d.document_id
        WHERE s.run_id = %(run)s AND q.state = 'accepted'
        UNION SELECT pair_id FROM solver_attempts WHERE batch = %(batch)s AND batch <> ''
    )
"""
# Counted there: millions of pairs have few different counts.
_ATTEMPTS = (
    _MINE
    + """
    , tried AS (
        SELECT pair_id, solver, temperature, batch, attempts, successes, unsure, unanswered
        FROM mine JOIN solver_attempts USING (pair_id)
        WHERE condition = 'question' AND prompt_version = %(version)s
    )
"""
)
_WHOLE = (
    _ATTEMPTS
    + """
    SELECT attempts::int, successes::int, count(*)::int, sum(unsure)::bigint, sum(unanswered)::bigint
    FROM (SELECT sum(attempts) AS attempts, sum(successes) AS successes, sum(unsure) AS unsure,
                 sum(unanswered) AS unanswered FROM tried GROUP BY pair_id) pooled
    GROUP BY 1, 2 ORDER BY 1, 2
"""
)
_BY_SOLVER = (
    _ATTEMPTS
    + """
    SELECT solver, temperature, batch, attempts, successes, count(*)::int, sum(unsure)::bigint,
           sum(unanswered)::bigint
    FROM tried GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""
)
_MARKS = (
    _MINE
    + "SELECT mark, count(DISTINCT pair_id) FROM mine JOIN pair_marks USING (pair_id) GROUP BY 1 ORDER BY 1"
)


def summarise(
    engine: Engine,
    run_id: str,
    configs: Sequence[str],
    *,
    solvers: Sequence[str],
    temperature: float,
    group: int,
    note: str = "",
    imported: dict[str, Any] | None = None,
) -> Summary:
    """Return what is known of the pairs of a run, whichever run measured them.

    Args:
        engine: of the service's database.
        run_id: of the run that measures, as ``runs`` has it.
        configs: whose accepted pairs it measures.
        solvers: by name, that were to measure at ``temperature``.
        temperature: of the run.
        group: size of a trainer's groups.
        note: for the reader.
        imported: what an import of rollouts has found, instead of a measurement.
    """
    values = {
        "run": run_id,
        "configs": list(configs),
        "version": PROMPT_VERSION,
        "batch": (imported or {}).get("batch", ""),
    }
    by_solver: dict[str, list[Alike]] = {}
    done = 0
    with engine.connect() as connection:
        count = connection.exec_driver_sql(_MINE + "SELECT count(*) FROM mine", values).scalar_one()
        pooled = [Alike(*row) for row in connection.exec_driver_sql(_WHOLE, values)]
        for solver, sampled, batch, *numbers in connection.exec_driver_sql(_BY_SOLVER, values):
            alike = Alike(*numbers)
            by_solver.setdefault(_named(solver, sampled, batch), []).append(alike)
            if not batch and solver in solvers and sampled == temperature:
                done += alike.pairs
        marks = {mark: int(number) for mark, number in connection.exec_driver_sql(_MARKS, values)}
    whole = Spread.of(pooled, group)
    each = Spread.of([alike for counted in by_solver.values() for alike in counted], group)
    return Summary(
        pairs=count,
        missing=0 if imported else count * len(solvers) - done,
        group_size=group,
        prompt_version=PROMPT_VERSION,
        whole=Spread(**{**asdict(whole), "mixed_groups": each.mixed_groups}),
        solvers={name: Spread.of(counted, group) for name, counted in sorted(by_solver.items())},
        marks=marks,
        note=note,
        imported=imported or {},
    )


def _named(solver: str, temperature: float, batch: str) -> str:
    origin = f", rollouts {batch[:12]}" if batch else ""
    return f"{solver}, temperature {temperature:g}{origin}"
