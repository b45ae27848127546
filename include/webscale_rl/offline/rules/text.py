"""A document as the rules see it: a title, sentences, short lines. Linear in the length of the document."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_letters

MAX_CHARACTERS = 200_000  # of a document that are looked at
MAX_SENTENCES = 80
SENTENCE_LENGTH = range(35, 361)
MAX_LINE = 400  # characters of a line that may be a table row, field or list item

_SENTENCE_END = re.compile(r"[.!?][\"”’)\]]{0,3}\s+(?=[\"“(\[]?[A-Z0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|No|Fig|vs|Jr|Sr|Inc|Ltd|Co|Corp|Prof|Gen|Gov|Sen|Rep|al|etc|approx|cf|e\.g|i\.e)"
    r"|\b[A-Z])\.$"
)
_ASCII_LETTERS = dict.fromkeys(map(ord, f"{ascii_letters} "))
_MARKUP = re.compile(r"\*{1,2}|``?|(?<![A-Za-z0-9])_{1,2}(?=\w)|(?<=\w)_{1,2}(?![A-Za-z0-9])")
_LIST_ITEM = re.compile(r"\s{0,12}(?:[-*•]|\d{1,2}\.|\([a-z0-9]{1,4}\))\s+")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_UNDERLINE = re.compile(r"([=\-~^#*\"])\1{2,}$")
_GENERIC_TITLES = frozenset(
    ["introduction", "overview", "summary", "abstract", "contents", "notes", "key terms"]
)
_PART = re.compile(r"\s*\(part \d+\)\s*$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """``raw`` is a verbatim piece of the document; ``text`` the same without markup and line breaks."""

    raw: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """What the rules look at in a document."""

    title: str
    sentences: tuple[Sentence, ...]
    lines: tuple[str, ...]  # without those too long to be looked at


@lru_cache(maxsize=64)  # the calls of one document come close in time
def read_page(document: str) -> Page:
    """Return title, sentences and lines of a document."""
    document = document[:MAX_CHARACTERS]
    lines = tuple(line for line in document.split("\n") if len(line) <= MAX_LINE)
    sentences: list[Sentence] = []
    for paragraph in _paragraphs(document):
        sentences.extend(_sentences(paragraph))
        if len(sentences) >= MAX_SENTENCES:
            break
    return Page(_title(document), tuple(sentences[:MAX_SENTENCES]), lines)


def count_other(text: str) -> int:
    """Return how many characters are neither ASCII letters nor blanks, without a look at each one in Python."""
    return len(text.translate(_ASCII_LETTERS))


def word_set(words: str) -> frozenset[str]:
    """Return the words of a list that is written as text."""
    return frozenset(words.split())


def plain(text: str) -> str:
    """Return ``text`` on one line without emphasis and code marks."""
    return " ".join(_MARKUP.sub("", text).split())


def normal(text: str) -> str:
    """Return ``text`` for comparison: lower case, words and digits only."""
    return " ".join(re.findall(r"[^\W_]+(?:\.\d+)?", text.casefold()))


def _title(document: str) -> str:
    """Return the title: the heading or the short line that the document starts with; else nothing."""
    head = document[:400].lstrip().split("\n", 2)
    first = head[0].strip()
    is_heading = first.startswith("#")
    stands_alone = (
        len(head) > 1 and not head[1].strip() and not first.endswith((".", ":", ",", ";", "?", "!"))
    )
    if (
        not (is_heading or stands_alone)
        or not 3 <= len(first) <= 120
        or first.startswith(("|", "-", "*", "("))
    ):
        return ""
    title = plain(_PART.sub("", first.lstrip("# "))).strip(' ."“”')
    return "" if title.lower() in _GENERIC_TITLES else title


def _paragraphs(document: str) -> Iterator[str]:
    """Yield verbatim pieces of prose; code blocks, tables and headings are left out."""
    start = position = 0
    in_code = False
    for line in document.split("\n"):
        end = position + len(line)
        stripped = line.strip()
        if stripped.startswith("```"):
            in_code = not in_code
        if in_code or not stripped or stripped[0] == "|" or stripped.startswith("```") or _is_heading(line):
            yield document[start:position]
            start = end + 1
        elif item := _LIST_ITEM.match(line):
            yield document[start:position]
            start = position + item.end()
        position = end + 1
    yield document[start:]


def _is_heading(line: str) -> bool:
    return bool(_HEADING.match(line) or _UNDERLINE.match(line))


def _sentences(paragraph: str) -> Iterator[Sentence]:
    start = 0
    for end in _SENTENCE_END.finditer(paragraph):
        before = paragraph[max(start, end.start() - 8) : end.start() + 1]
        if _ABBREVIATION.search(before):
            continue
        yield from _sentence(paragraph[start : end.end()])
        start = end.end()
    yield from _sentence(paragraph[start:])


def _sentence(raw: str) -> Iterator[Sentence]:
    raw = raw.strip()
    if len(raw) in SENTENCE_LENGTH and raw.rstrip('"”’)').endswith("."):
        yield Sentence(raw, plain(raw))
