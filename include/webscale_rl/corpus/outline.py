"""What stands where in a text: headings, tables, code, lists and paragraphs, and what a cut costs at each place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TITLE = 120  # characters of a heading that are kept
CLUSTER = 64  # characters a combining sequence may have; a longer one is hostile, and cut

# Prices of places. For scale: two parts half as large again and half as large as they should be cost 0.5.
LEVEL = 0.06  # per level of the document that stands above the heading's; the highest is free
PARAGRAPH, ITEM, LINE, CODE = 0.4, 0.55, 0.7, 0.9  # ITEM of a list, LINE also between the rows of a table
ANNOUNCED = 1.0  # after a paragraph that ends in a colon
SENTENCE, WRAP, WORD, ANYWHERE = 1.2, 1.6, 1.8, 3.0  # WRAP is the end of a line within a sentence
AFTER_HEADING, WHITE = 50.0, 1000.0  # taken only where the limit leaves nothing else

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_RULE = re.compile(r"([-=`:.'\"~^_*+#])\1{2,}\s*$")  # the adornments docutils recommends
_FENCE = re.compile(r"\s*(?:[-*+][ \t]+|\d{1,9}[.)][ \t]+)?(`{3,}|~{3,})[^`]*$")
_ITEM = re.compile(r"\s*(?:[-*+•‣]|\(?(?:\d{1,9}|#|[A-Za-z]|[ivxlc]{1,6})[.)])\s")
_NO_TITLE = re.compile(
    r" {4}|\s*(?:[-*+•‣>]\s|>|\.\. |.*(?:  \S|\t\S|\|))"
)  # quotes, lists, directives, columns
_ENDED = re.compile(r"[.!?:;…。！？|][\"'”’)\]*_`]*\s*$")


@dataclass(frozen=True, slots=True)
class Heading:
    start: int
    title: str
    style: str  # "1" to "6" for "#" to "######", else the character of the underline, twice with an overline
    first: bool  # nothing stands before it


@dataclass(frozen=True, slots=True)
class Place:
    """The beginning of a line, where a cut costs ``price``."""

    start: int
    price: float
    large: bool  # a heading or after a blank line: always offered; the others only where a piece is large
    solid: bool  # begins a heading, a table or code
    inner: bool  # inside of one


def outline(text: str) -> tuple[list[Place], list[Heading]]:
    """Return the places where a line may begin a part, and the headings, in order."""
    starts = [match.start() for match in _LINE.finditer(text)]
    lines = _LINE.findall(text)
    places: list[Place] = []
    headings: list[Heading] = []
    at, previous = 0, ""
    gap, listed, below = True, False, False  # below: the line before belongs to a heading
    while at < len(lines):
        line = lines[at]
        if line.isspace():
            at, gap = at + 1, True
            continue
        literal = line[0] in " \t" and _opens_literal(previous)  # there "# ..." is a comment
        heading = None if literal else _heading(lines, at, gap or below)
        if heading:
            end, inner = heading[0], at + 1
            headings.append(Heading(starts[at], shortened(heading[1]), heading[2], not previous))
        else:
            end, inner = _block(lines, at, previous, gap, listed)
        solid = heading is not None or end > at + 1
        price = AFTER_HEADING if below else 0.0 if heading else _price(line, previous, gap, listed, solid)
        if price < WRAP or below:
            places.append(Place(starts[at], price, (gap or heading is not None) and not below, solid, False))
        places.extend(_inner(lines, starts, inner, end))
        listed = bool(_ITEM.match(line)) or (listed and line[0].isspace())
        previous = (
            "" if at == 0 and line.strip() == "---" and solid else lines[end - 1]
        )  # front matter is no text
        at, gap, below = end, False, heading is not None
    return places, headings


def _price(line: str, previous: str, gap: bool, listed: bool, solid: bool) -> float:
    if gap and previous.rstrip().endswith(":"):
        return ANNOUNCED
    item = bool(_ITEM.match(line))
    if gap:
        return ITEM if item or (listed and line[0].isspace()) else PARAGRAPH
    if item or solid or _ENDED.search(previous[-CLUSTER:]):
        return ITEM if item else LINE
    return WRAP  # the sentence goes on


def _inner(lines: list[str], starts: list[int], first: int, end: int) -> Iterator[Place]:
    for k in range(first, end):
        if lines[k].strip().strip("`~"):  # no cut before the end of a fence
            row = lines[k].lstrip()[0] in "|+"
            yield Place(starts[k], LINE if row or lines[k - 1].isspace() else CODE, False, False, True)


def _heading(lines: list[str], at: int, free: bool) -> tuple[int, str, str] | None:
    """Return the line after the heading at line ``at``, its title and its style."""
    if atx := _ATX.match(lines[at]):
        title = atx[2].rstrip()
        bare = title.rstrip("#")
        title = bare.rstrip() if bare != bare.rstrip() or not bare else title
        return (at + 1, title, str(len(atx[1]))) if title else None
    if not free or at + 1 == len(lines):
        return None
    if _RULE.match(lines[at]) and at + 2 < len(lines) and lines[at].rstrip() == lines[at + 2].rstrip():
        mark = lines[at].rstrip()
        if len(mark) >= len(lines[at + 1].rstrip()) and _titled(lines[at + 1], mark):
            return at + 3, lines[at + 1], 2 * mark[0]
    mark = lines[at + 1].rstrip()
    return (at + 2, lines[at], mark[0]) if _RULE.match(mark) and _titled(lines[at], mark) else None


def _titled(line: str, mark: str) -> bool:
    title = line.strip()
    if len(title) > 2 * TITLE or not any(map(str.isalnum, title)) or _NO_TITLE.match(line):
        return False
    if len(mark) >= max(len(title), 3 if mark[0] in "=-" else 4):  # "~~~" and "```" are fences
        return True
    return mark[0] in "=-" and title[-1] not in ".,;:" and not _ITEM.match(line)  # Markdown: of any length


def _block(lines: list[str], at: int, previous: str, gap: bool, listed: bool) -> tuple[int, int]:
    """Return the line after the block that begins at line ``at``, and the first line of it that may be cut off."""
    line = lines[at]
    if at == 0 and line.strip() == "---" and re.match(r"[\w-]+\s*:", "".join(lines[1:2])):
        ends = (k + 1 for k in range(1, min(len(lines), 200)) if lines[k].strip() in ("---", "..."))
        return next(ends, 1), 2
    if fence := _FENCE.match(line):
        ends = (k + 1 for k in range(at + 1, len(lines)) if _closes(lines[k].strip(), fence[1]))
        return next(ends, len(lines)), at + 2
    if rows := _table(lines, at):
        return rows
    outer = len(previous) - len(previous.lstrip())
    deep = outer + 1 if _opens_literal(previous) else 4 if gap and not listed else len(line) + 1
    return _indented(lines, at, deep), at + 1


def _opens_literal(line: str) -> bool:
    return line.rstrip().endswith("::") or line.lstrip().startswith(
        ".. "
    )  # literal blocks and directives of RST


def _closes(line: str, mark: str) -> bool:
    return len(line) >= len(mark) and not line.strip(mark[0])


def _table(lines: list[str], at: int) -> tuple[int, int] | None:
    row, after = lines[at].strip(), "".join(lines[at + 1 : at + 2]).strip()
    ruled = "-" in after and "|" in after and set(after) <= set("|:- \t")
    if after[:1] in ("|", "+") and (row[-1] in "|+" or row[0] == "|" or row[:2] == "+-"):
        marks: tuple[str, ...] = ("|", "+")
    elif ("|" in row and ruled) or set(row) == {"=", " "}:  # the second is a simple table of RST
        marks = ()
    else:
        return None
    end = at + 1
    while (
        end < len(lines)
        and not lines[end].isspace()
        and (lines[end].lstrip().startswith(marks) if marks else True)
    ):
        end += 1
    return end, at + (2 if ruled or not marks else 1)


def _indented(lines: list[str], at: int, deep: int) -> int:
    end = at
    for k in range(at, len(lines)):
        line = lines[k].expandtabs(4) if lines[k][0] == "\t" else lines[k]
        if not line.isspace():
            if len(line) - len(line.lstrip()) < deep or (
                k > at and _FENCE.match(line)
            ):  # a fence is a block of its own
                break
            end = k
    return max(end, at) + 1


def heading_levels(headings: list[Heading]) -> list[int]:
    """Return the level of every heading: the number of "#", or the order in which underlines appear, as in RST."""
    styles = list(dict.fromkeys(heading.style for heading in headings))
    counted = {style: int(style) for style in styles if style.isdigit()}
    drawn = [style for style in styles if not style.isdigit()]
    if counted and set(drawn) <= {"=", "-"}:  # Markdown
        levels = counted | {"=": 1, "-": 2}
    else:
        top = min(counted.values(), default=0)
        levels = counted | {style: top + rank for rank, style in enumerate(drawn, 1)}
    return [levels[heading.style] for heading in headings]


def shortened(title: str) -> str:
    """Return a heading on one line, of at most TITLE characters."""
    line = " ".join(title[: 9 * TITLE].split())
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"
