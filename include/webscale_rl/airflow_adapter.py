"""What the DAG's tasks call: reads Airflow's connections and parameters, then hands over to the library.

The only module here that imports Airflow.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException
from sqlalchemy import Engine

from webscale_rl import ingest as ingestion
from webscale_rl.calibration.calibrate import IN_FLIGHT
from webscale_rl.calibration.calibrate import calibrate as calibrate_stages
from webscale_rl.calibration.items import read_items
from webscale_rl.calibration.report import as_text, small_numbers
from webscale_rl.canary import Bounds
from webscale_rl.config import ConversionConfig, ModelName
from webscale_rl.corpus.fields import FieldNames
from webscale_rl.corpus.files import require_no_secret
from webscale_rl.corpus.partitions import is_there, resolve, roots_of
from webscale_rl.corpus.quality import QualityRules
from webscale_rl.difficulty import run as measurement
from webscale_rl.difficulty.config import DifficultyConfig
from webscale_rl.difficulty.rollouts import import_rollouts as read_rollouts
from webscale_rl.difficulty.solvers import SELF_MEASURED, distinct
from webscale_rl.difficulty.solvers import probe_solvers as probe_all
from webscale_rl.difficulty.summary import summarise as summarise_attempts
from webscale_rl.difficulty.worker import MeasureSettings
from webscale_rl.difficulty.worker import measure_shard as measure
from webscale_rl.errors import CanaryFailed, ConfigurationError, PartitionMissing, RunIncomplete
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.measure import TokenMeasure
from webscale_rl.llm.probe import probe, require_context
from webscale_rl.llm.purse import Amount, Price
from webscale_rl.release.dataset import is_written
from webscale_rl.release.dataset import write_dataset as write_files
from webscale_rl.store import measurements, partitions, runs
from webscale_rl.store.calibrations import keep_calibration
from webscale_rl.store.engine import libpq_url, open_engine
from webscale_rl.store.ingestions import gather, ingest
from webscale_rl.store.queries import funnel, rates, usage
from webscale_rl.worker import WorkerSettings
from webscale_rl.worker import convert_shard as work

logger = logging.getLogger(__name__)

DATABASE = "webscale_db"
GENERATOR, CHECKER, SECOND_SOLVER = "webscale_generator", "webscale_checker", "webscale_second_solver"
SOLVERS = ("webscale_solver", "webscale_solver_2", "webscale_solver_3")
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
    if params["corpus"]:
        require_no_secret(params["corpus"])  # which would stand in the record
    config = _config(_endpoints(params["check_depth"]), TokenMeasure.model_validate(tokens), params)
    with _engine() as engine:
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
    with _engine() as engine:
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
    with _engine() as engine:
        runs.uncut(engine, run_id)
        if params["corpus"]:
            ingested = ingest(
                engine,
                params["corpus"],
                _store(),
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
    settings = WorkerSettings(
        database_url=libpq_url(url),
        endpoints=endpoints,
        config=config,
        max_in_flight=params["max_in_flight"],
        budget=_budget(params),
        only_failed=None if params["only_failed"] is None else frozenset(params["only_failed"]),
    )
    return await work(shard_id, run_id, settings, owner=_owner(), stop=_stop_at_sigterm(), first=first)


def write_dataset(run_id: str) -> dict[str, int]:
    """Write the data set of the run below the store and return what it holds.

    Raises:
        AirflowSkipException: the corpus was not cut, so there is nothing to write.
    """
    with _engine() as engine:
        if not runs.is_cut(engine, run_id):
            raise AirflowSkipException("the corpus was not cut into shards")
        if runs.has_nothing_to_do(engine, run_id):
            raise AirflowSkipException("there is nothing to convert")
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


def has_arrived(context: Mapping[str, Any]) -> bool:
    """Say whether the partition of a run is there.

    Raises:
        PartitionMissing: it is not, and its time is over.
        ConfigurationError: the form does not say where partitions are.
    """
    params = context["params"]
    corpus, date, uri = _partition(context)
    roots_of(corpus)
    if is_there(uri, params["marker"]):
        return True
    marked = f" with the file {params['marker']}" if params["marker"] else ""
    until = _interval_end(context) + timedelta(hours=params["wait_hours"])
    missing = datetime.now(UTC) >= until
    state = "missing" if missing else "waiting"
    why = f"partition {uri!r}{marked} has not come by {until:%Y-%m-%d %H:%M} UTC" if missing else ""
    with _engine() as engine:
        partitions.note_state(engine, corpus, date, uri, context["run_id"], state, why)
    if missing:
        raise PartitionMissing(why)
    return False


def open_partition(context: Mapping[str, Any]) -> str:
    """Record that the partition of a run is being read, and return its id."""
    corpus, date, uri = _partition(context)
    settings = asdict(_ingest_settings(context["params"]))
    with _engine() as engine:
        return partitions.open_partition(engine, corpus, date, uri, context["run_id"], settings)


def list_files(context: Mapping[str, Any]) -> list[int]:
    """Record the files of the partition and return the numbers of their groups.

    Raises:
        CorpusError: it cannot be listed.
        PartitionEmpty: it holds no files.
    """
    corpus, date, uri = _partition(context)
    settings = _ingest_settings(context["params"])
    with _engine() as engine:
        return ingestion.list_files(engine, partitions.partition_id(corpus, date), corpus, uri, settings)


def read_files(context: Mapping[str, Any], group: int) -> dict[str, int]:
    """Read a group of the partition's files and return its counts."""
    corpus, date, uri = _partition(context)
    settings = _ingest_settings(context["params"])
    with _engine() as engine:
        partition = partitions.partition_id(corpus, date)
        return ingestion.read_group(engine, _store(), partition, uri, settings, group)


