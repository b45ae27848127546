"""A worker that is killed costs a user neither a document nor a call that was paid for."""

import random
import signal
import time

import pytest

from tests.faults.scene import CALLS, Scene, nothing_is_lost
from webscale_rl.faultpoints import PLACES
from webscale_rl.store.conversions import FLUSH_SECONDS

SEED = 20261125
IN_FLIGHT = 8
SERVICE_SECONDS = 0.02
FLUSHED_SECONDS = 4 * FLUSH_SECONDS  # after an answer it is in the ledger, on a busy machine
# What a kill may cost: what is in flight, and what came back since the last flush.
REPEATED_A_KILL = IN_FLIGHT * (1 + round(FLUSHED_SECONDS / SERVICE_SECONDS))
TIMES = {"before_call": (20, 90), "after_answer": (20, 90), "in_flush": (2, 9), "after_flush": (2, 9)}


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_at_any_place_costs_no_document_and_no_paid_call(
    stage: Scene, undisturbed: dict[str, bytes], place: str
) -> None:
    """A user whose machine dies would lose pairs, get some twice, or pay again for a whole shard."""
    chance = random.Random(f"{SEED} {place}")
    stage.endpoint.change(service_time=SERVICE_SECONDS)
    (shard,) = stage.prepare()
    times = [chance.randint(*TIMES[place]) for _ in range(2)]
    for number in times:
        ended = stage.finish(shard, kill_at=f"{place}:{number}", max_in_flight=IN_FLIGHT)
        assert ended.exit_code == -signal.SIGKILL, ended
    assert stage.finish(shard).exit_code == 0
    nothing_is_lost(stage, undisturbed)
    repeated = stage.endpoint.repeated()
    print(f"{place}: killed at {times}, {repeated} of {CALLS} calls repeated")
    assert repeated <= len(times) * REPEATED_A_KILL


def test_kills_by_the_clock_cost_only_what_was_in_flight(stage: Scene, undisturbed: dict[str, bytes]) -> None:
    """A user on machines that are taken away at any moment would pay for more than the last moment."""
    chance = random.Random(SEED)
    stage.endpoint.change(service_time=SERVICE_SECONDS)
    (shard,) = stage.prepare()
    kills = []
    for _ in range(4):
        stage.expire_leases()
        worker = stage.start(shard, max_in_flight=IN_FLIGHT)
        time.sleep(chance.uniform(0.2, 0.7))
        worker.send(signal.SIGKILL)
        kills.append(time.time())
        assert worker.wait().exit_code == -signal.SIGKILL
    assert stage.finish(shard).exit_code == 0
    nothing_is_lost(stage, undisturbed)
    repeated = stage.endpoint.repeated()
    print(f"{len(kills)} kills by the clock, {repeated} of {CALLS} calls repeated")
    assert repeated <= len(kills) * REPEATED_A_KILL
    first: dict[str, float] = {}
    for call in stage.endpoint.right():
        if (answered := first.setdefault(call.body, call.ended)) < call.ended:
            assert any(kill - FLUSHED_SECONDS < answered < kill + 1 for kill in kills), (answered, kills)
