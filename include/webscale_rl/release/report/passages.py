"""The passage around the evidence of a pair, cut into pieces that a page marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

CONTEXT = 600  # characters around the evidence, shared by the spans
LONGEST = 1_200  # of a span that is shown whole; code may be longer

Kind = Literal["plain", "evidence", "answer", "gap"]
Stretch = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """A stretch of a passage. ``answer`` is evidence that says the answer; a ``gap`` has no text."""

    text: str
    kind: Kind


def passage(text: str, spans: Sequence[Stretch], answers: Sequence[str]) -> tuple[Piece, ...]:
    """Return the text around the spans, in the order of the text; empty without spans.

    Args:
        text: of the document.
        spans: of the evidence, offsets in characters; they may overlap.
        answers: the reference answer and its aliases.
    """
    marked = _joined([span for span in spans if 0 <= span[0] < span[1] <= len(text)])
    if not marked:
        return ()
    side = CONTEXT // (2 * len(marked))
    windows = _joined([(_word_before(text, a - side), _word_after(text, b + side)) for a, b in marked])
    pieces: list[Piece] = []
    for start, end in windows:
        if start > 0:
            pieces.append(Piece("", "gap"))
        here = start
        for a, b in (span for span in marked if start <= span[0] < end):
            pieces.append(Piece(text[here:a], "plain"))
            pieces.extend(_evidence(text[a:b], answers))
            here = b
        pieces.append(Piece(text[here:end], "plain"))
    if windows[-1][1] < len(text):
        pieces.append(Piece("", "gap"))
    return tuple(piece for piece in pieces if piece.text or piece.kind == "gap")


def _evidence(text: str, answers: Sequence[str]) -> Iterator[Piece]:
    if len(text) > LONGEST:
        yield Piece(text[: LONGEST // 2], "evidence")
        yield Piece("", "gap")
        yield Piece(text[-LONGEST // 2 :], "evidence")
        return
    here = 0
    for a, b in _found(text, answers):
        yield Piece(text[here:a], "evidence")
        yield Piece(text[a:b], "answer")
        here = b
    yield Piece(text[here:], "evidence")


def _found(text: str, answers: Sequence[str]) -> list[Stretch]:
    """Return where an answer stands, whatever its case and line breaks."""
    spellings = [r"\s+".join(map(re.escape, answer.split())) for answer in answers if answer.strip()]
    if not spellings:
        return []
    longest_first = "|".join(sorted(spellings, key=len, reverse=True))
    found = re.finditer(rf"(?<!\w)(?:{longest_first})(?!\w)", text, re.IGNORECASE)
    return [match.span() for match in found]


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _word_before(text: str, place: int) -> int:
    """Return the beginning of the word at ``place``, or ``place`` itself within a very long one."""
    if place <= 0:
        return 0
    space = max(text.rfind(sign, max(0, place - 40), place) for sign in " \n")
    return space + 1 if space >= 0 else place


def _word_after(text: str, place: int) -> int:
    if place >= len(text):
        return len(text)
    found = [at for sign in " \n" if (at := text.find(sign, place, place + 40)) >= 0]
    return min(found, default=place)
