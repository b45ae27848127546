"""Bulk writes: one statement a table, the rows as one JSON parameter.

``INSERT ... SELECT FROM json_populate_recordset`` needs no temporary table (which pgbouncer's transaction mode
and catalog bloat speak against) and costs the client one JSON serialisation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from sqlalchemy import Connection

Row = Mapping[str, Any]

# The primary keys, as `models.py` has them (a test compares): importing SQLAlchemy costs a worker a second of CPU.
KEYS: dict[str, tuple[str, ...]] = {
    "shards": ("id",),
    "ingestions": ("id",),
    "ingestion_shards": ("ingestion_id", "position"),
    "documents": ("shard_id", "position"),
    "partition_files": ("partition_id", "position"),
    "partition_pieces": ("partition_id", "uri", "piece"),
    "partition_shards": ("partition_id", "position"),
    "bad_records": ("ingestion_id", "position"),
    "llm_calls": ("document_id", "call_key", "attempt"),
    "questions": ("id",),
    "verdicts": ("question_id", "position"),
    "part_results": ("config_hash", "document_id", "part"),
    "document_results": ("config_hash", "document_id"),
    "solver_attempts": ("pair_id", "solver", "prompt_version", "temperature", "condition", "batch"),
    "pair_marks": ("pair_id", "mark", "found_by"),
    "release_members": ("release_id", "pair_id"),
}


@lru_cache
def insert_statement(table: str, columns: tuple[str, ...], on_conflict: str) -> str:
    """Return the statement that inserts rows given as the one parameter ``rows`` (a JSON array).

    ``on_conflict`` is ``nothing`` (the first row stays) or ``update`` (the last one stays).
    """
    key = KEYS[table]
    names = ", ".join(columns)
    assignments = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name not in key)
    action = f"UPDATE SET {assignments}" if on_conflict == "update" and assignments else "NOTHING"
    return (
        f"INSERT INTO {table} ({names}) "
        f"SELECT {names} FROM json_populate_recordset(NULL::{table}, %(rows)s::json) "
        f"ON CONFLICT ({', '.join(key)}) DO {action}"
    )


def insert_rows(
    connection: Connection, table: str, rows: Sequence[Row], on_conflict: str = "nothing"
) -> None:
    """Insert rows, one at least, through SQLAlchemy; see :func:`insert_statement`."""
    connection.exec_driver_sql(insert_statement(table, tuple(rows[0]), on_conflict), rows_parameter(rows))


def rows_parameter(rows: Sequence[Row]) -> dict[str, str]:
    """Return the parameter of :func:`insert_statement`; NUL and lone surrogates become U+FFFD."""
    try:
        data = orjson.dumps(rows)
    except TypeError:  # a lone surrogate
        data = b"\\u0000"
    if b"\\u0000" in data:  # rare, and walking through every value costs more than all the rest
        data = orjson.dumps([_storable(row) for row in rows])
    return {"rows": data.decode()}


def _storable(value: Any) -> Any:
    """Return ``value`` with what PostgreSQL refuses in texts replaced, however deep it lies."""
    if isinstance(value, str):
        if "\x00" in value:
            value = value.replace("\x00", "\ufffd")
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value
