"""What was turned down, why, and what it looked like: examples by reason, and ten at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from webscale_rl.corpus.shards import read_shard
from webscale_rl.release.report.funnels import Levels
from webscale_rl.release.report.order import ranked
from webscale_rl.release.report.passages import Piece, passage
from webscale_rl.store.queries import DOCUMENTS_OF_RUNS

EXAMPLES = 3  # of a reason
NOT_PAIRS = (
    "rejected",
    "disputed",
)  # of questions; what failed is not final, and what abstained has no question
RIVAL = " Rival answer: "  # how the road ends the words of a judge who names one


@dataclass(frozen=True)
class Example:
    """A question that was turned down, or, without one, a document."""

    question: str
    answer: str
    words: str  # the judge's, or what the rule found
    rival: str
    source: str
    place: str  # file and row


@dataclass(frozen=True)
class Reason:
    """How many ended in ``state`` for ``stage/name``. ``level`` is ``documents`` or ``questions``."""

    level: str
    state: str
    stage: str
    name: str
    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Rejected:
    """One of the ten. ``quotes`` are evidence that the document does not hold."""

    id: str
    state: str
    stage: str
    reason: str
    domain: str
    task_form: str
    persona: str
    example: Example
    passage: tuple[Piece, ...]
    quotes: tuple[str, ...]


# Ids are ranked, and the rows of those that are chosen read then: questions and drafts are long.
_ENDED = f"""
    WITH ended AS (
        SELECT q.id, q.state, q.stage, q.reason, {ranked("q.id")} AS rank
        FROM ({DOCUMENTS_OF_RUNS}) m JOIN questions q USING (config_hash, document_id)
        WHERE q.state = ANY(:states)
    )
"""
# The first place of a document `t` in the shards of the runs.
_PLACE = """
    CROSS JOIN LATERAL (
        SELECT d.source, d.source_uri, d.source_row, d.shard_id
        FROM runs r JOIN run_shards s ON s.run_id = r.id JOIN documents d USING (shard_id)
        WHERE r.id = ANY(:runs) AND r.config_hash = t.config_hash AND d.document_id = t.document_id
        ORDER BY d.shard_id, d.position LIMIT 1
    ) m
"""
# Of a draft that did not pass the gate, question and answer stand in `draft` only.
_QUESTIONS = f"""
    SELECT t.id, t.state, t.stage, t.reason, t.detail, t.domain, t.task_form, t.persona, t.evidence,
           coalesce(nullif(t.question, ''), t.draft->>'question', '') AS question,
           coalesce(nullif(t.answer, ''), t.draft->>'answer', '') AS answer,
           coalesce(t.answer_spec->'aliases', '[]') AS aliases, t.draft->'evidence' AS quotes,
           t.document_id, m.source, m.source_uri, m.source_row, m.shard_id
    FROM chosen c JOIN questions t USING (id) {_PLACE}
"""
_BY_REASON = f"""
    {_ENDED}, placed AS (
        SELECT id, row_number() OVER (PARTITION BY state, stage, reason ORDER BY rank) AS place FROM ended
    ), chosen AS (SELECT * FROM placed WHERE place <= :examples)
    {_QUESTIONS} ORDER BY t.state, t.stage, t.reason, c.place
"""
_AT_RANDOM = f"""
    {_ENDED}, chosen AS (SELECT id, rank FROM ended ORDER BY rank LIMIT :size)
    {_QUESTIONS} ORDER BY c.rank
"""
_DOCUMENTS = f"""
    WITH placed AS (
        SELECT t.config_hash, t.document_id,
               row_number() OVER (PARTITION BY t.state, t.stage, t.reason
                                  ORDER BY {ranked("t.document_id")}) AS place
        FROM ({DOCUMENTS_OF_RUNS}) m JOIN document_results t USING (config_hash, document_id)
        WHERE t.state IN ('rejected', 'failed')
    )
    SELECT t.state, t.stage, t.reason, t.detail, m.source, m.source_uri, m.source_row
    FROM (SELECT * FROM placed WHERE place <= :examples) c
    JOIN document_results t USING (config_hash, document_id) {_PLACE}
    ORDER BY t.state, t.stage, t.reason, c.place
