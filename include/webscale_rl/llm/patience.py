"""How long to wait for an answer: a request that hangs must not hold a slot for ten minutes."""

from __future__ import annotations

LEARNED = 50  # answers, after which their times say something
LEAST_SECONDS = 60.0
FACTOR = 20.0  # times the slowest of late: even a queue that others fill is no hang


class Patience:
    """The timeout of a request, learned from the slowest answers of late.

    Args:
        longest: seconds that are never exceeded.
    """

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self._answers = 0
        self._slowest = 0.0

    @property
    def seconds(self) -> float:
        """Timeout of the next request."""
        if self._answers < LEARNED:
            return self.longest
        return min(self.longest, max(LEAST_SECONDS, FACTOR * self._slowest))

    def learn(self, seconds: float) -> None:
        """Note how long an answer took."""
        self._answers += 1
        self._slowest = max(seconds, self._slowest * 0.999)
