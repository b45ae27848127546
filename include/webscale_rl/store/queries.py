"""Questions to the database: progress, the funnel, the provenance of a pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, text


@dataclass(frozen=True)
class Progress:
    """How far a run is. ``documents_total`` is None until its shards are cut."""

    documents_total: int | None
    documents_done: int
    pairs: int
    calls: int


def progress(engine: Engine, run_id: str) -> Progress:
    """Return how far a run is, from the rows that its workers have committed."""
    with engine.connect() as connection:
        row = connection.execute(
            text(
                """
                WITH mine AS (
                    SELECT r.config_hash, d.document_id
                    FROM runs r JOIN run_shards s ON s.run_id = r.id JOIN documents d USING (shard_id)
                    WHERE r.id = :run
                )
                SELECT (SELECT count(*) FROM mine),
                       count(r.document_id), coalesce(sum(r.n_accepted), 0),
                       (SELECT count(*) FROM llm_calls WHERE run_id = :run)
                FROM mine JOIN document_results r USING (config_hash, document_id)
                """
            ),
            {"run": run_id},
        ).one()
    return Progress(row[0] or None, row[1], int(row[2]), row[3])


@dataclass(frozen=True)
class Usage:
    """What a run has asked: calls, and tokens as the servers count them. Cached tokens are part of the prompts'."""

    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int

    def words(self, pairs: int = 0) -> str:
        """Return it in one line; with the number of accepted pairs, also what one of them took."""
        cached = f" ({self.cached_tokens / self.prompt_tokens:.0%} cached)" if self.cached_tokens else ""
        said = (
            f"{self.calls:,} calls, {self.prompt_tokens:,} prompt tokens{cached}, "
            f"{self.completion_tokens:,} tokens of answers"
        )
        if not pairs or not self.calls:
            return said
        tokens = self.prompt_tokens - self.cached_tokens + self.completion_tokens
        return f"{said}; a pair: {self.calls / pairs:.1f} calls, {tokens / pairs:,.0f} tokens that were not cached"


def usage(engine: Engine, run_id: str) -> Usage:
    """Return what a run has asked, all its tries together; what earlier runs had asked is not in it."""
    query = text(
        "SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(cached_tokens), 0), "
        "coalesce(sum(completion_tokens), 0) FROM llm_calls WHERE run_id = :run"
    )
    with engine.connect() as connection:
        row = connection.execute(query, {"run": run_id}).one()
    return Usage(*(int(value) for value in row))


@dataclass
class Level:
    """Counts of one level of the funnel: by state, and by ``stage/reason`` within each state."""

    total: int = 0
    states: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, state: str, reason: str, count: int) -> None:
        """Count ``count`` documents or items that ended in ``state`` for ``reason``."""
        self.total += count
        self.states[state] = self.states.get(state, 0) + count
        if reason:
            by_reason = self.reasons.setdefault(state, {})
            by_reason[reason] = by_reason.get(reason, 0) + count


@dataclass
class Funnel:
    """Where every record of a run's corpus ended. The states of each level add up to its total."""

    config_hash: str
    documents: Level
    parts: Level  # of documents that were split
    items: Level  # plan items, each by the last question written for it
    repairs: Level  # questions that were to be mended, by what came of it and the fault
    repair_yield: float | None  # share of these whose revision was accepted; None where there were none
    pairs: int
    pairs_by_domain: dict[str, int]
    pairs_by_task_form: dict[str, int]
    pairs_by_answer_type: dict[str, int]
    repeated_source_ids: int

    def as_dict(self) -> dict[str, Any]:
        """Return the funnel as JSON shows it."""
        return asdict(self)


# What several runs went over: a document stands in several shards, and two runs may share configuration and shards.
DOCUMENTS_OF_RUNS = """
    SELECT DISTINCT r.config_hash, d.document_id
    FROM runs r JOIN run_shards s ON s.run_id = r.id JOIN documents d USING (shard_id)
    WHERE r.id = ANY(:runs)
"""
_RUN_DOCUMENTS = """
    WITH mine AS (
        SELECT r.config_hash, d.document_id
        FROM runs r JOIN run_shards s ON s.run_id = r.id JOIN documents d USING (shard_id)
        WHERE r.id = :run
    )
"""


def funnel(engine: Engine, run_id: str) -> Funnel:
    """Return the funnel of a run: documents read (bad records among them), plan items, pairs."""
    with engine.connect() as connection:
        config_hash, ingestion_id = connection.execute(
            text("SELECT config_hash, ingestion_id FROM runs WHERE id = :run"), {"run": run_id}
        ).one()
        documents = _document_level(connection, run_id, ingestion_id)
        parts = _level(connection, run_id, _PARTS)
        items, groups = _item_level(connection, run_id)
        repairs = _level(connection, run_id, _REPAIRS)
        repeated = connection.execute(
            text("SELECT repeated_ids FROM ingestions WHERE id = :id"), {"id": ingestion_id}
        ).scalar()
    return Funnel(
        config_hash=config_hash,
        documents=documents,
        parts=parts,
        items=items,
        repairs=repairs,
        repair_yield=repairs.states.get("accepted", 0) / repairs.total if repairs.total else None,
        pairs=items.states.get("accepted", 0),
        pairs_by_domain=groups["domain"],
        pairs_by_task_form=groups["task_form"],
        pairs_by_answer_type=groups["answer_type"],
        repeated_source_ids=repeated or 0,
    )


