"""Hashes of the words, or of every three words in a row, of many normalised questions at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from webscale_rl.corpus.running_hash import Hashes, substring_hashes

SHORT = 12  # words: below, single words are compared, since one changed word takes three runs with it
RUN = 3

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
    run = np.where(words < SHORT, 1, RUN)
    first = np.flatnonzero(left >= run - 1)
    begin, end = starts[first], ends[first + run[first] - 1]
    made = np.where(counts < SHORT, counts, counts - RUN + 1)
    return substring_hashes(signs, begin, end), np.concatenate(([0], np.cumsum(made))).astype(np.uint64)
