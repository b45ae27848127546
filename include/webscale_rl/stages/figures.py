"""The numbers that occur in a text, as people write them: with sign, scale, groups of digits, or in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

MAX_DIGITS = 40  # of any number: exact fractions could grow without bound
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

_NUMBER = re.compile(r"\d{1,3}(?:[,\u202f\u00a0]\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|\.\d+")
_LOOSELY = re.IGNORECASE | re.ASCII  # without ASCII "ſix" would match too, and be no key below
_SCALE = re.compile(rf"[\s\u00a0\u202f-]?({'|'.join(SCALES)})s?\b", _LOOSELY)
# A dash is a sign where no word or number ends before it: "1914-1918" and "FY-18" have none.
_SIGN = re.compile(r"(?:(?:^|[\s(|$£€¥])[-−–]|\bminus|\bnegative)\s?[$£€¥]?\s?$", re.IGNORECASE)
_OPENED = re.compile(r"\(\s?[$£€¥]?\s?$")
_CLOSED = re.compile(r"\s?%?\s?\)")

_ONE = "one|two|three|four|five|six|seven|eight|nine"
_TEEN = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TEN = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_WORDS = {word: value for value, word in enumerate(f"zero|{_ONE}|{_TEEN}".split("|"))}
_WORDS |= {word: 10 * value for value, word in enumerate(_TEN.split("|"), start=2)}
_SMALL = rf"(?:(?:{_TEN})(?:[ -](?:{_ONE}))?|{_TEEN}|{_ONE}|zero)"
_WORDED = re.compile(rf"\b({_SMALL})(?:[ -](hundred)(?:[ -](?:and )?({_SMALL}))?)?\b", _LOOSELY)


@dataclass(frozen=True)
class Figure:
    """A number of a text: "-$1.5 million" is ``written`` 1.5, ``scale`` 1000000, ``negative``."""

    written: Fraction
    scale: int = 1
    negative: bool = False

    @property
    def value(self) -> Fraction:
        """The number with its scale, without its sign."""
        return self.written * self.scale


def numbers(text: str) -> list[Fraction]:
    """Return the numbers written in digits, without signs: "$ 1,452.4" and "(1452.4)" both hold 1452.4."""
    return [figure.written for figure in _in_digits(text)]


def figures(text: str) -> list[Figure]:
    """Return all numbers of a text, those in digits first, then those in words ("twenty-one", "two hundred")."""
    return [*_in_digits(text), *_in_words(text)]


def _in_digits(text: str) -> list[Figure]:
    found = []
    for match in _NUMBER.finditer(text):
        digits = re.sub(r"[,\u202f\u00a0]", "", match.group())
        if len(digits) <= MAX_DIGITS:
            found.append(Figure(Fraction(digits), _scale(text, match.end()), _is_negative(text, match)))
    return found


def _in_words(text: str) -> list[Figure]:
    found = []
    for match in _WORDED.finditer(text):
        value = _small(match[1])
        if match[2]:
            value = value * 100 + (_small(match[3]) if match[3] else 0)
        found.append(Figure(Fraction(value), _scale(text, match.end())))
    return found


def _small(words: str) -> int:
    return sum(_WORDS[word] for word in re.split(r"[ -]", words.lower()))


def _scale(text: str, end: int) -> int:
    behind = _SCALE.match(text, end)
    return SCALES[behind[1].lower()] if behind else 1


def _is_negative(text: str, number: re.Match[str]) -> bool:
    before = text[max(0, number.start() - 12) : number.start()]  # as long as "negative $ " is
    if _SIGN.search(before):
        return True
    return bool(_OPENED.search(before) and _CLOSED.match(text, number.end()))  # as accounts write it
