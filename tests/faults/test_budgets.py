"""The budget of a run holds against the endpoint's own log, whatever is killed and repeated."""

import signal
import time

from tests.faults.mortal_postgres import MortalPostgres
from tests.faults.scene import CALLS, QUICK_RETRIES, Scene, nothing_is_lost

BUDGET = CALLS // 2
TOKENS = 1_000_000


def test_a_budget_of_calls_holds_across_kills_and_shards(
    stage: Scene, undisturbed_in_two: dict[str, bytes]
) -> None:
    """A user who gave a run a ceiling would be charged for more than that."""
    stage.endpoint.change(service_time=0.02)
    shards = stage.prepare(shards=2)
    for number in (25, 10):
        stage.expire_leases()
        killed, other = (
            stage.start(shards[0], budget=BUDGET, kill_at=f"after_answer:{number}"),
            stage.start(shards[1], budget=BUDGET),
        )
        stage.wait_for(lambda worker=killed: not worker.alive)
        other.send(signal.SIGKILL)
        other.wait()
    stage.expire_leases()
    for worker in [stage.start(shard, budget=BUDGET) for shard in shards]:
        assert worker.wait().exit_code == 0
    spent = len(stage.endpoint.calls())
    print(f"{spent} calls of a budget of {BUDGET}, after 4 kills")
    assert spent <= BUDGET
    assert stage.rows("SELECT DISTINCT state FROM conversions") == [("spent",)]
    for shard in stage.prepare("larger", shards=2):
        assert stage.finish(shard, "larger", budget=CALLS).exit_code == 0
    nothing_is_lost(stage, undisturbed_in_two, "larger")
    assert stage.endpoint.repeated() <= 4 * 8 * 6


def test_a_budget_that_nothing_disturbs_is_used_to_the_last_call(stage: Scene) -> None:
    """A user who gave a run a ceiling would get less than was paid for."""
    shards = stage.prepare(shards=2)
    workers = [stage.start(shard, budget=BUDGET) for shard in shards]
    assert [worker.wait().exit_code for worker in workers] == [0, 0]
    for shard in shards:
        assert stage.finish(shard, budget=BUDGET).exit_code == 0
    assert len(stage.endpoint.calls()) == BUDGET
    assert stage.endpoint.repeated() == 0


def test_a_budget_of_tokens_holds_where_answers_are_lost_on_their_way(stage: Scene) -> None:
    """A user would be charged for answers that were written but never arrived."""
    stage.endpoint.change(seed=5, share=0.4, kinds=["reset_in_body"])
    (shard,) = stage.prepare()
    ended = stage.finish(shard, token_budget=TOKENS, patches=QUICK_RETRIES)
    assert ended.exit_code == 0, ended
    calls = stage.endpoint.calls()
    charged = sum(call.tokens for call in calls)
    print(f"{charged} tokens of a budget of {TOKENS} in {len(calls)} calls")
    assert charged <= TOKENS
    assert stage.rows("SELECT state FROM conversions") == [("spent",)]


def test_a_killed_database_does_not_fail_documents_of_a_run_with_a_budget(
    stage: Scene, undisturbed: dict[str, bytes], mortal_postgres: MortalPostgres
) -> None:
    """A user whose PostgreSQL restarts would find documents failed, although nothing was wrong with them."""
    stage.endpoint.change(service_time=0.05)
    (shard,) = stage.prepare()
    worker = stage.start(shard, budget=2 * CALLS)
    stage.wait_for_answers(CALLS // 4)
    mortal_postgres.kill()
    time.sleep(2)  # a restart; the worker needs another portion of its budget meanwhile, and waits for it
    mortal_postgres.start()
    ended = worker.wait()
    assert ended.exit_code == 0, ended
    nothing_is_lost(stage, undisturbed)
    assert stage.endpoint.repeated() == 0
