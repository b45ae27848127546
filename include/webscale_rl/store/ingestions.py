"""Cutting a corpus into shards and recording what was read: documents, and every record that is none."""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import IO, Any

import orjson
from sqlalchemy import Connection, Engine, select

from webscale_rl.corpus.shards import DocumentRow, Ingestion, Shard, cut
from webscale_rl.ids import content_id
from webscale_rl.records import BadRecord
from webscale_rl.store.bulk import insert_rows
from webscale_rl.store.models import Shard as ShardTable

BATCH = 1_000  # rows of one statement
INGESTED = (
    "ingested shards"  # what stands for the corpus of a run that takes what the nightly ingestion has made
)


def ingest(
    engine: Engine, corpus: str, store: str, *, limit: int | None, documents_per_shard: int
) -> Ingestion:
    """Read ``corpus``, write its shards below ``store`` and record both; safe to repeat.

    Args:
        engine: of the service's database.
        corpus: a file, folder, glob or fsspec URI.
        store: folder or fsspec URI for the shard files.
        limit: read only the first so many records.
        documents_per_shard: in the order of the corpus; the last shard holds the rest.

    Raises:
        CorpusError: the corpus as a whole cannot be read, or none of its records is a document.
    """
    # The ingestion is named by all that was read, so its bad records wait in a file until the name is known.
    with TemporaryFile() as spool, engine.begin() as connection:

        def keep_bad(records: Sequence[BadRecord]) -> None:
            spool.writelines(
                orjson.dumps(record.model_dump(), option=orjson.OPT_APPEND_NEWLINE) for record in records
            )

        def keep_shard(shard: Shard, documents: Sequence[DocumentRow]) -> None:
            record_shard(connection, shard, documents)

        ingestion = cut(
            corpus,
            store,
            limit=limit,
            documents_per_shard=documents_per_shard,
            on_bad=keep_bad,
            on_shard=keep_shard,
        )
        _record_ingestion(connection, ingestion)
        spool.seek(0)
        _record_bad(connection, ingestion.id, spool)
    return ingestion


def gather(engine: Engine, shard_ids: Sequence[str]) -> Ingestion:
    """Record shards that the nightly ingestion has made as what a run works on; safe to repeat.

    Its documents are the shards'; what was left out on the way there is counted with their partitions.
    """
    query = select(ShardTable.id, ShardTable.uri, ShardTable.n_documents, ShardTable.n_tokens)
    with engine.begin() as connection:
        rows = connection.execute(query.where(ShardTable.id.in_(shard_ids))).all()
        found = {row.id: Shard(*row) for row in rows}
        shards = [found[shard_id] for shard_id in shard_ids]
        n_documents = sum(shard.n_documents for shard in shards)
        gathered = Ingestion(
            INGESTED,
            None,
            id=content_id([INGESTED, list(shard_ids)]),
            records_read=n_documents,
            documents=n_documents,
            shards=shards,
        )
        _record_ingestion(connection, gathered)
    return gathered


def record_shard(connection: Connection, shard: Shard, documents: Sequence[DocumentRow]) -> None:
    """Record a shard and its documents; safe to repeat."""
    row = {"id": shard.id, "uri": shard.uri, "n_documents": shard.n_documents, "n_tokens": shard.n_tokens}
    insert_rows(connection, "shards", [row], "update")  # the store may have moved
    for start in range(0, len(documents), BATCH):
        rows = [
            {"shard_id": shard.id, **document.model_dump()} for document in documents[start : start + BATCH]
        ]
        insert_rows(connection, "documents", rows)


def _record_ingestion(connection: Connection, ingestion: Ingestion) -> None:
    row = {
        "id": ingestion.id,
        "corpus": ingestion.corpus,
        "limit_records": ingestion.limit,
        "records_read": ingestion.records_read,
        "documents": ingestion.documents,
        "bad_records": ingestion.bad_records,
        "repeated_ids": ingestion.repeated_ids,
    }
    insert_rows(connection, "ingestions", [row])
    links = [
        {"ingestion_id": ingestion.id, "position": position, "shard_id": shard.id}
        for position, shard in enumerate(ingestion.shards)
    ]
    if links:
        insert_rows(connection, "ingestion_shards", links)


def _record_bad(connection: Connection, ingestion_id: str, spool: IO[bytes]) -> None:
    position = 0
    while lines := spool.readlines(BATCH * 300):
        rows: list[dict[str, Any]] = []
        for line in lines:
            rows.append({"ingestion_id": ingestion_id, "position": position, **orjson.loads(line)})
            position += 1
        insert_rows(connection, "bad_records", rows)
