"""A random order that is the same for the same seed: by the hash of seed and id, here and in the database alike."""

from __future__ import annotations

import hashlib
import heapq
from typing import Generic, TypeVar

T = TypeVar("T")


def rank(seed: str, key: str) -> bytes:
    """Return the place of a key in the order of a seed."""
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()


def ranked(column: str) -> str:
    """Return the same as an expression of SQL; the seed is the parameter ``seed``."""
    return f"sha256(convert_to(CAST(:seed AS text) || ':' || {column}, 'UTF8'))"


class First(Generic[T]):
    """Keeps the first ``size`` things of the order, of any number that is shown to it."""

    def __init__(self, seed: str, size: int) -> None:
        self._seed = seed
        self._size = size
        # The largest rank on top: bytes turned round, since heapq knows only the smallest.
        self._heap: list[tuple[int, str]] = []
        self._kept: dict[str, T] = {}

    def wants(self, key: str) -> bool:
        """Say whether a thing of this key would be kept, so that others need not be made."""
        if key in self._kept:
            return False
        return len(self._heap) < self._size or self._place(key) > self._heap[0][0]

    def add(self, key: str, thing: T) -> None:
        """Keep a thing that is wanted, and let the last one go."""
        self._kept[key] = thing
        heapq.heappush(self._heap, (self._place(key), key))
        if len(self._heap) > self._size:
            del self._kept[heapq.heappop(self._heap)[1]]

    def things(self) -> list[T]:
        """Return what was kept, in order."""
        return [self._kept[key] for _, key in sorted(self._heap, reverse=True)]

    def _place(self, key: str) -> int:
        return -int.from_bytes(rank(self._seed, key), "big")