def write_shards(context: Mapping[str, Any]) -> dict[str, int]:
    """Leave out duplicates, write the shards of the partition, and return its counts."""
    corpus, date, uri = _partition(context)
    settings = _ingest_settings(context["params"])
    with _engine() as engine:
        partition = partitions.partition_id(corpus, date)
        return asdict(ingestion.write_shards(engine, _store(), partition, uri, settings))


def close_partition(context: Mapping[str, Any]) -> None:
    """Record that the partition has failed, unless it is done."""
    corpus, date, _ = _partition(context)
    with _engine() as engine:
        partition = partitions.partition_id(corpus, date)
        partitions.close(engine, partition, "failed", "a task failed: its log says why")


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
    """Record the run with its configuration and return its id in the database."""
    own = measurements.measuring(run_id)
    with _engine() as engine:
        runs.open_run(engine, own, _difficulty(params), dict(params))
    return own


def import_rollouts(params: Mapping[str, Any]) -> dict[str, Any]:
    """Import the file of rollouts that the form names, and return what was found; nothing where it names none."""
    if not params["rollouts"]:
        return {}
    with _engine() as engine:
        found = read_rollouts(
            engine,
            params["rollouts"],
            solver=params["rollouts_solver"],
            temperature=params["temperature"],
            suspect_attempts=params["suspect_attempts"],
        )
    return asdict(found)


def list_shards(run: str, params: Mapping[str, Any]) -> list[str]:
    """Return the ids of the shards whose pairs are measured; none where rollouts are imported instead."""
    if params["rollouts"]:
        return []
    with _engine() as engine:
        shard_ids = measurement.assign(engine, run, params["converted_run"])
    if len(shard_ids) > MAX_SHARDS:
        raise ConfigurationError(
            f"the accepted pairs lie in {len(shard_ids)} shards, more than Airflow maps over ({MAX_SHARDS}): measure "
            "one run of convert_corpus at a time"
        )
    return shard_ids


