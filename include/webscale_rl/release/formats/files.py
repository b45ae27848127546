"""Files of a release: streams of rows to Parquet and JSON lines, and the code that travels with them.

Bytes depend on the rows alone, never on how they came in batches: row groups have a fixed number of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from webscale_rl.release.rows import Rows

ROW_GROUP = 1_000  # rows in memory at a time; with the text of a part each, some 30 MB
_INCLUDE = Path(__file__).parents[2]  # the package webscale_rl
_SHIPPED = Path(__file__).with_name("shipped")


def write_parquet(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches as Parquet (zstd). Without rows there is no row group, only the schema."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=3, version="2.6", data_page_version="1.0"
    ) as writer:
        for table in _even(batches, ROW_GROUP):
            writer.write_table(table, row_group_size=ROW_GROUP)


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines with sorted keys; no line gives an empty file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(
            orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for line in lines
        )


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8 with its own line ends, whatever the locale and system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def dicts(rows: Rows, split: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a split with some columns."""
    for batch in rows(split):
        yield from batch.select(list(columns)).to_pylist()


def batched(lines: Iterable[Mapping[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield rows as batches of a schema."""
    waiting: list[Mapping[str, Any]] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) == ROW_GROUP:
            yield pa.RecordBatch.from_pylist(waiting, schema=schema)
            waiting = []
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema=schema)


def ship(name: str, path: Path) -> None:
    """Put one of the files in ``shipped/`` where a trainer finds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((_SHIPPED / name).read_bytes())


def ship_rewards(folder: Path) -> None:
    """Put a copy of ``webscale_rl.rewards`` into a folder: a trainer's machine needs nothing but the folder."""
    package = folder / "webscale_rl"
    (package / "rewards").mkdir(parents=True, exist_ok=True)
    write_text(package / "__init__.py", '"""The rewards of Webscale-RL alone."""\n')
    for file in sorted((_INCLUDE / "rewards").glob("*.py")):
        (package / "rewards" / file.name).write_bytes(file.read_bytes())


def _even(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """Yield tables of ``size`` rows, the last one shorter, each column in one piece."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        rest = batch
        while held + rest.num_rows >= size:
            taken = size - held
            yield pa.Table.from_batches([*waiting, rest.slice(0, taken)]).combine_chunks()
            waiting, held, rest = [], 0, rest.slice(taken)
        if rest.num_rows:
            waiting.append(rest)
            held += rest.num_rows
    if held:
        yield pa.Table.from_batches(waiting).combine_chunks()
