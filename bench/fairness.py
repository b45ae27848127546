"""How evenly shards share an endpoint: Jain's index of the calls answered, from the endpoint's log.

    .venv/bin/python bench/fairness.py CORPUS.jsonl REQUESTS.jsonl SHARDS

CORPUS is what ``this_project.py`` was given, REQUESTS what ``simulated_endpoint.py --log`` has written. 1 is equal
shares, 1 / SHARDS is one shard alone. Counted in windows of five seconds in which every shard has calls; the first
window after a shard has joined is left out.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import orjson

from webscale_rl.ids import text_id

WINDOW = 5.0  # seconds


def jain(values: list[int]) -> float:
    """Return Jain's index of fairness."""
    return sum(values) ** 2 / (len(values) * sum(value**2 for value in values))


def main(corpus: Path, log: Path, shards: int) -> None:
    """Print the index of every window, and their mean."""
    texts = [orjson.loads(line)["text"] for line in corpus.read_bytes().splitlines()]
    per_shard = -(-len(texts) // shards)
    shard_of = {text_id(text): position // per_shard for position, text in enumerate(texts)}
    ended = sorted(
        (line["ended"], shard_of[line["session"]])
        for line in map(orjson.loads, log.read_bytes().splitlines())
        if line["ended"] and line["session"] in shard_of
    )
    began = {shard: min(at for at, other in ended if other == shard) for shard in range(shards)}
    over = {shard: max(at for at, other in ended if other == shard) for shard in range(shards)}
    start, stop = max(began.values()) + WINDOW, min(over.values()) - WINDOW
    counts: dict[int, Counter[int]] = {}
    for at, shard in ended:
        if start <= at < stop:
            counts.setdefault(int((at - start) // WINDOW), Counter())[shard] += 1
    found = []
    for number, window in sorted(counts.items()):
        values = [window[shard] for shard in range(shards)]
        found.append(jain(values))
        print(f"{number * WINDOW:5.0f} s  {values}  {found[-1]:.3f}")
    print(f"mean {sum(found) / len(found):.3f}, least {min(found):.3f}, {len(found)} windows")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
