"""How hard the pairs are for whom, and how far the models' verdicts can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from webscale_rl.rewards.prompt import PROMPT_VERSION

ROLES = ("generator", "checker", "second_solver")


@dataclass(frozen=True)
class Solver:
    """Attempts of one solver, at one temperature, at pairs of the release; ``batch`` is set for rollouts."""

    name: str
    temperature: float
    batch: str
    pairs: int
    attempts: int
    successes: int
    unsure: int
    unanswered: int


class Solvers:
    """Adds up the attempts at the pairs of a release, a batch of ids at a time."""

    _QUERY = text(
        """
        SELECT solver, temperature, batch, count(*), sum(attempts), sum(successes), sum(unsure), sum(unanswered)
        FROM solver_attempts
        WHERE pair_id = ANY(:pairs) AND condition = 'question' AND prompt_version = :version GROUP BY 1, 2, 3
        """
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sums: dict[tuple[str, float, str], list[int]] = {}

    def add(self, pair_ids: Sequence[str]) -> None:
        """Add the attempts at these pairs."""
        values = {"pairs": list(pair_ids), "version": PROMPT_VERSION}
        for solver, temperature, batch, *counts in self._connection.execute(self._QUERY, values):
            sums = self._sums.setdefault((solver, temperature, batch), [0] * len(counts))
            for place, count in enumerate(counts):
                sums[place] += int(count)

    def solvers(self) -> tuple[Solver, ...]:
        """Return them, the most attempts first."""
        every = [Solver(*name, *sums) for name, sums in self._sums.items()]
        return tuple(
            sorted(every, key=lambda each: (-each.attempts, each.name, each.temperature, each.batch))
        )


@dataclass(frozen=True)
class Share:
    """``k`` of ``n``, with its 95 % interval."""

    k: int
    n: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Share:
        """Return a share as a calibration stores it."""
        return cls(**{name: stored[name] for name in ("k", "n", "share", "low", "high")})


@dataclass(frozen=True)
class StageTrust:
    """How much of what it must flag a stage flags, and of what must pass."""

    stage: str
    sensitivity: Share
    false_alarms: Share
    at_chance: bool
    unusable: int


@dataclass(frozen=True)
class CheckTrust:
    """Gate and check together at one depth.

    ``precision``: (share of defective candidates, share of good pairs among the accepted, its low, its high end).
    """

    depth: str
    good_accepted: Share
    caught: Share
    precision: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Trust:
    """The newest calibration with the models of the runs."""

    id: str
    models: Mapping[str, str]
    n_items: int
    same_prompts: bool
    stages: tuple[StageTrust, ...]
    checks: tuple[CheckTrust, ...]
    recommendations: tuple[str, ...]


def newest_calibration(connection: Connection, run_ids: Sequence[str]) -> Trust | None:
    """Return the newest calibration whose models are those of a run; None where there is none."""
    configs = connection.execute(
        text(
            "SELECT DISTINCT c.config_hash, c.content FROM runs r JOIN configurations c USING (config_hash) "
            "WHERE r.id = ANY(:runs) ORDER BY 1"
        ),
        {"runs": list(run_ids)},
    ).all()
    stored = connection.execute(text("SELECT * FROM calibrations ORDER BY created_at DESC, id")).mappings()
    for row in stored:
        alike = [config for _, config in configs if _same_models(row["models"], config)]
        if alike:
            versions = row["prompt_versions"]
            return _trust(dict(row), any(config["prompt_versions"] == versions for config in alike))
    return None


def _same_models(models: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Say whether a calibration was made with a configuration's models, perhaps without the second solver."""
    return all(
        models.get(role) == config.get(role) for role in ROLES if models.get(role) or role != "second_solver"
    )


def _trust(row: Mapping[str, Any], same_prompts: bool) -> Trust:
    results = row["results"]
    return Trust(
        id=row["id"],
        models={
            role: "@".join(filter(None, (model["model"], model["revision"])))
            for role, model in sorted(row["models"].items())
        },
        n_items=row["n_items"],
        same_prompts=same_prompts,
        stages=tuple(
            StageTrust(
                stage=stage["stage"],
                sensitivity=Share.of(stage["sensitivity"]),
                false_alarms=Share.of(stage["false_alarms"]),
                at_chance=stage["separation"]["low"] <= 0,
                unusable=stage["unusable"],
            )
            for stage in results["stages"]
        ),
        checks=tuple(
            CheckTrust(
                depth=check["depth"],
                good_accepted=Share.of(check["good_accepted"]),
                caught=Share.of(check["caught_all"]),
                precision=tuple(
                    (each["defective"], each["share"], each["low"], each["high"])
                    for each in check["precision"]
                ),
            )
            for check in results["checks"]
        ),
        recommendations=tuple(results["recommendations"]),
    )
