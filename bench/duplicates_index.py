"""How the state for duplicates grows: time of a claim and room in the database, by the number of texts claimed.

    python bench/duplicates_index.py 300000

Texts are made of words of the sample corpus, about 250 each, none like another.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, text

from webscale_rl.corpus.near_duplicates import sketch
from webscale_rl.local.postgres import postgres
from webscale_rl.store.claims import Candidate, claim
from webscale_rl.store.engine import REPOSITORY, migrate, open_engine

BATCH = 256  # as the ingestion claims
WORDS = 250


def texts(count: int) -> Iterator[str]:
    """Yield so many texts."""
    sample = (REPOSITORY / "include" / "sample_corpus").glob("*.jsonl")
    words = sorted(set(re.findall(r"[a-z]+", " ".join(file.read_text() for file in sample))))
    dice = random.Random(0)
    for _ in range(count):
        yield " ".join(dice.choices(words, k=WORDS))


def measure(engine: Engine, count: int, steps: int) -> None:
    """Claim ``count`` texts and print a line after each of ``steps`` equal parts."""
    seen: set[bytes] = set()
    waiting: list[Candidate] = []
    sketching = claiming = 0.0
    done = 0
    for each in texts(count):
        started = time.perf_counter()
        waiting.append(Candidate(f"{done + len(waiting):032x}", sketch(each)))
        sketching += time.perf_counter() - started
        if len(waiting) == BATCH or done + len(waiting) == count:
            started = time.perf_counter()
            found = claim(engine, "0" * 32, waiting, seen)
            claiming += time.perf_counter() - started
            assert not any(found), "texts that are not alike"
            before, done = done, done + len(waiting)
            waiting = []
            if done * steps // count > before * steps // count:
                with engine.connect() as connection:
                    size = connection.execute(
                        text("SELECT pg_total_relation_size('text_claims')")
                    ).scalar_one()
                part = count / steps
                row = {
                    "texts": done,
                    "sketch_ms": round(1_000 * sketching / part, 3),
                    "claim_ms": round(1_000 * claiming / part, 3),
                    "mb_per_million": round(size / done),
                }
                print(json.dumps(row), flush=True)
                sketching = claiming = 0.0


def main() -> None:
    """Start a PostgreSQL of its own and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=int)
    parser.add_argument("--steps", type=int, default=6)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="webscale-rl-bench-") as folder:
        work = Path(folder)
        work.chmod(0o755)
        with postgres(work) as server:
            server.create_database("bench")
            migrate(server.url("bench"))
            engine = open_engine(server.url("bench"))
            measure(engine, arguments.texts, arguments.steps)
            engine.dispose()


if __name__ == "__main__":
    main()
