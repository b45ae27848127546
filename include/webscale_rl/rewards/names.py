"""Names: which may be one and the same, and which have nothing in common."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache

from webscale_rl.rewards.guards import STOP
from webscale_rl.rewards.numbers import read_numbers

NAME = re.compile(r"^\W*[A-Z].*[A-Z]\w*\W*$", re.DOTALL)
SPELLING = 0.8  # similarity of two spellings of one name
# Decades, centuries, seasons and spans of years: what they hold cannot be told from their digits.
VAGUE_TIME = re.compile(
    r"\b\d+s\b|\b\d{4}\s*[-–/]\s*\d{1,4}\b|\bcentur|\bbetween\b|\bsince\b|\bearly\b|\blate\b|\bmid\b", re.I
)


def same_name(words: tuple[str, ...], given: tuple[str, ...]) -> bool:
    """Say whether one is the other without middle names, or with the surname in front."""
    short, long = sorted((words, given), key=len)
    if len(short) < 2 or any(word.isdigit() or word == "and" for word in (*short, *long)):
        return False
    if sorted(short) == sorted(long):
        return len(short) == 2 or short[0] == long[-1] or short[-1] == long[0]
    outer = short[0] == long[0] and short[-1] == long[-1]
    return outer and len(short) >= 2 and len(long) - len(short) <= 2 and _subsequence(short, long)


def _subsequence(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    rest = iter(long)
    return all(word in rest for word in short)


def is_pinned(wording: str) -> bool:
    """Say whether a wording is a name or a plain number: what has no synonyms."""
    words = [word for word in re.findall(r"\w+", wording) if word.casefold() not in STOP]
    if not words or VAGUE_TIME.search(wording):
        return False
    if any(c.isdigit() for word in words for c in word):
        return True
    shouted = len(words) > 1 and wording.isupper()  # where everything is capital, capitals say nothing
    return not shouted and all(word[0].isupper() for word in words)


def measured(wording: str, candidate: str) -> bool:
    """Say whether both hold numbers with a known unit, which may be the same measure in two units."""
    wanted, given = read_numbers(wording), read_numbers(candidate)
    return any(number.unit for number in wanted) and any(number.unit for number in given)


def related(words: tuple[str, ...], given: tuple[str, ...]) -> bool:
    """Say whether a candidate has anything in common with a wording: words, spelling, initials."""
    wanted = [word for word in words if word not in STOP] or list(words)
    run_on = "".join(given)
    if any(word in run_on for word in wanted if len(word) > 2):
        return True
    if set(wanted) & set(given):
        return True
    initials = "".join(word[0] for word in wanted)
    if len(initials) > 1 and initials in given:
        return True
    short = [word for word in given if 2 <= len(word) <= 6]
    if any(len(given) > 1 and word == "".join(each[0] for each in given) for word in wanted) or any(
        len(wanted) >= len(word) and word == initials[: len(word)] for word in short
    ):
        return True
    return any(_alike(one, other) for one in wanted if len(one) > 3 for other in given if len(other) > 3)


@lru_cache(maxsize=4096)
def _alike(one: str, other: str) -> bool:
    if one[:4] == other[:4]:
        return True
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= SPELLING