"""
_RECORDS = f"""
    SELECT * FROM (
        SELECT 'bad_record' AS state, 'read' AS stage, b.reason, b.detail, '' AS source, b.source_uri, b.source_row,
               row_number() OVER (PARTITION BY b.reason ORDER BY {ranked("b.position::text")}) AS place
        FROM (SELECT DISTINCT ingestion_id FROM runs WHERE id = ANY(:runs)) r JOIN bad_records b USING (ingestion_id)
    ) e WHERE place <= :examples ORDER BY reason, place
"""


def reasons(connection: Connection, levels: Levels, run_ids: Sequence[str], seed: str) -> tuple[Reason, ...]:
    """Return every reason for which documents and questions of the runs left, the most frequent first."""
    values = {"runs": list(run_ids), "seed": seed, "examples": EXAMPLES}
    of_questions = {**values, "states": [*NOT_PAIRS, "failed", "abstained"]}
    found = {
        "documents": _examples(connection, (_DOCUMENTS, _RECORDS), values),
        "questions": _examples(connection, (_BY_REASON,), of_questions),
    }
    counted = {"documents": levels.documents.reasons, "questions": levels.items.reasons}
    every = [
        Reason(level, state, *_parted(why), count, tuple(found[level].get((state, *_parted(why)), ())))
        for level, by_state in counted.items()
        for state, by_reason in by_state.items()
        if state not in ("done", "accepted")
        for why, count in by_reason.items()
    ]
    return tuple(sorted(every, key=lambda each: (each.level, -each.count, each.state, each.stage, each.name)))


def at_random(connection: Connection, run_ids: Sequence[str], seed: str, size: int) -> tuple[Rejected, ...]:
    """Return some rejected and disputed questions of the runs, with the passages that they quote."""
    values = {"runs": list(run_ids), "seed": seed, "states": list(NOT_PAIRS), "size": size}
    rows = [dict(row) for row in connection.execute(text(_AT_RANDOM), values).mappings()]
    texts = _texts(connection, rows)
    return tuple(_rejected(row, texts.get(row["document_id"], "")) for row in rows)


def _examples(
    connection: Connection, queries: Sequence[str], values: Mapping[str, Any]
) -> dict[tuple[str, str, str], list[Example]]:
    found: dict[tuple[str, str, str], list[Example]] = {}
    for query in queries:
        for row in connection.execute(text(query), values).mappings():
            found.setdefault((row["state"], row["stage"], row["reason"]), []).append(_example(dict(row)))
    return found


def _parted(why: str) -> tuple[str, str]:
    stage, _, name = why.partition("/")
    return stage, name


def _example(row: Mapping[str, Any]) -> Example:
    words, _, rival = str(row["detail"]).partition(RIVAL)
    place = row["source_uri"].rpartition("/")[2]
    return Example(
        question=row.get("question", ""),
        answer=row.get("answer", ""),
        words=words,
        rival=rival.rstrip("."),
        source=row["source"],
        place=f"{place}, row {row['source_row']}" if row["source_row"] else place,
    )


def _rejected(row: Mapping[str, Any], document: str) -> Rejected:
    spans = [(span["start"], span["end"]) for span in row["evidence"]]
    quotes = [quote for quote in row["quotes"] or () if isinstance(quote, str) and quote]
    if not spans:  # the gate had not placed them yet
        spans = [(at, at + len(quote)) for quote in quotes if (at := document.find(quote)) >= 0]
    return Rejected(
        id=row["id"],
        state=row["state"],
        stage=row["stage"],
        reason=row["reason"],
        domain=row["domain"],
        task_form=row["task_form"],
        persona=row["persona"],
        example=_example(row),
        passage=passage(document, spans, [row["answer"], *row["aliases"]]),
        quotes=tuple(quote for quote in quotes if quote not in document)
        or (() if document else tuple(span["text"] for span in row["evidence"])),
    )


def _texts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the texts of the rows' documents by id, from the shard files; a shard that is gone has none."""
    wanted: dict[str, set[str]] = {}
    for row in rows:
        wanted.setdefault(row["shard_id"], set()).add(row["document_id"])
    query = text("SELECT id, uri FROM shards WHERE id = ANY(:ids)")
    texts: dict[str, str] = {}
    for shard_id, uri in connection.execute(query, {"ids": sorted(wanted)}):
        missing = set(wanted[shard_id])
        try:
            for documents in read_shard(uri):
                texts |= {document.id: document.text for document in documents if document.id in missing}
                missing -= texts.keys()
                if not missing:
                    break
        except FileNotFoundError:
            continue
    return texts
