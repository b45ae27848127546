"""Words of the benchmarks that were run together, taken apart, jumbled or written with digits, put right.

The known words are those of the benchmarks alone, so that a text of anything else is hardly changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

_MIXED = re.compile(
    r"(?<![a-z0134578@])(?=[a-z]*[0134578@])(?=[0134578]*[a-z@])[a-z0134578@]{2,}"
)  # from its beginning only: linear
_SMALL = frozenset(
    ["ls", "of", "lt", "at", "as", "lf", "or", "ln", "an", "to", "so", "do", "no", "on"]
)  # as folded
_LEET = str.maketrans("0134578@", "oleastba")
COST_OF_WORD, COST_OF_LETTER = 2.0, 9.0
LONGEST_WORD = 18
LEAST_GLUED = 5  # letters of an unknown word that may be several,
MOST_COST = 2.2  # of so much a letter: common ones
LEAST_COVERED = 0.5  # of the letters of a whole sentence without spaces: it may hold names
LEAST_SINGLE = 6  # single letters in a row that may be words,
LEAST_MEAN = 2.5  # of so many letters each
MOST_LETTERS = 6_000  # of one text that are cut


class Piece(NamedTuple):
    """A token put right: from sign ``start`` of the token ``first`` to sign ``end`` of the token ``last``."""

    word: str
    first: int
    start: int
    last: int
    end: int


class Spelling:
    """Puts right words that were run together, taken apart, jumbled or written with digits.

    Args:
        costs: known words, and the negative logarithm of how common each is.
    """

    def __init__(self, costs: Mapping[str, float]) -> None:
        self._known = frozenset(costs)  # which are never changed, single letters in a row excepted
        self._costs = {
            word: cost + COST_OF_WORD
            for word, cost in costs.items()
            if 1 < len(word) <= LONGEST_WORD or word in ("a", "l")
        }
        self._jumbled = {_jumble(word): word for word in self._costs if len(word) >= LEAST_GLUED}
        self._split = lru_cache(maxsize=65_536)(self._cut)

    def with_letters(self, plain: str) -> str:
        """Return a folded text in which words with digits for letters are the words that they look like."""
        return _MIXED.sub(self._letters, plain)

    def mend(self, words: Sequence[str]) -> list[Piece] | None:
        """Return the tokens of a text with words put together or cut; None where nothing is to be done."""
        known = self._known
        places = [place for place, word in enumerate(words) if word not in known and word.isalpha()]
        single = [place for place, word in enumerate(words) if len(word) == 1 and word.isalpha()]
        if len(single) >= LEAST_SINGLE:
            places = sorted({*places, *single})
        edits: list[tuple[int, int, list[Piece]]] = []  # tokens from, to (exclusive), and what they are
        done, left = 0, MOST_LETTERS
        for place in places:
            if place < done or left <= 0:
                continue
            first, end, pieces = self._edit(words, place, done)
            if pieces:
                edits.append((first, end, pieces))
            done = end
            left -= sum(map(len, words[place:end]))
        if not edits:
            return None
        mended: list[Piece] = []
        done = 0
        for first, end, pieces in [*edits, (len(words), len(words), [])]:
            mended += [Piece(words[at], at, 0, at, len(words[at])) for at in range(done, first)]
            mended += pieces
            done = end
        return mended

    def _edit(self, words: Sequence[str], place: int, done: int) -> tuple[int, int, list[Piece]]:
        """Return the tokens that a strange one stands in, and what they should be; no pieces: as they are."""
        word = words[place]
        if len(word) == 1 and (run := _single(words, place)) >= LEAST_SINGLE:
            return place, place + run, self._spelled(words, place, run)
        if word in self._known:
            return place, place + 1, []
        for before, behind in ((0, 1), (1, 0), (1, 1), (0, 2)):  # a known word with those beside it
            first, last = place - before, place + behind
            if first >= done and last < len(words):
                whole = "".join(words[first : last + 1])
                if len(whole) > 3 and whole in self._costs:
                    return first, last + 1, [Piece(whole, first, 0, last, len(words[last]))]
        if (known := self._jumbled.get(_jumble(word))) is not None:
            return place, place + 1, [Piece(known, place, 0, place, len(word))]
        pieces, offset = [], 0
        if LEAST_GLUED <= len(word) <= MOST_LETTERS:
            for part in self._split(word):
                pieces.append(Piece(part, place, offset, place, offset + len(part)))
                offset += len(part)
        return place, place + 1, pieces

    def _spelled(self, words: Sequence[str], place: int, run: int) -> list[Piece]:
        """Return the words that single letters in a row spell, if any."""
        parts = self._split("".join(words[place : place + run]))
        pieces = []
        for part in parts if len(parts) * LEAST_MEAN <= run else ():
            pieces.append(Piece(part, place, 0, place + len(part) - 1, 1))
            place += len(part)
        return pieces

    def _letters(self, match: re.Match[str]) -> str:
        word = match[0].translate(_LEET)
        return word if word in self._costs and (len(word) > 2 or word in _SMALL) else match[0]

    def _cut(self, glued: str) -> tuple[str, ...]:
        """Return the likeliest words of letters without spaces; nothing where too few of them are in words."""
        best = [0.0]
        start_of = [0]
        get = self._costs.get
        for end in range(1, len(glued) + 1):
            lowest, begin = best[end - 1] + COST_OF_LETTER, -1
            for start in range(max(0, end - LONGEST_WORD), end):
                cost = get(glued[start:end])
                if cost is not None and best[start] + cost < lowest:
                    lowest, begin = best[start] + cost, start
            best.append(lowest)
            start_of.append(begin)
        parts: list[str] = []
        unknown, end, open_ = 0, len(glued), False
        while end:
            start = start_of[end]
            if start < 0:
                unknown += 1
                if open_:
                    parts[-1] = glued[end - 1] + parts[-1]
                else:
                    parts.append(glued[end - 1])
                open_, end = True, end - 1
            else:
                parts.append(glued[start:end])
                open_, end = False, start
        if len(glued) <= LONGEST_WORD:
            likely = not unknown and best[-1] <= MOST_COST * len(glued)
        else:
            likely = len(glued) - unknown >= LEAST_COVERED * len(glued)
        return tuple(parts[::-1]) if likely else ()


def _jumble(word: str) -> str:
    """Return what a word has in common with those whose inner letters stand in another order."""
    return word[:1] + "".join(sorted(word[1:-1])) + word[-1:] if len(word) <= LONGEST_WORD else ""


def _single(words: Sequence[str], place: int) -> int:
    """Return how many single letters stand in a row."""
    end = place
    while end < len(words) and len(words[end]) == 1 and words[end].isalpha():
        end += 1
    return end - place
