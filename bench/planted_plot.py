"""Draws panels of lines as SVG: shares with their intervals, each line named at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 980, 400
LEFT, TOP, BOTTOM = 52, 52, 56  # of a panel's axes
PLOT_WIDTH, PANEL_WIDTH = 270, 490
LABEL_GAP = 16  # pixels between the baselines of two names


@dataclass(frozen=True)
class Point:
    """A share at ``x`` with its interval; all between 0 and 1."""

    x: float
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """The points of one road, by rising ``x``."""

    name: str
    colour: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    lines: tuple[Line, ...]


def drawn(panels: Sequence[Panel], *, across: str, label: str) -> str:
    """Return the SVG. Each panel begins at the lowest interval that it holds, rounded down to a tenth.

    Args:
        panels: two, side by side.
        across: what the horizontal axis shows.
        label: what a screen reader says.
    """
    xs = sorted({point.x for panel in panels for line in panel.lines for point in line.points})
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" '
        f'font-size="13" role="img" aria-label="{escape(label)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        lowest = min(point.low for line in panel.lines for point in line.points)
        axes = _Axes(right=max(xs) or 1.0, bottom=min(int(lowest * 10), 9) / 10)
        parts.append(f'<g transform="translate({number * PANEL_WIDTH} 0)">')
        parts.extend(_panel(panel, axes, xs, across))
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


@dataclass(frozen=True)
class _Axes:
    right: float
    bottom: float

    def x(self, value: float) -> float:
        return round(LEFT + value / self.right * PLOT_WIDTH, 1)

    def y(self, share: float) -> float:
        height = HEIGHT - TOP - BOTTOM
        return round(TOP + (1 - share) / (1 - self.bottom) * height, 1)


def _panel(panel: Panel, axes: _Axes, xs: Sequence[float], across: str) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="28" font-weight="600" fill="#1c2733">{escape(panel.title)}</text>'
    step = 0.1
    for number in range(round((1 - axes.bottom) / step) + 1):
        share = axes.bottom + number * step
        y = axes.y(share)
        yield f'<path d="M{LEFT} {y}H{LEFT + PLOT_WIDTH}" stroke="#dfe6ec"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" font-size="12" fill="#4a5a68">{share:.0%}</text>'
    for value in xs:
        yield f'<text x="{axes.x(value)}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" font-size="12" ' + (
            f'fill="#4a5a68">{value:.0%}</text>'
        )
    centred = f'x="{LEFT + PLOT_WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle"'
    yield f'<text {centred} font-size="12" fill="#4a5a68">{escape(across)}</text>'
    for number, line in enumerate(panel.lines):
        yield from _line(line, axes, shift=(number - (len(panel.lines) - 1) / 2) * 3)
    for line, y in _placed(panel.lines, axes):
        last = line.points[-1]
        end = axes.x(last.x)
        yield f'<path d="M{end + 6} {axes.y(last.share)}L{end + 14} {y - 4}" stroke="{line.colour}" fill="none"/>'
        style = f'font-size="12" font-weight="600" fill="{line.colour}"'
        yield f'<text x="{end + 18}" y="{y}" {style}>{escape(line.name)}</text>'


def _line(line: Line, axes: _Axes, shift: float) -> Iterator[str]:
    """Draw intervals a little apart, so that those of different lines do not hide each other."""
    path = "L".join(f"{axes.x(point.x)} {axes.y(point.share)}" for point in line.points)
    yield f'<path d="M{path}" stroke="{line.colour}" stroke-width="2" fill="none"/>'
    for point in line.points:
        x = axes.x(point.x)
        interval = f"M{x + shift} {axes.y(point.low)}V{axes.y(point.high)}"
        yield f'<path d="{interval}" stroke="{line.colour}" opacity="0.45"/>'
        yield f'<circle cx="{x}" cy="{axes.y(point.share)}" r="3" fill="{line.colour}"/>'


def _placed(lines: Sequence[Line], axes: _Axes) -> list[tuple[Line, float]]:
    """Return where the names stand: beside the ends of their lines, pushed apart from above, then from below."""
    wanted = sorted((axes.y(line.points[-1].share) + 4, number) for number, line in enumerate(lines))
    heights: list[float] = []
    for y, _ in wanted:
        heights.append(max(y, heights[-1] + LABEL_GAP) if heights else y)
    over = heights[-1] - (HEIGHT - BOTTOM + 4)
    if over > 0:
        for index in reversed(range(len(heights))):
            ceiling = heights[index + 1] - LABEL_GAP if index + 1 < len(heights) else heights[index] - over
            heights[index] = min(heights[index], ceiling)
    return [(lines[number], height) for (_, number), height in zip(wanted, heights, strict=True)]
