"""How many calls an endpoint takes at a time: found from what it says of itself, or from what comes back.

Pure control: each class is told what was observed and returns the new limit of calls in flight, summed over all
workers. The limit is a little larger than what the endpoint works on, so that a slot that becomes free finds a call
waiting: an endpoint that stands idle between two calls is paid for all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

FIRST_LIMIT = 32  # of an endpoint that nobody has called before
STANDING = 0.08  # of what runs: the queue that is held at the endpoint
LEAST_STANDING = 2
PATIENT_LOOKS = 6
BOUND = 0.85  # of the limit in use: from here on the limit is what holds the calls back


@dataclass(frozen=True)
class Load:
    """What the endpoint's metrics say, summed over its replicas."""

    running: float
    waiting: float
    preemptions: float = 0.0  # since it was started


@dataclass
class QueueControl:
    """Holds a small standing queue at an endpoint that reports its own (vLLM's ``/metrics``).

    Nothing waits: more calls are let in, twice as many until a queue was seen for the first time. Too many wait: the
    limit falls to what runs and the standing queue, at once, since both are known. What still waits then is the rest
    of before, or the calls of others; if it does not go away, a little is given up to them. A preemption means that
    the endpoint's memory is full: a little less.
    """

    searching: bool = True
    _preemptions: float | None = None
    _calm: int = 0  # looks in a row at which nothing waited
    _crowded: int = 0  # looks in a row at which too many waited although our limit is low enough

    def next_limit(self, limit: float, load: Load) -> float:
        """Return the limit for the next moment."""
        preempted = self._preemptions is not None and load.preemptions > self._preemptions
        self._preemptions = load.preemptions
        standing = max(LEAST_STANDING, math.ceil(STANDING * load.running))
        busy = load.running + load.waiting
        if preempted:
            self.searching, self._calm = False, 0
            return max(1.0, min(limit, busy) * 0.9)
        if load.waiting > 2 * standing:
            self.searching, self._calm = False, 0
            return self._cut(limit, load.running + standing)
        self._crowded = 0
        self._calm = self._calm + 1 if load.waiting < standing / 2 and busy >= BOUND * limit else 0
        if self.searching and self._calm:
            return limit * 2.0
        if self._calm >= 2:  # a hiccup of ours empties the queue for a moment, too
            self._calm = 0
            return limit * 1.25 + 1
        return limit

    def _cut(self, limit: float, enough: float) -> float:
        if limit > enough:
            self._crowded = 0
            return max(1.0, enough)
        self._crowded += 1
        if self._crowded < PATIENT_LOOKS:
            return limit
        self._crowded = 0
        return max(1.0, limit * 0.9)


@dataclass(frozen=True)
class Totals:
    """What all workers have counted since they began: sums that only grow."""

    calls: int = 0
    tokens: int = 0  # of the completions
    busy_seconds: float = 0.0  # summed over calls
    refused: int = 0  # answers 429

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.calls + other.calls,
            self.tokens + other.tokens,
            self.busy_seconds + other.busy_seconds,
            self.refused + other.refused,
        )

    def __sub__(self, other: Totals) -> Totals:
        return Totals(
            self.calls - other.calls,
            self.tokens - other.tokens,
            self.busy_seconds - other.busy_seconds,
            self.refused - other.refused,
        )


