"""Sketches of texts, by which the same and nearly the same are found: a hash of the words, and MinHash in bands.

MinHash-LSH after Broder (1997) and Indyk & Motwani (1998), over shingles of five words as FineWeb and datatrove use
them; the library rensa computes the minima.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from webscale_rl.corpus.running_hash import BASE, mixed, powers_of, substring_hashes

WORDS = 5  # of a shingle
# Two texts of similarity s share a band with probability 1 − (1 − s⁵)²⁴: 0.988 at 0.7, 0.998 at 0.75.
BANDS, ROWS = 24, 5
SEED = 42
THRESHOLD = 0.7  # estimated Jaccard similarity from which two texts count as the same
# Sketches of another version are never compared with these.
VERSION = 1_000 * RMinHash.ALGORITHM_VERSION + 1

_WORD = re.compile(r"[^\W_]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SPACED = bytes(sign if sign > 127 or chr(sign).isalnum() else 32 for sign in range(256))
_REPLACED = 32  # kinds of sign replaced one by one, each in a pass over the text; above it the slower way


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of a text to find it again: 16 bytes, 24 numbers, 120 bytes."""

    # Of the words alone: case, punctuation, white space and width of characters do not count.
    text_hash: bytes
    bands: tuple[int, ...]  # signed 32-bit keys; empty for a text of fewer than five words
    low: bytes  # the lowest byte of every minimum


def sketch(text: str) -> Sketch:
    """Return the sketch of a text, equal in every process. Its cost grows linearly with the text."""
    data = _words(text)
    text_hash = hashlib.sha256(data).digest()[:16]
    shingles = _shingles(data)
    if not shingles.size:
        return Sketch(text_hash, (), b"")
    offsets = np.array([0, shingles.size], dtype=np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        shingles, offsets, num_perm=BANDS * ROWS, seed=SEED
    )
    minima = np.array(matrix.to_rows()[0], dtype=np.uint64)
    return Sketch(text_hash, _band_keys(minima), minima.astype(np.uint8).tobytes())


def similarities(low: bytes, others: list[bytes]) -> NDArray[np.float64]:
    """Return the estimated Jaccard similarity of one text to each of others, from the low bytes of their minima.

    Of 120 minima the standard error is 0.04 at 0.8. One byte of 256 agrees by chance, which is taken off.
    """
    mine = np.frombuffer(low, dtype=np.uint8)
    theirs = np.frombuffer(b"".join(others), dtype=np.uint8).reshape(len(others), mine.size)
    agree = (theirs == mine).mean(axis=1)
    corrected: NDArray[np.float64] = np.clip((agree - 1 / 256) / (1 - 1 / 256), 0.0, 1.0)
    return corrected


def _words(text: str) -> bytes:
    """Return the words (letters and digits) in UTF-8, casefolded, single spaces between.

    Most signs are ASCII: mapping bytes takes a fifth of the time of a regular expression.
    """
    plain = (text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold()
    others = {sign for sign in set(_NOT_ASCII.findall(plain)) if not sign.isalnum()}
    if len(others) > _REPLACED:
        return " ".join(_WORD.findall(plain)).encode("utf-8", "replace")
    for sign in others:
        plain = plain.replace(sign, " ")
    return b" ".join(plain.encode().translate(_SPACED).split())


def _shingles(data: bytes) -> NDArray[np.uint64]:
    """Return a hash of every five words in a row of ``data``, which are separated by single spaces."""
    signs = np.frombuffer(data, dtype=np.uint8)
    spaces = np.flatnonzero(signs == 32)
    if spaces.size < WORDS - 1:
        return np.empty(0, dtype=np.uint64)
    starts = np.concatenate(([0], spaces + 1))
    ends = np.concatenate((spaces, [signs.size]))
    first, last = starts[: starts.size - WORDS + 1], ends[WORDS - 1 :]
    return substring_hashes(signs, first, last)


def _band_keys(minima: NDArray[np.uint64]) -> tuple[int, ...]:
    rows = minima.reshape(BANDS, ROWS)
    weights = powers_of(BASE, ROWS)
    keys = mixed((rows * weights).sum(axis=1, dtype=np.uint64) + np.arange(BANDS, dtype=np.uint64))
    low: Any = (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)
    return tuple(int(key) for key in low)