async def measure_shard(run: str, shard_id: str, params: Mapping[str, Any]) -> dict[str, int]:
    """Have the solvers attempt the pairs of one shard, and return its counts.

    Raises:
        ConfigurationError: connections or prompts are no longer those that the run was opened with.
    """
    solvers, config = _solvers(), _difficulty(params)
    url = _database_url()
    with _engine() as engine:
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
        budget=_budget(params),
    )
    return await measure(shard_id, run, settings, owner=_owner(), stop=_stop_at_sigterm())


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
    with _engine() as engine:
        summary = summarise_attempts(
            engine,
            own,
            [] if imported else measurements.sources(engine, params["converted_run"]),
            solvers=solvers,
            temperature=config.temperature,
            group=params["group_size"],
            note=SELF_MEASURED if solvers and _endpoint(SOLVERS[0]) is None else "",
            imported=dict(imported),
        )
        measurement.write(summary, difficulty_folder(_store(), run_id))
        why = measurement.shortfall(engine, own, summary, len(solvers))
    if why:
        raise RunIncomplete(why)
    return summary.as_dict()


def close_measurement(run: str, summary: Mapping[str, Any] | None) -> None:
    """Record how the run ended."""
    with _engine() as engine:
        if summary is None:
            runs.close_run(engine, run, "failed", "a task failed: its log says why")
        else:
            runs.close_run(engine, run, "success", summary["note"])


def _difficulty(params: Mapping[str, Any]) -> DifficultyConfig:
    return measurement.config_of({} if params["rollouts"] else _solvers(), params)


def _solvers() -> dict[str, Endpoint]:
    """Return the solvers by connection: all that exist; without any, the generator measures itself."""
    found = {name: endpoint for name in SOLVERS if (endpoint := _endpoint(name))}
    return distinct(found) if found else {GENERATOR: _generator()}


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _stop_at_sigterm() -> asyncio.Event:
    """Return what SIGTERM sets: an asynchronous task ignores it otherwise, and SIGKILL follows in five seconds."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return stop


def _partition(context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return template, date and URI of the partition that a run is about."""
    params = context["params"]
    date = params["date"] or f"{_interval_start(context):%Y-%m-%d}"
    return params["partitions"], date, resolve(params["partitions"] or "", date)


def _interval_start(context: Mapping[str, Any]) -> datetime:
    """Return the first moment of a run's data interval; a manual run may have none."""
    found: datetime = context.get("data_interval_start") or context["dag_run"].run_after
    return found


def _interval_end(context: Mapping[str, Any]) -> datetime:
    found: datetime = context.get("data_interval_end") or context["dag_run"].run_after
    return found


def _ingest_settings(params: Mapping[str, Any]) -> ingestion.IngestSettings:
    FieldNames.mapped(params["fields"])  # a name that cannot be used ends the run here
    return ingestion.IngestSettings(
        rules=QualityRules(
            languages=tuple(params["languages"]),
            min_tokens=params["min_tokens"],
            max_tokens=params["max_tokens"],
        ),
        fields=params["fields"],
        mask_personal_data=params["mask_personal_data"],
        documents_per_shard=params["documents_per_shard"],
        files_per_task=params["files_per_task"],
        allow_empty=params["allow_empty"],
    )


def _shortfall(engine: Engine, run_id: str) -> str:
    if why := runs.shortfall(engine, run_id):
        return why
    if runs.has_nothing_to_do(engine, run_id):
        return ""
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
    return f"{store.rstrip('/')}/datasets/{_plain(run_id)}"


def difficulty_folder(store: str, run_id: str) -> str:
    """Return where the summary of a run that measures stands."""
    return f"{store.rstrip('/')}/difficulty/{_plain(run_id)}"


def _plain(run_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", run_id)


def _endpoints(check_depth: str) -> dict[str, Endpoint]:
    """Return the endpoints by role. Without a checker of its own, the generator's model checks."""
    generator = _generator()
    found = {"generator": generator, "checker": _endpoint(CHECKER) or generator}
    if check_depth == "full" and (second := _endpoint(SECOND_SOLVER)):
        if ModelName.of(second) == ModelName.of(found["checker"]):
            raise ConfigurationError(
                f"connection {SECOND_SOLVER!r} names the checker's own model {second.model!r}, which would agree "
                "with itself: name another one or delete the connection"
            )
        found["second_solver"] = second
    return found


def _generator() -> Endpoint:
    found = _endpoint(GENERATOR)
    if found is None:
        raise ConfigurationError(
            f"connection {GENERATOR!r} is missing: create it with type openai, host = base URL ending in /v1, "
            'password = API key, extra = {"model": "..."}'
        )
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