@dataclass
class ThroughputControl:
    """Climbs on the tokens that come back per second, for an endpoint that reports no queue of its own.

    The limit grows while that brings about as much more throughput. Where it does not, the endpoint is full, and what
    was gained says how many calls it works on. Now and then a little more is tried; a throughput that falls while the
    limit is used means that the endpoint has become smaller. An answer 429 is a limit that the endpoint names itself.
    """

    searching: bool = True
    _before: tuple[float, float] | None = None  # limit and throughput of the step before
    _best: float = 0.0  # throughput where the climb ended
    _since: Totals = field(default_factory=Totals)
    _at: float = 0.0
    _quiet: float = 0.0  # nothing is judged before this: the last change has not come back yet
    _windows: int = 0
    _low: int = 0

    def next_limit(self, limit: float, now: float, totals: Totals, in_flight: int) -> float:
        """Return the limit for the next moment.

        Args:
            limit: the present one.
            now: seconds on any clock.
            totals: of all workers.
            in_flight: calls of all workers.
        """
        seen = totals - self._since
        if seen.calls < 0 or seen.tokens < 0:  # a worker has left and taken its counts along
            self._restart(now, totals, latency=0.0)
            return limit
        if seen.refused > 0:
            self._restart(now, totals, latency=0.5)
            self.searching, self._before = False, None
            return max(1.0, min(limit, in_flight or limit) * 0.85)
        if now < self._quiet:
            self._since, self._at = totals, now
            return limit
        latency = seen.busy_seconds / seen.calls if seen.calls else 0.0
        if seen.calls < max(4, min(limit / 2, 32)) or now - self._at < max(1.0, latency):
            return limit
        throughput = (seen.tokens or seen.calls) / (now - self._at)
        bound = in_flight >= BOUND * limit
        wanted = (
            self._climb(limit, throughput, latency)
            if self.searching
            else self._hold(limit, throughput, bound)
        )
        if self.searching and not bound:
            wanted = limit  # nobody has used what there is
        self._restart(now, totals, latency if wanted != limit else 0.0)
        return max(1.0, wanted)

    def _restart(self, now: float, totals: Totals, latency: float) -> None:
        self._since, self._at, self._quiet = totals, now, now + 1.2 * latency

    def _climb(self, limit: float, throughput: float, latency: float) -> float:
        gain = 1.0
        if self._before is not None:
            earlier_limit, earlier = self._before
            gain = (throughput / earlier - 1) / (limit / earlier_limit - 1) if earlier else 1.0
            if gain < 0.4:
                self.searching, self._best = False, max(throughput, earlier)
                worked_on = earlier_limit * max(1.0, throughput / earlier)
                return worked_on * (1 + STANDING) + 1
        self._before = (limit, throughput)
        return limit * (4.0 if gain > 0.8 and limit < 256 else 2.0)

    def _hold(self, limit: float, throughput: float, bound: bool) -> float:
        self._windows += 1
        if self._before is not None:  # a little more was tried
            earlier_limit, earlier = self._before
            self._before = None
            if throughput > 1.1 * earlier:
                self.searching = True
                self._before = (earlier_limit, earlier)
                return self._climb(limit, throughput, 0.0)
            return earlier_limit
        if bound and throughput < 0.75 * self._best:
            self._low += 1
            if self._low >= 2:
                smaller = limit * max(0.25, throughput / self._best) * (1 + STANDING)
                self._low, self._best = 0, throughput
                return smaller
            return limit
        self._low = 0
        self._best = max(self._best * 0.98, throughput)
        if bound and self._windows % 4 == 0:
            self._before = (limit, throughput)
            return limit * 1.3
        return limit


def shares(limit: float, wanted: dict[str, int]) -> dict[str, int]:
    """Divide a limit among workers: equally, but to nobody more than it wants while others want more.

    Args:
        limit: calls in flight, summed over the workers.
        wanted: how many calls each worker could have in flight.

    Returns:
        The share of each, at least 1. What nobody wants is divided equally as well, for a want grows between two
        looks at it.
    """
    left, open_ = max(int(limit), len(wanted)), sorted(wanted, key=lambda name: (wanted[name], name))
    share: dict[str, int] = {}
    while open_:
        name = open_.pop(0)
        share[name] = max(1, min(wanted[name], left // (len(open_) + 1)))
        left -= share[name]
    for position, name in enumerate(sorted(share)):
        share[name] += max(0, (left + position) // len(share))
    return share
