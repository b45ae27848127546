"""Finding a quotation in a document although white space, quotes, dashes or Unicode forms differ."""

from __future__ import annotations

import unicodedata
from functools import cached_property, lru_cache

from webscale_rl.records import Span

_SAME = {
    **dict.fromkeys("‘’‚‛′`´ʼ", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    "…": "...",
}
MAX_MARKS = 8  # combining marks of one letter: longer runs are no writing, and slow to normalise
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")


def normalised(text: str) -> str:
    """Return the text as comparisons see it: NFKC, case folded, plain quotes and dashes, single spaces."""
    if text.isascii():
        return " ".join(text.translate(_FOLDS).split())
    letters = set(text)
    if any(
        unicodedata.combining(letter) or (not letter.isspace() and " " in _FOLDS[ord(letter)])
        for letter in letters
    ):
        return _normalised(text)[0].strip()
    return " ".join(text.translate(_FOLDS).split())


class Locator:
    """A document prepared for many look-ups; what an exact look-up does not need is prepared when it is needed."""

    def __init__(self, document: str) -> None:
        self.document = document

    @cached_property
    def normalised(self) -> str:
        """The document as comparisons see it."""
        return normalised(self.document)

    @cached_property
    def _places(self) -> tuple[str, list[int]]:
        return _normalised(self.document)

    def locate(self, quotation: str) -> Span | None:
        """Return where a quotation stands, or None."""
        exact = self.document.find(quotation) if normalised(quotation) else -1
        if exact >= 0:
            return Span(start=exact, end=exact + len(quotation), text=quotation)
        wanted = normalised(quotation)
        if not wanted or wanted not in self.normalised:
            return None
        text, places = self._places
        found = text.find(wanted)
        if found < 0:
            return None
        start = places[found]
        end = places[found + len(wanted) - 1] + 1
        while end < len(self.document) and unicodedata.combining(self.document[end]):
            end += 1
        return Span(start=start, end=end, text=self.document[start:end])


@lru_cache(maxsize=32)
def locator(document: str) -> Locator:
    """Return the locator of a document; the questions of one document share it."""
    return Locator(document)


def contains_words(words: str, text: str) -> bool:
    """Say whether normalised ``words`` occur in a normalised text as whole words."""
    wanted = normalised(words)
    if not wanted:
        return False
    asked = normalised(text)
    first, last = wanted[0].isalnum(), wanted[-1].isalnum()
    start = asked.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        cut_in = first and start > 0 and _in_word(asked[start - 1])
        if not cut_in and not (last and end < len(asked) and _in_word(asked[end])):
            return True
        start = asked.find(wanted, start + 1)
    return False


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


class _Folds(dict[int, str]):
    """Code point to what comparisons see of it, filled as letters occur."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        if letter in _INVISIBLE:
            folded = ""
        elif letter.isspace():
            folded = " "
        else:
            folded = "".join(
                " " if character.isspace() else character
                for character in _SAME.get(letter) or _folded(letter)
            )
        self[code] = folded
        return folded


_FOLDS = _Folds()


def _normalised(text: str) -> tuple[str, list[int]]:
    """Return the normalised text and, for each of its characters, the index of the original one."""
    characters: list[str] = []
    places: list[int] = []
    space = True
    marked = -1  # up to here combining marks belong to a letter before
    for index, original in enumerate(text):
        if index < marked or original in _INVISIBLE:
            continue
        if original.isspace():
            if not space:
                characters.append(" ")
                places.append(index)
            space = True
            continue
        space = False
        marked = index + 1
        while marked < min(len(text), index + 1 + MAX_MARKS) and unicodedata.combining(text[marked]):
            marked += 1
        for character in _SAME.get(original) or _folded(text[index:marked]):
            characters.append(" " if character.isspace() else character)
            places.append(index)
    return "".join(characters), places


def _folded(letter: str) -> str:
    return letter.lower() if letter.isascii() else unicodedata.normalize("NFKC", letter).casefold()
