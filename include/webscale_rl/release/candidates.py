"""The candidates of a release: accepted pairs of runs of `convert_corpus`, staged in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import String

from webscale_rl.corpus.tokens import count
from webscale_rl.release.dataset import rows_of_run
from webscale_rl.release.rows import RELEASE_SCHEMA
from webscale_rl.rewards import AnswerSpec, solver_prompt

BATCH = 1_000  # rows

_CONFIDENCES = text(
    """
    SELECT q.pair_id,
           bool_or(v.judge = 'second_match' AND v.outcome = 'same') AS split,
           bool_or((v.judge = 'judge' AND v.outcome = 'sound')
                   OR (v.judge = 'closed_match' AND v.outcome = 'same')) AS judged
    FROM questions q LEFT JOIN verdicts v ON v.question_id = q.id
    WHERE q.pair_id = ANY(:pairs) AND q.state = 'accepted'
    GROUP BY q.pair_id
    """
).bindparams(bindparam("pairs", type_=ARRAY(String)))


def stage(engine: Engine, run_ids: Sequence[str], path: Path) -> int:
    """Write the accepted pairs of runs as Parquet in the order of their ids; return their number.

    Columns are those of a release; cluster and split are still empty. A pair of several runs stands there once.
    """
    written: set[str] = set()
    with TemporaryDirectory(dir=path.parent) as folder:
        with _Buckets(Path(folder)) as buckets:
            for run_id in run_ids:
                for rows in rows_of_run(engine, run_id, written):
                    with engine.connect() as connection:
                        known = _confidences(connection, [row["id"] for row in rows])
                    for row in rows:
                        buckets.add(row | _added(row, known))
        with pq.ParquetWriter(path, RELEASE_SCHEMA, compression="zstd") as writer:
            for table in buckets.in_order():
                writer.write_table(table, row_group_size=BATCH)
    return len(written)


def batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield staged candidates, in order, with all columns or some."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=BATCH, columns=list(columns) if columns else None)


def _confidences(connection: Connection, pair_ids: list[str]) -> dict[str, str]:
    rows = connection.execute(_CONFIDENCES, {"pairs": pair_ids})
    return {pair: "split" if split else "judged" if judged else "solved" for pair, split, judged in rows}


def _added(row: Mapping[str, Any], confidences: Mapping[str, str]) -> dict[str, Any]:
    prompt = solver_prompt(row["question"], AnswerSpec.from_json(row["answer_spec"]))
    return {
        "prompt": prompt,
        "prompt_tokens": count(prompt),
        "label_confidence": confidences[row["id"]],
        "source_cluster": "",
        "split": "",
    }


class _Buckets:
    """Sorts rows by id with bounded memory: a file for each beginning of an id, sorted one after the other.

    Documents' texts make rows large: a million of them are gigabytes, a bucket of them some ten megabytes.
    """

    BUFFERED = 50  # rows of a bucket

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> _Buckets:
        return self

    def __exit__(self, *_: object) -> None:
        for bucket in list(self._waiting):
            self._flush(bucket)
        for writer in self._writers.values():
            writer.close()

    def add(self, row: dict[str, Any]) -> None:
        """Take a row."""
        bucket = row["id"][:2]
        waiting = self._waiting.setdefault(bucket, [])
        waiting.append(row)
        if len(waiting) >= self.BUFFERED:
            self._flush(bucket)

    def in_order(self) -> Iterator[pa.Table]:
        """Yield all rows, a bucket at a time, after the last was added."""
        for bucket in sorted(self._writers):
            yield pq.read_table(self._path(bucket)).sort_by("id")

    def _flush(self, bucket: str) -> None:
        writer = self._writers.get(bucket)
        if writer is None:
            writer = self._writers[bucket] = pq.ParquetWriter(self._path(bucket), RELEASE_SCHEMA)
        writer.write_table(pa.Table.from_pylist(self._waiting.pop(bucket, []), schema=RELEASE_SCHEMA))

    def _path(self, bucket: str) -> Path:
        return self._folder / f"{bucket}.parquet"
