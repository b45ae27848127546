"""Hashes of the words, or of every three words in a row, of many normalised questions at once.

Hashes of substrings come from one running polynomial hash over the bytes of all questions (Rabin & Karp), so that no
substring is ever made; they are equal in every process, which Python's own are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SHORT = 12  # words: below, single words are compared, since one changed word takes three runs with it
RUN = 3

Hashes = NDArray[np.uint64]
_BASE = 0x9E3779B97F4A7C15 | 1
_LARGEST = 2**64
_SPACE, _LINE = 32, 10


def shingles(questions: Sequence[str]) -> tuple[Hashes, Hashes]:
    """Return the hashes of questions one after the other, and where each question's begin and end (one more).

    Args:
        questions: words with single spaces between, at least one each.
    """
    signs = np.frombuffer(("\n".join(questions) + "\n").encode("utf-8", "replace"), dtype=np.uint8)
    ends = np.flatnonzero((signs == _SPACE) | (signs == _LINE))
    starts = np.concatenate(([0], ends[:-1] + 1))
    last = np.flatnonzero(signs[ends] == _LINE)  # the last word of each question
    counts = np.diff(np.concatenate(([-1], last)))
    words = np.repeat(counts, counts)  # of the question that a word belongs to
    left = np.repeat(last, counts) - np.arange(ends.size)  # words of it behind a word
    powers, inverse = _powers(1 << int(signs.size).bit_length())
    running = np.concatenate(
        ([np.uint64(0)], np.cumsum((signs + np.uint64(1)) * powers[: signs.size], dtype=np.uint64))
    )
    run = np.where(words < SHORT, 1, RUN)
    first = np.flatnonzero(left >= run - 1)
    begin, end = starts[first], ends[first + run[first] - 1]
    hashes = (running[end] - running[begin]) * inverse[begin]
    made = np.where(counts < SHORT, counts, counts - RUN + 1)
    return _mixed(hashes ^ (end - begin).astype(np.uint64)), np.concatenate(([0], np.cumsum(made))).astype(
        np.uint64
    )


def _mixed(values: Hashes) -> Hashes:
    """Return values whose bits all depend on all bits (the finaliser of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


@lru_cache(maxsize=8)
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """Return the first powers of the base and of its inverse modulo 2⁶⁴."""
    return _running_product(_BASE, size), _running_product(pow(_BASE, -1, _LARGEST), size)


def _running_product(base: int, size: int) -> Hashes:
    factors = np.full(size, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)
