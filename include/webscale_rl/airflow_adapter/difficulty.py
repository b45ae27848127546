"""The tasks of `measure_difficulty`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from webscale_rl.airflow_adapter.surroundings import (
    GENERATOR,
    MAX_SHARDS,
    budget_of,
    database,
    database_url,
    endpoint_of,
    generator_endpoint,
    owner_name,
    plain_name,
    stop_at_sigterm,
    store_uri,
)
from webscale_rl.corpus.files import require_no_secret
from webscale_rl.difficulty import run as measurement
from webscale_rl.difficulty.config import DifficultyConfig
from webscale_rl.difficulty.rollouts import import_rollouts as read_rollouts
from webscale_rl.difficulty.solvers import SELF_MEASURED, distinct
from webscale_rl.difficulty.solvers import probe_solvers as probe_all
from webscale_rl.difficulty.summary import summarise as summarise_attempts
from webscale_rl.difficulty.worker import MeasureSettings
from webscale_rl.difficulty.worker import measure_shard as measure
from webscale_rl.errors import ConfigurationError, RunIncomplete
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.store import measurements, runs
from webscale_rl.store.engine import libpq_url

SOLVERS = ("webscale_solver", "webscale_solver_2", "webscale_solver_3")


async def probe_solvers(params: Mapping[str, Any]) -> list[str]:
    """Ask every solver a question, and return their names; none where rollouts are imported instead.

    Raises:
        ConfigurationError: with one line that says what to change.
    """
    if params["rollouts"]:
        return []
    solvers = _solvers()
    await probe_all(solvers, params["max_tokens"])
    return list(measurement.config_of(solvers, params).solvers)


def open_measurement(run_id: str, params: Mapping[str, Any]) -> str:
    """Record the run with its configuration and return its id in the database.

    Raises:
        ConfigurationError: the URI of the rollouts holds a secret.
    """
    if params["rollouts"]:
        require_no_secret(params["rollouts"])  # which would stand in the record
    own = measurements.measuring(run_id)
    with database() as engine:
        runs.open_run(engine, own, _difficulty(params), dict(params))
    return own


def import_rollouts(params: Mapping[str, Any]) -> dict[str, Any]:
    """Import the file of rollouts that the form names, and return what was found; nothing where it names none."""
    if not params["rollouts"]:
        return {}
    with database() as engine:
        found = read_rollouts(
            engine,
            params["rollouts"],
            solver=params["rollouts_solver"],
            temperature=params["temperature"],
            suspect_attempts=params["suspect_attempts"],
        )
    return asdict(found)


def list_shards(run: str, params: Mapping[str, Any]) -> list[str]:
    """Return the ids of the shards whose pairs are measured; none where rollouts are imported instead.

    Raises:
        ConfigurationError: the pairs lie in more shards than Airflow can map over.
    """
    if params["rollouts"]:
        return []
    with database() as engine:
        return measurement.assign(engine, run, params["converted_run"], MAX_SHARDS)


async def measure_shard(run: str, shard_id: str, params: Mapping[str, Any]) -> dict[str, int]:
    """Have the solvers attempt the pairs of one shard, and return its counts.

    Raises:
        ConfigurationError: connections or prompts are no longer those that the run was opened with.
    """
    solvers, config = _solvers(), _difficulty(params)
    url = database_url()
    with database() as engine:
        if measurements.config_hash_of(engine, run) != config.hash:
            raise ConfigurationError(
                f"connections, prompts or code have changed since run {run!r} was opened: trigger a new run, which "
                "uses again what was answered"
            )
        sources = measurements.sources(engine, params["converted_run"])
    settings = MeasureSettings(
        database_url=libpq_url(url),
        endpoints=solvers,
        config=config,
        sources=sources,
        attempts=params["attempts"],
        max_in_flight=params["max_in_flight"],
        budget=budget_of(params),
    )
    return await measure(shard_id, run, settings, owner=owner_name(), stop=stop_at_sigterm())


def summarise_difficulty(
    run_id: str,
    shard_ids: Sequence[str] | None,
    imported: Mapping[str, Any] | None,
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """Write what is known of the run's pairs below the store, and return it.

    Raises:
        RunIncomplete: shards were not listed, or one did not finish.
    """
    if shard_ids is None or imported is None:
        raise RunIncomplete("nothing was measured: the first task that failed says why")
    own, config = measurements.measuring(run_id), _difficulty(params)
    solvers = [] if imported else list(config.solvers)
    with database() as engine:
        summary = summarise_attempts(
            engine,
            own,
            [] if imported else measurements.sources(engine, params["converted_run"]),
            solvers=solvers,
            temperature=config.temperature,
            group=params["group_size"],
            note=SELF_MEASURED if solvers and endpoint_of(SOLVERS[0]) is None else "",
            imported=dict(imported),
        )
        measurement.write(summary, difficulty_folder(store_uri(), run_id))
        why = measurement.shortfall(engine, own, summary, len(solvers))
    if why:
        raise RunIncomplete(why)
    return summary.as_dict()


def close_measurement(run: str, summary: Mapping[str, Any] | None) -> None:
    """Record how the run ended."""
    with database() as engine:
        if summary is None:
            runs.close_run(engine, run, "failed", "a task failed: its log says why")
        else:
            runs.close_run(engine, run, "success", summary["note"])


def _difficulty(params: Mapping[str, Any]) -> DifficultyConfig:
    return measurement.config_of({} if params["rollouts"] else _solvers(), params)


def _solvers() -> dict[str, Endpoint]:
    """Return the solvers by connection: all that exist; without any, the generator measures itself."""
    found = {name: endpoint for name in SOLVERS if (endpoint := endpoint_of(name))}
    return distinct(found) if found else {GENERATOR: generator_endpoint()}


def difficulty_folder(store: str, run_id: str) -> str:
    """Return where the summary of a run that measures stands."""
    return f"{store.rstrip('/')}/difficulty/{plain_name(run_id)}"
