"""Elements of SVG that the pictures are put together from; every text in them is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup

from webscale_rl.release.report.words import seen, short

LINE = 18  # pixels of a line of text
LABEL = 44  # characters that surely fit into a line on a phone
BOTH = 50  # of a label and a note: most are narrower than the widest


def picture(title: str, height: float, body: Markup, said: Iterable[str]) -> Markup:
    """Return a picture: one image to a screen reader, which reads its title and what is ``said`` of its parts."""
    name = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")
    return Markup(
        '<svg class="picture" width="100%" height="{}" role="img" aria-labelledby="{}-t {}-d">'
        '<title id="{}-t">{}</title><desc id="{}-d">{}</desc>{}</svg>'
    ).format(int(height), name, name, name, seen(title), name, seen("; ".join(said)), body)


def heading(top: float, lines: int, label: str, note: str) -> Markup:
    """Draw a label, with the note at the right end of its line or in a line of its own."""
    whole = Markup("<title>{}</title>").format(seen(label)) if len(label) > LABEL else ""
    line = Markup('<text x="0" y="{:g}">{}{}</text>').format(top + 15, short(label, LABEL), whole)
    if lines == 1:
        return line + text("muted", "100%", top + 15, note, "end")
    return line + text("muted", "0", top + 15 + LINE, note, "start")


def text(classes: str, x: str, y: float, words: str, anchor: str) -> Markup:
    """Draw words at a place in per cent and pixels."""
    return Markup('<text class="{}" x="{}" y="{:g}" text-anchor="{}">{}</text>').format(
        classes, x, y, anchor, seen(words)
    )


def rect(tone: str, x: float, y: float, width: float, height: float) -> Markup:
    """Draw a rectangle: in per cent from left to right, in pixels from top to bottom."""
    return Markup('<rect class="{}" x="{:.2f}%" y="{:g}" width="{:.2f}%" height="{:g}" rx="2"/>').format(
        tone, x, y, width, height
    )


def grid(height: int) -> Markup:
    """Draw the lines behind shares."""
    lines = Markup()
    for at in (0, 25, 50, 75, 100):
        lines += Markup('<line class="grid" x1="{0}%" x2="{0}%" y1="20" y2="{1}"/>').format(at, height)
    return lines


def scale(height: int) -> Markup:
    """Draw the numbers below those lines."""
    body = Markup()
    for at, anchor in ((0, "start"), (25, "middle"), (50, "middle"), (75, "middle"), (100, "end")):
        body += text("small muted", f"{at}%", height + 13, f"{at} %", anchor)
    return body


def inside(share: float) -> float:
    """Return a place in per cent at which a dot is not cut off by the edge."""
    return min(max(100 * share, 1.0), 99.0)
