"""Duplicates among questions: the same, nearly the same, and the same in other words.

Three passes over pairs in the caller's order, each over what the one before has kept; a duplicate always refers to a
pair that stays. ``exact`` compares normalised questions. ``near`` finds candidates by MinHash in bands (Broder 1997;
Indyk & Motwani 1998; minima by rensa) and verifies each on the texts. ``semantic`` compares embeddings of questions
whose answers are equal. When two alike questions are two questions is decided in :mod:`.same_question`.

Memory: 1 to 2 kB a pair (the texts, 256 bytes of sketch, and its candidates), 2 GB for 1.2 million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from webscale_rl.release.same_question import (
    Compared,
    answer_key,
    answers_equal,
    likeness,
    prepared,
    same,
    share_of_words,
)
from webscale_rl.release.shingles import shingles

# Two questions of similarity s share a band with probability 1 - (1 - s^4)^32, 0.9999 at 0.7, and two of them with
# 0.998; of those at 0.4, which one band lets through, two turn away four fifths.
BANDS, ROWS = 32, 4
SHARED, SURE = 2, 0.65  # bands that must be shared, from a wanted similarity on
# The share of 128 minima that agree is the similarity, with a standard error of 0.04 at 0.7.
MARGIN = 0.15
# Of questions that belong on one side of a split: Jaccard index of runs, of words, and the least estimate of both.
ALIKE, ALIKE_WORDS, LEAST_SHARED = 0.7, 0.8, 0.4
MERGED = 4  # bands whose pairs are held before they are sorted together
SEED = 42
SKETCHED = 4_096  # questions at a time
# Of questions in one band each is compared with so many of the first and of those before it: a template of ten
# thousand questions is no reason for fifty million comparisons.
FIRST, BEFORE = 8, 8
EMBEDDED = 1_024  # questions in one call of ``embed``, at most
BLOCK = 2_048  # rows of a block of cosines

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A pair as it is compared."""

    id: str
    question: str
    answer: str


@dataclass(frozen=True)
class Duplicate:
    """Why a pair is left out. ``of`` is the id of the pair that stays; ``detail`` says more to a person."""

    of: str
    kind: Literal["exact", "near", "semantic"]
    detail: str


def find_duplicates(
    pairs: Iterable[Asked],
    *,
    similarity: float = 0.7,
    embed: Embed | None = None,
    semantic_similarity: float = 0.95,
) -> dict[str, Duplicate]:
    """Return for each pair that repeats an earlier kept one, which and how; by id, in the order of the passes.

    Args:
        pairs: in an order that says which of two stays: the earlier one.
        similarity: Jaccard index of words or of runs of three from which questions are nearly the same, 0 to 1.
        embed: gives vectors of shape (questions, dimensions), not all zero; None for no semantic pass.
        semantic_similarity: cosine from which questions with equal answers are the same in other words.

    Raises:
        ValueError: ``embed`` returned another number of vectors than it got questions.
    """
    compared = [prepared(pair.id, pair.question, pair.answer) for pair in pairs]
    found: dict[int, tuple[int, Duplicate]] = {}
    _exact(compared, found)
    _near(compared, found, similarity)
    if embed is not None:
        _semantic(compared, found, embed, semantic_similarity)
    return {compared[place].id: _of_kept(compared, found, place) for place in found}


def alike_questions(pairs: Iterable[Asked]) -> Iterator[tuple[str, str]]:
    """Yield the ids of pairs whose questions are nearly the same in words, though they may be two: of two years.

    All alike ones are connected, if not each with each. They share 0.7 of what :func:`find_duplicates` compares, or
    0.8 of their words: one changed word of fifteen takes three runs of three with it.
    """
    compared = [prepared(pair.id, pair.question, "") for pair in pairs]
    first: dict[str, Compared] = {}
    for pair in compared:
        if (of := first.setdefault(pair.words, pair)) is not pair:
            yield pair.id, of.id
    different = list(first.values())
    keys, low = _sketches([pair.words for pair in different])
    for later, earlier in _candidates(keys, low, 1, LEAST_SHARED):
        one, other = different[later], different[earlier]
        if share_of_words(one, other) >= ALIKE_WORDS or likeness(one, other) >= ALIKE:
            yield one.id, other.id


Found = dict[int, tuple[int, Duplicate]]


def _of_kept(compared: Sequence[Compared], found: Found, place: int) -> Duplicate:
    """Return a duplicate of what stays: what it repeats may itself have been left out by a later pass."""
    of, duplicate = found[place]
    while of in found:
        of = found[of][0]
    return replace(duplicate, of=compared[of].id)


def _exact(compared: Sequence[Compared], found: Found) -> None:
    first: dict[str, int] = {}
    for place, pair in enumerate(compared):
        of = first.setdefault(pair.words, place)
        if of != place and same(pair, compared[of], 1.0) is not None:
            other = compared[of]
            detail = "the same question" + ("" if answers_equal(pair, other) else _differ(pair, other))
            found[place] = of, Duplicate(other.id, "exact", detail)


def _near(compared: Sequence[Compared], found: Found, similarity: float) -> None:
    places = [place for place in range(len(compared)) if place not in found]
    keys, low = _sketches([compared[place].words for place in places])
    least = SHARED if similarity >= SURE else 1
    for later, earlier in _candidates(keys, low, least, similarity - MARGIN):
        place, of = places[later], places[earlier]
        if place in found or of in found:
            continue
        alike = same(compared[place], compared[of], similarity)
        if alike is not None:
            detail = f"Jaccard {alike:.2f}"
            if not answers_equal(compared[place], compared[of]):
                detail += _differ(compared[place], compared[of])
            found[place] = of, Duplicate(compared[of].id, "near", detail)


