"""How different the questions are from one another, beside the questions of other runs.

Every one of these figures falls (or rises) with the number of questions looked at, so two sets are only ever compared
at the same number: of the larger one, a random part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rensa import RMinHash
from sqlalchemy import Connection, text

from webscale_rl.release.report.order import ranked

SAMPLE = 1_000  # questions of a set: a million comparisons
RUNS = 8  # other runs, the newest
MINIMA, SEED = 128, 42  # standard error 0.04 of a similarity of 0.3
WORDS = 3
OPENING = 4
_MEASURING = "difficulty:%"  # ids of runs that measure and make no pairs


@dataclass(frozen=True)
class Asked:
    """What is compared of a pair."""

    question: str
    persona: str


@dataclass(frozen=True)
class Diversity:
    """Shares from 0 to 1; None of too few questions. Of ``neighbour`` less is more diverse, of the others more."""

    questions: int
    trigrams: float | None  # distinct, of all three words in a row
    openings: float | None  # distinct first four words, of all questions
    personas: float | None  # distinct, of all questions
    neighbour: float | None  # mean similarity of a question to the one nearest to it


@dataclass(frozen=True)
class Compared:
    """A run, and as many questions of the release. ``inside``: the run is one of several of the release."""

    run_id: str
    inside: bool
    pairs: int
    theirs: Diversity
    ours: Diversity


def diversity(asked: Sequence[Asked]) -> Diversity:
    """Return how different questions are from one another."""
    words = [each.question.casefold().split() for each in asked]
    trigrams = [tuple(each[at : at + WORDS]) for each in words for at in range(len(each) - WORDS + 1)]
    openings = {tuple(each[:OPENING]) for each in words}
    personas = {" ".join(each.persona.casefold().rstrip(". ").split()) for each in asked}
    return Diversity(
        questions=len(asked),
        trigrams=len(set(trigrams)) / len(trigrams) if trigrams else None,
        openings=len(openings) / len(asked) if asked else None,
        personas=len(personas) / len(asked) if asked else None,
        neighbour=_neighbour(words),
    )


def compared(
    connection: Connection, ours: Sequence[Asked], run_ids: Sequence[str], seed: str
) -> tuple[Compared, ...]:
    """Compare a random order of the release's questions with earlier runs, and with its own where it has several.

    Args:
        connection: to the service's database.
        ours: questions of the release in the order of the seed.
        run_ids: of the release; a run with the same pairs as these is no other one.
        seed: of the random order.
    """
    others = connection.execute(text(_OTHERS), {"runs": list(run_ids), "measuring": _MEASURING, "size": RUNS})
    found = []
    for run_id, inside, pairs in others.all():
        rows = connection.execute(text(_QUESTIONS), {"run": run_id, "seed": seed, "size": SAMPLE})
        theirs = [Asked(question, persona) for question, persona in rows]
        size = min(len(theirs), len(ours))
        found.append(Compared(run_id, inside, pairs, diversity(theirs[:size]), diversity(ours[:size])))
    return tuple(found)


# Runs that only went over documents of the release's runs with their configuration have the release's pairs. The
# newest are chosen by a look for one pair in each, and pairs are counted of these alone: runs only become more.
_OTHERS = """
    WITH mine AS (
        SELECT DISTINCT r.config_hash, s.shard_id
        FROM runs r JOIN run_shards s ON s.run_id = r.id WHERE r.id = ANY(:runs)
    ), wanted AS (
        SELECT r.id, r.config_hash, r.started_at, r.id = ANY(:runs) AS inside FROM runs r
        WHERE r.id = ANY(:runs) AND cardinality(:runs) > 1
           OR r.id <> ALL(:runs) AND r.id NOT LIKE :measuring
              AND r.started_at < (SELECT max(started_at) FROM runs WHERE id = ANY(:runs))
              AND EXISTS (SELECT FROM run_shards s WHERE s.run_id = r.id AND NOT EXISTS (
                  SELECT FROM mine m WHERE m.config_hash = r.config_hash AND m.shard_id = s.shard_id))
    ), newest AS (
        SELECT w.* FROM (SELECT * FROM wanted ORDER BY inside, started_at DESC, id) w CROSS JOIN LATERAL (
            SELECT FROM run_shards s JOIN documents d USING (shard_id)
            JOIN questions q ON q.config_hash = w.config_hash AND q.document_id = d.document_id
            WHERE s.run_id = w.id AND q.state = 'accepted' LIMIT 1) one
        ORDER BY w.inside, w.started_at DESC, w.id LIMIT :size
    )
    SELECT n.id, n.inside, count(DISTINCT q.pair_id)
    FROM newest n JOIN run_shards s ON s.run_id = n.id JOIN documents d USING (shard_id)
    JOIN questions q ON q.config_hash = n.config_hash AND q.document_id = d.document_id AND q.state = 'accepted'
    GROUP BY n.id, n.inside, n.started_at ORDER BY n.inside, n.started_at DESC, n.id
"""
_QUESTIONS = f"""
    SELECT question, persona FROM (
        SELECT DISTINCT ON (q.pair_id) q.pair_id, q.question, q.persona
        FROM runs r JOIN run_shards s ON s.run_id = r.id JOIN documents d USING (shard_id)
        JOIN questions q ON q.config_hash = r.config_hash AND q.document_id = d.document_id
        WHERE r.id = :run AND q.state = 'accepted' ORDER BY q.pair_id, q.id
    ) p ORDER BY {ranked("pair_id")} LIMIT :size
"""


def _neighbour(questions: Sequence[Sequence[str]]) -> float | None:
    """Return the mean, over questions, of the largest similarity (Jaccard, of three words in a row) to another."""
    sets = [[" ".join(each[at : at + WORDS]) for at in range(len(each) - WORDS + 1)] for each in questions]
    sketches = []
    for shingles in sets:
        if shingles:
            minima = RMinHash(num_perm=MINIMA, seed=SEED)
            minima.update(shingles)
            sketches.append(minima.digest())
    if len(sketches) < 2:
        return None
    matrix = np.array(sketches, dtype=np.uint32)
    nearest = []
    for place, row in enumerate(matrix):
        alike = (matrix == row).mean(axis=1)
        alike[place] = 0.0
        nearest.append(float(alike.max()))
    return sum(nearest) / len(nearest)
