"""Pictures as inline SVG, without a library: horizontal positions are per cent, so that texts keep their size.

Colours are classes of the page's style sheet, which knows light, dark and print. Each picture is one image to a
screen reader, with a title and a description in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from markupsafe import Markup

from webscale_rl.release.report import svg
from webscale_rl.release.report.svg import BOTH, LINE
from webscale_rl.release.report.words import count, percent, seen

BELOW, BAR = 22, 10  # pixels: of a row without its lines of text, and the bar in it


class Row(Protocol):
    """What stands above every bar or line."""

    @property
    def label(self) -> str: ...
    @property
    def note(self) -> str: ...


@dataclass(frozen=True)
class Bar:
    """One bar: its length is ``parts`` added up, each with its tone (a class of the style sheet)."""

    label: str
    parts: tuple[tuple[str, float], ...]
    note: str = ""  # at the right end of the line

    @classmethod
    def of(cls, label: str, number: float, total: float, tone: str = "accent") -> Bar:
        """Return a plain bar that says its number, and its share of a total."""
        share = f" · {percent(number / total)}" if total else ""
        return cls(label or "(none)", ((tone, number),), f"{count(number)}{share}")

    @property
    def length(self) -> float:
        """The sum of the parts."""
        return sum(number for _, number in self.parts)


def bars(title: str, rows: Sequence[Bar], *, full: float | None = None) -> Markup:
    """Draw horizontal bars, perhaps of several parts, each below its label.

    Args:
        title: of the picture.
        rows: from top to bottom.
        full: what the whole width stands for; the longest bar, where nothing is given.
    """
    scale = 100 / ((full or max((row.length for row in rows), default=0)) or 1)
    body, lines = Markup(), _lines(rows)
    height = lines * LINE + BELOW
    for place, row in enumerate(rows):
        top = place * height + lines * LINE + 3
        body += svg.heading(place * height, lines, row.label, row.note)
        body += Markup('<rect class="track" x="0" y="{}" width="100%" height="{}" rx="2"/>').format(top, BAR)
        start = 0.0
        for tone, number in row.parts:
            if number > 0:
                body += svg.rect(tone, start, top, max(number * scale, 0.25), BAR)
            start += number * scale
    return svg.picture(title, len(rows) * height, body, _said(rows))


@dataclass(frozen=True)
class Column:
    """One column of a histogram."""

    label: str
    number: int


def histogram(title: str, columns: Sequence[Column], *, shaded: tuple[float, float] | None = None) -> Markup:
    """Draw columns side by side, with their numbers on top.

    Args:
        title: of the picture.
        columns: from left to right.
        shaded: a band of the width, as shares from 0 to 1.
    """
    height, base = 150, 128
    width = 100 / max(len(columns), 1)
    tallest = max((column.number for column in columns), default=0) or 1
    # Long labels of narrow columns would run into one another.
    every = 2 if len(columns) > 6 and max(len(column.label) for column in columns) > 4 else 1
    body = Markup()
    if shaded:
        body += svg.rect("band", 100 * shaded[0], 4, 100 * (shaded[1] - shaded[0]), base - 4)
    for place, column in enumerate(columns):
        tall = round((base - 22) * column.number / tallest, 1) if column.number else 0
        tall = max(tall, 1) if column.number else 0
        middle = (place + 0.5) * width
        body += svg.rect("accent", place * width + 0.08 * width, base - tall, 0.84 * width, tall)
        if column.number:
            body += svg.text("small", f"{middle:.2f}%", base - tall - 4, _compact(column.number), "middle")
        if place % every == 0:
            body += svg.text("small muted", f"{middle:.2f}%", base + 15, column.label, "middle")
    body += Markup('<line class="axis" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(base)
    return svg.picture(title, height, body, (f"{column.label}: {count(column.number)}" for column in columns))


@dataclass(frozen=True)
class Layer:
    """One layer of a funnel: how many, and what left just before, each loss with its tone."""

    label: str
    number: int
    losses: tuple[tuple[str, str, int], ...] = ()


def funnel(title: str, layers: Sequence[Layer]) -> Markup:
    """Draw layers as wide as their numbers, joined by slopes on which the losses stand."""
    thick, slope, line = 20, 24, 22
    widest = max((layer.number for layer in layers), default=0) or 1
    body, top, said = Markup(), 0, []
    for place, layer in enumerate(layers):
        share = layer.number / widest
        if place:
            above = layers[place - 1].number / widest
            body += _slope(above, share, top, slope + line)
            body += _losses(layer.losses, top + 16)
            top += slope
        before = layers[place - 1].number if place else 0
        note = f"{count(layer.number)} · {percent(layer.number / before)}" if before else count(layer.number)
        body += svg.heading(top + 1, 1, layer.label, note)
        top += line
        body += svg.rect("accepted", 50 - 50 * share, top, max(100 * share, 0.3), thick)
        top += thick
        lost = ", ".join(f"{count(number)} {words}" for words, _, number in layer.losses)
        said.append(f"{layer.label}: {count(layer.number)}" + (f" (lost: {lost})" if lost else ""))
    return svg.picture(title, top, body, said)


@dataclass(frozen=True)
class Interval:
    """A share with its interval, all from 0 to 1."""

    tone: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Intervals:
    """Shares that are read together, on one line."""

    label: str
    note: str
    shares: tuple[Interval, ...]


def intervals(title: str, rows: Sequence[Intervals]) -> Markup:
    """Draw shares as dots on lines from 0 to 100 %, each with its interval."""
    lines = _lines(rows)
    height = lines * LINE + BELOW + 6
    body = svg.grid(len(rows) * height)
    for place, row in enumerate(rows):
        top = place * height + lines * LINE
        body += svg.heading(place * height, lines, row.label, row.note)
        for number, each in enumerate(row.shares):
            middle = top + 8 + 8 * number  # beside one another: the lines may cover the same stretch
            body += Markup(
                '<line class="whisker {0}" x1="{1:.2f}%" x2="{2:.2f}%" y1="{3}" y2="{3}"/>'
                '<circle class="{0}" cx="{4:.2f}%" cy="{3}" r="4.5"/>'
            ).format(each.tone, 100 * each.low, 100 * each.high, middle, svg.inside(each.share))
    body += svg.scale(len(rows) * height)
    return svg.picture(title, len(rows) * height + 18, body, _said(rows))


@dataclass(frozen=True)
class Pairing:
    """Two shares from 0 to 1: a full dot for ours, a ring for theirs (None: nothing to compare with)."""

    label: str
    note: str
    ours: float
    theirs: float | None


def dumbbells(title: str, rows: Sequence[Pairing]) -> Markup:
    """Draw pairs of shares on a line from 0 to 100 %."""
    lines = _lines(rows)
    height = lines * LINE + BELOW
    body = svg.grid(len(rows) * height)
    for place, row in enumerate(rows):
        middle = place * height + lines * LINE + 10
        body += svg.heading(place * height, lines, row.label, row.note)
        if row.theirs is not None:
            ends = (100 * row.ours, 100 * row.theirs)
            body += Markup(
                '<line class="whisker muted" x1="{:.2f}%" x2="{:.2f}%" y1="{}" y2="{}"/>'
                '<circle class="ring" cx="{:.2f}%" cy="{}" r="7"/>'
            ).format(*ends, middle, middle, svg.inside(row.theirs), middle)
        body += Markup('<circle class="accent" cx="{:.2f}%" cy="{}" r="5"/>').format(
            svg.inside(row.ours), middle
        )
    body += svg.scale(len(rows) * height)
    return svg.picture(title, len(rows) * height + 18, body, _said(rows))


def _lines(rows: Sequence[Row]) -> int:
    """Return how many lines of text a row needs: on a phone, a long label leaves no room for the note beside it."""
    return 1 if all(len(row.label) + len(row.note) <= BOTH for row in rows) else 2


def _said(rows: Sequence[Row]) -> Iterable[str]:
    return (f"{row.label}: {row.note}" for row in rows)


def _slope(above: float, below: float, top: float, height: float) -> Markup:
    """Draw the slope between two layers; a polygon takes no per cent, so it stands in an image of 100 by 1."""
    left, right = 50 - 50 * above, 50 + 50 * above
    return Markup(
        '<svg x="0" y="{:g}" width="100%" height="{:g}" viewBox="0 0 100 1" preserveAspectRatio="none">'
        '<polygon class="slope" points="{:.2f},0 {:.2f},0 {:.2f},1 {:.2f},1"/></svg>'
    ).format(top, height, left, right, 50 + 50 * below, 50 - 50 * below)


def _losses(losses: Sequence[tuple[str, str, int]], y: float) -> Markup:
    spans = Markup('<tspan class="muted"> · </tspan>').join(
        Markup('<tspan class="{}">−{} {}</tspan>').format(tone, count(number), seen(words))
        for words, tone, number in losses
    )
    return Markup('<text class="small strong" x="50%" y="{}" text-anchor="middle">{}</text>').format(y, spans)


def _compact(number: int) -> str:
    if number < 10_000:
        return count(number)
    return f"{number / 1e3:,.0f}k" if number < 1_000_000 else f"{number / 1e6:,.1f}M"
