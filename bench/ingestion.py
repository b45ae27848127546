"""The whole ingestion beside datatrove on the same files, and what a document costs as a partition grows.

    .venv/bin/python bench/ingestion.py compare results.json --documents 5000 --rounds 3
    .venv/bin/python bench/ingestion.py growth results.json --sizes 10000 30000 100000 300000
    .venv/bin/python bench/ingestion.py ours /tmp/partition /tmp/work

Each run is a process of its own on core 0; a round runs every system once, beginning with another one each time.
PostgreSQL, which only this project needs, runs on another core, and its CPU time counts as ours: what a core does is
``docs/CPU s``, documents per second of CPU time of everything that ran. Megabytes are 10⁶ bytes of text.

The corpus comes from ``ingestion_corpus.py``, whose ids say what is a document, a duplicate or junk. What datatrove
does, and what it cannot do here, stands in ``peers/datatrove_ingestion.py``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import pyarrow.parquet as pq
import zstandard
from ingestion_corpus import default_folder, read_sources, write
from rich.console import Console
from rich.table import Table
from run_all import ENVIRONMENTS, make_environment

BENCH = Path(__file__).resolve().parent
ENVIRONMENT = "datatrove-ingestion"
DATE = "2026-01-01"
DATABASE = "ingestion"
SEED = 5
CORE = 0
OURS = "this project"
PEERS = {
    "datatrove": (),
    "datatrove, plain words": ("--plain-words",),
    "datatrove, plain words, no alpha rule": ("--plain-words", "--no-alpha-rule"),
}
KINDS = ("doc", "near", "exact", "junk")

Line = dict[str, Any]


@dataclass(frozen=True)
class Partition:
    """Files to ingest: their folder, records, and bytes of text."""

    folder: Path
    documents: int
    text_bytes: int


def partition(documents: int, characters: int, folder: Path) -> Partition:
    """Write a partition, unless the same is there, and return it."""
    source = default_folder()
    path = folder / f"{source.name}-{documents}-{characters}-{SEED}" / DATE
    done = path.with_name("done.json")
    if not done.exists():
        print(f"writing {path} ...", flush=True)
        shutil.rmtree(path.parent, ignore_errors=True)
        write(path, documents, read_sources(source, characters, SEED))
        done.write_text(json.dumps({"text_bytes": sum(len(text.encode()) for text in texts(path))}))
    return Partition(path, documents, json.loads(done.read_text())["text_bytes"])


def texts(folder: Path) -> Iterator[str]:
    """Yield the texts of a partition."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".parquet":
            for batch in pq.ParquetFile(path).iter_batches(columns=["text"]):
                yield from batch.column(0).to_pylist()
            continue
        with (gzip if path.suffix == ".gz" else zstandard).open(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)["text"]


def ours(folder: Path, work: Path) -> Line:
    """Ingest a partition with a database that was never used before; what it kept goes to ``work/kept.txt``."""
    from webscale_rl.local.postgres import postgres

    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    work.chmod(0o755)  # as root, the server runs as another account
    os.sched_setaffinity(0, set(range(os.cpu_count() or 1)) - {CORE} or {CORE})
    with postgres(work) as server:
        os.sched_setaffinity(0, {CORE})
        return _ingest(folder, work, server)


def _ingest(folder: Path, work: Path, server: Any) -> Line:
    from webscale_rl.ingest import IngestSettings, ingest_partition
    from webscale_rl.store.engine import migrate, open_engine

    server.create_database(DATABASE)
    migrate(server.url(DATABASE))
    engine = open_engine(server.url(DATABASE))
    postmaster = psutil.Process(server.child.process.pid)
    database_cpu, cpu, began = tree_seconds(postmaster), own_seconds(), time.perf_counter()
    counts = ingest_partition(
        engine, str(work / "store"), f"{folder.parent}/{{ds}}", folder.name, str(folder), IngestSettings()
    )
    wall, used = time.perf_counter() - began, own_seconds() - cpu
    database_used = tree_seconds(postmaster) - database_cpu
    with engine.connect() as connection:
        uris = connection.exec_driver_sql("SELECT uri FROM shards ORDER BY uri").scalars().all()
        size = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    engine.dispose()
    peak = peak_mebibytes()
    (work / "kept.txt").write_text("".join(f"{name}\n" for name in kept_ids(list(uris))))
    return {
        "system": OURS,
        "wall_s": round(wall, 2),
        "cpu_s": round(used, 2),
        "database_cpu_s": round(database_used, 2),
        "peak_mib": round(peak),
        "read": counts.read,
        "kept": counts.kept,
        "database_mb": round(size / 1e6, 1),
        "dropped": dropped(work / "store" / "left_out"),
    }


