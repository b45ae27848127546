"""# Documents to checked question-answer pairs

Cuts a corpus into shards, takes every document down the road *assess → generate → gate → check*, and writes the
accepted pairs as a data set. A rerun asks the endpoint nothing that it has validly answered before. Without a corpus
it converts what `ingest_corpus` has made: whenever that rings, and every hour, for what a lost ring has left.

Connections: `webscale_generator` and optionally `webscale_checker`, `webscale_second_solver` (type openai),
`webscale_db` (type postgres). Pool: `llm`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    TriggerRule,
    dag,
    task,
)

from webscale_rl.form import FORM

SHARDS = Asset("webscale_rl_shards")  # rings when a partition has become shards
# The ring only wakes, and every hour the DAG looks by itself: what is to be done stands in the database.
SWEEP = AssetOrTimeSchedule(timetable=CronTriggerTimetable("30 * * * *", timezone="UTC"), assets=[SHARDS])
SWEEPS = os.environ.get("WEBSCALE_RL_SWEEP") != "off"  # `make run`: its one run would wait behind a sweep
PAIRS = Asset("webscale_rl_pairs")  # rings when a run has written its data set

PARAMS = {name: Param(**fields) for name, fields in FORM.items()}

# Losing a worker is worth many tries; a wrong setting or a dead endpoint is worth none.
RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception="webscale_rl.errors.ConfigurationError", action=RetryAction.FAIL),
        RetryRule(exception="webscale_rl.errors.ShardFailed", action=RetryAction.FAIL),
        RetryRule(exception="webscale_rl.errors.RunIncomplete", action=RetryAction.FAIL),
        RetryRule(exception="webscale_rl.errors.CanaryFailed", action=RetryAction.FAIL),
    ]
)


@dag(
    dag_id="convert_corpus",
    dag_display_name="Convert corpus",
    schedule=SWEEP if SWEEPS else None,
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
def convert_corpus() -> None:
    """Wire the tasks; each calls one function of the library."""

    @task
    async def probe_endpoints(params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask every endpoint: is it there, has it the model, does it obey a schema, how does it count tokens?"""
        from webscale_rl.airflow_adapter import conversion

        return await conversion.probe_endpoints(params or {})

    @task
    def open_run(
        tokens: dict[str, Any], run_id: str | None = None, params: dict[str, Any] | None = None
    ) -> str:
        """Record the run and its configuration."""
        from webscale_rl.airflow_adapter import conversion

        return conversion.open_run(str(run_id), tokens, params or {})

    @task(pool="llm")
    async def calibrate(run: str, params: dict[str, Any] | None = None) -> dict[str, float]:
        """Measure every stage on labelled items, where the form asks for it."""
        from webscale_rl.airflow_adapter import conversion

        return await conversion.calibrate(params or {})

    @task
    def cut_corpus(run: str, params: dict[str, Any] | None = None) -> list[str]:
        """Read the corpus and cut it into shards."""
        from webscale_rl.airflow_adapter import conversion

        return conversion.cut_corpus(run, params or {})

    @task(pool="llm")
    async def run_canary(
        run: str, shard_ids: list[str], params: dict[str, Any] | None = None
    ) -> dict[str, int]:
        """Convert the first documents alone, where the form asks for it, and stop the run if they disappoint."""
        from webscale_rl.airflow_adapter import conversion

        return await conversion.run_canary(run, shard_ids, params or {})

    @task(pool="llm", map_index_template="{{ task.op_kwargs['shard_id'] }}")
    async def convert_shard(run: str, shard_id: str, params: dict[str, Any] | None = None) -> dict[str, int]:
        """Take the documents of one shard down the road."""
        from webscale_rl.airflow_adapter import conversion

        return await conversion.convert_shard(run, shard_id, params or {})

    @task(trigger_rule=TriggerRule.ALL_DONE_SETUP_SUCCESS, outlets=[PAIRS])
    def write_dataset(run_id: str | None = None) -> dict[str, int]:
        """Write what was accepted, also when a shard failed: the funnel says what is missing."""
        from webscale_rl.airflow_adapter import conversion

        return conversion.write_dataset(str(run_id))

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def summarise(run_id: str | None = None) -> dict[str, int]:
        """Count what became of the corpus; fail the run when a shard did not finish."""
        from webscale_rl.airflow_adapter import conversion

        return conversion.summarise(str(run_id))

    @task
    def close_run(run: str) -> None:
        """Record how the run ended."""
        from webscale_rl.airflow_adapter import conversion

        conversion.close_run(run)

    opened = open_run(probe_endpoints()).as_setup()
    shards = cut_corpus(opened)
    canary = run_canary(opened, shards)
    converted = convert_shard.partial(run=opened).expand(shard_id=shards)
    # What follows a setup directly may only wait for its success: these take the run's id from the context.
    written = write_dataset()
    summary = summarise()
    (
        calibrate(opened)
        >> canary
        >> converted
        >> written
        >> summary
        >> close_run(opened).as_teardown(setups=opened)
    )


convert_corpus()
