"""The tasks of `ingest_corpus`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from webscale_rl import ingest as ingestion
from webscale_rl.airflow_adapter.surroundings import (
    database,
    store_uri,
)
from webscale_rl.corpus.fields import FieldNames
from webscale_rl.corpus.partitions import is_there, resolve, roots_of
from webscale_rl.corpus.quality import QualityRules
from webscale_rl.errors import PartitionMissing
from webscale_rl.store import partitions


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
    with database() as engine:
        partitions.note_state(engine, corpus, date, uri, context["run_id"], state, why)
    if missing:
        raise PartitionMissing(why)
    return False


def open_partition(context: Mapping[str, Any]) -> str:
    """Record that the partition of a run is being read, and return its id."""
    corpus, date, uri = _partition(context)
    settings = asdict(_ingest_settings(context["params"]))
    with database() as engine:
        return partitions.open_partition(engine, corpus, date, uri, context["run_id"], settings)


def list_files(context: Mapping[str, Any]) -> list[int]:
    """Record the files of the partition and return the numbers of their groups.

    Raises:
        CorpusError: it cannot be listed.
        PartitionEmpty: it holds no files.
    """
    corpus, date, uri = _partition(context)
    settings = _ingest_settings(context["params"])
    with database() as engine:
        return ingestion.list_files(engine, partitions.partition_id(corpus, date), corpus, uri, settings)


def read_files(context: Mapping[str, Any], group: int) -> dict[str, int]:
    """Read a group of the partition's files and return its counts."""
    corpus, date, uri = _partition(context)
    settings = _ingest_settings(context["params"])
    with database() as engine:
        partition = partitions.partition_id(corpus, date)
        return ingestion.read_group(engine, store_uri(), partition, uri, settings, group)


def write_shards(context: Mapping[str, Any]) -> dict[str, int]:
    """Leave out duplicates, write the shards of the partition, and return its counts."""
    corpus, date, uri = _partition(context)
    settings = _ingest_settings(context["params"])
    with database() as engine:
        partition = partitions.partition_id(corpus, date)
        return asdict(ingestion.write_shards(engine, store_uri(), partition, uri, settings))


def close_partition(context: Mapping[str, Any]) -> None:
    """Record that the partition has failed, unless it is done."""
    corpus, date, _ = _partition(context)
    with database() as engine:
        partition = partitions.partition_id(corpus, date)
        partitions.close(engine, partition, "failed", "a task failed: its log says why")


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
