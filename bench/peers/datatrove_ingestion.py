"""datatrove doing what the ingestion does: read, filter, leave out near duplicates, write.

    taskset -c 0 .bench/datatrove-ingestion/bin/python bench/peers/datatrove_ingestion.py /tmp/partition /tmp/out

Readers for JSONL and Parquet; the filters of Gopher (repetition, quality), C4 and FineWeb; MinHash (words by five,
14 buckets of 8), all as they are by default, as in datatrove's own ``examples/fineweb.py``, with one worker. Spared
are the compression of what is kept between filters and deduplication, and a second reading for the signatures; the
result is Parquet with zstd, as this project's. Left out are what it cannot do without a download (its language filter
is a fastText model, its token counter a tokenizer of the Hub) and the repair of encodings, which is no filter of it.
Words and sentences come from spaCy's blank English pipeline, datatrove's choice for English, which needs none
and takes most of the time. With ``--plain-words`` two regular expressions do that instead, which no release of
datatrove offers: it shows what is left if that cost is taken off.

One default drops more of this corpus than all others: Gopher's "80 % of words contain a letter", for datatrove
counts every punctuation mark as a word. Half of the real documents fail it as they are: nearly all PEPs, tables of
finance, mathematics and recipes. ``--no-alpha-rule`` leaves it out, to compare what the other rules keep; more
documents then go the whole way.

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
from datatrove.utils.typeshelper import Languages
from datatrove.utils.word_tokenizers import WordTokenizer
from loguru import logger

ALPHA = 0.8  # its default
_WORD = re.compile(r"\w+(?:['’]\w+)?|[^\w\s]")
_SENTENCE = re.compile(r"\S.*?(?:[.!?]+[\"'”’)]*(?=\s)|$)", re.DOTALL)


class PlainWords(WordTokenizer):
    """Words and sentences by regular expressions."""

    def word_tokenize(self, text: str) -> list[str]:
        """Return words and single punctuation marks."""
        return _WORD.findall(text)

    def sent_tokenize(self, text: str) -> list[str]:
        """Return sentences."""
        return [text[start:end] for start, end in self.span_tokenize(text)]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Return where sentences begin and end; a text without any is one."""
        return [found.span() for found in _SENTENCE.finditer(text)] or [(0, len(text))]


def stages(
    source: Path, out: Path, config: MinhashConfig, words: Any, alpha: float | None
) -> list[tuple[list[PipelineStep], int]]:
    """Return the pipelines in their order, each with the number of its tasks."""
    filtered, signatures, buckets, removed = (
        str(out / name) for name in ("filtered", "signatures", "buckets", "removed")
    )
    first: list[PipelineStep] = [
        JsonlReader(str(source), glob_pattern="*.jsonl*"),
        ParquetReader(str(source), glob_pattern="*.parquet"),
        GopherRepetitionFilter(language=words),
        GopherQualityFilter(language=words, max_non_alpha_words_ratio=alpha),
        C4QualityFilter(language=words),
        FineWebQualityFilter(language=words),
        JsonlWriter(filtered, compression=None),
        MinhashDedupSignature(signatures, config, language=words),
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


def ingest(source: Path, out: Path, words: Any, alpha: float | None) -> list[dict[str, Any]]:
    """Run the pipelines and return the statistics of all their steps.

    Args:
        source: folder of the partition.
        out: folder for everything that is written.
        words: a language, or a tokenizer.
        alpha: share of words that must contain a letter; None for any.
    """
    found: list[dict[str, Any]] = []
    for number, (steps, tasks) in enumerate(stages(source, out, MinhashConfig(), words, alpha)):
        executor = LocalPipelineExecutor(
            steps, tasks=tasks, workers=1, logging_dir=str(out / "logs" / str(number))
        )
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
    parser.add_argument("--plain-words", action="store_true")
    parser.add_argument("--no-alpha-rule", action="store_true")
    given = parser.parse_args()
    logger.disable("datatrove")  # else every executor adds its own sink
    shutil.rmtree(given.out, ignore_errors=True)
    cpu, began = cpu_seconds(), time.perf_counter()
    words = PlainWords() if given.plain_words else Languages.english
    statistics = ingest(given.source, given.out, words, None if given.no_alpha_rule else ALPHA)
    wall, used = time.perf_counter() - began, cpu_seconds() - cpu
    peak = peak_mebibytes()
    kept = kept_ids(given.out)
    (given.out / "kept.txt").write_text("".join(f"{name}\n" for name in kept))
    totals = [step["stats"].get("total") for step in statistics if "Gopher Repetition" in step["name"]]
    line = {
        "system": "datatrove",
        "wall_s": round(wall, 2),
        "cpu_s": round(used, 2),
        "database_cpu_s": 0.0,
        "peak_mib": round(peak),
        "read": int(totals[0]["total"] if isinstance(totals[0], dict) else totals[0]),
        "kept": len(kept),
        "dropped": dropped(statistics),
    }
    print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