def _document_level(connection: Connection, run_id: str, ingestion_id: str | None) -> Level:
    level = Level()
    for reason, count in connection.execute(
        text(
            "SELECT reason, count(*) FROM bad_records WHERE ingestion_id = :id GROUP BY reason ORDER BY reason"
        ),
        {"id": ingestion_id},
    ):
        level.add("bad_record", f"read/{reason}", count)
    for state, reason, count in connection.execute(
        text(
            _RUN_DOCUMENTS
            + """
            SELECT coalesce(r.state, 'pending'),
                   CASE WHEN r.state = 'done' AND r.n_accepted > 0 THEN 'with_pairs'
                        WHEN r.state = 'done' THEN 'without_pairs'
                        ELSE coalesce(r.stage || '/' || r.reason, '') END,
                   count(*)
            FROM mine LEFT JOIN document_results r USING (config_hash, document_id)
            GROUP BY 1, 2 ORDER BY 1, 2
            """
        ),
        {"run": run_id},
    ):
        level.add(state, reason, count)
    return level


_PARTS = """
    SELECT p.state, CASE WHEN p.state = 'done' THEN '' ELSE p.stage || '/' || p.reason END, count(*)
    FROM (SELECT DISTINCT config_hash, document_id FROM mine) m
    JOIN part_results p USING (config_hash, document_id)
    GROUP BY 1, 2 ORDER BY 1, 2
"""
# A question that could not be mended stays as it was and carries the word of `repair`.
_REPAIRS = """
    SELECT coalesce(r.state, 'declined'), q.stage || '/' || q.reason, count(*)
    FROM (SELECT DISTINCT config_hash, document_id FROM mine) m
    JOIN questions q USING (config_hash, document_id)
    LEFT JOIN questions r
      ON q.state = 'repaired' AND r.config_hash = q.config_hash AND r.document_id = q.document_id
         AND r.part = q.part AND r.item_index = q.item_index AND r.parent_id = q.id
    WHERE q.state = 'repaired'
       OR EXISTS (SELECT FROM verdicts v WHERE v.question_id = q.id AND v.judge = 'repair')
    GROUP BY 1, 2 ORDER BY 1, 2
"""


def _level(connection: Connection, run_id: str, query: str) -> Level:
    level = Level()
    for state, reason, count in connection.execute(text(_RUN_DOCUMENTS + query), {"run": run_id}):
        level.add(state, reason, count)
    return level


def _item_level(connection: Connection, run_id: str) -> tuple[Level, dict[str, dict[str, int]]]:
    """Return the items of the run's documents by state, and the accepted ones in three groupings, most first."""
    level = Level()
    groups: dict[str, dict[str, int]] = {"domain": {}, "task_form": {}, "answer_type": {}}
    rows = connection.execute(
        text(
            _RUN_DOCUMENTS
            + """
            SELECT q.state, q.stage, q.reason, q.domain, q.task_form, q.answer_type, count(*) AS n
            FROM (SELECT DISTINCT config_hash, document_id FROM mine) m
            JOIN questions q USING (config_hash, document_id)
            WHERE q.state <> 'repaired'
            GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
            """
        ),
        {"run": run_id},
    ).mappings()
    for row in rows:
        reason = f"{row['stage']}/{row['reason']}" if row["reason"] else ""
        level.add(row["state"], reason, row["n"])
        if row["state"] == "accepted":
            for name, counts in groups.items():
                counts[row[name]] = counts.get(row[name], 0) + row["n"]
    return level, {
        name: dict(sorted(counts.items(), key=lambda pair: -pair[1])) for name, counts in groups.items()
    }


@dataclass(frozen=True)
class Rates:
    """How the first documents of a shard came out, as shares from 0 to 1; None where there was nothing to count."""

    documents: int
    failed: float | None  # of the documents
    items: int
    accepted: float | None  # of the items that are final
    abstained: float | None


def rates(engine: Engine, run_id: str, shard_id: str, first: int) -> Rates:
    """Return how the first documents of a shard came out under the run's configuration."""
    query = text(
        """
        WITH mine AS (
            SELECT t.* FROM runs r
            JOIN documents d ON d.shard_id = :shard AND d.position < :first
            JOIN document_results t ON t.config_hash = r.config_hash AND t.document_id = d.document_id
            WHERE r.id = :run
        ), items AS (
            SELECT q.state FROM mine JOIN questions q USING (config_hash, document_id)
            WHERE q.state NOT IN ('failed', 'repaired')
        )
        SELECT (SELECT count(*) FROM mine), (SELECT avg((state = 'failed')::int) FROM mine),
               count(*), avg((state = 'accepted')::int), avg((state = 'abstained')::int)
        FROM items
        """
    )
    with engine.connect() as connection:
        row = connection.execute(query, {"run": run_id, "shard": shard_id, "first": first}).one()
    shares = [None if share is None else float(share) for share in (row[1], row[3], row[4])]
    return Rates(row[0], shares[0], row[2], shares[1], shares[2])


def bad_records(engine: Engine, run_id: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a run's corpus that are no documents, in the order of the corpus."""
    query = text(
        "SELECT b.source_uri, b.source_row, b.reason, b.detail, b.document_id "
        "FROM runs r JOIN bad_records b USING (ingestion_id) WHERE r.id = :run ORDER BY b.position"
    )
    with engine.connect().execution_options(stream_results=True, max_row_buffer=1000) as connection:
        for row in connection.execute(query, {"run": run_id}).mappings():
            yield dict(row)


PROVENANCE = "SELECT * FROM provenance WHERE pair_id = :pair ORDER BY created_at"


def provenance(engine: Engine, pair_id: str) -> list[dict[str, Any]]:
    """Return, for a pair of a data set, everything it came from: one row for each configuration that made it."""
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(PROVENANCE), {"pair": pair_id}).mappings()]
