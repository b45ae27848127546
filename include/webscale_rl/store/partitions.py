"""The record of the nightly ingestion: partitions, their files, what was read of them, and their shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from webscale_rl.corpus.files import CorpusFile
from webscale_rl.corpus.staging import Counts
from webscale_rl.ids import content_id
from webscale_rl.store.bulk import insert_rows
from webscale_rl.store.models import Partition, PartitionFile, PartitionPiece, PartitionShard


@dataclass(frozen=True)
class PartitionCounts:
    """What became of the records of a partition: ``read == kept + rejected + duplicate + quarantined``."""

    read: int = 0
    kept: int = 0
    rejected: int = 0
    duplicate: int = 0
    quarantined: int = 0

    def add_up(self) -> bool:
        """Say whether nothing was lost."""
        return self.read == self.kept + self.rejected + self.duplicate + self.quarantined


@dataclass(frozen=True)
class Piece:
    """Some records of a file that were read."""

    number: int
    staged: str
    is_last: bool
    records_read: int


def partition_id(corpus: str, date: str) -> str:
    """Return the id of a night's part of a corpus."""
    return content_id([corpus, date])


def note_state(
    engine: Engine, corpus: str, date: str, uri: str, run_id: str, state: str, error: str = ""
) -> None:
    """Record that a partition is waited for, or missing; what was read of it before stays as it is."""
    values = {"uri": uri, "state": state, "error": error, "run_id": run_id}
    new = insert(Partition).values(
        id=partition_id(corpus, date), corpus=corpus, date=date, settings={}, **values
    )
    with engine.begin() as connection:
        connection.execute(
            new.on_conflict_do_update(
                index_elements=[Partition.id], set_=values, where=Partition.state != "done"
            )
        )


def open_partition(
    engine: Engine, corpus: str, date: str, uri: str, run_id: str, settings: Mapping[str, Any]
) -> str:
    """Record that a partition is being read, and return its id; safe to repeat."""
    values = {
        "uri": uri,
        "state": "reading",
        "error": "",
        "run_id": run_id,
        "settings": dict(settings),
        "ended_at": None,
    }
    name = partition_id(corpus, date)
    new = insert(Partition).values(id=name, corpus=corpus, date=date, **values)
    with engine.begin() as connection:
        opened = {**values, "started_at": func.now()}
        connection.execute(new.on_conflict_do_update(index_elements=[Partition.id], set_=opened))
    return name


def set_files(engine: Engine, partition: str, files: Sequence[CorpusFile], group_of: Sequence[int]) -> None:
    """Record the files of a partition and who reads them; pieces of files that are gone are forgotten."""
    rows = [
        {
            "partition_id": partition,
            "position": position,
            "file_group": group,
            "uri": file.name,
            "path": file.path,
            "fault": file.fault,
        }
        for position, (file, group) in enumerate(zip(files, group_of, strict=True))
    ]
    with engine.begin() as connection:
        gone = PartitionFile.__table__.delete().where(PartitionFile.partition_id == partition)  # type: ignore[attr-defined]
        connection.execute(gone)
        if rows:
            insert_rows(connection, "partition_files", rows)
        connection.execute(
            text(
                "DELETE FROM partition_pieces p WHERE partition_id = :id AND NOT EXISTS "
                "(SELECT FROM partition_files f WHERE f.partition_id = :id AND f.uri = p.uri)"
            ),
            {"id": partition},
        )


def files_of(engine: Engine, partition: str, filesystem: Any, group: int | None = None) -> list[CorpusFile]:
    """Return the files of a partition in the order of their names, or those of one group."""
    query = (
        select(PartitionFile.uri, PartitionFile.path, PartitionFile.fault)
        .where(PartitionFile.partition_id == partition)
        .order_by(PartitionFile.position)
    )
    if group is not None:
        query = query.where(PartitionFile.file_group == group)
    with engine.connect() as connection:
        return [
            CorpusFile(uri, path, filesystem, fault) for uri, path, fault in connection.execute(query).all()
        ]


def pieces_of(engine: Engine, partition: str, uri: str, fingerprint: str) -> list[Piece]:
    """Return what was read of a file as it is now, in order; what was read of it as it was is forgotten."""
    table = PartitionPiece
    mine = (table.partition_id == partition) & (table.uri == uri)
    with engine.begin() as connection:
        stale = table.__table__.delete().where(mine, table.fingerprint != fingerprint)  # type: ignore[attr-defined]
        connection.execute(stale)
        rows = connection.execute(
            select(table.piece, table.staged, table.is_last, table.records_read)
            .where(mine)
            .order_by(table.piece)
        ).all()
    return [Piece(*row) for row in rows]


def forget_pieces(engine: Engine, partition: str, uri: str, first: int) -> None:
    """Forget the pieces of a file from ``first`` on: they are to be read again."""
    table = PartitionPiece
    with engine.begin() as connection:
        connection.execute(
            table.__table__.delete().where(  # type: ignore[attr-defined]
                table.partition_id == partition, table.uri == uri, table.piece >= first
            )
        )


