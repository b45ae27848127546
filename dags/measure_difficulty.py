"""# How hard the accepted pairs are

Has one solver or several attempt every accepted pair, closed-book and with the very prompt that the exports carry,
and records successes and attempts; marks pairs that can be guessed and labels that are suspect. Or imports the
rollouts of a trainer. A rerun asks nothing that was answered before, and judges it anew.

Connections: `webscale_solver` and optionally `webscale_solver_2`, `webscale_solver_3` (type openai); without any of
them `webscale_generator` measures its own questions. `webscale_db` (type postgres). Pool: `llm`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, Param, RetryAction, RetryRule, TriggerRule, dag, task

from webscale_rl.difficulty_form import DIFFICULTY_FORM

PARAMS = {name: Param(**fields) for name, fields in DIFFICULTY_FORM.items()}

# Losing a worker is worth many tries; a wrong setting or a dead endpoint is worth none.
RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception="webscale_rl.errors.ConfigurationError", action=RetryAction.FAIL),
        RetryRule(exception="webscale_rl.errors.ShardFailed", action=RetryAction.FAIL),
        RetryRule(exception="webscale_rl.errors.RunIncomplete", action=RetryAction.FAIL),
    ]
)


@dag(
    dag_id="measure_difficulty",
    dag_display_name="Measure difficulty",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # two at a time would pay twice for documents that they share
    params=PARAMS,
    doc_md=__doc__,
    tags=["webscale-rl"],
    is_paused_upon_creation=False,
    default_args={
        "retries": 10,
        "retry_delay": timedelta(seconds=5),
        "retry_policy": RETRY_POLICY,
    },
)
def measure_difficulty() -> None:
    """Wire the tasks; each calls one function of the library."""

    @task
    async def probe_solvers(params: dict[str, Any] | None = None) -> list[str]:
        """Ask every solver: is it there, has it the model, has its context room?"""
        from webscale_rl.airflow_adapter import difficulty

        return await difficulty.probe_solvers(params or {})

    @task
    def open_measurement(
        solvers: list[str], run_id: str | None = None, params: dict[str, Any] | None = None
    ) -> str:
        """Record the run and its configuration."""
        from webscale_rl.airflow_adapter import difficulty

        return difficulty.open_measurement(str(run_id), params or {})

    @task
    def import_rollouts(run: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read the rollouts of a trainer, where the form names a file."""
        from webscale_rl.airflow_adapter import difficulty

        return difficulty.import_rollouts(params or {})

    @task
    def list_shards(run: str, params: dict[str, Any] | None = None) -> list[str]:
        """Find the shards whose pairs are measured, and mark what rules can see."""
        from webscale_rl.airflow_adapter import difficulty

        return difficulty.list_shards(run, params or {})

    @task(pool="llm", map_index_template="{{ task.op_kwargs['shard_id'] }}")
    async def measure_shard(run: str, shard_id: str, params: dict[str, Any] | None = None) -> dict[str, int]:
        """Have the solvers attempt the pairs of one shard."""
        from webscale_rl.airflow_adapter import difficulty

        return await difficulty.measure_shard(run, shard_id, params or {})

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def summarise(
        shard_ids: list[str] | None,
        imported: dict[str, Any] | None,
        run_id: str | None = None,
        params: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Write what is known of the pairs; fail the run when a shard did not finish."""
        from webscale_rl.airflow_adapter import difficulty

        return difficulty.summarise_difficulty(str(run_id), shard_ids, imported, params or {})

    @task
    def close_measurement(run: str, summary: dict[str, Any] | None) -> None:
        """Record how the run ended."""
        from webscale_rl.airflow_adapter import difficulty

        difficulty.close_measurement(run, summary)

    opened = open_measurement(probe_solvers()).as_setup()
    imported = import_rollouts(opened)
    shards = list_shards(opened)
    measured = measure_shard.partial(run=opened).expand(shard_id=shards)
    summary = summarise(shards, imported)
    [imported, measured] >> summary >> close_measurement(opened, summary).as_teardown(setups=opened)


measure_difficulty()
