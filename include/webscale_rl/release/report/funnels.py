"""The funnels of several runs added up, and the steps from records to released pairs that a picture shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from webscale_rl.release.about import About
from webscale_rl.store.queries import Funnel, Level

Unit = Literal["documents", "questions"]


@dataclass(frozen=True)
class Loss:
    """What left between two steps, and how: ``tone`` is the state in which it ended."""

    words: str
    count: int
    tone: str


@dataclass(frozen=True)
class Step:
    """How many are left, and what was lost since the step before."""

    label: str
    unit: Unit
    count: int
    lost: tuple[Loss, ...] = ()


@dataclass(frozen=True)
class Levels:
    """The levels of the funnels of all runs together."""

    documents: Level
    parts: Level
    items: Level
    repairs: Level


def added(funnels: Sequence[Funnel]) -> Levels:
    """Return the sum of funnels. A document that two runs worked on counts in both, as each run says."""
    return Levels(
        documents=_sum(funnel.documents for funnel in funnels),
        parts=_sum(funnel.parts for funnel in funnels),
        items=_sum(funnel.items for funnel in funnels),
        repairs=_sum(funnel.repairs for funnel in funnels),
    )


def steps(levels: Levels, about: About) -> tuple[Step, ...]:
    """Return the steps in order: first those of documents, then those of questions."""
    documents, items = levels.documents, levels.items
    states = documents.states
    left = documents.total - states.get("bad_record", 0)
    taken = states.get("done", 0)
    with_pairs = documents.reasons.get("done", {}).get("with_pairs", 0)
    written = items.total - items.states.get("abstained", 0) - items.states.get("failed", 0)
    at_gate = sum(n for why, n in items.reasons.get("rejected", {}).items() if why.startswith("gate/"))
    accepted = items.states.get("accepted", 0)
    return (
        Step("Records read", "documents", documents.total),
        Step("Readable documents", "documents", left, _lost(("bad records", documents, "bad_record"))),
        Step(
            "Suitable, and finished",
            "documents",
            taken,
            _lost(
                ("rejected", documents, "rejected"),
                ("failed", documents, "failed"),
                ("pending", documents, "pending"),
            ),
        ),
        Step(
            "With an accepted pair",
            "documents",
            with_pairs,
            _some(Loss("without a pair", taken - with_pairs, "abstained")),
        ),
        Step("Questions planned", "questions", items.total),
        Step(
            "Written",
            "questions",
            written,
            _lost(("abstained", items, "abstained"), ("failed", items, "failed")),
        ),
        Step("Past the gate", "questions", written - at_gate, _some(Loss("by rules", at_gate, "rejected"))),
        Step(
            "Accepted by the check",
            "questions",
            accepted,
            _some(
                Loss("rejected", items.states.get("rejected", 0) - at_gate, "rejected"),
                Loss("disputed", items.states.get("disputed", 0), "disputed"),
            ),
        ),
        Step("In this release", "questions", about.rows, _left_out(about, accepted)),
    )


def _left_out(about: About, accepted: int) -> tuple[Loss, ...]:
    """Return what the release left out, by group; the same pair of two runs is one candidate."""
    groups: dict[str, int] = {}
    for reason, count in about.excluded.items():
        group = reason.partition("/")[0]
        groups[group] = groups.get(group, 0) + count
    largest_first = sorted(groups.items(), key=lambda pair: (-pair[1], pair[0]))
    twice = Loss("the same pair again", accepted - about.candidates, "abstained")
    return _some(twice, *(Loss(group, count, "rejected") for group, count in largest_first))


def _lost(*ends: tuple[str, Level, str]) -> tuple[Loss, ...]:
    return _some(*(Loss(words, level.states.get(state, 0), state) for words, level, state in ends))


def _some(*losses: Loss) -> tuple[Loss, ...]:
    return tuple(loss for loss in losses if loss.count > 0)


def _sum(levels: Iterable[Level]) -> Level:
    total = Level()
    for level in levels:
        for state, count in level.states.items():
            reasons = level.reasons.get(state, {})
            for reason, number in reasons.items():
                total.add(state, reason, number)
            total.add(state, "", count - sum(reasons.values()))
    return total
