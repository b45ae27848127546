"""The limiter on simulated endpoints, in simulated time: an endpoint that stands idle is paid for all the same."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from webscale_rl.llm.capacity import (
    FIRST_LIMIT,
    Load,
    QueueControl,
    ThroughputControl,
    Totals,
    shares,
)
from webscale_rl.llm.vllm_metrics import parse_load

TICK = 0.05
LOOK = 0.5


@dataclass
class Endpoint:
    """Works on ``slots`` calls at a time; the time of one may depend on how many run."""

    slots: int
    seconds: Callable[[int], float]
    now: float = 0.0
    running: list[tuple[float, float]] = field(default_factory=list)  # end, sent
    queue: deque[float] = field(default_factory=deque)
    totals: Totals = field(default_factory=Totals)
    used: float = 0.0

    @property
    def in_flight(self) -> int:
        return len(self.running) + len(self.queue)

    def advance(self, limit: int) -> None:
        """Let one tick pass with a client that keeps ``limit`` calls in flight."""
        self.now += TICK
        while self.running and self.running[0][0] <= self.now:
            _, sent = heapq.heappop(self.running)
            self.totals += Totals(1, 100, self.now - sent)
        while self.in_flight < limit:
            self.queue.append(self.now)
        while self.queue and len(self.running) < self.slots:
            sent = self.queue.popleft()
            heapq.heappush(self.running, (self.now + self.seconds(len(self.running) + 1), sent))
        self.used += TICK * len(self.running)


class Client:
    """A client whose limit is controlled every half second, as a governor does."""

    def __init__(self, endpoint: Endpoint, *, metrics: bool) -> None:
        self.endpoint = endpoint
        self.limit = float(FIRST_LIMIT)
        self._queue = QueueControl()
        self._throughput = ThroughputControl()
        self._metrics = metrics
        self._look_at = 0.0

    def run(self, seconds: float) -> float:
        """Run for so long and return the share of the slots that was used."""
        used, until = self.endpoint.used, self.endpoint.now + seconds
        while self.endpoint.now < until:
            self.endpoint.advance(int(self.limit))
            if self.endpoint.now >= self._look_at:
                self._look_at = self.endpoint.now + LOOK
                self._look()
        return (self.endpoint.used - used) / (seconds * self.endpoint.slots)

    def _look(self) -> None:
        end = self.endpoint
        if self._metrics:
            self.limit = self._queue.next_limit(self.limit, Load(len(end.running), len(end.queue)))
        else:
            self.limit = self._throughput.next_limit(self.limit, end.now, end.totals, end.in_flight)


ENDPOINTS = [(8, 0.2), (64, 0.4), (512, 4.0)]


@pytest.mark.parametrize(("slots", "seconds"), ENDPOINTS)
@pytest.mark.parametrize("metrics", [True, False], ids=["metrics", "throughput"])
def test_the_capacity_is_found_within_ten_service_times_or_seconds_and_kept(
    slots: int, seconds: float, metrics: bool
) -> None:
    client = Client(Endpoint(slots, lambda _: seconds), metrics=metrics)
    client.run(max(10.0, 10 * seconds))
    assert client.run(40 * seconds + 20) > (0.97 if metrics else 0.94)
    assert client.limit < 1.5 * slots + 6, "no endless queue: others use the endpoint, too"


@pytest.mark.parametrize(("slots", "seconds"), ENDPOINTS)
@pytest.mark.parametrize("metrics", [True, False], ids=["metrics", "throughput"])
def test_a_capacity_that_halves_and_doubles_is_followed(slots: int, seconds: float, metrics: bool) -> None:
    endpoint = Endpoint(slots, lambda _: seconds)
    client = Client(endpoint, metrics=metrics)
    client.run(max(15.0, 15 * seconds))
    endpoint.slots //= 2
    client.run(max(15.0, 15 * seconds))
    assert client.run(20 * seconds + 10) > (0.95 if metrics else 0.92)
    assert client.limit < 1.5 * endpoint.slots + 12
    endpoint.slots *= 2
    client.run(max(20.0, 20 * seconds))
    assert client.run(20 * seconds + 10) > (0.95 if metrics else 0.92)


def test_an_endpoint_that_becomes_slower_is_no_smaller_one() -> None:
    """Longer answers must not be taken for a queue: fewer calls would make it slower still."""
    pace = [0.5]
    endpoint = Endpoint(64, lambda _: pace[0])
    client = Client(endpoint, metrics=False)
    client.run(20)
    pace[0] = 1.5
    client.run(60)
    assert client.run(60) > 0.9


def test_a_graphics_card_that_takes_longer_the_more_it_does_is_filled() -> None:
    """Twice the calls take a third longer and bring half as much again: they are worth it."""
    endpoint = Endpoint(256, lambda running: 1.0 + running / 256)
    client = Client(endpoint, metrics=False)
    client.run(90)
    assert client.run(60) > 0.8


def test_a_refusal_lowers_the_limit_at_once() -> None:
    control = ThroughputControl()
    assert control.next_limit(100, 1.0, Totals(10, 100, 1.0, refused=1), 80) == pytest.approx(68)


def test_a_preemption_lowers_the_limit() -> None:
    control = QueueControl()
    control.next_limit(100, Load(90, 3, preemptions=7))
    assert control.next_limit(100, Load(90, 3, preemptions=8)) < 90


def test_a_queue_of_others_is_no_reason_to_give_up_everything_at_once() -> None:
    control = QueueControl()
    limit = 40.0
    for _ in range(12):
        limit = control.next_limit(limit, Load(64, 200))
    assert 25 < limit < 40


@pytest.mark.parametrize(
    ("limit", "wanted", "expected"),
    [
        (100, {"a": 1000, "b": 1000}, {"a": 50, "b": 50}),
        (100, {"a": 10, "b": 1000, "c": 1000}, {"a": 10, "b": 45, "c": 45}),
        (2, {"a": 1000, "b": 1000, "c": 1000}, {"a": 1, "b": 1, "c": 1}),
        (7, {"a": 1000, "b": 1000}, {"a": 3, "b": 4}),
        (64, {"a": 0}, {"a": 64}),
    ],
)
def test_shares_are_equal_and_what_one_does_not_want_the_others_get(
    limit: float, wanted: dict[str, int], expected: dict[str, int]
) -> None:
    assert shares(limit, wanted) == expected


def test_metrics_of_all_engines_are_summed_and_other_pages_are_no_metrics() -> None:
    page = (
        '# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{engine="0",model_name="m"} 3.0\n'
        'vllm:num_requests_running{engine="1",model_name="m"} 4.0\n'
        'vllm:num_requests_waiting{engine="0",model_name="m"} 1.0\n'
        'vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 9.0\n'
        'vllm:num_preemptions_total{engine="0"} 2.0\nvllm:num_requests_waiting{engine="1"} NaN\n'
    )
    assert parse_load(page) == Load(7.0, 1.0, 2.0)
    assert parse_load("<html>a router</html>") is None
    assert parse_load("vllm:num_requests_running 1") is None
