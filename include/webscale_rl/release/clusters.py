"""Clusters of documents that are nearly the same, so that a split never puts one into train and another into test.

Documents belong together when their texts, or parts of them, are nearly the same, or their pairs ask nearly the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from webscale_rl.corpus.near_duplicates import BANDS, similarities, sketch
from webscale_rl.ids import content_id

# Estimated similarity, lower than that of the duplicates that ingestion leaves out. Documents of 0.7 are found with
# 0.97, of 0.6 with 0.7: they must share one of the bands that are made for 0.7.
ALIKE = 0.6
# A common phrase makes large groups of unlike texts: comparisons of one member with all others are so many.
ROUNDS = 64


class Clusters:
    """Groups of documents by id, joined step by step (union-find)."""

    def __init__(self) -> None:
        self._leads: dict[str, str] = {}

    def lead(self, name: str) -> str:
        """Return the id that stands for the group of ``name``: the lowest of its members."""
        path = []
        while (above := self._leads.setdefault(name, name)) != name:
            path.append(name)
            name = above
        for member in path:
            self._leads[member] = name
        return name

    def join(self, one: str, other: str) -> None:
        """Put two names into one group."""
        low, high = sorted((self.lead(one), self.lead(other)))
        self._leads[high] = low


def join_alike(clusters: Clusters, texts: Iterable[tuple[str, str]]) -> None:
    """Join the names of texts that are nearly the same.

    Args:
        clusters: changed.
        texts: (name, text); a name may come with several texts. About 500 bytes of memory for each text.
    """
    names: list[str] = []
    lows: list[bytes] = []
    keys = array("i")
    by_hash: dict[bytes, str] = {}
    for name, text in texts:
        found = sketch(text)
        first = by_hash.setdefault(found.text_hash, name)
        if first != name:
            clusters.join(first, name)
        elif found.bands:
            names.append(name)
            lows.append(found.low)
            keys.extend(found.bands)
    if not names:
        return
    bands = np.frombuffer(keys, dtype=np.int32).reshape(-1, BANDS)
    for band in range(BANDS):
        for group in _equal(bands[:, band]):
            _join_group(clusters, [(names[place], lows[place]) for place in group])


def _join_group(clusters: Clusters, group: list[tuple[str, bytes]]) -> None:
    """Join what is alike in a group: with its first member, then what is left with the first of that, and so on."""
    for _ in range(ROUNDS):
        if len(group) < 2:
            return
        name, low = group[0]
        alike = similarities(low, [other for _, other in group[1:]]) >= ALIKE
        for (other, _), joined in zip(group[1:], alike, strict=True):
            if joined:
                clusters.join(name, other)
        group = [each for each, joined in zip(group[1:], alike, strict=True) if not joined]


def cluster_id(lead: str) -> str:
    """Return the name of a cluster as the data set shows it."""
    return content_id(["cluster", lead])[:16]


def _equal(keys: NDArray[np.int32]) -> list[list[int]]:
    """Return the groups of places with equal keys, of at least two."""
    order = np.argsort(keys, kind="stable")
    borders = np.flatnonzero(np.diff(keys[order])) + 1
    return [group.tolist() for group in np.split(order, borders) if group.size > 1]
