"""datatrove doing what the ingestion does: read, filter, leave out near duplicates, write.

    taskset -c 0 .bench/datatrove-ingestion/bin/python bench/peers/datatrove_ingestion.py /tmp/partition /tmp/out

Readers for JSONL and Parquet; the filters of Gopher (repetition, quality), C4 and FineWeb; MinHash (words by five,
14 buckets of 8), all as they are by default, as in datatrove's own ``examples/fineweb.py``, with one worker. Spared are
the compression of what is kept between the filters and the deduplication, and a second reading for the signatures; the
result is Parquet with zstd, as this project's. Left out are what it cannot do without a download (its language filter
is a fastText model, its token counter a tokenizer of the Hub), and the repair of encodings, which is not among its filters.
Words and sentences come from spaCy's blank English pipeline, datatrove's choice for English, which needs none.

Prints one JSON line; the ids that it kept go to ``OUT/kept.txt``.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
)
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.readers import JsonlReader, ParquetReader
from datatrove.pipeline.writers import JsonlWriter, ParquetWriter
from loguru import logger


def stages(source: Path, out: Path, config: MinhashConfig) -> list[tuple[list[PipelineStep], int]]:
    """Return the pipelines in their order, each with the number of its tasks."""
    filtered, signatures, buckets, removed = (str(out / name) for name in ("filtered", "signatures", "buckets", "removed"))
    first: list[PipelineStep] = [
        JsonlReader(str(source), glob_pattern="*.jsonl*"),
        ParquetReader(str(source), glob_pattern="*.parquet"),
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        C4QualityFilter(),
        FineWebQualityFilter(),
        JsonlWriter(filtered, compression=None),
        MinhashDedupSignature(signatures, config),
    ]
    last: list[PipelineStep] = [
        JsonlReader(filtered, compression=None),
        MinhashDedupFilter(removed),
        ParquetWriter(str(out / "kept"), compression="zstd"),
    ]
    return [
        (first, 1),
        ([MinhashDedupBuckets(signatures, buckets, config=config)], config.num_buckets),
        ([MinhashDedupCluster(buckets, removed, config=config)], 1),
        (last, 1),
    ]


def ingest(source: Path, out: Path) -> list[dict[str, Any]]:
    """Run the pipelines and return the statistics of all their steps."""
    found: list[dict[str, Any]] = []
    for number, (steps, tasks) in enumerate(stages(source, out, MinhashConfig())):
        executor = LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=str(out / "logs" / str(number)))
        found += json.loads(executor.run().to_json())
    return found


def dropped(statistics: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many documents each rule dropped, the most first."""
    counts = {
        name.removeprefix("dropped_"): int(value["total"] if isinstance(value, dict) else value)
        for step in statistics
        for name, value in step["stats"].items()
        if name.startswith("dropped_")
    }
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def cpu_seconds() -> float:
    """Return what this process and its children have used; those that run still are not among them."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_mebibytes() -> float:
    """Return the most memory that this process has had."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


def kept_ids(out: Path) -> list[str]:
    """Return the ids of the documents that it wrote, in order."""
    files = sorted((out / "kept").glob("*.parquet"))
    return [name for file in files for name in pq.read_table(file, columns=["id"])["id"].to_pylist()]


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of the partition")
    parser.add_argument("out", type=Path, help="folder of everything it writes; emptied first")
    given = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    shutil.rmtree(given.out, ignore_errors=True)
    cpu, began = cpu_seconds(), time.perf_counter()
    statistics = ingest(given.source, given.out)
    wall, used = time.perf_counter() - began, cpu_seconds() - cpu
    kept = kept_ids(given.out)
    (given.out / "kept.txt").write_text("".join(f"{name}\n" for name in kept))
    totals = [step["stats"].get("total") for step in statistics if "Gopher Repetition" in step["name"]]
    line = {
        "system": "datatrove",
        "wall_s": round(wall, 2),
        "cpu_s": round(used, 2),
        "database_cpu_s": 0.0,
        "peak_mib": round(peak_mebibytes()),
        "read": int(totals[0]["total"] if isinstance(totals[0], dict) else totals[0]),
        "kept": len(kept),
        "dropped": dropped(statistics),
    }
    print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
