"""A run that measures, step by step, as the DAG `measure_difficulty` calls them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fsspec
import orjson
from sqlalchemy import Engine

from webscale_rl.config import ModelName
from webscale_rl.difficulty.attempts import solver_name
from webscale_rl.difficulty.conditions import Condition
from webscale_rl.difficulty.config import DifficultyConfig
from webscale_rl.difficulty.marks import RULES, answer_in_question
from webscale_rl.difficulty.summary import Summary
from webscale_rl.errors import ConfigurationError
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.store import measurements, runs

FILE = "difficulty.json"
ALLOWED_MISSING = 0.05  # of pairs times solvers: as many may fail before a shard does


def config_of(endpoints: Mapping[str, Endpoint], params: Mapping[str, Any]) -> DifficultyConfig:
    """Return the configuration that connections and form amount to."""
    conditions = [Condition.QUESTION]
    conditions += [Condition.OPTIONS_ONLY] if params["options_only"] else []
    conditions += [Condition.WITHOUT_GIVENS] if params["without_givens"] else []
    return DifficultyConfig(
        solvers={solver_name(endpoint): ModelName.of(endpoint) for endpoint in endpoints.values()},
        temperature=params["temperature"],
        max_tokens=params["max_tokens"],
        conditions={condition: condition.prompt_version for condition in conditions},
        suspect_attempts=params["suspect_attempts"],
    )


def assign(engine: Engine, run_id: str, converted: str | None, most: int) -> list[str]:
    """Record which shards a run measures, mark their pairs by rules, and return their ids.

    Args:
        engine: of the service's database.
        run_id: of the run that measures, as ``runs`` has it.
        converted: a run of `convert_corpus`, or None for all accepted pairs.
        most: how many shards Airflow maps over.

    Raises:
        ConfigurationError: there are more, or there is no such run. Then nothing was recorded or marked.
    """
    configs = measurements.sources(engine, converted)
    shard_ids = measurements.shards(engine, converted)
    if len(shard_ids) > most:
        raise ConfigurationError(
            f"the accepted pairs lie in {len(shard_ids)} shards, more than Airflow maps over ({most}): measure one "
            "run of convert_corpus at a time"
        )
    runs.assign_shards(engine, run_id, None, shard_ids)
    for shard_id in shard_ids:
        mark_by_rules(engine, run_id, shard_id, configs)
    return shard_ids


def mark_by_rules(engine: Engine, run_id: str, shard_id: str, configs: Sequence[str]) -> None:
    """Mark the pairs of a shard whose answer stands in the question, and no others."""
    with engine.begin() as connection:
        pairs = measurements.pairs_of_shard(connection, run_id, shard_id, configs)
        rows = [
            {"pair_id": pair.id, "mark": found.mark.value, "detail": found.detail}
            for pair in pairs
            if (found := answer_in_question(pair))
        ]
        measurements.replace_marks(connection, RULES, [pair.id for pair in pairs], rows)


def shortfall(engine: Engine, run_id: str, summary: Summary, solvers: int) -> str:
    """Return why a run is not complete, in one line; empty when it is, or when its budget has stopped it."""
    ended = measurements.ends_of_shards(engine, run_id)
    failed = [
        f"{shard}: {why or state}" for shard, state, why in ended if state not in ("done", "open", "spent")
    ]
    if failed:
        return f"{len(failed)} of {len(ended)} shards did not finish; {failed[0]}"
    is_spent = any(state == "spent" for _, state, _ in ended)
    if not is_spent and summary.missing > ALLOWED_MISSING * summary.pairs * solvers:
        return f"{summary.missing} of {summary.pairs * solvers} measurements are missing: run again"
    return ""


def write(summary: Summary, folder: str) -> None:
    """Write a summary as ``difficulty.json`` into a folder or fsspec URI, whole or not at all."""
    files, path = fsspec.url_to_fs(folder)
    files.makedirs(path, exist_ok=True)
    part = f"{path}/{FILE}.part"
    with files.open(part, "wb") as file:
        file.write(orjson.dumps(summary.as_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    files.mv(part, f"{path}/{FILE}")