def _differ(pair: Compared, other: Compared) -> str:
    return f"; the answers differ: {pair.answer[:60]!r}, {other.answer[:60]!r}"


def _sketches(questions: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Return bands, shape (questions, bands), and the lowest byte of each minimum, (questions, bands * rows)."""
    keys = np.zeros((len(questions), BANDS), dtype=np.uint32)
    low = np.zeros((len(questions), BANDS * ROWS), dtype=np.uint8)
    weights = np.array([0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 1], dtype=np.uint64)
    for start in range(0, len(questions), SKETCHED):
        part = questions[start : start + SKETCHED]
        end = start + len(part)
        hashes, offsets = shingles(part)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            hashes, offsets, num_perm=BANDS * ROWS, seed=SEED
        )
        minima = np.array(matrix.to_rows(), dtype=np.uint64)
        mixed = (minima.reshape(len(part), BANDS, ROWS) * weights).sum(axis=2, dtype=np.uint64)
        keys[start:end] = (mixed >> np.uint64(32)).astype(np.uint32)
        low[start:end] = minima.astype(np.uint8)
    return keys, low


def _candidates(
    keys: NDArray[np.uint32], low: NDArray[np.uint8], least: int, estimate: float
) -> Iterator[tuple[int, int]]:
    """Yield pairs (later, earlier) that share ``least`` bands and as many minima as the ``estimate`` asks for.

    They are sorted: whatever may drop the earlier one of a pair has come before.
    """
    count = len(keys)
    found = [np.empty(0, dtype=np.int64)]
    for band in range(BANDS):
        found.append(_paired(keys[:, band]))
        if len(found) > MERGED:
            found = [np.sort(np.concatenate(found))]
    codes = np.sort(np.concatenate(found))
    del found
    if least > 1:  # those that stand twice
        codes = codes[:-1][codes[1:] == codes[:-1]]
    for start in range(0, codes.size, SKETCHED):
        part = codes[start : start + SKETCHED]
        part = part[part != np.concatenate(([codes[start - 1] if start else -1], part[:-1]))]
        later, earlier = np.divmod(part, count)
        agree = (low[later] == low[earlier]).mean(axis=1)
        close = (agree - 1 / 256) / (1 - 1 / 256) >= estimate  # one byte of 256 agrees by chance
        yield from zip(later[close].tolist(), earlier[close].tolist(), strict=True)


def _paired(keys: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return pairs of one band as later * questions + earlier."""
    count = keys.size
    if not count:
        return np.empty(0, dtype=np.int64)
    order = np.argsort(keys, kind="stable")
    values = keys[order]
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    rank = np.arange(count) - np.repeat(starts, np.diff(np.concatenate((starts, [count]))))
    found = []
    for step in range(1, BEFORE + 1):
        at = np.flatnonzero(rank >= step)
        found.append(order[at] * count + order[at - step])
    for step in range(FIRST):
        at = np.flatnonzero(rank > step + BEFORE)
        found.append(order[at] * count + order[at - rank[at] + step])
    return np.concatenate(found)


def _semantic(compared: Sequence[Compared], found: Found, embed: Embed, least: float) -> None:
    """Compare questions with one and the same answer, group by group."""
    groups: dict[str, list[int]] = {}
    for place, pair in enumerate(compared):
        if place not in found:
            groups.setdefault(answer_key(pair.answer), []).append(place)
    waiting: list[list[int]] = []
    for key, group in groups.items():
        if key and len(group) > 1:
            waiting.append(group)
        if sum(map(len, waiting)) >= EMBEDDED:
            _compare(compared, waiting, found, embed, least)
            waiting = []
    _compare(compared, waiting, found, embed, least)


def _compare(
    compared: Sequence[Compared], groups: Sequence[list[int]], found: Found, embed: Embed, least: float
) -> None:
    questions = [compared[place].question for group in groups for place in group]
    if not questions:
        return
    parts = [embed(questions[start : start + EMBEDDED]) for start in range(0, len(questions), EMBEDDED)]
    vectors = np.concatenate([np.asarray(part, dtype=np.float32) for part in parts])
    if len(vectors) != len(questions):
        raise ValueError(f"embed returned {len(vectors)} vectors for {len(questions)} questions")
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    start = 0
    for group in groups:
        _nearest(compared, group, vectors[start : start + len(group)], found, least)
        start += len(group)


def _nearest(
    compared: Sequence[Compared], group: list[int], vectors: NDArray[np.float32], found: Found, least: float
) -> None:
    for start in range(0, len(group), BLOCK):
        end = min(len(group), start + BLOCK)
        for before in range(0, end, BLOCK):
            cosines = vectors[start:end] @ vectors[before : min(end, before + BLOCK)].T
            for row, column in np.argwhere(cosines >= least).tolist():
                place, of = group[start + row], group[before + column]
                if of >= place or place in found or of in found:
                    continue
                if compared[place].figures == compared[of].figures:
                    detail = f"cosine {cosines[row, column]:.3f}, equal answers"
                    found[place] = of, Duplicate(compared[of].id, "semantic", detail)
