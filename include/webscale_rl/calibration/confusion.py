"""From observations to confusions: counts, shares with their intervals, what the check as a whole lets pass."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from webscale_rl.calibration.items import Defect
from webscale_rl.records import Record

Z = 1.959964  # of a two-sided interval of 95 %
GOOD = Defect.NONE.value
DEFECTIVE_SHARES = (0.05, 0.1, 0.2, 0.4)  # of the candidates, for which the precision is estimated
SHOWN_WRONG = 10


class Observation(Record):
    """What one stage made of one item.

    ``must_flag`` is None where the item is no test of this stage. ``flagged`` is None where there was no usable
    answer. To flag is what the stage is there for: to reject, to disagree, to abstain, to call two answers different.
    """

    stage: str
    item_id: str
    label: str
    outcome: str
    must_flag: bool | None
    flagged: bool | None

    @property
    def right(self) -> bool | None:
        """Whether the stage did what it had to; None where that cannot be said."""
        return None if self.must_flag is None or self.flagged is None else self.must_flag == self.flagged


class Share(Record):
    """``k`` of ``n`` with the interval of Wilson (1927) for 95 %: the true share lies in it 19 times of 20."""

    k: int
    n: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, k: int, n: int) -> Self:
        """Return the share; of nothing, it may be anything."""
        if n == 0:
            return cls(k=0, n=0, share=0.5, low=0.0, high=1.0)
        p = k / n
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        # Nothing and all of n reach the ends; the sums above miss them by rounding.
        low, high = 0.0 if k == 0 else max(middle - half, 0.0), 1.0 if k == n else min(middle + half, 1.0)
        return cls(k=k, n=n, share=p, low=low, high=high)

    @classmethod
    def where(cls, holds: Iterable[bool]) -> Self:
        """Return the share of the values that are true."""
        values = list(holds)
        return cls.of(sum(values), len(values))

    def words(self) -> str:
        """Return it as a table shows it."""
        return f"{self.k}/{self.n} = {self.share:.2f} [{self.low:.2f}, {self.high:.2f}]" if self.n else "none"


class Difference(Record):
    """Of two independent shares, with the interval of Newcombe (1998), which rests on Wilson's."""

    difference: float
    low: float
    high: float

    @classmethod
    def of(cls, one: Share, other: Share) -> Self:
        """Return how much larger ``one`` is than ``other``."""
        difference = one.share - other.share
        below = math.hypot(one.share - one.low, other.high - other.share)
        above = math.hypot(one.high - one.share, other.share - other.low)
        return cls(
            difference=difference, low=max(difference - below, -1.0), high=min(difference + above, 1.0)
        )


class Cell(Record):
    """How many items of a label had an outcome."""

    label: str
    outcome: str
    count: int


class StageConfusion(Record):
    """One stage: what it flagged of what it had to, and of what it had to let pass.

    ``separation`` is sensitivity less false alarms: 0 is chance, 1 perfect.
    """

    stage: str
    cells: tuple[Cell, ...]
    sensitivity: Share
    false_alarms: Share
    recall: dict[str, Share]  # by label, where items of it have to be flagged
    separation: Difference
    wrong_items: tuple[str, ...]
    unusable: int  # items without a usable answer: in no share

    @property
    def at_chance(self) -> bool:
        """Whether these items cannot tell it from a coin: its balanced accuracy may be 0.5."""
        return self.separation.low <= 0.0


class Precision(Record):
    """Share of good pairs among the accepted, if so large a share of the candidates were defective."""

    defective: float
    share: float
    low: float
    high: float


class CheckConfusion(Record):
    """Gate and check together, at one depth."""

    depth: str
    cells: tuple[Cell, ...]
    good_accepted: Share
    caught: dict[str, Share]  # by defect
    caught_all: Share
    precision: tuple[Precision, ...]
    wrong_items: tuple[str, ...]
    unusable: int


def stage_confusions(observations: Sequence[Observation]) -> tuple[StageConfusion, ...]:
    """Return the confusion of every stage that was observed, in order of appearance."""
    return tuple(
        _confusion(stage, [seen for seen in observations if seen.stage == stage])
        for stage in dict.fromkeys(seen.stage for seen in observations)
    )


def check_confusion(depth: str, observations: Sequence[Observation]) -> CheckConfusion:
    """Return what gate and check accept at a depth, from observations of pairs by defect."""
    usable = [seen for seen in observations if seen.flagged is not None]
    bad = [seen for seen in usable if seen.label != GOOD]
    good_accepted = Share.where(not seen.flagged for seen in usable if seen.label == GOOD)
    missed = Share.where(not seen.flagged for seen in bad)
    known = good_accepted.n > 0 and missed.n > 0
    return CheckConfusion(
        depth=depth,
        cells=_cells(observations),
        good_accepted=good_accepted,
        caught=_by_label(bad),
        caught_all=Share.where(bool(seen.flagged) for seen in bad),
        precision=tuple(_precision(share, good_accepted, missed) for share in DEFECTIVE_SHARES if known),
        wrong_items=_wrong(observations),
        unusable=len(observations) - len(usable),
    )


def _confusion(stage: str, seen: Sequence[Observation]) -> StageConfusion:
    usable = [each for each in seen if each.right is not None]
    must, must_not = ([each for each in usable if each.must_flag is wanted] for wanted in (True, False))
    sensitivity = Share.where(bool(each.flagged) for each in must)
    false_alarms = Share.where(bool(each.flagged) for each in must_not)
    return StageConfusion(
        stage=stage,
        cells=_cells(seen),
        sensitivity=sensitivity,
        false_alarms=false_alarms,
        recall=_by_label(must),
        separation=Difference.of(sensitivity, false_alarms),
        wrong_items=_wrong(seen),
        unusable=sum(each.flagged is None for each in seen),
    )


def _cells(seen: Sequence[Observation]) -> tuple[Cell, ...]:
    counts = Counter((each.label, each.outcome) for each in seen)
    return tuple(
        Cell(label=label, outcome=outcome, count=n) for (label, outcome), n in sorted(counts.items())
    )


def _by_label(seen: Sequence[Observation]) -> dict[str, Share]:
    labels = sorted({each.label for each in seen})
    return {
        label: Share.where(bool(each.flagged) for each in seen if each.label == label) for label in labels
    }


def _wrong(seen: Sequence[Observation]) -> tuple[str, ...]:
    return tuple(each.item_id for each in seen if each.right is False)


def _precision(defective: float, accepted: Share, missed: Share) -> Precision:
    """Bounds put the unfavourable end of both intervals together, then the favourable: wider than 95 %."""

    def among(good: float, bad: float) -> float:
        passed = (1 - defective) * good + defective * bad
        return (1 - defective) * good / passed if passed else 0.0

    return Precision(
        defective=defective,
        share=among(accepted.share, missed.share),
        low=among(accepted.low, missed.high),
        high=among(accepted.high, missed.low),
    )


def sign_test(more: int, fewer: int) -> float:
    """Return the two-sided p of so uneven a split of paired changes, if both ways were equally likely."""
    n = more + fewer
    tail: int = sum(math.comb(n, k) for k in range(min(more, fewer) + 1))
    ways: int = 2**n  # an integer: of a thousand changes neither is a float
    return min(1.0, 2 * tail / ways)


def flagged_where(
    observations: Iterable[Observation], holds: Callable[[Observation], bool]
) -> dict[str, bool]:
    """Return, by item, whether it was flagged: of the usable observations for which something holds."""
    return {seen.item_id: seen.flagged for seen in observations if seen.flagged is not None and holds(seen)}
