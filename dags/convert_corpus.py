"""# Documents to checked question-answer pairs

Cuts a corpus into shards, takes every document down the road *assess → generate → gate → check*, and writes the
accepted pairs as a data set. A rerun asks the endpoint nothing that it has validly answered before.

Connections: `webscale_generator` and optionally `webscale_checker`, `webscale_second_solver` (type openai),
`webscale_db` (type postgres). Pool: `llm`.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import Asset, ExceptionRetryPolicy, Param, RetryAction, RetryRule, TriggerRule, dag, task

SAMPLE_CORPUS = str(Path(__file__).resolve().parents[1] / "include" / "sample_corpus")
PAIRS = Asset("webscale_rl_pairs")  # rings when a run has written its data set

PARAMS = {
    "corpus": Param(
        os.environ.get("WEBSCALE_RL_CORPUS", SAMPLE_CORPUS),
        type="string",
        minLength=1,
        title="Corpus",
        description="A file, folder, glob or fsspec URI: JSONL (plain, .gz, .zst), Parquet, text, Markdown.",
        section="Corpus",
    ),
    "limit": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        title="Records at most",
        description="Read only the first so many records of the corpus, good or bad; empty for all.",
        section="Corpus",
    ),
    "documents_per_shard": Param(
        500,
        type="integer",
        minimum=1,
        maximum=100_000,
        title="Documents per shard",
        description="One task converts one shard; aim for at least a minute or two of work.",
        section="Corpus",
    ),
    "check_depth": Param(
        "lean",
        type="string",
        enum=["lean", "full"],
        title="Check depth",
        description="lean: solve, compare, judge the question alone. full: also a judge with the document in "
        "view, and a second solver on disagreement where the connection webscale_second_solver exists.",
        section="Quality",
    ),
    "items_per_document": Param(
        3,
        type="integer",
        minimum=1,
        maximum=3,
        title="Questions per document at most",
        description="Each for another persona and target.",
        section="Quality",
    ),
    "min_tokens": Param(
        50,
        type="integer",
        minimum=0,
        maximum=10_000,
        title="Shortest document, tokens",
        description="Shorter documents never reach a model (the paper's floor is 50).",
        section="Quality",
    ),
    "max_tokens": Param(
        24_000,
        type="integer",
        minimum=100,
        maximum=1_000_000,
        title="Longest document, tokens",
        description="Must fit the model's context together with the task (about 5,000 tokens more).",
        section="Quality",
    ),
    "max_in_flight": Param(
        32,
        type="integer",
        minimum=1,
        maximum=1024,
        title="Calls in flight at most, per shard and endpoint",
        description="The pool llm says how many shards run at once.",
        section="Endpoint",
    ),
}

# Losing a worker is worth many tries; a wrong setting or a dead endpoint is worth none.
RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception="webscale_rl.errors.ConfigurationError", action=RetryAction.FAIL),
        RetryRule(exception="webscale_rl.errors.ShardFailed", action=RetryAction.FAIL),
        RetryRule(exception="webscale_rl.errors.RunIncomplete", action=RetryAction.FAIL),
    ]
)


@dag(
    dag_id="convert_corpus",
    dag_display_name="Convert corpus",
    schedule=None,
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
    async def probe_endpoints() -> None:
        """Ask every endpoint one question: is it there, does it have the model, does it obey a schema?"""
        from webscale_rl import airflow_adapter

        await airflow_adapter.probe_endpoints()

    @task
    def open_run(run_id: str | None = None, params: dict[str, Any] | None = None) -> str:
        """Record the run and its configuration."""
        from webscale_rl import airflow_adapter

        return airflow_adapter.open_run(str(run_id), params or {})

    @task
    def cut_corpus(run: str, params: dict[str, Any] | None = None) -> list[str]:
        """Read the corpus and cut it into shards."""
        from webscale_rl import airflow_adapter

        return airflow_adapter.cut_corpus(run, params or {})

    @task(pool="llm", map_index_template="{{ task.op_kwargs['shard_id'] }}")
    async def convert_shard(run: str, shard_id: str, params: dict[str, Any] | None = None) -> dict[str, int]:
        """Take the documents of one shard down the road."""
        from webscale_rl import airflow_adapter

        return await airflow_adapter.convert_shard(run, shard_id, params or {})

    @task(trigger_rule=TriggerRule.ALL_DONE_SETUP_SUCCESS, outlets=[PAIRS])
    def write_dataset(run_id: str | None = None) -> dict[str, int]:
        """Write what was accepted, also when a shard failed: the funnel says what is missing."""
        from webscale_rl import airflow_adapter

        return airflow_adapter.write_dataset(str(run_id))

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def summarise(run_id: str | None = None) -> dict[str, int]:
        """Count what became of the corpus; fail the run when a shard did not finish."""
        from webscale_rl import airflow_adapter

        return airflow_adapter.summarise(str(run_id))

    @task
    def close_run(run: str) -> None:
        """Record how the run ended."""
        from webscale_rl import airflow_adapter

        airflow_adapter.close_run(run)

    opened = open_run().as_setup()
    shards = cut_corpus(opened)
    converted = convert_shard.partial(run=opened).expand(shard_id=shards)
    # What follows a setup directly may only wait for its success: these take the run's id from the context.
    written = write_dataset()
    summary = summarise()
    probe_endpoints() >> opened
    converted >> written >> summary >> close_run(opened).as_teardown(setups=opened)


convert_corpus()
