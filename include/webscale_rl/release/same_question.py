"""When two questions that are much alike are one question, and when they are two.

Equal answers: alike enough is the same, unless each has a number that the other lacks. Different answers, or such
as many questions have ("yes", "B", "4"): a question with another number, name or key word asks something else,
however alike the rest is ("the capital of France", "the capital of Spain"). So nothing may differ but empty words and
the forms of a word, and what remains must stand in the same order.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from webscale_rl.release.shingles import SHORT
from webscale_rl.rewards import AnswerSpec, Match, match
from webscale_rl.rewards.normalise import folded
from webscale_rl.rewards.numbers import NUMBER_WORDS, read_numbers

# Without what a question would ask the same: no negation, no order, no quantity, no question word but two.
_EMPTY = """
a an the of in on at to for from by with as is are was were be been being am do does did has have had this that these
those it its their his her they he she we you your our please tell me us what which exactly there
"""
EMPTY = frozenset(_EMPTY.split())
STEM = 5  # letters that forms of one word share at least
_PIECE = re.compile(r"\d+(?:,\d{3}(?!\d))*(?:\.\d+)?|[^\W\d_]+[#+]*|[-+*/=<>^%]")
_ASCII_PIECE = re.compile(r"[a-z]+[#+]*|[0-9]+(?:,[0-9]{3}(?![0-9]))*(?:\.[0-9]+)?|[-+*/=<>^%]")
_SIGN = re.compile(r"[^\w\s.,;:?!'\"’‘“”*_-]")
_OPTION = re.compile(r"^\(?[A-Za-z][).]\s*")
_BARE = re.compile(r"[^\W_]+")
_INSIDE = re.compile(r"(?<=[a-z])-(?=[a-z])")


@dataclass(frozen=True, slots=True)
class Compared:
    """A pair and what is needed to compare it. ``words`` is the normalised question, single spaces between words."""

    id: str
    question: str
    answer: str
    words: str

    @property
    def figures(self) -> tuple[str, ...]:
        """The numbers of the question, in digits or words, sorted."""
        return tuple(sorted(figure for word in self.words.split() if (figure := _figure(word))))


@dataclass(frozen=True, slots=True)
class _Parts:
    count: int
    words: frozenset[str]
    runs: frozenset[tuple[str, ...]]  # of three words


def prepared(name: str, question: str, answer: str) -> Compared:
    """Return a pair ready to be compared."""
    # Where nothing but signs is left the text as it is, on one line.
    return Compared(name, question, answer, normalised(question) or " ".join(question.split()) or " ")


def normalised(question: str) -> str:
    """Return a question without case, white space, punctuation and differences of Unicode form.

    Numbers, the signs of formulas, C# and C++ stay.
    """
    plain = question if question.isascii() else unicodedata.normalize("NFKC", question.replace("−", "-"))
    plain = plain.casefold().replace("'", "").replace("’", "")
    if "-" in plain:
        plain = _INSIDE.sub(" ", plain)
    pieces = (_ASCII_PIECE if plain.isascii() else _PIECE).findall(plain)
    return " ".join(pieces).replace(",", "")


def same(one: Compared, other: Compared, similarity: float) -> float | None:
    """Return the Jaccard index of two questions that are nearly the same one; None if they are two."""
    if one.words == other.words:
        return 1.0 if _signs(one.question) == _signs(other.question) or answers_equal(one, other) else None
    alike = likeness(one, other)
    if alike < similarity:
        return None
    if answers_equal(one, other) and not _is_weak(one.answer):
        figures = Counter(one.figures), Counter(other.figures)
        return alike if figures[0] <= figures[1] or figures[1] <= figures[0] else None
    return alike if _content(one.words) == _content(other.words) else None  # which holds the numbers too


def likeness(one: Compared, other: Compared) -> float:
    """Return the Jaccard index of two questions: of words where one is short, else of runs of three words."""
    mine, theirs = _parts(one.words), _parts(other.words)
    if mine.count < SHORT or theirs.count < SHORT:
        return _jaccard(mine.words, theirs.words)
    return _jaccard(mine.runs, theirs.runs)


def share_of_words(one: Compared, other: Compared) -> float:
    """Return the Jaccard index of two questions' words, however long they are."""
    return _jaccard(_parts(one.words).words, _parts(other.words).words)


def answers_equal(one: Compared, other: Compared) -> bool:
    """Say whether two answers are the same: in their words, as one number with one unit, or as phrases."""
    mine, theirs = one.answer, other.answer
    if mine == theirs:
        return True
    if _bare(mine).isdisjoint(_bare(theirs)) and not (_is_numeric(mine) and _is_numeric(theirs)):
        return False  # most answers have nothing in common, which is found out at little cost
    return _equal(mine, theirs)


def answer_key(answer: str) -> str:
    """Return what equal answers share: their words, or the value of a bare number."""
    found = read_numbers(answer)
    if len(found) == 1 and not found[0].after and not found[0].before:
        return f"#{found[0].value}"
    return folded(answer)


def _bare(answer: str) -> frozenset[str]:
    return frozenset(_BARE.findall(answer.casefold()))


def _is_numeric(answer: str) -> bool:
    return any(map(str.isdigit, answer)) or not NUMBER_WORDS.keys().isdisjoint(_bare(answer))


@lru_cache(maxsize=65_536)
def _equal(one: str, other: str) -> bool:
    if answer_key(one) == answer_key(other):
        return bool(answer_key(one))
    if not one.strip() or not other.strip():
        return False
    numbers = read_numbers(one), read_numbers(other)
    if all(len(found) == 1 for found in numbers):  # "180" and "180 miles"
        mine, theirs = numbers[0][0], numbers[1][0]
        if mine.value == theirs.value and not (mine.after and theirs.after):
            return True
    return match(AnswerSpec("phrase", one), other) is Match.SAME


def _is_weak(answer: str) -> bool:
    """Say whether an answer is one of a few that many questions have."""
    plain = folded(_OPTION.sub("", answer))
    return len(plain) <= 1 or plain in ("yes", "no", "true", "false", "valid", "invalid")


def _signs(text: str) -> list[str]:
    """Return what is neither word nor number nor the punctuation of prose: brackets and symbols."""
    return _SIGN.findall(text)


@lru_cache(maxsize=4_096)
def _parts(words: str) -> _Parts:
    """Return what is compared. One question is compared with many in a row, hence the cache."""
    found = words.split()
    return _Parts(len(found), frozenset(found), frozenset(zip(found, found[1:], found[2:], strict=False)))


@lru_cache(maxsize=4_096)
def _content(words: str) -> list[str]:
    """Return the words that a question hangs on, in their order, forms of one word as one."""
    return [_figure(word) or _stem(word) for word in words.split() if word not in EMPTY]


def _stem(word: str) -> str:
    for ending in ("ies", "es", "ed", "s", "d"):
        if word.endswith(ending) and len(word) - len(ending) >= STEM - len(ending) + 1 and len(word) > STEM:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def _figure(word: str) -> str:
    if word[0].isdigit():
        return word.lstrip("0") or "0"
    return str(NUMBER_WORDS[word]) if word in NUMBER_WORDS else ""


def _jaccard(one: frozenset[Any], other: frozenset[Any]) -> float:
    shared = len(one & other)
    return shared / ((len(one) + len(other) - shared) or 1)
