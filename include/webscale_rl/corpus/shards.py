"""Shards: files of documents, named by their content, each the work of one task."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import fsspec
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from webscale_rl.corpus.readers import MAX_CHARS, find_files, no_records, read
from webscale_rl.corpus.tokens import count
from webscale_rl.corpus.whole_files import WholeFile
from webscale_rl.ids import ID_LENGTH, content_id
from webscale_rl.records import BadRecord, Document, Record

BAD_BATCH = 1_000

SCHEMA = pa.schema(
    [
        (name, pa.int64() if field.annotation is int else pa.string())
        for name, field in Document.model_fields.items()
    ]
)


class DocumentRow(Record):
    """A document of a shard without its text, as the database records it."""

    position: int
    document_id: str
    source_id: str
    source_uri: str
    source_row: int
    source: str
    url: str
    licence: str
    n_chars: int
    n_tokens: int


@dataclass(frozen=True)
class Shard:
    """A file of documents. ``id`` is a hash of what it holds."""

    id: str
    uri: str
    n_documents: int
    n_tokens: int


@dataclass
class Ingestion:
    """What was read of a corpus: ``records_read == documents + bad_records``."""

    corpus: str
    limit: int | None
    id: str = ""
    records_read: int = 0
    documents: int = 0
    bad_records: int = 0
    repeated_ids: int = 0  # documents whose source id another text had before
    shards: list[Shard] = field(default_factory=list)


OnBad = Callable[[Sequence[BadRecord]], None]
OnShard = Callable[[Shard, Sequence[DocumentRow]], None]


def cut(
    corpus: str,
    store: str,
    *,
    limit: int | None,
    documents_per_shard: int,
    on_bad: OnBad,
    on_shard: OnShard,
    max_chars: int = MAX_CHARS,
) -> Ingestion:
    """Read a corpus and write its shards to ``store/shards/<id>.parquet``; what exists is left alone.

    Memory holds one row group of texts, the document rows of one shard, and a digest per document.

    Args:
        corpus: a file, folder, glob or fsspec URI.
        store: folder or fsspec URI.
        limit: read only the first so many records.
        documents_per_shard: the last shard holds the rest.
        on_bad: called with batches of bad records, in order.
        on_shard: called for every shard once its file is whole.
        max_chars: a longer text is a bad record.

    Raises:
        CorpusError: the corpus cannot be read as a whole, or it holds no record.
    """
    ingestion = Ingestion(corpus, limit)
    seen = hashlib.sha256()
    ids: dict[bytes, bytes] = {}
    bad: list[BadRecord] = []
    writer: ShardWriter | None = None

    def close(open_writer: ShardWriter) -> None:
        shard = open_writer.close()
        on_shard(shard, open_writer.rows)
        ingestion.shards.append(shard)

    try:
        for record in read(find_files(corpus), limit=limit, max_chars=max_chars):
            ingestion.records_read += 1
            if isinstance(record, BadRecord):
                ingestion.bad_records += 1
                bad.append(record)
                seen.update(orjson.dumps(record.model_dump()))
                if len(bad) >= BAD_BATCH:
                    on_bad(bad)
                    bad = []
                continue
            ingestion.documents += 1
            ingestion.repeated_ids += _repeats(record, ids)
            writer = writer or ShardWriter(store)
            writer.add(record)
            if len(writer.rows) >= documents_per_shard:
                close(writer)
                writer = None
        if writer is not None:
            close(writer)
            writer = None
    finally:
        if writer is not None:
            writer.discard()
    if bad:
        on_bad(bad)
    if not ingestion.records_read:
        raise no_records(corpus)
    ingestion.id = content_id([[shard.id for shard in ingestion.shards], seen.hexdigest()])
    return ingestion


def read_shard(uri: str) -> Iterator[list[Document]]:
    """Yield the documents of a shard, one row group at a time."""
    with fsspec.open(uri, "rb") as raw:
        file = pq.ParquetFile(raw)
        for group in range(file.num_row_groups):
            yield [Document.model_construct(**row) for row in file.read_row_group(group).to_pylist()]


def _repeats(document: Document, ids: dict[bytes, bytes]) -> bool:
    """Say whether the corpus has given this document's id to another text before."""
    if not document.source_id:
        return False
    key = hashlib.sha256(document.source_id.encode()).digest()[:16]
    text = bytes.fromhex(document.id)
    return ids.setdefault(key, text) != text


class ShardWriter:
    """Writes one shard; its name is known when its content is."""

    def __init__(self, store: str) -> None:
        self._file = WholeFile(f"{store.rstrip('/')}/shards", SCHEMA)
        self._content = hashlib.sha256()
        self.rows: list[DocumentRow] = []

    def add(self, document: Document) -> None:
        """Write the document; its tokens are counted unless that was done before."""
        row = document.model_dump() | {"n_tokens": document.n_tokens or count(document.text)}
        text = row.pop("text")
        self._content.update(orjson.dumps(row))
        self.rows.append(
            DocumentRow(
                position=len(self.rows),
                document_id=row["id"],
                n_chars=len(text),
                **{name: row[name] for name in DocumentRow.model_fields if name in row},
            )
        )
        self._file.add(row | {"text": text}, len(text))

    def close(self) -> Shard:
        """Finish the file and give it its name."""
        name = self._content.hexdigest()[:ID_LENGTH]
        uri = self._file.close(f"{name}.parquet", replace=False)
        return Shard(name, uri, len(self.rows), sum(row.n_tokens for row in self.rows))

    def discard(self) -> None:
        """Remove what was begun."""
        self._file.discard()
