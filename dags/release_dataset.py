"""# Accepted pairs to a released data set

Takes the accepted pairs of runs of `convert_corpus`, leaves out duplicates, what overlaps with benchmarks and what
the form excludes, splits by clusters, and publishes an immutable, versioned data set in the formats of trainers, with
data card, checksums and report. With *Ask for approval* a person sees the numbers first.

Connections: `webscale_db` (type postgres), optionally `webscale_embedder` (type openai) for semantic duplicates.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Asset, ExceptionRetryPolicy, Param, RetryAction, RetryRule, TriggerRule, dag, task

from webscale_rl.release_form import RELEASE_FORM

RELEASES = Asset("webscale_rl_releases")  # rings when a release is published

PARAMS = {name: Param(**fields) for name, fields in RELEASE_FORM.items()}

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=f"webscale_rl.errors.{name}", action=RetryAction.FAIL)
        for name in ("ConfigurationError", "EndpointRefusal", "RequestRejected")
    ]
)


@dag(
    dag_id="release_dataset",
    dag_display_name="Release data set",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    doc_md=__doc__,
    tags=["webscale-rl"],
    is_paused_upon_creation=False,
    default_args={
        "retries": 3,
        "retry_delay": timedelta(seconds=5),
        "retry_policy": RETRY_POLICY,
    },
)
def release_dataset() -> None:
    """Wire the tasks; each calls one function of the library."""

    @task
    def prepare(run_id: str | None = None, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Gather the candidates and decide which are released."""
        from webscale_rl.airflow_adapter import release

        return release.prepare(str(run_id), params or {})

    @task.branch
    def needs_approval(params: dict[str, Any] | None = None) -> str:
        """Ask a person where the form says so."""
        return "approve" if (params or {})["approval"] else "publish"

    approve = ApprovalOperator(
        task_id="approve",
        subject="Publish the release {{ ti.xcom_pull(task_ids='prepare')['release_id'] }}?",
        body="{{ ti.xcom_pull(task_ids='prepare')['body'] }}",
    )

    @task(task_id="publish", trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS, outlets=[RELEASES])
    def publish(run_id: str | None = None, params: dict[str, Any] | None = None, ti: Any = None) -> str:
        """Write the files, publish them whole, and record every candidate's end."""
        from webscale_rl.airflow_adapter import release

        prepared, answer = (ti.xcom_pull(task_ids=task_id) for task_id in ("prepare", "approve"))
        return release.publish(str(run_id), params or {}, prepared, answer)

    published = publish()
    branch = needs_approval()
    prepare() >> branch >> [approve, published]
    approve >> published


release_dataset()
