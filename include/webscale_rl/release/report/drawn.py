"""Which picture shows what of a release: from `ReportData` to `pictures`, a function for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import Markup

from webscale_rl.release.report import pictures
from webscale_rl.release.report.counted import GRADES, Lengths
from webscale_rl.release.report.data import ReportData
from webscale_rl.release.report.diversity import Diversity
from webscale_rl.release.report.measured import Share
from webscale_rl.release.report.pictures import Bar, Column, Interval, Intervals, Layer, Pairing
from webscale_rl.release.report.spending import StageCost
from webscale_rl.release.report.words import count, few, percent, seen

SHOWN_VALUES = 20
COLUMNS = 10  # of a histogram
WIDTHS = (1, 2, 5)  # of a column, times powers of ten
GRADE_TONES = ("hard", "middling", "easy", "track")
COST_PARTS = ("computed", "generated", "cached")
NEIGHBOUR = "similarity to the nearest other question"
DIVERSITY: tuple[tuple[str, str, Callable[[Diversity], float | None]], ...] = (
    ("three words in a row that are distinct", "more is more diverse", lambda each: each.trigrams),
    ("first four words that are distinct", "more is more diverse", lambda each: each.openings),
    ("personas that are distinct", "more is more diverse", lambda each: each.personas),
    (NEIGHBOUR, "less is more diverse", lambda each: each.neighbour),
)


def funnel(data: ReportData, unit: str) -> Markup:
    """Draw the steps of documents, or those of questions."""
    layers = [
        Layer(step.label, step.count, tuple((loss.words, loss.tone, loss.count) for loss in step.lost))
        for step in data.steps
        if step.unit == unit
    ]
    return pictures.funnel(f"Funnel of {unit}", layers)


def counts(title: str, counted: Mapping[str, int], total: int, tone: str = "accent") -> Markup:
    """Draw how often each value occurs, and its share of ``total``; the rare ones together."""
    shown = dict(list(counted.items())[:SHOWN_VALUES])
    rest = sum(counted.values()) - sum(shown.values())
    if rest:
        shown[f"{count(len(counted) - SHOWN_VALUES)} others"] = rest
    return pictures.bars(title, [Bar.of(name, number, total, tone) for name, number in shown.items()])


def by_count(counted: Mapping[str, int]) -> dict[str, int]:
    """Return counts with the largest first."""
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def personas(data: ReportData) -> Markup:
    """Draw for whom most questions are."""
    rows = [Bar.of(name, number, data.counted.rows) for name, number in data.counted.personas.top]
    return pictures.bars("Most frequent personas", rows)


def lengths(of: Lengths) -> Markup:
    """Draw a histogram of lengths; its last column takes the longest two in a hundred."""
    return pictures.histogram(f"Length of each {of.of} in {of.unit}", columns(of))


def columns(of: Lengths) -> list[Column]:
    """Return round columns of equal width; the last one is open."""
    least, most = min(of.counts, default=0), of.quantile(0.98)
    width = next(
        width
        for power in range(9)
        for width in (factor * 10**power for factor in WIDTHS)
        if most // width - least // width < COLUMNS
    )
    first = least // width
    numbers = [0] * (most // width - first + 1)
    for length, number in of.counts.items():
        numbers[min(length // width - first, len(numbers) - 1)] += number
    starts = [(first + place) * width for place in range(len(numbers))]
    is_open = max(of.counts, default=0) >= starts[-1] + width
    labels = [_compact(start) if width == 1 else f"{_compact(start)}–" for start in starts]
    if is_open:
        labels[-1] = f"≥ {_compact(starts[-1])}"
    return [Column(label, number) for label, number in zip(labels, numbers, strict=True)]


def pass_rates(data: ReportData) -> Markup:
    """Draw how many pairs lie in each band of pass rates, with the learnable middle shaded."""
    bands = [Column(f"{band * 10}–", number) for band, number in enumerate(data.counted.pass_rates)]
    return pictures.histogram("Pairs by pass rate in per cent", bands, shaded=(0.3, 0.7))


def grades(data: ReportData) -> Markup:
    """Draw, for each task form, how its pairs divide into hard, learnable and easy ones."""
    rows = [
        Bar(
            form,
            tuple((tone, number / sum(numbers)) for tone, number in zip(GRADE_TONES, numbers, strict=True)),
            f"{percent(numbers[1] / sum(numbers))} {GRADES[1]}, of {count(sum(numbers))}",
        )
        for form, numbers in data.counted.grades.items()
    ]
    return pictures.bars("Difficulty by task form", rows, full=1)


def stage_trust(data: ReportData) -> Markup:
    """Draw, of every stage, what it flags of what it must flag, and of what must pass."""
    rows = [
        _intervals(
            stage.stage, ("faults", stage.sensitivity, "accepted"), ("good", stage.false_alarms, "rejected")
        )
        for stage in (data.trust.stages if data.trust else ())
    ]
    return pictures.intervals("How well each stage tells good from bad", rows)


def check_trust(data: ReportData) -> Markup:
    """Draw, at every depth, what gate and check together catch and let pass."""
    rows = [
        _intervals(
            check.depth,
            ("caught", check.caught, "accepted"),
            ("good accepted", check.good_accepted, "accent"),
        )
        for check in (data.trust.checks if data.trust else ())
    ]
    return pictures.intervals("Gate and check together", rows)


def costs(data: ReportData) -> Markup:
    """Draw the tokens of each stage for an accepted pair."""
    pairs = data.costs.pairs or 1
    rows = [
        Bar(
            cost.stage,
            tuple((part, _tokens(cost, part) / pairs) for part in COST_PARTS),
            f"{few(cost.computed / pairs)} computed + {few(cost.generated / pairs)} generated",
        )
        for cost in data.costs.stages
    ]
    return pictures.bars("Tokens for an accepted pair, by stage", rows)


def computed(data: ReportData) -> Markup:
    """Draw the same without what came from the cache."""
    pairs = data.costs.pairs or 1
    rows = [
        Bar(
            cost.stage,
            tuple((part, _tokens(cost, part) / pairs) for part in COST_PARTS[:2]),
            few((cost.computed + cost.generated) / pairs),
        )
        for cost in data.costs.stages
    ]
    return pictures.bars("Tokens that take GPU time, by stage", rows)


def solvers(data: ReportData) -> Markup:
    """Draw how the attempts of each solver ended."""
    rows = []
    for each in data.solvers:
        wrong = each.attempts - each.successes - each.unsure - each.unanswered
        ends = (
            ("middling", each.successes),
            ("rejected", each.unsure),
            ("pending", each.unanswered),
            ("hard", wrong),
        )
        parts = tuple((tone, number / (each.attempts or 1)) for tone, number in ends)
        right = percent(each.successes / each.attempts if each.attempts else None)
        note = f"{right} right of {count(each.attempts)}, at temperature {each.temperature:g}"
        rows.append(Bar(f"{each.name}, rollouts {each.batch[:8]}" if each.batch else each.name, parts, note))
    return pictures.bars("Attempts of each solver", rows, full=1)


def diversity(data: ReportData, measure: int) -> Markup:
    """Draw one measure of diversity: the release, and each other run beside as many questions of the release."""
    name, _, of = DIVERSITY[measure]
    whole = of(data.diversity)
    rows = []
    if whole is not None:
        rows.append(
            Pairing("this release", f"{percent(whole)} of {count(data.diversity.questions)}", whole, None)
        )
    for other in data.others:
        ours, theirs = of(other.ours), of(other.theirs)
        if ours is not None and theirs is not None:
            note = f"{percent(ours)} here, {percent(theirs)} there, of {count(other.theirs.questions)}"
            name_of_run = f"{other.run_id} (in this release)" if other.inside else other.run_id
            rows.append(Pairing(name_of_run, note, ours, theirs))
    return pictures.dumbbells(f"Share of {name}" if name != NEIGHBOUR else f"Mean {name}", rows)


def reason_bar(number: int, largest: int, tone: str, title: str) -> Markup:
    """Draw the bar in the line of a reason."""
    return Markup(
        '<svg class="line" width="100%" height="10" role="img" aria-label="{}">'
        '<rect class="{}" width="{:.2f}%" height="10" rx="2"/></svg>'
    ).format(seen(title), tone, max(100 * number / (largest or 1), 0.5))


def _intervals(label: str, *shares: tuple[str, Share, str]) -> Intervals:
    tested = [(name, share, tone) for name, share, tone in shares if share.n]
    note = ", ".join(f"{name} {count(share.k)}/{count(share.n)}" for name, share, _ in tested)
    dots = tuple(Interval(tone, share.share, share.low, share.high) for _, share, tone in tested)
    return Intervals(label, note or "no item tests this", dots)


def _tokens(cost: StageCost, part: str) -> int:
    return {"computed": cost.computed, "cached": cost.cached, "generated": cost.generated}[part]


def _compact(number: int) -> str:
    return f"{number / 1000:g}k" if number >= 1000 else str(number)
