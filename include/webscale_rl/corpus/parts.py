"""Cutting a document that is longer than a model shall read at once, at headings and paragraphs.

The rule of balance: with n = ceil(total / limit) and mean = total / n, the cuts are those for which the sum of
((tokens − mean) / mean)² over the parts, plus the prices of the places that are cut, is least.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from webscale_rl.corpus.outline import (
    ANYWHERE,
    CLUSTER,
    ITEM,
    LEVEL,
    SENTENCE,
    WHITE,
    WORD,
    WRAP,
    Heading,
    Place,
    heading_levels,
    outline,
)

# Places closer than limit / GRAIN tokens are thinned out: planning stays linear, balance good enough.
GRAIN = 32
# A piece of more than limit / SPLITTABLE tokens is offered finer places, so that parts can be balanced.
SPLITTABLE = 4

_FINER = (
    (
        SENTENCE,
        re.compile(
            r"(?<!\d)(?<!\b[A-Z])(?<!\bMr)(?<!\bMrs)(?<!\bDr)(?<!\bSt)(?<!e\.g)(?<!i\.e)[.!?…][\"'”’)\]*_]*+\s++(?=[^a-z\s])"
            r"|[。！？][”’」』）]*+"
        ),
    ),
    (WRAP, re.compile(r"[\r\n]++")),
    (WORD, re.compile(r"\s++")),
)


@dataclass(frozen=True)
class Part:
    """One part of a document: ``text == document[start:end]``, offsets in characters.

    ``title_path`` holds the document's title and the headings of the sections in which the part begins.
    ``before`` and ``after`` are titles of its neighbours: their first own heading, else the innermost they lie
    under; empty for none.
    """

    index: int  # from 0
    total: int
    start: int
    end: int
    text: str
    title_path: tuple[str, ...]
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    tokens: int
    price: float  # of the cut before it
    solid: bool = False  # a heading, a table or code that fits into a part


def split(text: str, limit: int, count: Callable[[str], int]) -> list[Part]:
    """Return the parts of ``text``, in order, without gap or overlap, of at most ``limit`` tokens by ``count``.

    No part is white space only, no heading ends one, and no cut lies inside a table or code that fits into a part,
    unless the limit leaves no other place. Only a character that alone counts more than ``limit`` exceeds it.

    Raises:
        ValueError: limit is below 1.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit!r} tokens; a part needs at least 1")
    places, headings = outline(text)
    levels = heading_levels(headings)
    if count(text) <= limit:
        return _parts(text, [0, len(text)], headings, levels)
    ranks = {level: rank for rank, level in enumerate(sorted(set(levels)))}
    prices = {h.start: LEVEL * min(ranks[level], 5) for h, level in zip(headings, levels, strict=True)}
    places = [replace(p, price=prices[p.start]) if p.large and p.start in prices else p for p in places]
    pieces = _pieces(text, limit, count, places)
    return _parts(
        text, _fitted(text, limit, count, pieces, _plan(_coarse(pieces, limit), limit)), headings, levels
    )


# Pieces: what lies between places that may be cut


