"""Claims on texts: which partition has which text, so that each is converted once, whichever night brought it.

A claim is made under a lock of its own transaction: nights of a backfill that run at once take turns, the lock
dies with its connection, and it works behind pgbouncer in transaction mode.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, text

from webscale_rl.corpus.near_duplicates import THRESHOLD, VERSION, Sketch, similarities

LOCK = 0x57524C01  # of pg_advisory_xact_lock, of this table
COMPARED = 200  # texts that one is compared with at most: hostile texts may all share a band

_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")
_KNOWN = text(
    "SELECT text_hash, partition_id, document_id FROM text_claims WHERE text_hash = ANY(CAST(:hashes AS bytea[]))"
)
# One look-up in the index for each text; OFFSET 0 keeps the planner from anything else. One row for each text that
# has any: fetching 200 rows took ten times as long as finding them.
_ALIKE = text(
    """
    SELECT q.position, c.documents, c.partitions, c.lows
    FROM jsonb_to_recordset(CAST(:queries AS jsonb)) AS q(position int, bands int[])
    CROSS JOIN LATERAL (
        SELECT array_agg(document_id) AS documents, array_agg(partition_id) AS partitions, array_agg(low) AS lows
        FROM (
            SELECT document_id, partition_id, low FROM text_claims c
            WHERE c.bands && q.bands AND c.version = :version
            LIMIT :compared OFFSET 0
        ) found
    ) c
    WHERE c.documents IS NOT NULL
    """
)
_INSERT = text(
    """
    INSERT INTO text_claims (text_hash, partition_id, document_id, bands, low, version)
    SELECT decode(text_hash, 'hex'), partition_id, document_id, bands, decode(low, 'hex'), version
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS r(text_hash text, partition_id text, document_id text, bands int[], low text, version int)
    """
)
_RENAME = text(
    """
    UPDATE text_claims c SET document_id = r.document_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(text_hash text, document_id text)
    WHERE c.text_hash = decode(r.text_hash, 'hex')
    """
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that is kept unless its text is claimed."""

    document_id: str
    sketch: Sketch


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Why a document is not kept: the text of ``document_id`` in ``partition_id`` was first."""

    kind: str  # exact or near
    document_id: str
    partition_id: str
    similarity: float  # estimated Jaccard similarity of their shingles; 1 for an exact one


def claim(
    engine: Engine, partition_id: str, candidates: Sequence[Candidate], seen: set[bytes]
) -> list[Duplicate | None]:
    """Claim the texts of a batch, in order; None for each that is kept, also where an earlier try had claimed it.

    Args:
        engine: of the service's database.
        partition_id: who claims.
        candidates: some hundred or thousand.
        seen: hashes of the texts that this pass has kept so far; extended once the batch is committed.
    """
    with engine.begin() as connection:
        connection.execute(_LOCK, {"lock": LOCK})
        batch = _Batch(partition_id, seen)
        known = _known(connection, candidates)
        new = [each for each in candidates if each.sketch.text_hash not in known]
        alike = _alike(connection, new)
        found = [batch.judge(each, known, alike) for each in candidates]
        if batch.claimed:
            connection.execute(_INSERT, {"rows": _json([_row(partition_id, each) for each in batch.claimed])})
        if batch.renamed:
            connection.execute(_RENAME, {"rows": _json([_row(partition_id, each) for each in batch.renamed])})
    seen |= batch.kept
    return found


def release_stale(engine: Engine, partition_id: str, text_hashes: Iterable[bytes]) -> int:
    """Give up the claims of a partition on texts that it has no more, and return how many they were.

    Else a text that a new delivery of the partition lacks would stay lost for all others.
    """
    with engine.begin() as connection:
        connection.execute(_LOCK, {"lock": LOCK})
        connection.execute(text("CREATE TEMPORARY TABLE held (text_hash bytea) ON COMMIT DROP"))
        driver: Any = connection.connection.driver_connection
        with driver.cursor().copy("COPY held FROM STDIN") as copy:
            for text_hash in text_hashes:
                copy.write_row((text_hash,))
        done = connection.execute(
            text(
                "DELETE FROM text_claims c WHERE partition_id = :id "
                "AND NOT EXISTS (SELECT FROM held h WHERE h.text_hash = c.text_hash)"
            ),
            {"id": partition_id},
        )
        return int(done.rowcount)


class _Batch:
    """What a batch has decided so far."""

    def __init__(self, partition_id: str, seen: set[bytes]) -> None:
        self._partition_id = partition_id
        self._seen = seen
        self._first: dict[bytes, str] = {}
        self._by_band: dict[int, list[Candidate]] = {}
        self.kept: set[bytes] = set()
        self.claimed: list[Candidate] = []
        # The same words in another document than at the earlier try, whose document may be gone.
        self.renamed: list[Candidate] = []

    def judge(
        self,
        candidate: Candidate,
        known: dict[bytes, tuple[str, str]],
        alike: dict[bytes, list[tuple[str, str, bytes]]],
    ) -> Duplicate | None:
        text_hash = candidate.sketch.text_hash
        partition_id, claimed_for = known.get(text_hash, (self._partition_id, candidate.document_id))
        document_id = self._first.get(text_hash, claimed_for)
        if partition_id != self._partition_id or text_hash in self._seen or text_hash in self.kept:
            return Duplicate("exact", document_id, partition_id, 1.0)
        if text_hash not in known:
            if near := self._nearest(candidate, alike.get(text_hash, [])):
                return near
            self.claimed.append(candidate)
            for band in candidate.sketch.bands:
                self._by_band.setdefault(band, []).append(candidate)
        elif claimed_for != candidate.document_id:
            self.renamed.append(candidate)
        self.kept.add(text_hash)
        self._first[text_hash] = candidate.document_id
        return None

    def _nearest(self, candidate: Candidate, stored: list[tuple[str, str, bytes]]) -> Duplicate | None:
        sketch = candidate.sketch
        here: dict[str, bytes] = {}
        for band in sketch.bands:
            for other in self._by_band.get(band, [])[-COMPARED:]:
                here[other.document_id] = other.sketch.low
            if len(here) >= COMPARED:
                break
        others = [*stored, *((document, self._partition_id, low) for document, low in here.items())]
        if not others:
            return None
        found = similarities(sketch.low, [low for _, _, low in others])
        best = int(found.argmax())
        if found[best] < THRESHOLD:
            return None
        return Duplicate("near", others[best][0], others[best][1], float(found[best]))


def _known(connection: Connection, candidates: Sequence[Candidate]) -> dict[bytes, tuple[str, str]]:
    hashes = [each.sketch.text_hash for each in candidates]
    rows = connection.execute(_KNOWN, {"hashes": hashes})
    return {bytes(row.text_hash): (row.partition_id, row.document_id) for row in rows}


def _alike(
    connection: Connection, candidates: Sequence[Candidate]
) -> dict[bytes, list[tuple[str, str, bytes]]]:
    """Return the stored claims that share a band with a candidate, by its hash: (document, partition, low bytes)."""
    queries = [
        {"position": position, "bands": each.sketch.bands}
        for position, each in enumerate(candidates)
        if each.sketch.bands
    ]
    if not queries:
        return {}
    rows = connection.execute(_ALIKE, {"queries": _json(queries), "version": VERSION, "compared": COMPARED})
    return {
        candidates[row.position].sketch.text_hash: list(
            zip(row.documents, row.partitions, row.lows, strict=True)
        )
        for row in rows
    }


def _row(partition_id: str, candidate: Candidate) -> dict[str, Any]:
    sketch = candidate.sketch
    return {
        "text_hash": sketch.text_hash.hex(),
        "partition_id": partition_id,
        "document_id": candidate.document_id,
        "bands": sketch.bands,
        "low": sketch.low.hex(),
        "version": VERSION,
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