def kept_ids(uris: list[str]) -> Iterator[str]:
    """Yield the ids that the corpus gave to the documents of shards."""
    from webscale_rl.corpus.shards import read_shard

    for uri in uris:
        for documents in read_shard(uri):
            yield from (document.source_id for document in documents)


def dropped(folder: Path) -> dict[str, int]:
    """Return how many records ended for which reason, the most first."""
    found: Counter[str] = Counter()
    for path in folder.rglob("*.parquet"):
        rows = pq.read_table(path, columns=["outcome", "reason"]).to_pylist()
        found.update(f"{row['outcome']}/{row['reason']}" for row in rows)
    return dict(found.most_common())


def own_seconds() -> float:
    """Return the CPU time of this process and of children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def tree_seconds(root: psutil.Process) -> float:
    """Return the CPU time of a server: its own, and that of its backends, alive or ended."""
    own = root.cpu_times()
    alive = [child.cpu_times() for child in root.children(recursive=True)]
    return float(sum(own[:4]) + sum(one.user + one.system for one in alive))


def peak_mebibytes() -> float:
    """Return the most memory that this process has had."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


def run(system: str, source: Partition, work: Path, peer: str) -> Line:
    """Run a system once in a process of its own and return its line of results."""
    if system == OURS:
        words = [sys.executable, __file__, "ours", str(source.folder), str(work)]
    else:
        words = ["taskset", "-c", str(CORE), peer, str(BENCH / "peers" / "datatrove_ingestion.py")]
        words += [str(source.folder), str(work), *PEERS[system]]
    ended = subprocess.run(words, capture_output=True, text=True)
    lines = [line for line in ended.stdout.splitlines() if line.startswith("{")]
    if ended.returncode or not lines:
        raise RuntimeError(f"{system} ended with {ended.returncode}: {ended.stderr[-3000:]}")
    line: Line = json.loads(lines[-1])
    if line["read"] != source.documents:
        raise RuntimeError(f"{system} read {line['read']} of {source.documents} records")
    cpu = line["cpu_s"] + line["database_cpu_s"]
    return line | {
        "system": system,
        "docs_per_s": round(source.documents / line["wall_s"], 1),
        "docs_per_cpu_s": round(source.documents / cpu, 1),
        "mb_per_cpu_s": round(source.text_bytes / 1e6 / cpu, 3),
        "cpu_ms_per_doc": round(1000 * cpu / source.documents, 3),
    }