def _pieces(text: str, limit: int, count: Callable[[str], int], places: list[Place]) -> list[_Piece]:
    starts = [place.start for place in places]
    whole = _Piece(0, len(text), count(text), 0.0)
    pieces: list[_Piece] = []
    apart = max(1, len(text) * limit // (4 * GRAIN * max(whole.tokens, 1)))
    best: dict[
        int, Place
    ] = {}  # the cheapest in every ``apart`` characters: a million tiny paragraphs stay cheap
    for place in places:
        bucket = place.start // apart
        if place.large and place.start and (bucket not in best or place.price < best[bucket].price):
            best[bucket] = place
    for piece in _cut(text, whole, count, [(place.start, place.price, False) for place in best.values()]):
        inside = places[bisect_left(starts, piece.start) : bisect_left(starts, piece.end)]
        large = piece.tokens * SPLITTABLE > limit and inside
        pieces.extend(
            _cut(text, piece, count, _lines(text, piece, limit, count, inside)) if large else [piece]
        )
    for price, pattern in _FINER:
        finer: list[_Piece] = []
        for piece in pieces:
            small = piece.solid or piece.tokens * SPLITTABLE <= limit
            finer.extend(
                [piece] if small else _cut(text, piece, count, _finer(text, piece, limit, price, pattern))
            )
        pieces = finer
    return [part for piece in pieces for part in _forced(text, piece, limit, count)]


def _cut(
    text: str, piece: _Piece, count: Callable[[str], int], at: Iterable[tuple[int, float, bool]]
) -> Iterator[_Piece]:
    """Yield ``piece`` cut at the places (start, price, solid); one at its beginning only says if it is solid."""
    marks = [(piece.start, piece.price, piece.solid), *at]
    if len(marks) > 1 and marks[1][0] <= piece.start:
        marks[:2] = [(piece.start, piece.price, marks[1][2])]
    if len(marks) == 1:
        yield piece if piece.solid == marks[0][2] else replace(piece, solid=marks[0][2])
        return
    for (start, price, solid), end in zip(marks, [*(mark[0] for mark in marks[1:]), piece.end], strict=True):
        yield _Piece(start, end, count(text[start:end]), price, solid)


def _lines(
    text: str, piece: _Piece, limit: int, count: Callable[[str], int], places: list[Place]
) -> Iterator[tuple[int, float, bool]]:
    outer = [k for k, place in enumerate(places) if not place.inner] + [len(places)]
    apart = (piece.end - piece.start) * limit // (4 * GRAIN * piece.tokens)
    last, solid = -1, False
    for k, after in pairwise(outer):
        start, end = places[k].start, places[after].start if after < len(places) else piece.end
        kept = places[k].solid and (piece.tokens <= limit or count(text[start:end].rstrip()) <= limit)
        for place in places[k : k + 1 if kept else after]:
            if kept or solid or last < 0 or place.price < ITEM or place.start - last >= apart:
                yield place.start, place.price, kept
                last, solid = place.start, kept


def _finer(
    text: str, piece: _Piece, limit: int, price: float, pattern: re.Pattern[str]
) -> Iterator[tuple[int, float, bool]]:
    step = max(1, (piece.end - piece.start) * limit // (GRAIN * piece.tokens))
    end = piece.start + len(text[piece.start : piece.end].rstrip())
    last, at = piece.start, piece.start + step
    while (match := pattern.search(text, at, end)) and match.end() < end:
        if not _joined(text, match.end()) and not text[last : match.end()].isspace():
            last = match.end()
            yield last, price, False
        at = match.end() + step


def _forced(text: str, piece: _Piece, limit: int, count: Callable[[str], int]) -> Iterator[_Piece]:
    """Yield pieces of at most ``limit`` tokens, white space that is too long apart from the words around it."""
    if piece.tokens <= limit:
        yield piece
        return
    whole = text[piece.start : piece.end]
    first, last = piece.start + len(whole) - len(whole.lstrip()), piece.start + len(whole.rstrip())
    edges = sorted({piece.start, first, max(first, last), piece.end})
    blank = first if piece.start == 0 else 0  # a part that ends here or before is white space only
    stack = list(_cut(text, piece, count, [(at, ANYWHERE, False) for at in edges[1:-1]]))[::-1]
    while stack:
        part = stack.pop()
        size = part.end - part.start
        if part.tokens > limit and size > 1:
            chops = _chops(text, part.start, part.end, max(1, size * limit // (8 * part.tokens)))
            stack.extend(list(_cut(text, part, count, [(at, ANYWHERE, False) for at in chops]))[::-1])
        elif text[part.start : part.end].isspace() or 0 < part.start <= blank:
            yield replace(part, price=WHITE)
        else:
            yield part


def _chops(text: str, start: int, end: int, step: int) -> list[int]:
    cuts: list[int] = []
    at = start + step
    while at < end:
        at = next(
            (k for k in range(at, min(at + CLUSTER, end)) if not _joined(text, k)), min(at + CLUSTER, end)
        )
        if at < end:
            cuts.append(at)
        at += step
    return cuts or [(start + end) // 2]


def _joined(text: str, at: int) -> bool:
    """Return whether a cut before character ``at`` would tear what is read as one character."""
    before, after = text[at - 1], text[at]
    if before in "\r\n":
        return before + after == "\r\n"
    if (
        before == "\u200d" or after == "\u200d" or "\U0001f3fb" <= after <= "\U0001f3ff"
    ):  # joined emoji, skin tones
        return True
    return unicodedata.category(after)[0] == "M" or ("\ud800" <= before < "\udc00" <= after < "\ue000")


# Choosing


def _coarse(pieces: list[_Piece], limit: int) -> list[_Piece]:
    """Merge small neighbours, over the dearest places first: about 2 * GRAIN pieces per part are left."""
    for price in sorted({piece.price for piece in pieces}, reverse=True):
        kept = pieces[:1]
        for piece in pieces[1:]:
            if piece.price == price and (kept[-1].tokens + piece.tokens) * GRAIN <= limit:
                kept[-1] = replace(kept[-1], end=piece.end, tokens=kept[-1].tokens + piece.tokens)
            else:
                kept.append(piece)
        pieces = kept
    return pieces


def _plan(pieces: list[_Piece], limit: int) -> list[int]:
    """Return where the parts begin, and the end of the last: the least total of the rule of balance."""
    sums = [0, *accumulate(piece.tokens for piece in pieces)]
    mean = max(sums[-1], 1) / -(-max(sums[-1], 1) // limit)
    prices = [0.0, *(piece.price for piece in pieces[1:])]
    best, came = [0.0], [0]
    for j in range(1, len(sums)):
        least, origin, i = float("inf"), j - 1, j - 1
        while i >= 0 and (i == j - 1 or sums[j] - sums[i] <= limit):
            total = best[i] + prices[i] + ((sums[j] - sums[i]) / mean - 1) ** 2
            if total < least:
                least, origin = total, i
            i -= 1
        best.append(least)
        came.append(origin)
    cuts, j = [pieces[-1].end], len(pieces)
    while j:
        j = came[j]
        cuts.append(pieces[j].start)
    return cuts[::-1]


def _fitted(
    text: str, limit: int, count: Callable[[str], int], pieces: list[_Piece], cuts: list[int]
) -> list[int]:
    """Halve what counts more as a whole than its pieces do one by one."""
    starts = [piece.start for piece in pieces]
    fitted: list[int] = []
    stack = list(pairwise(cuts))[::-1]
    while stack:
        start, end = stack.pop()
        inside = pieces[bisect_right(starts, start) : bisect_left(starts, end)]
        if inside and count(text[start:end]) > limit:
            middle = (start + end) / 2
            at = min(inside, key=lambda p: p.price + 2 * ((p.start - middle) / (end - middle)) ** 2).start
            stack += [(at, end), (start, at)]
        else:
            fitted.append(start)
    return [*fitted, len(text)]


def _parts(text: str, cuts: list[int], headings: list[Heading], levels: list[int]) -> list[Part]:
    titled = bool(headings) and headings[0].first and levels.count(1) == 1 and levels[0] == 1
    title = headings[0].title if titled else ""  # of an anthology, the first piece's title is not that of all
    starts = [heading.start for heading in headings]
    open_: list[int] = []  # indexes of the headings of the sections around the beginning of the part
    paths: list[tuple[str, ...]] = []
    names: list[str] = []
    done = 0
    for start, end in pairwise(cuts):
        begin = end - len(text[start:end].lstrip())
        while done < len(headings) and starts[done] <= begin:
            while open_ and levels[open_[-1]] >= levels[done]:
                open_.pop()
            open_.append(done)
            done += 1
        path = tuple(headings[k].title for k in open_)
        paths.append((title, *path) if title and open_[:1] != [0] else path)
        own = bisect_left(starts, start)
        names.append(
            headings[own].title if own < len(starts) and starts[own] < end else (paths[-1] or ("",))[-1]
        )
    return [
        Part(k, len(paths), start, end, text[start:end], path, *_around(names, k))
        for k, ((start, end), path) in enumerate(zip(pairwise(cuts), paths, strict=True))
    ]


def _around(names: list[str], k: int) -> tuple[str, str]:
    return names[k - 1] if k else "", names[k + 1] if k + 1 < len(names) else ""
