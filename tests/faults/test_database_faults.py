"""A database that dies, restarts or drops a connection costs a user neither a document nor a call."""

import time

import pytest

from tests.faults.mortal_postgres import MortalPostgres
from tests.faults.scene import CALLS, Scene, nothing_is_lost

SERVICE_SECONDS = 0.05
CONNECTIONS = ("webscale_rl writer", "webscale_rl reader", "webscale_rl governor")


@pytest.mark.parametrize("answered", [CALLS // 4, CALLS - 20], ids=["in_the_middle", "at_the_end"])
def test_a_killed_database_costs_nothing(
    stage: Scene, undisturbed: dict[str, bytes], mortal_postgres: MortalPostgres, answered: int
) -> None:
    """A user whose PostgreSQL is killed and restarted would lose, or pay again, what was answered meanwhile."""
    stage.endpoint.change(service_time=SERVICE_SECONDS)
    (shard,) = stage.prepare()
    worker = stage.start(shard)
    stage.wait_for_answers(answered)
    mortal_postgres.kill()
    time.sleep(0.5)
    mortal_postgres.start()
    ended = worker.wait()
    assert (ended.exit_code, ended.error) == (0, ""), ended
    nothing_is_lost(stage, undisturbed)
    assert stage.endpoint.repeated() == 0
    assert stage.rows("SELECT state, epoch FROM conversions") == [("done", 1)]


@pytest.mark.parametrize("answered", [CALLS // 4, CALLS - 30], ids=["in_the_middle", "at_the_end"])
def test_dropped_connections_cost_nothing(stage: Scene, undisturbed: dict[str, bytes], answered: int) -> None:
    """A user behind a proxy that drops connections would lose, or pay again, what they were to carry."""
    stage.endpoint.change(service_time=SERVICE_SECONDS)
    (shard,) = stage.prepare()
    worker = stage.start(shard)
    stage.wait_for_answers(answered)
    dropped = set()
    while worker.alive and not set(CONNECTIONS) <= dropped:
        dropped |= {
            name
            for name, _ in stage.rows(
                "SELECT application_name, pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = ANY(:names)",
                names=list(CONNECTIONS),
            )
        }
    ended = worker.wait()
    assert (ended.exit_code, ended.error) == (0, ""), ended
    assert CONNECTIONS[0] in dropped
    nothing_is_lost(stage, undisturbed)
    assert stage.endpoint.repeated() == 0
