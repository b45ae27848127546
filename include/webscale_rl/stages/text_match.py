"""Finding a quotation in a document although white space, quotes, dashes or Unicode forms differ."""

from __future__ import annotations

import re
import unicodedata

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
    return _normalised(text)[0].strip()


def locate(quotation: str, document: str) -> Span | None:
    """Return where a quotation stands in a document, in characters of the document itself, or None.

    Linear in the length of both.
    """
    start = document.find(quotation) if quotation.strip() else -1
    if start >= 0:
        return Span(start=start, end=start + len(quotation), text=quotation)
    return Locator(document).locate(quotation)


class Locator:
    """A document prepared for many look-ups."""

    def __init__(self, document: str) -> None:
        self._document = document
        self._text, self._places = _normalised(document)

    def locate(self, quotation: str) -> Span | None:
        """Return where a quotation stands, or None."""
        wanted = normalised(quotation)
        found = self._text.find(wanted) if wanted else -1
        if found < 0:
            return None
        start = self._places[found]
        end = self._places[found + len(wanted) - 1] + 1
        while end < len(self._document) and unicodedata.combining(self._document[end]):
            end += 1
        return Span(start=start, end=end, text=self._document[start:end])


def contains_words(words: str, text: str) -> bool:
    """Say whether normalised ``words`` occur in a normalised text as whole words."""
    wanted = normalised(words)
    if not wanted:
        return False
    before = r"(?<![\w])" if wanted[0].isalnum() else ""
    after = r"(?![\w])" if wanted[-1].isalnum() else ""
    return re.search(before + re.escape(wanted) + after, normalised(text)) is not None


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
