"""Which benchmark items share runs of words with a batch of questions: an inverted index in numpy arrays.

Tokens are numbered; every run of three (numbers masked) or thirteen (as they stand) is a 64-bit hash, looked up in a
sorted array. The cost of a question is that of its tokens, however many benchmarks there are: most runs miss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Hashes = NDArray[np.uint64]

UNKNOWN, NUMBER = 0, 1  # ids of what no benchmark holds, and of every number in masked runs
_BASE = np.uint64(0x9E3779B97F4A7C15)
_BITS = 24  # of the filter before the look-up: 16 MiB, which turns away what no benchmark holds


@dataclass(frozen=True)
class Hits:
    """Runs of a batch that stand in items, one entry a pair: all arrays are equally long."""

    position: Ids  # of the run's first token in the batch
    gram: Ids  # number of the run in the index
    item: Ids


class GramIndex:
    """Runs of ``size`` tokens and the items that hold them.

    Args:
        ids: tokens of all items in a row, each item ended by :data:`UNKNOWN`.
        owner: the item of each token.
        size: tokens of a run.
        hot: runs that more items hold are templates, and left out.
        kept: by place, which runs may count; all by default.
    """

    def __init__(
        self, ids: Ids, owner: Ids, size: int, hot: int, kept: NDArray[np.bool_] | None = None
    ) -> None:
        self.size = size
        hashes, valid = runs(ids, size)
        if kept is not None:
            valid &= kept[: valid.size]
        places = np.flatnonzero(valid)
        grams, items = hashes.view(np.int64)[places], owner[places]
        order = np.lexsort((items, grams))
        grams, items = grams[order], items[order]
        new = np.ones(grams.size, dtype=np.bool_)
        new[1:] = (grams[1:] != grams[:-1]) | (items[1:] != items[:-1])  # an item counts once
        # sorted as signed numbers, which look-ups follow
        grams, frequency = np.unique(grams[new], return_counts=True)
        cold = frequency <= hot
        self.hashes: Ids = grams[cold]
        self.frequency: Ids = frequency[cold]
        self._offsets = np.concatenate(([0], np.cumsum(self.frequency)))
        self._items: Ids = items[new][np.repeat(cold, frequency)]
        self._filter = np.zeros(1 << _BITS, dtype=np.bool_)
        self._filter[_slot(self.hashes)] = True

    def item_totals(self, weights: NDArray[np.float64], items: int) -> NDArray[np.float64]:
        """Return the sum of the weights of each item's runs."""
        totals: NDArray[np.float64] = np.zeros(items)
        np.add.at(totals, self._items, np.repeat(weights, self.frequency))
        return totals

    def find(self, ids: Ids) -> Hits:
        """Return what a batch of tokens shares with the items; texts are separated by :data:`UNKNOWN`."""
        hashes, valid = runs(ids, self.size)
        signed = hashes.view(np.int64)
        places = np.flatnonzero(valid & self._filter[_slot(signed)])
        if not places.size or not self.hashes.size:
            nothing = np.empty(0, dtype=np.int64)
            return Hits(nothing, nothing, nothing)
        grams = np.minimum(np.searchsorted(self.hashes, signed[places]), self.hashes.size - 1)
        found = self.hashes[grams] == signed[places]
        places, grams = places[found], grams[found]
        counts = self.frequency[grams]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return Hits(
            np.repeat(places, counts),
            np.repeat(grams, counts),
            self._items[np.repeat(self._offsets[grams], counts) + within],
        )


def runs(ids: Ids, size: int) -> tuple[Hashes, NDArray[np.bool_]]:
    """Return a hash of every ``size`` tokens in a row, and whether all of them are known."""
    count = max(0, ids.size - size + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    valid = np.ones(count, dtype=np.bool_)
    for step in range(size):
        part = ids[step : step + count]
        hashes = hashes * _BASE + part.astype(np.uint64) + np.uint64(1)
        valid &= part != UNKNOWN
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    return hashes ^ (hashes >> np.uint64(33)), valid


def joined(texts: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Return the tokens of texts in a row, each text ended by :data:`UNKNOWN`, and the text of each token."""
    flat = [token for text in texts for token in (*text, UNKNOWN)]
    lengths = np.fromiter((len(text) + 1 for text in texts), dtype=np.int64, count=len(texts))
    return np.array(flat, dtype=np.int64), np.repeat(np.arange(len(texts)), lengths)


def _slot(hashes: Ids) -> Ids:
    return hashes & ((1 << _BITS) - 1)
