"""The tasks of `convert_corpus`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException
from sqlalchemy import Engine

from webscale_rl.airflow_adapter.surroundings import (
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
from webscale_rl.calibration.calibrate import IN_FLIGHT
from webscale_rl.calibration.calibrate import calibrate as calibrate_stages
from webscale_rl.calibration.items import read_items
from webscale_rl.calibration.report import as_text, small_numbers
from webscale_rl.canary import Bounds
from webscale_rl.config import ConversionConfig, ModelName
from webscale_rl.corpus.files import require_no_secret
from webscale_rl.errors import CanaryFailed, ConfigurationError, RunIncomplete
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.measure import TokenMeasure
from webscale_rl.llm.probe import probe, require_context
from webscale_rl.release.dataset import is_written
from webscale_rl.release.dataset import write_dataset as write_files
from webscale_rl.store import partitions, runs
from webscale_rl.store.calibrations import keep_calibration
from webscale_rl.store.engine import libpq_url
from webscale_rl.store.ingestions import gather, ingest
from webscale_rl.store.queries import funnel, rates, usage
from webscale_rl.worker import WorkerSettings
from webscale_rl.worker import convert_shard as work

logger = logging.getLogger(__name__)

CHECKER, SECOND_SOLVER = "webscale_checker", "webscale_second_solver"


async def probe_endpoints(params: Mapping[str, Any]) -> dict[str, Any]:
    """Ask every endpoint that the run will use a question, before any work starts.

    Returns:
        How the generator's tokens are counted: what ``TokenMeasure`` holds.

    Raises:
        ConfigurationError: with one line that says what to change.
    """
    endpoints = _endpoints(params["check_depth"])
    measured: list[TokenMeasure] = []
    probed: list[Endpoint] = []
    for endpoint in endpoints.values():  # the generator first
        if endpoint not in probed:
            found = await probe(endpoint)
            require_context(found, endpoint.model, params["part_tokens"])
            probed.append(endpoint)
            measured.append(found.tokens)
    return measured[0].model_dump()


def open_run(run_id: str, tokens: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """Record the run with its configuration and return its id."""
    if params["corpus"]:
        require_no_secret(params["corpus"])  # which would stand in the record
    config = _config(_endpoints(params["check_depth"]), TokenMeasure.model_validate(tokens), params)
    with database() as engine:
        runs.open_run(engine, run_id, config, dict(params))
    return run_id


async def calibrate(params: Mapping[str, Any]) -> dict[str, float]:
    """Measure every stage on the shipped items, log the tables, store the row, and return what matters most.

    Raises:
        WebscaleError: an endpoint refuses or kept failing. Bad figures raise nothing.
    """
    if not params["calibrate"]:
        return {}
    items, bad_lines = read_items()
    endpoints = _endpoints(params["check_depth"])
    found = await calibrate_stages(
        items, bad_lines, endpoints, max_in_flight=params["max_in_flight"] or IN_FLIGHT
    )
    with database() as engine:
        keep_calibration(engine, found)
    for line in as_text(found).splitlines():
        logger.info("%s", line)
    return small_numbers(found)


def cut_corpus(run_id: str, params: Mapping[str, Any]) -> list[str]:
    """Return the ids of the shards to convert: of the corpus, which is cut, or what the nightly ingestion has made.

    Raises:
        CorpusError: the corpus cannot be read as a whole.
        ConfigurationError: it makes more shards than Airflow can map over.
    """
    with database() as engine:
        runs.uncut(engine, run_id)
        if params["corpus"]:
            ingested = ingest(
                engine,
                params["corpus"],
                store_uri(),
                limit=params["limit"],
                documents_per_shard=params["documents_per_shard"],
            )
        else:
            config_hash, _ = runs.config_of(engine, run_id)
            ingested = gather(engine, partitions.shards_to_convert(engine, config_hash, MAX_SHARDS))
        shard_ids = [shard.id for shard in ingested.shards]
        if len(shard_ids) > MAX_SHARDS:
            raise ConfigurationError(
                f"{len(shard_ids)} shards are more than Airflow maps over ({MAX_SHARDS}): raise "
                f"'Documents per shard' from {params['documents_per_shard']}"
            )
        runs.assign_shards(engine, run_id, ingested.id, shard_ids)
    return shard_ids


async def run_canary(run_id: str, shard_ids: Sequence[str], params: Mapping[str, Any]) -> dict[str, int]:
    """Convert the first documents alone and compare what comes of them with the bounds of the form.

    Raises:
        CanaryFailed: a share lies outside of its bounds.
    """
    first = params["canary_documents"]
    if not first or not shard_ids:
        return {}
    bounds = Bounds(
        min_accepted=params["canary_min_accepted"],
        max_abstained=params["canary_max_abstained"],
        max_failed=params["canary_max_failed"],
    )
    counts = await convert_shard(run_id, shard_ids[0], params, first=first)
    with database() as engine:
        found = rates(engine, run_id, shard_ids[0], first)
        why = bounds.broken_by(found)
        if why:
            runs.fail_shard(engine, run_id, shard_ids[0], why)
    if why:
        raise CanaryFailed(why)
    return counts


async def convert_shard(
    run_id: str, shard_id: str, params: Mapping[str, Any], *, first: int | None = None
) -> dict[str, int]:
    """Convert one shard, or the first documents of it, and return its counts.

    Raises:
        ConfigurationError: connections or prompts are no longer those that the run was opened with.
    """
    endpoints = _endpoints(params["check_depth"])
    url = database_url()
    with database() as engine:
        opened_with, recorded = runs.config_of(engine, run_id)
    config = _config(endpoints, recorded.tokens, params)
    if config.hash != opened_with:
        raise ConfigurationError(
            f"connections, prompts or code have changed since run {run_id!r} was opened: trigger a new run, "
            "which uses again what was answered"
        )
    settings = WorkerSettings(
        database_url=libpq_url(url),
        endpoints=endpoints,
        config=config,
        max_in_flight=params["max_in_flight"],
        budget=budget_of(params),
        only_failed=None if params["only_failed"] is None else frozenset(params["only_failed"]),
    )
    return await work(shard_id, run_id, settings, owner=owner_name(), stop=stop_at_sigterm(), first=first)


def write_dataset(run_id: str) -> dict[str, int]:
    """Write the data set of the run below the store and return what it holds.

    Raises:
        AirflowSkipException: the corpus was not cut, so there is nothing to write.
    """
    with database() as engine:
        if not runs.is_cut(engine, run_id):
            raise AirflowSkipException("the corpus was not cut into shards")
        if runs.has_nothing_to_do(engine, run_id):
            raise AirflowSkipException("there is nothing to convert")
        return write_files(engine, run_id, dataset_folder(store_uri(), run_id))


def summarise(run_id: str) -> dict[str, int]:
    """Return the run's counts.

    Raises:
        RunIncomplete: the corpus was not cut, a shard did not finish, or the data set was not written.
    """
    with database() as engine:
        if why := _shortfall(engine, run_id):
            raise RunIncomplete(why)
        counts = funnel(engine, run_id)
        asked = usage(engine, run_id)
    found = {"documents": counts.documents.total, **counts.documents.states, "pairs": counts.pairs}
    return found | asdict(asked)


def close_run(run_id: str) -> None:
    """Record how the run ended."""
    with database() as engine:
        why = _shortfall(engine, run_id)
        said = why or runs.budget_note(engine, run_id)
        runs.close_run(engine, run_id, "failed" if why else "success", said)


def _shortfall(engine: Engine, run_id: str) -> str:
    if why := runs.shortfall(engine, run_id):
        return why
    if runs.has_nothing_to_do(engine, run_id):
        return ""
    written = is_written(dataset_folder(store_uri(), run_id))
    return "" if written else "the data set was not written: the task write_dataset says why"


def _config(
    endpoints: Mapping[str, Endpoint], tokens: TokenMeasure, params: Mapping[str, Any]
) -> ConversionConfig:
    second = endpoints.get("second_solver")
    return ConversionConfig(
        generator=ModelName.of(endpoints["generator"]),
        checker=ModelName.of(endpoints["checker"]),
        second_solver=ModelName.of(second) if second else None,
        check_depth=params["check_depth"],
        items_per_document=params["items_per_document"],
        min_tokens=params["min_tokens"],
        max_tokens=params["max_tokens"],
        part_tokens=params["part_tokens"],
        tokens=tokens,
        repair=params["repair"],
    )


def dataset_folder(store: str, run_id: str) -> str:
    """Return where the data set of a run stands; a run id is a user's text, so only plain characters remain."""
    return f"{store.rstrip('/')}/datasets/{plain_name(run_id)}"


def _endpoints(check_depth: str) -> dict[str, Endpoint]:
    """Return the endpoints by role. Without a checker of its own, the generator's model checks."""
    generator = generator_endpoint()
    found = {"generator": generator, "checker": endpoint_of(CHECKER) or generator}
    if check_depth == "full" and (second := endpoint_of(SECOND_SOLVER)):
        if ModelName.of(second) == ModelName.of(found["checker"]):
            raise ConfigurationError(
                f"connection {SECOND_SOLVER!r} names the checker's own model {second.model!r}, which would agree "
                "with itself: name another one or delete the connection"
            )
        found["second_solver"] = second
    return found
