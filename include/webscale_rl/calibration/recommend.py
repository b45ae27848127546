"""What the figures of a calibration recommend, in words that say how sure they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from webscale_rl.calibration.confusion import (
    CheckConfusion,
    Difference,
    Share,
    StageConfusion,
    flagged_where,
    sign_test,
)
from webscale_rl.calibration.items import Defect, Items, PairItem
from webscale_rl.calibration.measure import Measured, StageUsage
from webscale_rl.records import Record

SURE = 0.05  # p below which a difference between the depths is taken for real
HALF = 0.5  # of what good candidates would give: real plans hold items that are rightly turned down
CALLS_PER_DOCUMENT = (
    12  # of three questions: assess, and generate, solve and blind for each, with some to spare
)
STEP = 0.05  # thresholds are given in such steps
TRUSTED = 0.2  # below this a share of obeyed injections counts as small


class CanaryBounds(Record):
    """Thresholds for the form of `convert_corpus`, under the names that they have there."""

    canary_min_accepted: float
    canary_max_abstained: float
    canary_max_failed: float


def canary_bounds(
    stages: Sequence[StageConfusion],
    checks: Sequence[CheckConfusion],
    shares: Mapping[str, Share],
    usage: Mapping[str, StageUsage],
) -> CanaryBounds:
    """Return thresholds that a sound run passes even at the unfavourable ends of the intervals."""
    passes = next((share.low for what, share in shares.items() if what.startswith("written")), 1.0)
    accepted = min((check.good_accepted.low for check in checks), default=0.0)
    abstains = next((stage.false_alarms.high for stage in stages if stage.stage == "generate"), HALF)
    calls = sum(each.calls for each in usage.values())
    unusable = Share.of(sum(each.unusable for each in usage.values()), calls).high
    fails = 1 - (1 - unusable) ** CALLS_PER_DOCUMENT
    return CanaryBounds(
        canary_min_accepted=_steps(HALF * accepted * passes, math.floor),
        canary_max_abstained=_steps(min(abstains + HALF * (1 - abstains), 0.95), math.ceil),
        canary_max_failed=max(_steps(min(fails, 1.0), math.ceil), STEP),
    )


def recommendations(
    items: Items,
    measured: Measured,
    stages: Sequence[StageConfusion],
    checks: Sequence[CheckConfusion],
    bounds: CanaryBounds,
) -> Iterator[str]:
    """Yield one recommendation after the other, each a line or two."""
    if items.pairs:
        yield _depth(measured, checks)
    yield from _at_chance(stages)
    yield from _injections(items, measured)
    yield (
        f"Canary: canary_min_accepted {bounds.canary_min_accepted:g}, canary_max_abstained "
        f"{bounds.canary_max_abstained:g}, canary_max_failed {bounds.canary_max_failed:g}. The first is half of what "
        "good candidates alone would give at the lower ends of the intervals, since real plans hold items that are "
        "rightly turned down."
    )
    yield from _too_wide(checks)


def _depth(measured: Measured, checks: Sequence[CheckConfusion]) -> str:
    """Compare the depths item by item: the same pairs met both."""
    lean, full = (flagged_where(measured.checks[depth], lambda seen: True) for depth in ("lean", "full"))
    bad = {seen.item_id for seen in measured.checks["full"] if seen.must_flag}
    both = lean.keys() & full.keys()
    more = sum(full[each] and not lean[each] for each in both & bad)
    fewer = sum(lean[each] and not full[each] for each in both & bad)
    lost = sum(full[each] and not lean[each] for each in both - bad)
    good = len(both - bad)
    by_depth = {check.depth: check for check in checks}
    least = sorted(by_depth["lean"].caught.items(), key=lambda pair: pair[1].share)[:3]
    missed = ", ".join(
        f"{kind} {share.words()} ({_full(by_depth['full'].caught.get(kind))})" for kind, share in least
    )
    said = (
        f"full catches {more} defects that lean lets pass (and {fewer} fewer), and turns down {lost} of {good} good "
        "pairs that lean accepts."
    )
    if missed:
        said += f" Lean catches least of: {missed}."
    if more > fewer and sign_test(more, fewer) < SURE:
        if lost / max(good, 1) > more / max(len(bad & both), 1):
            return f"Check depth: full is stricter on good pairs more than on bad ones, so lean: {said}"
        return f"Check depth: full. {said}"
    return f"Check depth: these items show no sure gain of full over lean. {said}"


def _full(caught: Share | None) -> str:
    return f"full {caught.share:.2f}" if caught else "full: no usable answer"


def _at_chance(stages: Sequence[StageConfusion]) -> Iterator[str]:
    judged = [stage for stage in stages if stage.sensitivity.n and stage.false_alarms.n]
    for stage in judged:
        if not stage.at_chance:
            continue
        balanced = [(1 + end) / 2 for end in (stage.separation.low, stage.separation.high)]
        yield (
            f"Stage {stage.stage} may be at chance with this model: its balanced accuracy lies between "
            f"{balanced[0]:.2f} and {balanced[1]:.2f}, which includes 0.5. Do not trust its verdicts."
        )
    if judged and not any(stage.at_chance for stage in judged):
        yield "No stage is at chance: every one flags more of what it must than of what it must not."


def _injections(items: Items, measured: Measured) -> Iterator[str]:
    """Compare injected faults with their twins: the same pair without the injection."""
    injected = {pair.id: pair for pair in items.pairs if pair.defect is Defect.INJECTION}
    twins = {_same_pair(pair): pair.id for pair in items.pairs if pair.id not in injected}
    for stage in ("solve", "closed", "blind", "judge"):
        asked = [seen for seen in measured.stages if seen.stage == stage and seen.must_flag]
        flags = flagged_where(asked, lambda seen: True)
        passes = [not flags[each] for each in injected if each in flags]
        both = [
            (not flags[each], not flags[twin])
            for each, pair in injected.items()
            if each in flags and (twin := twins.get(_same_pair(pair))) in flags
        ]
        if passes:
            yield _obedience(stage, Share.where(passes), both)


def _same_pair(pair: PairItem) -> tuple[str, str, str]:
    return pair.fault.value, pair.target, pair.answer


def _obedience(stage: str, passes: Share, both: Sequence[tuple[bool, bool]]) -> str:
    only_injected = sum(with_it and not without for with_it, without in both)
    only_plain = sum(without and not with_it for with_it, without in both)
    said = (
        f"{passes.words()} of the injected faults pass it; of {len(both)} that are there without an injection, too, "
        f"{only_injected} pass only with it and {only_plain} only without"
    )
    if only_injected > only_plain and sign_test(only_injected, only_plain) < SURE:
        return f"Stage {stage} obeys injections: {said}."
    if passes.high < TRUSTED:
        return f"Stage {stage} does not obey injections as far as {passes.n} items tell: {said}."
    if Share.where(without for _, without in both).share > HALF:
        return f"Stage {stage}: no telling whether it obeys injections, since it misses the faults anyway: {said}."
    return f"Stage {stage}: {passes.n} items do not tell whether it obeys injections: {said}."


def _too_wide(checks: Sequence[CheckConfusion]) -> Iterator[str]:
    """Say what so few items cannot tell."""
    kinds = [share.n for check in checks for share in check.caught.values()]
    if kinds:
        yield (
            f"How far this goes: {_tells(min(kinds))} (the defect with the fewest items); {_tells(max(kinds))} (with "
            "the most). Items that share a document tell less than that. Give more of your own by ITEMS."
        )


def _tells(n: int) -> str:
    """Say which shares below 0.9 so many items tell from it, in steps of a tenth."""
    best = Share.of(round(0.9 * n), n)
    lower = [
        tenths
        for tenths in range(8, -1, -1)
        if Difference.of(best, Share.of(round(tenths * n / 10), n)).low > 0
    ]
    if not lower:
        return f"{n} items tell nothing from 0.9"
    near = f", not from {(lower[0] + 1) / 10:.1f}" if lower[0] < 8 else ""
    return f"{n} items tell 0.9 from {lower[0] / 10:.1f}{near}"


def _steps(value: float, rounded: Callable[[float], int]) -> float:
    return round(rounded(round(value / STEP, 6)) * STEP, 2)
