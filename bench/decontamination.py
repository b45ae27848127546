"""What decontamination finds of altered benchmark questions, and what it takes for contaminated among clean ones.

    .venv/bin/python bench/decontamination.py results.json
    .venv/bin/python bench/decontamination.py results.json --datatrove   # beside it, in an environment of its own

Benchmarks, documents and questions are those of ``../shared/data``. Every altered copy is looked for in an index of
all benchmarks; a copy counts as found when any item of its benchmark is. False alarms are listed in the results with
both texts: somebody must look at them, since people do ask the same things.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from altered_questions import ALTERED, KINDS, MORE_KINDS, SHARED, clean_documents, clean_questions, copies
from rich.console import Console
from rich.table import Table
from run_all import ENVIRONMENTS, make_environment

from webscale_rl.release.benchmarks import BenchmarkItem, read_benchmarks
from webscale_rl.release.decontamination import BenchmarkIndex

BENCH = Path(__file__).resolve().parent
ENVIRONMENT = "datatrove-ingestion"  # with spaCy, whose blank English pipeline needs no download
Row = dict[str, Any]


def items_of(shared: Path = SHARED) -> list[BenchmarkItem]:
    """Return the items of all shared benchmarks."""
    return read_benchmarks([str(shared / "benchmarks")]).items


def altered(items: list[BenchmarkItem], seed: int, share: float = 1.0) -> list[Row]:
    """Return altered copies as rows of kind, benchmark, id, question and answer."""
    rows = []
    for benchmark in ALTERED:
        chosen = [item for item in items if item.benchmark == benchmark]
        step = max(1, round(1 / share))
        for kind in (*KINDS, *MORE_KINDS):
            for item, question, answer in copies(chosen[::step], kind, seed):
                rows.append(
                    {"kind": kind, "group": benchmark, "id": item.id, "question": question, "answer": answer}
                )
    return rows


def controls(items: list[BenchmarkItem], shared: Path = SHARED) -> list[Row]:
    """Return copies without any change, by benchmark, and the human questions on SQuAD's paragraphs."""
    rows = [
        {"kind": "unchanged", "group": item.benchmark, "id": item.id, "question": item.question}
        | {"answer": item.answer}
        for item in items
    ]
    known = {item.question.strip() for item in items if item.benchmark == "squad"}
    for line in (shared / "gold" / "squad_gold.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n"):
        for asked in json.loads(line)["qas"]:
            group = (
                "squad gold, in v1.1 dev" if asked["question"].strip() in known else "squad gold, v2.0 only"
            )
            answer = (asked["answers"] or [""])[0]
            rows.append(
                {"kind": "unchanged", "group": group, "id": asked["qid"], "question": asked["question"]}
                | {"answer": answer}
            )
    return rows


def clean(shared: Path = SHARED, share: float = 1.0) -> list[Row]:
    """Return documents and questions that come from elsewhere, and a share of the documents' sentences."""
    rows = [
        {"kind": "clean", "group": "documents", "id": name, "question": text, "answer": ""}
        for name, text in clean_documents(shared)
    ]
    step = max(1, round(1 / share))
    for place, (name, question, answer) in enumerate(clean_questions(shared)):
        group = "sentences of documents" if "#" in name else "people's questions"
        if "#" in name and place % step:
            continue
        rows.append({"kind": "clean", "group": group, "id": name, "question": question, "answer": answer})
    return rows


def ours(index: BenchmarkIndex, rows: list[Row]) -> list[Row | None]:
    """Return for each row what was found: benchmark, item, kind and overlap."""
    found = index.find_all((row["question"], row["answer"]) for row in rows)
    return [
        each and {"benchmark": each.benchmark, "item": each.item, "kind": each.kind, "overlap": each.overlap}
        for each in found
    ]


def datatrove(rows: list[Row], items: list[BenchmarkItem]) -> dict[str, list[bool]]:
    """Return for each of datatrove's settings which rows it takes for contaminated."""
    make_environment(ENVIRONMENT)
    python = ENVIRONMENTS / ENVIRONMENT / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="webscale-rl-bench-") as folder:
        work = Path(folder)
        (work / "items.jsonl").write_text(
            "".join(json.dumps(vars(item)) + "\n" for item in items), encoding="utf-8"
        )
        (work / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        script = BENCH / "peers" / "datatrove_decontamination.py"
        subprocess.run([python, script, work], check=True, stdout=subprocess.DEVNULL)
        return json.loads((work / "found.json").read_text())  # type: ignore[no-any-return]


def shares(rows: list[Row], found: Iterable[object]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return (found, all) by kind and group."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row, hit in zip(rows, found, strict=True):
        count = counts[row["kind"], row["group"]]
        count[0] += bool(hit)
        count[1] += 1
    return {key: (hits, total) for key, (hits, total) in counts.items()}


def show(results: dict[str, dict[tuple[str, str], tuple[int, int]]]) -> None:
    """Print the shares of all systems side by side."""
    table = Table(title="Share taken for contaminated")
    for name in ("kind", "of", "texts"):
        table.add_column(name)
    for name in results:
        table.add_column(name, justify="right")
    first = next(iter(results.values()))
    for (kind, group), (_, total) in first.items():
        cells = []
        for counted in results.values():
            hits, _ = counted[kind, group]
            cells.append(f"{hits / total:.2%}" if kind != "clean" else f"{hits} ({hits / total:.3%})")
        table.add_row(kind, group, f"{total:,}", *cells)
    Console(width=140).print(table)


def main() -> None:
    """Measure, print a table and write a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0, help="of the items to alter, and of sentences")
    parser.add_argument("--datatrove", action="store_true")
    given = parser.parse_args()
    items = items_of()
    rows = altered(items, given.seed, given.share) + controls(items) + clean(share=given.share)
    started = time.perf_counter()
    index = BenchmarkIndex(items)
    built = time.perf_counter() - started
    found = ours(index, rows)
    results = {"this project": shares(rows, found)}
    if given.datatrove:
        results |= {f"datatrove, {name}": shares(rows, hits) for name, hits in datatrove(rows, items).items()}
    show(results)
    by_id = {(item.benchmark, item.id): item.question for item in items}
    alarms = [
        {
            **row,
            "question": row["question"][:1_000],
            "found": hit,
            "item": by_id[hit["benchmark"], hit["item"]],
        }
        for row, hit in zip(rows, found, strict=True)
        if hit and row["kind"] == "clean"
    ]
    missed = [
        {**row, "item": by_id.get((row["group"], row["id"]), "")}
        for row, hit in zip(rows, found, strict=True)
        if not hit and row["kind"] != "clean"
    ]
    written = {
        "items": len(index),
        "build_s": round(built, 2),
        "shares": {
            name: [[*key, *counted] for key, counted in table.items()] for name, table in results.items()
        },
        "rules": dict(Counter(hit["kind"] for hit in found if hit)),
        "false_alarms": alarms,
        "missed": missed,
    }
    given.results.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