def compare(given: argparse.Namespace) -> Line:
    """Run the systems in turn, and compare what they keep."""
    peer = str(given.peer_python or ENVIRONMENTS / ENVIRONMENT / "bin" / "python")
    if not given.peer_python:
        make_environment(ENVIRONMENT)
    systems = given.systems
    source = partition(given.documents, given.characters, given.corpora)
    lines: dict[str, list[Line]] = {system: [] for system in systems}
    kept: dict[str, set[str]] = {}
    for number in range(given.rounds):
        shift = number % len(systems)
        for system in systems[shift:] + systems[:shift]:
            with temporary_folder() as work:
                line = run(system, source, work / "run", peer)
                kept[system] = set((work / "run" / "kept.txt").read_text().splitlines())
            lines[system].append(line)
            print(f"round {number + 1}: {json.dumps(line)}", flush=True)
    show_speed(lines, f"{source.documents} records, {source.text_bytes / 1e6:.1f} MB of text")
    overlaps = [
        overlap(kept[OURS], kept[other], other) for other in systems if other != OURS and OURS in kept
    ]
    show_overlap(overlaps)
    return {"text_bytes": source.text_bytes, "runs": lines, "overlap": overlaps}


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that the database's account may enter, and remove it in the end."""
    with tempfile.TemporaryDirectory(prefix="webscale-rl-bench-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


def overlap(mine: set[str], theirs: set[str], other: str) -> Line:
    """Return how far two sets of kept ids agree, over all and by kind of record."""
    found: Line = {"other": other}
    for kind in ("all", *KINDS):
        a, b = (sides(ids, kind) for ids in (mine, theirs))
        found[kind] = {
            "ours": len(a),
            "theirs": len(b),
            "only_ours": len(a - b),
            "only_theirs": len(b - a),
            "jaccard": round(len(a & b) / (len(a | b) or 1), 4),
        }
    return found


def sides(ids: set[str], kind: str) -> set[str]:
    """Return the ids of a kind."""
    return {name for name in ids if kind == "all" or name.startswith(f"{kind}-")}


def growth(given: argparse.Namespace) -> Line:
    """Ingest partitions of several sizes, each into an empty database."""
    lines = []
    table = new_table(
        "Cost as a partition grows",
        "records",
        "CPU ms/doc",
        "of it database",
        "docs/s",
        "peak MiB",
        "DB MB/M docs",
    )
    for size in given.sizes:
        source = partition(size, given.characters or 2_000, given.corpora)
        with temporary_folder() as work:
            line = run(OURS, source, work / "run", "")
        lines.append(line | {"documents": size})
        print(json.dumps(lines[-1]), flush=True)
        database = 1000 * line["database_cpu_s"] / size
        million = line["database_mb"] / size * 1e6
        row = (line["cpu_ms_per_doc"], database, line["docs_per_s"], line["peak_mib"], million)
        table.add_row(f"{size:,}", *(f"{number:,.2f}" for number in row))
    Console(width=110).print(table)
    return {"runs": lines}


def new_table(title: str, first: str, *others: str) -> Table:
    """Return an empty table of numbers."""
    table = Table(title=title)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def show_speed(lines: dict[str, list[Line]], title: str) -> None:
    """Print medians over the rounds."""
    names = ("docs_per_s", "docs_per_cpu_s", "mb_per_cpu_s", "cpu_ms_per_doc", "peak_mib", "kept")
    table = new_table(title, "system", "docs/s", "docs/CPU s", "MB/CPU s", "CPU ms/doc", "peak MiB", "kept")
    for system, found in lines.items():
        table.add_row(system, *(f"{median(line[name] for line in found):,.2f}" for name in names))
    Console(width=110).print(table)


def show_overlap(overlaps: list[Line]) -> None:
    """Print what each side keeps."""
    for found in overlaps:
        table = new_table(
            f"Kept: ours and {found['other']}",
            "kind",
            "ours",
            "theirs",
            "only ours",
            "only theirs",
            "Jaccard",
        )
        for kind in ("all", *KINDS):
            row = found[kind]
            table.add_row(
                kind, *(str(row[name]) for name in ("ours", "theirs", "only_ours", "only_theirs", "jaccard"))
            )
        Console(width=110).print(table)


def main() -> int:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    single = modes.add_parser("ours", help="ingest one partition and print a JSON line")
    single.add_argument("source", type=Path)
    single.add_argument("work", type=Path)
    for name in ("compare", "growth"):
        mode = modes.add_parser(name)
        mode.add_argument("output", type=Path, help="path of the results (JSON)")
        mode.add_argument(
            "--characters",
            type=int,
            default=0,
            help="of a document, about (default: whole documents; growth: 2,000)",
        )
        mode.add_argument(
            "--corpora", type=Path, default=ENVIRONMENTS / "corpora", help="folder to keep partitions in"
        )
    modes.choices["growth"].add_argument(
        "--sizes", type=int, nargs="+", default=[10_000, 30_000, 100_000, 300_000]
    )
    beside = modes.choices["compare"]
    beside.add_argument("--documents", type=int, default=5_000)
    beside.add_argument("--rounds", type=int, default=3)
    beside.add_argument("--systems", nargs="+", choices=(OURS, *PEERS), default=[OURS, *PEERS])
    beside.add_argument(
        "--peer-python", type=Path, help=f"of datatrove's environment (default: made in .bench/{ENVIRONMENT})"
    )
    given = parser.parse_args()
    if given.mode == "ours":
        print(json.dumps(ours(given.source.resolve(), given.work.resolve())), flush=True)
        return 0
    found = compare(given) if given.mode == "compare" else growth(given)
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(given).items()}
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps({"settings": settings} | found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
