"""# A night's raw documents to clean shards

Waits for the partition of its data interval, reads its files (JSONL, Parquet, WARC, WET, text), cleans and judges
every document, leaves out what was seen before, in this night or any other, and cuts the rest into shards. Then it
rings for `convert_corpus`.

Set *Partitions* to a URI with the date in it, such as `s3://bucket/crawl/{ds}`, and unpause. Past dates:
`airflow backfill create --dag-id ingest_corpus --from-date 2026-01-01 --to-date 2026-01-31`.

Connection: `webscale_db` (type postgres). A rerun of a date gives the same shards.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    BaseSensorOperator,
    Context,
    CronDataIntervalTimetable,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    TriggerRule,
    dag,
    task,
)

from webscale_rl.ingest_form import INGEST_FORM

SHARDS = Asset("webscale_rl_shards")  # rings when a partition has become shards

PARAMS = {name: Param(**fields) for name, fields in INGEST_FORM.items()}

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception="webscale_rl.errors.ConfigurationError", action=RetryAction.FAIL),
        RetryRule(exception="webscale_rl.errors.RunIncomplete", action=RetryAction.FAIL),
    ]
)


class WaitForPartition(BaseSensorOperator):
    """Looks for the partition of the data interval; fails when it is missing after its time is over."""

    def poke(self, context: Context) -> bool:
        """Say whether the partition is there."""
        from webscale_rl.airflow_adapter import ingestion

        return ingestion.has_arrived(context)


@dag(
    dag_id="ingest_corpus",
    dag_display_name="Ingest corpus",
    # Midnight, so that a date-only --to-date of a backfill takes its day in; waiting is the first task's.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(2000, 1, 1, tzinfo=UTC),  # of the earliest date that a backfill may name
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    doc_md=__doc__,
    tags=["webscale-rl"],
    is_paused_upon_creation=True,  # until somebody has said where the partitions are
    default_args={
        "retries": 10,
        "retry_delay": timedelta(seconds=5),
        "retry_policy": RETRY_POLICY,
    },
)
def ingest_corpus() -> None:
    """Wire the tasks; each calls one function of the library."""

    @task
    def open_partition(**context: Any) -> str:
        """Record that the partition is being read."""
        from webscale_rl.airflow_adapter import ingestion

        return ingestion.open_partition(context)

    @task
    def list_files(**context: Any) -> list[int]:
        """List the files of the partition and put them into groups."""
        from webscale_rl.airflow_adapter import ingestion

        return ingestion.list_files(context)

    @task
    def read_files(group: int, **context: Any) -> dict[str, int]:
        """Read the files of a group, clean and judge their documents."""
        from webscale_rl.airflow_adapter import ingestion

        return ingestion.read_files(context, group)

    @task(trigger_rule=TriggerRule.NONE_FAILED, outlets=[SHARDS])
    def write_shards(**context: Any) -> dict[str, int]:
        """Leave out duplicates, of this night and of all others, and write the shards."""
        from webscale_rl.airflow_adapter import ingestion

        return ingestion.write_shards(context)

    @task
    def close_partition(**context: Any) -> None:
        """Record that the partition has failed, if it has."""
        from webscale_rl.airflow_adapter import ingestion

        ingestion.close_partition(context)

    arrived = WaitForPartition(
        task_id="wait_for_partition", mode="reschedule", poke_interval=60, timeout=31 * 24 * 3600
    )
    opened = open_partition().as_setup()
    arrived >> opened
    groups = list_files()
    read = read_files.expand(group=groups)
    written = write_shards()
    opened >> groups >> read >> written >> close_partition().as_teardown(setups=opened)


ingest_corpus()
