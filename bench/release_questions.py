"""What deduplication and decontamination of a release cost, from ten thousand questions to more than a million.

    .venv/bin/python bench/release_questions.py results.json
    .venv/bin/python bench/release_questions.py results.json --sizes 10000 100000

Questions are those of the shared benchmarks and of people, altered by seed: half of the longer words of each replaced
by words of others, one in sixteen an untouched question of a benchmark, one in sixteen a copy of an earlier one with
small changes. Every measurement is a process of its own; decontamination is against all shared benchmarks, in as many
processes as are given, each with the same index by fork.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from altered_questions import SHARED, clean_questions
from decontamination import items_of
from rich.console import Console
from rich.table import Table

from webscale_rl.release.decontamination import BenchmarkIndex
from webscale_rl.release.duplicates import Asked, find_duplicates

SIZES = (10_000, 100_000, 300_000, 1_200_000)
SEED = 11
PART = 8_192  # questions sent to a process at a time
Row = dict[str, Any]
_index: BenchmarkIndex | None = None


def questions(count: int, shared: Path = SHARED) -> Iterator[Asked]:
    """Yield so many questions, the same for the same count."""
    dice = random.Random(SEED)
    pairs = [(item.question, item.answer) for item in items_of(shared)]
    people = [(text, answer) for name, text, answer in clean_questions(shared) if "#" not in name]
    pairs += people
    words = sorted({word for text, _ in pairs for word in re.findall(r"[a-z]{5,}", text)})
    answers = [answer for _, answer in pairs]
    recent: list[Asked] = []
    for number in range(count):
        kind = dice.random()
        question, answer = dice.choice(pairs)
        if kind < 1 / 16:
            pass
        elif kind < 2 / 16 and recent:
            old = dice.choice(recent)
            question, answer = f"  {old.question.rstrip('?')} ?".replace(" the ", " this ", 1), old.answer
        else:
            question = re.sub(r"[A-Za-z]{5,}|\d+", lambda found: _other(found[0], words, dice), question)
            answer = dice.choice(answers)
        made = Asked(f"{number:032x}", question, answer)
        if len(recent) < 10_000:
            recent.append(made)
        elif number % 7 == 0:
            recent[dice.randrange(len(recent))] = made
        yield made


def _other(found: str, words: list[str], dice: random.Random) -> str:
    if found.isdigit():
        return str(dice.randint(1, 2 * int(found[:9]) + 9))
    if dice.random() < 0.5:
        return found
    word = dice.choice(words)
    return word.capitalize() if found[0].isupper() else word


def deduplicate(count: int) -> Row:
    """Measure the one, in this process."""
    pairs = list(questions(count))
    before, began, cpu = peak_mebibytes(), time.perf_counter(), time.process_time()
    found = find_duplicates(pairs)
    return {
        "wall_s": round(time.perf_counter() - began, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "added_mib": round(peak_mebibytes() - before),
        "peak_mib": round(peak_mebibytes()),
        "found": dict(Counter(duplicate.kind for duplicate in found.values())),
    }


def decontaminate(count: int, processes: int) -> Row:
    """Measure the other; memory is that of the parent and of the largest child, pages of the index shared."""
    global _index
    started = time.perf_counter()
    _index = BenchmarkIndex(items_of())
    built, index_peak = time.perf_counter() - started, peak_mebibytes()
    parts = _parts(questions(count))
    began, cpu = time.perf_counter(), total_cpu()
    kinds: Counter[str] = Counter()
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for part in pool.imap(_find, parts):
            kinds.update(kind for kind in part if kind)
    wall = time.perf_counter() - began
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "wall_s": round(wall, 1),
        "cpu_s": round(total_cpu() - cpu, 1),
        "build_s": round(built, 1),
        "index_mib": round(index_peak),
        "peak_mib": round(peak_mebibytes()),
        "child_mib": round(child),
        "items": len(_index),
        "found": dict(kinds),
    }


def _find(part: list[tuple[str, str]]) -> list[str]:
    assert _index is not None
    return [found.kind if found else "" for found in _index.find_all(part)]


def _parts(pairs: Iterator[Asked]) -> Iterator[list[tuple[str, str]]]:
    part = []
    for pair in pairs:
        part.append((pair.question, pair.answer))
        if len(part) == PART:
            yield part
            part = []
    yield part


def total_cpu() -> float:
    """Return the CPU seconds of this process and of its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_mebibytes() -> float:
    """Return the most memory that this process has had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def show(rows: list[Row]) -> None:
    """Print what a question costs at each size."""
    table = Table(title="Cost of a release's questions")
    for name in ("step", "questions", "wall s", "CPU s", "CPU µs a question", "peak MiB", "found"):
        table.add_column(name, justify="left" if name in ("step", "found") else "right")
    for row in rows:
        cost = 1e6 * row["cpu_s"] / row["questions"]
        numbers = (
            f"{row['questions']:,}",
            row["wall_s"],
            row["cpu_s"],
            f"{cost:.0f}",
            f"{row['peak_mib']:,}",
        )
        found = ", ".join(f"{kind} {count:,}" for kind, count in sorted(row["found"].items()))
        table.add_row(row["step"], *map(str, numbers), found)
    Console(width=140).print(table)


def main() -> None:
    """Measure every size in processes of its own, print a table and write a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--step", choices=("duplicates", "decontamination"))
    given = parser.parse_args()
    if given.step:
        size = given.sizes[0]
        row = deduplicate(size) if given.step == "duplicates" else decontaminate(size, given.processes)
        print(json.dumps({"step": given.step, "questions": size} | row))
        return
    rows = []
    for step in ("duplicates", "decontamination"):
        for size in given.sizes:
            command = [sys.executable, __file__, str(given.results), "--step", step, "--sizes", str(size)]
            ended = subprocess.run(
                [*command, "--processes", str(given.processes)], stdout=subprocess.PIPE, text=True, check=True
            )
            rows.append(json.loads(ended.stdout.splitlines()[-1]))
            print(json.dumps(rows[-1]), flush=True)
    show(rows)
    given.results.write_text(json.dumps({"runs": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
