"""Parquet files that appear whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import uuid4

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

GROUP_ROWS = 256  # of a row group: what a reader holds in memory at a time
GROUP_CHARS = 16 * 2**20


class WholeFile:
    """Writes rows under a temporary name, row group by row group; the real name is given when all is there."""

    def __init__(self, folder: str, schema: pa.Schema) -> None:
        self._files, self._folder = fsspec.url_to_fs(folder)
        self._uri = folder.rstrip("/")
        self._folder = self._folder.rstrip("/")
        self._files.makedirs(self._folder, exist_ok=True)
        self._part = f"{self._folder}/.{uuid4().hex}.part"
        self._file = self._files.open(self._part, "wb")
        self._schema = schema
        self._parquet = pq.ParquetWriter(self._file, schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self._chars = 0

    def add(self, row: dict[str, Any], chars: int) -> None:
        """Write a row of about so many characters."""
        self._rows.append(row)
        self._chars += chars
        if len(self._rows) >= GROUP_ROWS or self._chars >= GROUP_CHARS:
            self._flush()

    def close(self, name: str, *, replace: bool) -> str:
        """Finish the file, give it its name and return its URI; what has the name may stay or be replaced."""
        self._flush()
        self._parquet.close()
        self._file.close()
        path = f"{self._folder}/{name}"
        if not replace and self._files.exists(path):
            self._files.rm(self._part)
        else:
            self._files.mv(self._part, path)
        return f"{self._uri}/{name}"

    def discard(self) -> None:
        """Remove what was begun."""
        self._parquet.close()
        self._file.close()
        with suppress(FileNotFoundError):  # it may have its final name already
            self._files.rm(self._part)

    def _flush(self) -> None:
        if self._rows:
            self._parquet.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []
        self._chars = 0
