"""Two workers never work the same shard; one that is stopped or told to end loses nothing."""

import signal
import time

from tests.faults.scene import CALLS, PAIRS, Scene, nothing_is_lost

SERVICE_SECONDS = 0.05
LEASE_SECONDS = 1.5
SHORT_LEASE = {
    "store.conversions.LEASE_SECONDS": LEASE_SECONDS,
    "store.conversions.IDLE_SECONDS": 0.4,
    "worker.LEASE_SECONDS": LEASE_SECONDS,
}
TABLES = ("llm_calls", "questions", "verdicts", "document_results", "conversions")


def contents(stage: Scene) -> dict[str, list[str]]:
    """Return all rows that workers write."""
    return {
        table: sorted(str(row) for (row,) in stage.rows(f"SELECT {table}::text FROM {table}"))
        for table in TABLES
    }


def test_a_worker_that_stood_still_past_its_lease_writes_nothing_more(
    stage: Scene, undisturbed: dict[str, bytes]
) -> None:
    """A user whose machine is suspended for a while would find rows of two workers mixed."""
    stage.endpoint.change(service_time=SERVICE_SECONDS)
    (shard,) = stage.prepare()
    first = stage.start(shard, patches=SHORT_LEASE)
    stage.wait_for_answers(CALLS // 4)
    first.send(signal.SIGSTOP)
    second = stage.start(shard, patches=SHORT_LEASE).wait()
    assert (second.exit_code, second.counts.get("pairs")) == (0, PAIRS), second
    before = contents(stage)
    received = len(stage.endpoint.calls())
    first.send(signal.SIGCONT)
    ended = first.wait()
    assert ended.error == "LeaseLost", ended
    assert contents(stage) == before
    assert stage.rows("SELECT state, epoch FROM conversions") == [("done", 2)]
    nothing_is_lost(stage, undisturbed)
    late = len(stage.endpoint.calls()) - received
    print(
        f"{stage.endpoint.repeated()} of {CALLS} calls repeated, {late} of them sent after the lease was lost"
    )
    assert late <= 2, "what had passed its check when it was stopped, and nothing more"


def test_two_workers_of_one_shard_do_its_work_once(stage: Scene, undisturbed: dict[str, bytes]) -> None:
    """A user whose scheduler starts a task twice would pay for everything twice."""
    stage.endpoint.change(service_time=SERVICE_SECONDS)
    (shard,) = stage.prepare()
    workers = [stage.start(shard, patches={"worker.CLAIM_WAIT_SECONDS": 0.5}) for _ in range(2)]
    ended = [worker.wait() for worker in workers]
    assert sorted(found.error for found in ended) == ["", "ShardBusy"], ended
    nothing_is_lost(stage, undisturbed)
    assert stage.endpoint.repeated() == 0


def test_a_worker_that_is_told_to_end_keeps_every_answer(stage: Scene, undisturbed: dict[str, bytes]) -> None:
    """A user who stops a run, or whose machine is drained, would pay again for all calls that were in flight."""
    stage.endpoint.change(service_time=0.3)
    (shard,) = stage.prepare()
    for number in range(1, 4):
        worker = stage.start(shard, max_in_flight=16)
        stage.wait_for_answers(40 * number)
        worker.send(signal.SIGTERM)
        asked = time.monotonic()
        ended = worker.wait()
        assert ended.error == "Stopping", ended
        assert time.monotonic() - asked < 5, "Airflow would have killed it"
        answered = {call.body for call in stage.endpoint.right()}
        assert stage.answers_known() == len(answered), "an answer was thrown away"
    stage.endpoint.change(service_time=0.0)
    assert stage.start(shard).wait().exit_code == 0  # at once: the lease was given back
    nothing_is_lost(stage, undisturbed)
    assert stage.endpoint.repeated() == 0
