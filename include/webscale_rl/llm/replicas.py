"""Several servers with the same model: calls of one document go to one of them, where its prefix is cached."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SPILL = 1.25  # times an equal part of the calls in flight: a replica with more passes calls on
SPARE = 4
AVOIDED_SECONDS = 10.0  # a replica that could not be reached


class Replicas:
    """Chooses by rendezvous hashing, so that a replica more or less moves only its own documents.

    Args:
        urls: of the replicas, at least one.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._in_flight = dict.fromkeys(urls, 0)
        self._avoided: dict[str, float] = {}

    @contextmanager
    def chosen(self, session: str) -> Iterator[str]:
        """Choose the replica of a session and count the call as in flight there."""
        url = self._choose(session)
        self._in_flight[url] += 1
        try:
            yield url
        finally:
            self._in_flight[url] -= 1

    def avoid(self, url: str) -> None:
        """Leave a replica alone for a while, as long as there is another."""
        self._avoided[url] = time.monotonic() + AVOIDED_SECONDS

    def _choose(self, session: str) -> str:
        if len(self._in_flight) == 1:
            return next(iter(self._in_flight))
        now = time.monotonic()
        usable = [url for url in self._in_flight if self._avoided.get(url, 0.0) <= now] or list(
            self._in_flight
        )
        most = SPILL * (sum(self._in_flight.values()) + 1) / len(usable) + SPARE
        ranked = sorted(usable, key=lambda url: _rank(session, url))
        return next((url for url in ranked if self._in_flight[url] < most), ranked[0])


def _rank(session: str, url: str) -> bytes:
    return hashlib.blake2b(f"{session}\n{url}".encode(), digest_size=8).digest()