def record_piece(
    engine: Engine, partition: str, uri: str, fingerprint: str, piece: Piece, counts: Counts
) -> None:
    """Record that a piece was read and staged; safe to repeat."""
    row = {
        "partition_id": partition,
        "uri": uri,
        "piece": piece.number,
        "fingerprint": fingerprint,
        "staged": piece.staged,
        "is_last": piece.is_last,
        "records_read": counts.read,
        "candidates": counts.candidates,
        "rejected": counts.rejected,
        "quarantined": counts.quarantined,
    }
    with engine.begin() as connection:
        insert_rows(connection, "partition_pieces", [row], "update")


def staged_files(engine: Engine, partition: str) -> list[str]:
    """Return the staged files of a partition, in the order of the files and of their records."""
    return [row.staged for row in _pieces(engine, partition)]


def counts_read(engine: Engine, partition: str) -> PartitionCounts:
    """Return the counts before duplicates are looked for: ``kept`` are those that may be kept."""
    rows = _pieces(engine, partition)
    return PartitionCounts(
        read=sum(row.records_read for row in rows),
        kept=sum(row.candidates for row in rows),
        rejected=sum(sum(row.rejected.values()) for row in rows),
        quarantined=sum(sum(row.quarantined.values()) for row in rows),
    )


def reasons(engine: Engine, partition: str) -> dict[str, dict[str, int]]:
    """Return how many records were left out, by outcome and by rule or reason."""
    found: dict[str, dict[str, int]] = {"rejected": {}, "quarantined": {}}
    for row in _pieces(engine, partition):
        for outcome, counts in (("rejected", row.rejected), ("quarantined", row.quarantined)):
            for reason, count in counts.items():
                found[outcome][reason] = found[outcome].get(reason, 0) + count
    return found


def finish(engine: Engine, partition: str, shard_ids: Sequence[str], counts: PartitionCounts) -> None:
    """Record the shards and the counts of a partition, at once: from here on its shards are to be converted."""
    given = asdict(counts)
    values = {
        "records_read": given["read"],
        "kept": given["kept"],
        "rejected": given["rejected"],
        "duplicates": given["duplicate"],
        "quarantined": given["quarantined"],
    }
    with engine.begin() as connection:
        links = PartitionShard.__table__.delete().where(PartitionShard.partition_id == partition)  # type: ignore[attr-defined]
        connection.execute(links)
        if shard_ids:
            rows = [
                {"partition_id": partition, "position": position, "shard_id": shard_id}
                for position, shard_id in enumerate(shard_ids)
            ]
            insert_rows(connection, "partition_shards", rows)
        state = "done" if counts.read else "empty"
        connection.execute(
            update(Partition)
            .where(Partition.id == partition)
            .values(state=state, ended_at=func.now(), error="", **values)
        )


def close(engine: Engine, partition: str, state: str, why: str) -> None:
    """Record how a partition ended that is still being read: ``failed`` or ``empty``; one that has ended stays so."""
    with engine.begin() as connection:
        connection.execute(
            update(Partition)
            .where(Partition.id == partition, Partition.state == "reading")
            .values(state=state, error=why, ended_at=func.now())
        )


def shards_to_convert(engine: Engine, config_hash: str, at_most: int) -> list[str]:
    """Return the ingested shards that are not finished under a configuration: new ones first, then by date.

    The database is the truth about what is to be done: which run, event or night brought a shard does not matter.
    One that somebody works on now is left to them. A partition that is read again keeps its shards until then.
    """
    query = text(
        """
        SELECT s.shard_id
        FROM partition_shards s
        JOIN partitions p ON p.id = s.partition_id
        LEFT JOIN conversions c ON c.shard_id = s.shard_id AND c.config_hash = :config
        WHERE c.state IS DISTINCT FROM 'done' AND NOT coalesce(c.state = 'running' AND c.lease_until > now(), false)
        GROUP BY s.shard_id
        ORDER BY bool_or(c.state IS NOT NULL), min(p.date), min(p.corpus), min(s.position), s.shard_id
        LIMIT :at_most
        """
    )
    with engine.connect() as connection:
        rows = connection.execute(query, {"config": config_hash, "at_most": at_most}).all()
    return [row.shard_id for row in rows]


def _pieces(engine: Engine, partition: str) -> Sequence[Any]:
    query = (
        select(PartitionPiece)
        .join(
            PartitionFile,
            (PartitionFile.partition_id == PartitionPiece.partition_id)
            & (PartitionFile.uri == PartitionPiece.uri),
        )
        .where(PartitionPiece.partition_id == partition)
        .order_by(PartitionFile.position, PartitionPiece.piece)
    )
    with engine.connect() as connection:
        return connection.execute(query.with_only_columns(*PartitionPiece.__table__.columns)).all()
