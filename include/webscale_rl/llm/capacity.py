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
WORTH = 0.4  # of a proportional gain in throughput: so much must a change bring to be kept
MORE = 1.35  # of the limit: tried now and then, in case the endpoint has become larger
LESS = 0.8  # of the limit: tried now and then, lest a queue from the beginning stays for ever
RESTING_WINDOWS = 6
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
    _grown: int = 0  # times in a row that more was let in and no queue came of it
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
        if load.waiting >= standing / 2:
            self._grown = 0
        if load.waiting > 2 * standing:
            self.searching, self._calm = False, 0
            return self._cut(limit, load.running + standing)
        self._crowded = 0
        self._calm = self._calm + 1 if load.waiting < standing / 2 and busy >= BOUND * limit else 0
        if self.searching and self._calm:
            return limit * 2.0
        if self._calm >= 2:  # a hiccup of ours empties the queue for a moment, too
            self._calm = 0
            self._grown += 1
            return limit * (1.25 if self._grown == 1 else 1.6) + 1
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


@dataclass(frozen=True)
class _Step:
    """A change of the limit whose effect is not known yet, and what was seen before it."""

    limit: float
    tokens: float  # per second
    calls: float  # per second
    latency: float


@dataclass
class ThroughputControl:
    """Tries a change, sees what it does to the tokens that come back per second, and keeps or undoes it.

    For an endpoint that reports no queue of its own. More calls that bring more throughput are kept: the endpoint
    works on them. More calls that only take longer wait in a queue. A latency that rises over the one that was paid
    for means that the endpoint has become smaller or slower; fewer calls tell which: if the throughput falls with
    them, it is slower, and they are let in again. An answer 429 is a limit that the endpoint names itself.
    """

    searching: bool = True
    _paid: float = 0.0  # seconds: the latency at the limit that brought the last gain
    _step: _Step | None = None
    _rest: int = 0  # windows before something is tried again
    _down: bool = False  # whether less is tried next, not more
    _since: Totals = field(default_factory=Totals)
    _at: float = 0.0
    _quiet: float = 0.0  # nothing is judged before this: the last change has not come back yet

    def next_limit(self, limit: float, now: float, totals: Totals, in_flight: int) -> float:
        """Return the limit for the next moment.

        Args:
            limit: the present one.
            now: seconds on any clock.
            totals: of all workers.
            in_flight: calls of all workers.
        """
        seen = totals - self._since
        if (
            seen.calls < 0 or seen.tokens < 0 or now < self._quiet
        ):  # a worker has left and taken its counts along
            self._since, self._at = totals, now
            return limit
        if seen.refused > 0:
            self._since, self._at, self._quiet = totals, now, now + 0.5
            self.searching, self._step, self._rest = False, None, RESTING_WINDOWS
            return max(1.0, min(limit, in_flight or limit) * 0.85)
        latency = seen.busy_seconds / seen.calls if seen.calls else 0.0
        if seen.calls < max(8, min(limit, 64)) or now - self._at < max(1.0, latency) or latency <= 0.0:
            return limit
        # By Little's law, which calls that come back in waves do not disturb.
        calls = in_flight / latency
        now_seen = _Step(limit, calls * (seen.tokens or seen.calls) / seen.calls, calls, latency)
        self._since, self._at = totals, now
        if in_flight < BOUND * limit:  # nobody has used what there is: nothing can be learned
            self._step = None
            return limit
        wanted = max(1.0, self._judged(now_seen))
        if wanted != limit:  # a queue takes a while to drain
            self._quiet = now + (1.5 if wanted > limit else 2.5) * latency
        return wanted

    def _judged(self, seen: _Step) -> float:
        step, self._step = self._step, None
        if step is None:
            return self._tried(seen)
        # Answers differ in length, so either measure wavers: more is kept for the mean of both, and less, which may
        # leave the endpoint idle, only where both agree.
        part = seen.limit / step.limit - 1
        gains = ((seen.tokens / step.tokens - 1) / part, (seen.calls / step.calls - 1) / part)
        if part > 0:
            gain = sum(gains) / 2
            if gain >= WORTH:
                self._paid = seen.latency
                fast = 4.0 if gain > 0.8 and seen.limit < 256 else 2.0
                return self._try(seen, fast if self.searching else MORE)
            self.searching, self._down = False, True
            return step.limit * max(1.0, seen.calls / step.calls) * (1 + STANDING) + 1
        if max(gains) >= WORTH:  # it was no queue: the endpoint works on these calls
            self._paid, self._down, self._rest = step.latency, False, RESTING_WINDOWS
            return step.limit
        self._paid = seen.latency
        return self._try(seen, LESS)

    def _tried(self, seen: _Step) -> float:
        if self._paid == 0.0 or seen.latency < self._paid:
            self._paid = seen.latency
        if self.searching:
            return self._try(seen, 2.0 if seen.limit > FIRST_LIMIT else 4.0)
        kept = self._paid / seen.latency  # of the calls: the others wait in a queue
        if seen.limit * (1 - kept) > 3 * max(LEAST_STANDING, STANDING * seen.limit):
            return self._try(seen, max(0.5, kept * (1 + STANDING)))
        self._rest -= 1
        if self._rest >= 0:
            return seen.limit
        return self._try(seen, LESS if self._down else MORE)

    def _try(self, seen: _Step, factor: float) -> float:
        self._step = seen
        return seen.limit * factor + (1 if factor > 1 else 0)


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
