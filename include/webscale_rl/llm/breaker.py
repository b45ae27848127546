"""A circuit breaker: a dead endpoint must not burn through a corpus, call after call."""

from __future__ import annotations

import time

from webscale_rl.errors import ShardFailed

FAULTS = 10
SECONDS = 30.0  # longer than a server takes to come back from a restart of its router


class Breaker:
    """Opens when for a while nothing but faults has come back.

    Args:
        name: of the endpoint, for the message.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._faults = 0
        self._since = time.monotonic()

    def success(self) -> None:
        """Note that a call was answered."""
        self._faults = 0
        self._since = time.monotonic()

    def fault(self, words: str) -> None:
        """Note that a call failed in transport.

        Raises:
            ShardFailed: so did all others for a while.
        """
        self._faults += 1
        quiet = time.monotonic() - self._since
        if self._faults >= FAULTS and quiet >= SECONDS:
            raise ShardFailed(
                f"{self._name} has answered nothing for {quiet:.0f} s: {self._faults} calls failed; "
                f"the last: {words}. Bring the endpoint back and run again: what was answered is kept."
            )
