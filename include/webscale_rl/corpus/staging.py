"""The records of a file before duplicates are looked for: staged documents, and a row for each that is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from webscale_rl.corpus.near_duplicates import Sketch
from webscale_rl.corpus.shards import SCHEMA as DOCUMENT
from webscale_rl.records import BadRecord, Document

STAGED = pa.schema(
    [
        *DOCUMENT,
        ("text_hash", pa.binary(16)),
        ("bands", pa.list_(pa.int32())),
        ("low", pa.binary()),
    ]
)
SKETCH = ("text_hash", "bands", "low")

LEFT_OUT = pa.schema(
    [
        ("outcome", pa.string()),  # rejected, duplicate or quarantined
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("source_uri", pa.string()),
        ("source_row", pa.int64()),
        ("source_id", pa.string()),
        ("url", pa.string()),
        ("document_id", pa.string()),
        ("duplicate_of", pa.string()),  # the document that was first
        ("partition_id", pa.string()),  # and its partition
        ("text", pa.string()),  # cleaned; of what could not be read there is none
    ]
)


@dataclass
class Counts:
    """What was read of a file, or of a piece of it."""

    read: int = 0
    candidates: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)


def staged_row(document: Document, sketch: Sketch) -> dict[str, Any]:
    """Return the row of a document that is kept unless it is a duplicate."""
    signature = {"text_hash": sketch.text_hash, "bands": list(sketch.bands), "low": sketch.low}
    return document.model_dump() | signature


def rejected_row(document: Document, reason: str, detail: str) -> dict[str, Any]:
    """Return the row of a document that a rule rejects."""
    return _of(document, outcome="rejected", reason=reason, detail=detail)


def duplicate_row(document: Document, kind: str, detail: str, of: str, partition_id: str) -> dict[str, Any]:
    """Return the row of a document that repeats another one."""
    found = _of(document, outcome="duplicate", reason=kind, detail=detail)
    return found | {"duplicate_of": of, "partition_id": partition_id}


def bad_row(record: BadRecord, outcome: str) -> dict[str, Any]:
    """Return the row of a record that is no document."""
    return {
        "outcome": outcome,
        "reason": record.reason,
        "detail": record.detail,
        "source_uri": record.source_uri,
        "source_row": record.source_row,
    }


def staged_sketches(uri: str) -> Iterator[list[tuple[str, Sketch]]]:
    """Yield (document id, sketch) of a staged file, one row group at a time, without the texts."""
    for rows in _groups(uri, ["id", *SKETCH]):
        yield [(row["id"], _sketch(row)) for row in rows]


def staged_documents(uri: str) -> Iterator[list[tuple[Document, Sketch]]]:
    """Yield the documents of a staged file with their sketches, one row group at a time."""
    for rows in _groups(uri, None):
        yield [
            (Document.model_construct(**{k: v for k, v in row.items() if k not in SKETCH}), _sketch(row))
            for row in rows
        ]


def _groups(uri: str, columns: list[str] | None) -> Iterator[list[dict[str, Any]]]:
    with fsspec.open(uri, "rb") as raw:
        file = pq.ParquetFile(raw)
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=columns).to_pylist()


def _sketch(row: dict[str, Any]) -> Sketch:
    return Sketch(row["text_hash"], tuple(row["bands"]), row["low"])


def _of(document: Document, **fields: str) -> dict[str, Any]:
    return {
        **fields,
        "source_uri": document.source_uri,
        "source_row": document.source_row,
        "source_id": document.source_id,
        "url": document.url,
        "document_id": document.id,
        "text": document.text,
    }
