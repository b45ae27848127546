"""Opening and closing the record of a run, and what it works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from webscale_rl import __version__
from webscale_rl.config import ConversionConfig
from webscale_rl.store.ingestions import INGESTED
from webscale_rl.store.models import Configuration, Conversion, Ingestion, Run, RunShard


class Configured(Protocol):
    """A configuration of whatever kind: of a conversion, or of a measurement."""

    @property
    def hash(self) -> str: ...
    def model_dump(self, *, mode: str) -> dict[str, Any]: ...


def open_run(engine: Engine, run_id: str, config: Configured, parameters: Mapping[str, Any]) -> None:
    """Record that a run has begun; for one that is run again, that it has begun again."""
    content = config.model_dump(mode="json")
    values = {
        "id": run_id,
        "config_hash": config.hash,
        "parameters": dict(parameters),
        "code_version": __version__,
        "state": "running",
        "error": "",
        "ended_at": None,
    }
    with engine.begin() as connection:
        connection.execute(
            insert(Configuration).values(config_hash=config.hash, content=content).on_conflict_do_nothing()
        )
        opened = insert(Run).values(values)
        connection.execute(opened.on_conflict_do_update(index_elements=[Run.id], set_=values))


def uncut(engine: Engine, run_id: str) -> None:
    """Record that the run's corpus is to be cut anew: until then it has no shards, whatever it had before."""
    with engine.begin() as connection:
        connection.execute(update(Run).where(Run.id == run_id).values(ingestion_id=None))


def assign_shards(engine: Engine, run_id: str, ingestion_id: str | None, shard_ids: Sequence[str]) -> None:
    """Record which shards a run works on, in order; safe to repeat."""
    with engine.begin() as connection:
        connection.execute(update(Run).where(Run.id == run_id).values(ingestion_id=ingestion_id))
        connection.execute(RunShard.__table__.delete().where(RunShard.run_id == run_id))  # type: ignore[attr-defined]
        if shard_ids:
            rows = [
                {"run_id": run_id, "position": position, "shard_id": shard_id}
                for position, shard_id in enumerate(shard_ids)
            ]
            connection.execute(insert(RunShard).values(rows))


def config_of(engine: Engine, run_id: str) -> tuple[str, ConversionConfig]:
    """Return the hash and the content of the configuration that a run was opened with.

    The hash is the recorded one: a later release may know more fields and would compute another.
    """
    with engine.connect() as connection:
        config_hash, content = connection.execute(
            select(Configuration.config_hash, Configuration.content)
            .join(Run, Run.config_hash == Configuration.config_hash)
            .where(Run.id == run_id)
        ).one()
    return config_hash, ConversionConfig.model_validate(content)


def is_cut(engine: Engine, run_id: str) -> bool:
    """Say whether the run's corpus was read and cut into shards."""
    with engine.connect() as connection:
        return bool(connection.execute(select(Run.ingestion_id).where(Run.id == run_id)).scalar())


def has_nothing_to_do(engine: Engine, run_id: str) -> bool:
    """Say whether a run that takes what was ingested has found no shard to convert."""
    with engine.connect() as connection:
        corpus = connection.execute(
            select(Ingestion.corpus).join(Run, Run.ingestion_id == Ingestion.id).where(Run.id == run_id)
        ).scalar()
        shards = connection.execute(
            select(func.count()).select_from(RunShard).where(RunShard.run_id == run_id)
        ).scalar()
    return corpus == INGESTED and not shards


def shortfall(engine: Engine, run_id: str) -> str:
    """Return why a run is not complete, in one line; empty when every document of it has a result.

    A document that failed has one: the next run tries it again. A run whose budget is spent, or that was told to
    drive failed documents only, is complete without the rest.
    """
    with engine.connect() as connection:
        if connection.execute(select(Run.state).where(Run.id == run_id)).scalar() != "running":
            return "the run was not opened: the first task that failed says why"
    if not is_cut(engine, run_id):
        return "no shards were cut: the first task that failed says why"
    with engine.connect() as connection:
        rows = connection.execute(_SHARDS, {"run": run_id}).all()
    unfinished = [
        f"{shard_id}: {error or f'{pending} documents were not reached'}"
        for shard_id, state, error, pending, chosen in rows
        if state == "failed" or (pending and state != "spent" and not chosen)
    ]
    if not unfinished:
        return ""
    return f"{len(unfinished)} of {len(rows)} shards did not finish; {unfinished[0]}"


_SHARDS = text(
    """
    SELECT s.shard_id, c.state, c.error,
           (SELECT count(*) FROM documents d
            WHERE d.shard_id = s.shard_id AND NOT EXISTS (
                SELECT FROM document_results t
                WHERE t.config_hash = r.config_hash AND t.document_id = d.document_id)),
           coalesce(r.parameters -> 'only_failed', 'null') <> 'null'
    FROM runs r
    JOIN run_shards s ON s.run_id = r.id
    LEFT JOIN conversions c ON c.shard_id = s.shard_id AND c.config_hash = r.config_hash
    WHERE r.id = :run
    ORDER BY s.position
    """
)


def budget_note(engine: Engine, run_id: str) -> str:
    """Return what to say of a run that its budget has stopped; empty for any other."""
    with engine.connect() as connection:
        rows = connection.execute(_SHARDS, {"run": run_id}).all()
    left = sum(pending for _, state, _, pending, _ in rows if state == "spent")
    stopped = any(state == "spent" for _, state, *_ in rows)
    return f"stopped by its budget: {left} documents were not reached" if stopped else ""


def fail_shard(engine: Engine, run_id: str, shard_id: str, why: str) -> None:
    """Record that a shard must not count as finished, although nobody works it; the next run takes it up."""
    config_hash = select(Run.config_hash).where(Run.id == run_id).scalar_subquery()
    with engine.begin() as connection:
        connection.execute(
            update(Conversion)
            .where(Conversion.shard_id == shard_id, Conversion.config_hash == config_hash)
            .where(Conversion.state != "running")
            .values(state="failed", error=why)
        )


def close_run(engine: Engine, run_id: str, state: str, error: str = "") -> None:
    """Record how a run ended: ``success`` or ``failed``."""
    with engine.begin() as connection:
        connection.execute(
            update(Run).where(Run.id == run_id).values(state=state, error=error, ended_at=func.now())
        )
