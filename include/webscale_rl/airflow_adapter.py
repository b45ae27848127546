"""What the DAG's tasks call: reads Airflow's connections and parameters, then hands over to the library.

The only module here that imports Airflow.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException
from sqlalchemy import Engine

from webscale_rl.canary import Bounds
from webscale_rl.config import ConversionConfig, ModelName
from webscale_rl.corpus.files import require_no_secret
from webscale_rl.errors import CanaryFailed, ConfigurationError, RunIncomplete
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.measure import TokenMeasure
from webscale_rl.llm.probe import probe, require_context
from webscale_rl.llm.purse import Amount, Price
from webscale_rl.release.dataset import is_written
from webscale_rl.release.dataset import write_dataset as write_files
from webscale_rl.store import runs
from webscale_rl.store.engine import libpq_url, open_engine
from webscale_rl.store.ingestions import ingest
from webscale_rl.store.queries import funnel, rates, usage
from webscale_rl.worker import WorkerSettings
from webscale_rl.worker import convert_shard as work

DATABASE = "webscale_db"
GENERATOR, CHECKER, SECOND_SOLVER = "webscale_generator", "webscale_checker", "webscale_second_solver"
MAX_SHARDS = 1024  # Airflow's max_map_length


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
    require_no_secret(params["corpus"])  # which would stand in the record
    config = _config(_endpoints(params["check_depth"]), TokenMeasure.model_validate(tokens), params)
    with _engine() as engine:
        runs.open_run(engine, run_id, config, dict(params))
    return run_id


def cut_corpus(run_id: str, params: Mapping[str, Any]) -> list[str]:
    """Read the corpus, write its shards, and return their ids.

    Raises:
        CorpusError: the corpus cannot be read as a whole.
        ConfigurationError: it makes more shards than Airflow can map over.
    """
    with _engine() as engine:
        runs.uncut(engine, run_id)
        ingestion = ingest(
            engine,
            params["corpus"],
            _store(),
            limit=params["limit"],
            documents_per_shard=params["documents_per_shard"],
        )
        shard_ids = [shard.id for shard in ingestion.shards]
        if len(shard_ids) > MAX_SHARDS:
            raise ConfigurationError(
                f"{len(shard_ids)} shards are more than Airflow maps over ({MAX_SHARDS}): raise "
                f"'Documents per shard' from {params['documents_per_shard']}"
            )
        runs.assign_shards(engine, run_id, ingestion.id, shard_ids)
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
    with _engine() as engine:
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
    url = _database_url()
    with _engine() as engine:
        opened_with, recorded = runs.config_of(engine, run_id)
    config = _config(endpoints, recorded.tokens, params)
    if config.hash != opened_with:
        raise ConfigurationError(
            f"connections, prompts or code have changed since run {run_id!r} was opened: trigger a new run, "
            "which uses again what was answered"
        )
    stop = asyncio.Event()
    # An asynchronous task ignores SIGTERM otherwise, and SIGKILL follows five seconds later.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = WorkerSettings(
        database_url=libpq_url(url),
        endpoints=endpoints,
        config=config,
        max_in_flight=params["max_in_flight"],
        budget=_budget(params),
        only_failed=None if params["only_failed"] is None else frozenset(params["only_failed"]),
    )
    owner = f"{socket.gethostname()}:{os.getpid()}"
    return await work(shard_id, run_id, settings, owner=owner, stop=stop, first=first)


def write_dataset(run_id: str) -> dict[str, int]:
    """Write the data set of the run below the store and return what it holds.

    Raises:
        AirflowSkipException: the corpus was not cut, so there is nothing to write.
    """
    with _engine() as engine:
        if not runs.is_cut(engine, run_id):
            raise AirflowSkipException("the corpus was not cut into shards")
        return write_files(engine, run_id, dataset_folder(_store(), run_id))


def summarise(run_id: str) -> dict[str, int]:
    """Return the run's counts.

    Raises:
        RunIncomplete: the corpus was not cut, a shard did not finish, or the data set was not written.
    """
    with _engine() as engine:
        if why := _shortfall(engine, run_id):
            raise RunIncomplete(why)
        counts = funnel(engine, run_id)
        asked = usage(engine, run_id)
    found = {"documents": counts.documents.total, **counts.documents.states, "pairs": counts.pairs}
    return found | asdict(asked)


def close_run(run_id: str) -> None:
    """Record how the run ended."""
    with _engine() as engine:
        why = _shortfall(engine, run_id)
        said = why or runs.budget_note(engine, run_id)
        runs.close_run(engine, run_id, "failed" if why else "success", said)


def _shortfall(engine: Engine, run_id: str) -> str:
    if why := runs.shortfall(engine, run_id):
        return why
    written = is_written(dataset_folder(_store(), run_id))
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
    return f"{store.rstrip('/')}/datasets/{re.sub(r'[^A-Za-z0-9_-]', '_', run_id)}"


def _endpoints(check_depth: str) -> dict[str, Endpoint]:
    """Return the endpoints by role. Without a checker of its own, the generator's model checks."""
    generator = _endpoint(GENERATOR)
    if generator is None:
        raise ConfigurationError(
            f"connection {GENERATOR!r} is missing: create it with type openai, host = base URL ending in /v1, "
            'password = API key, extra = {"model": "..."}'
        )
    found = {"generator": generator, "checker": _endpoint(CHECKER) or generator}
    if check_depth == "full" and (second := _endpoint(SECOND_SOLVER)):
        if ModelName.of(second) == ModelName.of(found["checker"]):
            raise ConfigurationError(
                f"connection {SECOND_SOLVER!r} names the checker's own model {second.model!r}, which would agree "
                "with itself: name another one or delete the connection"
            )
        found["second_solver"] = second
    return found


def _endpoint(connection_id: str) -> Endpoint | None:
    connection = _connection(connection_id)
    if connection is None:
        return None
    extra = connection.extra_dejson
    return Endpoint(
        base_url=connection.host or "",
        model=extra.get("model", ""),
        revision=extra.get("model_revision", ""),
        api_key=connection.password or "",
        extra_body=extra.get("extra_body", {}),
        timeout=float(extra.get("timeout", Endpoint.timeout)),
        price=Price.read(extra.get("price", {})),
    )


def _budget(params: Mapping[str, Any]) -> Amount | None:
    """Return the ceiling of the run, or None where the form sets none."""
    given = [params[name] for name in ("budget_calls", "budget_tokens", "budget_price")]
    if given == [None] * len(given):
        return None
    return Amount(*(math.inf if value is None else value for value in given))


def _connection(connection_id: str) -> Any:
    try:
        return Connection.get(connection_id)
    except AirflowNotFoundException:
        return None


def _database_url() -> str:
    connection = _connection(DATABASE)
    if connection is None:
        raise ConfigurationError(
            f"connection {DATABASE!r} is missing: create it with type postgres for the service's own database"
        )
    return str(connection.get_uri())


@contextmanager
def _engine() -> Iterator[Engine]:
    engine = open_engine(_database_url())
    try:
        yield engine
    finally:
        engine.dispose()


def _store() -> str:
    try:
        return os.environ["WEBSCALE_RL_STORE"]
    except KeyError:
        raise ConfigurationError(
            "the environment variable WEBSCALE_RL_STORE is missing: set it to the folder or fsspec URI that "
            "holds shards and data sets"
        ) from None
