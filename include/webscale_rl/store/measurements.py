"""What is measured of accepted pairs: the runs that measure, their shards and pairs, and marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import String

from webscale_rl.difficulty.pairs import COLUMNS, SHARD_PAIRS, Pair
from webscale_rl.errors import ConfigurationError
from webscale_rl.store.bulk import insert_rows

RUN = "difficulty:"  # how the ids of these runs begin: run ids of two DAGs may be the same
CHUNK = 1_000  # rows a statement


def measuring(run_id: str) -> str:
    """Return the id under which a DAG run that measures is recorded."""
    return f"{RUN}{run_id}"


def config_hash_of(engine: Engine, run_id: str) -> str:
    """Return the hash of the configuration that a run was opened with."""
    with engine.connect() as connection:
        return str(
            connection.execute(
                text("SELECT config_hash FROM runs WHERE id = :id"), {"id": run_id}
            ).scalar_one()
        )


def sources(engine: Engine, converted: str | None) -> list[str]:
    """Return the configurations whose accepted pairs are measured: of one run of `convert_corpus`, or all.

    Raises:
        ConfigurationError: there is no such run.
    """
    with engine.connect() as connection:
        if converted is None:
            query = "SELECT DISTINCT config_hash FROM questions WHERE state = 'accepted' ORDER BY 1"
            return list(connection.execute(text(query)).scalars())
        query = "SELECT config_hash FROM runs WHERE id = :run"
        found = connection.execute(text(query), {"run": converted}).scalar()
    if found is None or converted.startswith(RUN):
        raise ConfigurationError(
            f"there is no run {converted!r} of convert_corpus: give the id of one, or none for all"
        )
    return [found]


def shards(engine: Engine, converted: str | None) -> list[str]:
    """Return the shards of one run of `convert_corpus`, in order, or all that have accepted pairs."""
    if converted is None:
        query = "SELECT DISTINCT shard_id FROM questions WHERE state = 'accepted' ORDER BY 1"
    else:
        query = "SELECT shard_id FROM run_shards WHERE run_id = :run ORDER BY position"
    with engine.connect() as connection:
        return list(connection.execute(text(query), {"run": converted} if converted else {}).scalars())


def ends_of_shards(engine: Engine, run_id: str) -> list[tuple[str, str, str]]:
    """Return shard, state (``not begun`` for one without a claim) and error, in order, of a run that measures."""
    query = text(
        "SELECT s.shard_id, coalesce(c.state, 'not begun'), coalesce(c.error, '') "
        "FROM runs r JOIN run_shards s ON s.run_id = r.id "
        "LEFT JOIN conversions c ON c.shard_id = s.shard_id AND c.config_hash = r.config_hash "
        "WHERE r.id = :run ORDER BY s.position"
    )
    with engine.connect() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(query, {"run": run_id})]


def pairs_of_shard(connection: Connection, run_id: str, shard_id: str, configs: Sequence[str]) -> list[Pair]:
    """Return the accepted pairs of a shard that a run measures."""
    rows = connection.exec_driver_sql(SHARD_PAIRS, (list(configs), shard_id, run_id)).all()
    return [Pair.read(dict(zip(COLUMNS, row, strict=True))) for row in rows]


def pairs_by_id(connection: Connection, pair_ids: Sequence[str]) -> dict[str, Pair]:
    """Return the accepted pairs among these ids."""
    query = (
        f"SELECT DISTINCT ON (pair_id) {', '.join(COLUMNS)} FROM questions "
        "WHERE pair_id = ANY(%s) AND state = 'accepted' ORDER BY pair_id, created_at"
    )
    rows = connection.exec_driver_sql(query, (list(pair_ids),)).all()
    return {row[0]: Pair.read(dict(zip(COLUMNS, row, strict=True))) for row in rows}


def replace_marks(
    connection: Connection, found_by: str, pair_ids: Sequence[str], rows: Sequence[dict[str, Any]]
) -> None:
    """Put what a finder says of these pairs in the place of what it has said before.

    Args:
        connection: in a transaction.
        found_by: ``rules``, or a batch of rollouts.
        pair_ids: of the pairs that were looked at.
        rows: with ``pair_id``, ``mark`` and ``detail``.
    """
    gone = text("DELETE FROM pair_marks WHERE found_by = :by AND pair_id = ANY(:pairs)")
    gone = gone.bindparams(bindparam("pairs", type_=ARRAY(String)))
    connection.execute(gone, {"by": found_by, "pairs": list(pair_ids)})
    for start in range(0, len(rows), CHUNK):
        insert_rows(
            connection,
            "pair_marks",
            [{**row, "found_by": found_by, "updated_at": "now"} for row in rows[start : start + CHUNK]],
            "update",
        )


def replace_batch(connection: Connection, batch: str, rows: Iterable[dict[str, Any]]) -> None:
    """Put the attempts of a batch of rollouts in the place of what was imported of it before."""
    connection.execute(text("DELETE FROM solver_attempts WHERE batch = :batch"), {"batch": batch})
    rest = iter(rows)
    while chunk := [{**row, "batch": batch, "updated_at": "now"} for row in islice(rest, CHUNK)]:
        insert_rows(connection, "solver_attempts", chunk, "update")


def attempts_and_marks(
    connection: Connection, pair_ids: Sequence[str], prompt_version: str
) -> tuple[dict[str, tuple[int, int]], dict[str, list[str]]]:
    """Return, by pair, attempts and successes at the whole question with this prompt, and the marks, sorted."""
    counted = connection.execute(
        text(
            "SELECT pair_id, sum(attempts)::int, sum(successes)::int FROM solver_attempts "
            "WHERE pair_id = ANY(:pairs) AND condition = 'question' AND prompt_version = :version GROUP BY 1"
        ).bindparams(bindparam("pairs", type_=ARRAY(String))),
        {"pairs": list(pair_ids), "version": prompt_version},
    ).all()
    marked = connection.execute(
        text(
            "SELECT pair_id, array_agg(DISTINCT mark ORDER BY mark) FROM pair_marks "
            "WHERE pair_id = ANY(:pairs) GROUP BY 1"
        ).bindparams(bindparam("pairs", type_=ARRAY(String))),
        {"pairs": list(pair_ids)},
    ).all()
    return {pair: (attempts, successes) for pair, attempts, successes in counted}, dict(marked)
