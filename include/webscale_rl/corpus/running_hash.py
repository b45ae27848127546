"""Hashes of all substrings of a text at once, by one running polynomial hash (Rabin & Karp).

Equal in every process, which Python's own are not. Arithmetic is modulo 2⁶⁴.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
BASE = 0x9E3779B97F4A7C15 | 1
_LARGEST = 2**64


def substring_hashes(signs: NDArray[np.uint8], begin: NDArray[np.int64], end: NDArray[np.int64]) -> Hashes:
    """Return a hash of every ``signs[begin:end]``; no substring is ever made."""
    powers, inverse = _powers(1 << int(signs.size).bit_length())
    steps = (signs + np.uint64(1)) * powers[: signs.size]
    running = np.concatenate(([np.uint64(0)], np.cumsum(steps, dtype=np.uint64)))
    found = (running[end] - running[begin]) * inverse[begin]
    return mixed(found ^ (end - begin).astype(np.uint64))


def mixed(values: Hashes) -> Hashes:
    """Return values whose bits all depend on all bits (the finaliser of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


def powers_of(factor: int, size: int) -> Hashes:
    """Return the first ``size`` powers of a factor, from the zeroth."""
    factors = np.full(size, factor, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)


@lru_cache(maxsize=16)
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """Return the first powers of the base and of its inverse."""
    return powers_of(BASE, size), powers_of(pow(BASE, -1, _LARGEST), size)
