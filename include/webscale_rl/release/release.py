"""The road of a release, readable top to bottom.

    gather -> benchmarks -> duplicates -> selection -> clusters and split -> files -> publish

Every candidate ends as a row of a split or with one reason; the counts add up. Nothing that is written names a
moment, a machine or a run, so that equal candidates and settings give equal bytes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sqlalchemy import Engine

from webscale_rl import __version__
from webscale_rl.errors import ConfigurationError
from webscale_rl.ids import content_id, text_id
from webscale_rl.release import candidates
from webscale_rl.release.about import About
from webscale_rl.release.benchmarks import ReadBenchmarks, read_benchmarks
from webscale_rl.release.clusters import Clusters, cluster_id, join_alike
from webscale_rl.release.decontamination import BenchmarkIndex
from webscale_rl.release.duplicates import Asked, alike_questions, find_duplicates
from webscale_rl.release.rows import LABEL_CONFIDENCES, RELEASE_SCHEMA
from webscale_rl.release.selection import COLUMNS, Candidate, select
from webscale_rl.release.settings import ReleaseSettings

CANDIDATES, OUTCOMES = "candidates.parquet", "outcomes.parquet"
OUTCOME_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "split", "cluster", "excluded", "detail")])
COUNTED = (
    "domain",
    "task_form",
    "answer_type",
    "source",
    "licence",
    "claim_scope",
    "label_confidence",
    "split",
)
EXAMINED = (*COLUMNS, "question", "answer")


class Embed(Protocol):
    """What gives embeddings of questions, one row each, and counts those that it could not embed."""

    rejected: int

    def __call__(self, questions: Sequence[str], /) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Examined:
    """What came of the candidates: how many rows, and how many were left out by reason."""

    release_id: str
    candidates: int
    rows: int
    splits: Mapping[str, int]
    excluded: Mapping[str, int]
    benchmarks: Mapping[str, int]  # items that the rows were compared with
    benchmark_faults: Sequence[str] = ()  # what of the benchmarks could not be read, by reason
    not_embedded: int = 0  # questions that the endpoint of embeddings rejected


def gather(engine: Engine, run_ids: Sequence[str], staging: Path) -> int:
    """Stage the accepted pairs of runs and return their number.

    Raises:
        ConfigurationError: there is none.
    """
    staging.mkdir(parents=True, exist_ok=True)
    found = candidates.stage(engine, run_ids, staging / CANDIDATES)
    if not found:
        raise ConfigurationError("no accepted pairs: convert a corpus first, or name other runs")
    return found


def examine(staging: Path, settings: ReleaseSettings, embed: Embed | None = None) -> Examined:
    """Decide for every candidate whether it is released, and record it beside the candidates.

    Raises:
        ConfigurationError: nothing remains, or a benchmark cannot be read.
    """
    asked, judged = _narrow(staging / CANDIDATES)
    excluded: dict[str, tuple[str, str]] = {}
    benchmarks = read_benchmarks(settings.benchmarks)
    excluded |= _contaminated(asked, benchmarks)
    asked = [each for each in asked if each.id not in excluded]
    excluded |= _duplicates(asked, judged, settings, embed)
    left = [each for pair_id, each in judged.items() if pair_id not in excluded]
    excluded |= select(left, settings.selection, settings.seed)
    kept = [each for each in left if each.id not in excluded]
    if not kept:
        reasons = Counter(reason for reason, _ in excluded.values()).most_common(3)
        raise ConfigurationError(
            f"nothing remains of {len(judged)} candidates; most were left out as "
            + ", ".join(f"{reason} ({count})" for reason, count in reasons)
        )
    clusters = _clusters(staging / CANDIDATES, judged)
    splits = {each.id: _split(clusters[each.id], settings) for each in kept}
    with pq.ParquetWriter(staging / OUTCOMES, OUTCOME_SCHEMA) as writer:
        rows = [
            {
                "id": pair_id,
                "split": splits.get(pair_id, ""),
                "cluster": clusters[pair_id],
                "excluded": excluded.get(pair_id, ("", ""))[0],
                "detail": excluded.get(pair_id, ("", ""))[1],
            }
            for pair_id in judged
        ]
        writer.write_table(pa.Table.from_pylist(rows, schema=OUTCOME_SCHEMA))
    found = Examined(
        release_id="",
        candidates=len(judged),
        rows=len(kept),
        splits=dict(sorted(Counter(splits.values()).items())),
        excluded=dict(sorted(Counter(reason for reason, _ in excluded.values()).items())),
        benchmarks=dict(sorted(benchmarks.counts.items())),
        benchmark_faults=tuple(f"{count} lines: {why}" for why, count in sorted(benchmarks.faults.items())),
        not_embedded=embed.rejected if embed else 0,
    )
    return replace(found, release_id=_release_id(staging, settings, found))


def rows_of(staging: Path) -> Callable[[str], Iterator[pa.RecordBatch]]:
    """Return what yields the released rows of a split, in order (see ``release.rows.Rows``)."""
    table = pq.read_table(staging / OUTCOMES, columns=["id", "split", "cluster"]).to_pylist()
    released = {row["id"]: (row["split"], row["cluster"]) for row in table if row["split"]}

    def rows(split: str) -> Iterator[pa.RecordBatch]:
        for batch in candidates.batches(staging / CANDIDATES):
            ends = [released.get(pair_id, ("", "")) for pair_id in batch.column("id").to_pylist()]
            places = [place for place, (side, _) in enumerate(ends) if side == split]
            if places:
                chosen = batch.take(pa.array(places))
                clusters = pa.array([ends[place][1] for place in places])
                yield _with(
                    _with(chosen, "split", pa.array([split] * len(places))), "source_cluster", clusters
                )

    return rows


def _with(batch: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    """Return a batch with other values in a column."""
    return batch.set_column(RELEASE_SCHEMA.get_field_index(name), RELEASE_SCHEMA.field(name), values)


def members(staging: Path) -> Iterator[dict[str, str]]:
    """Yield what became of every candidate, as ``release_members`` records it."""
    for batch in pq.ParquetFile(staging / OUTCOMES).iter_batches():
        for row in batch.to_pylist():
            yield {
                "pair_id": row["id"],
                "split": row["split"],
                "excluded": row["excluded"],
                "detail": row["detail"],
            }


def describe(
    staging: Path,
    settings: ReleaseSettings,
    examined: Examined,
    *,
    funnel: Mapping[str, Any],
    models: Mapping[str, str],
    prompt_version: str,
) -> About:
    """Return what the release says of itself."""
    counts: dict[str, Counter[str]] = {column: Counter() for column in COUNTED}
    for split in examined.splits:
        for batch in rows_of(staging)(split):
            for column, counter in counts.items():
                counter.update(batch.column(column).to_pylist())
    return About(
        name=settings.name,
        version=examined.release_id,
        parameters=settings.recorded,
        candidates=examined.candidates,
        rows=examined.rows,
        excluded=examined.excluded,
        counts={column: dict(counter.most_common()) for column, counter in counts.items()},
        funnel=funnel,
        models=models,
        benchmarks=examined.benchmarks,
        rewards_prompt_version=prompt_version,
        code_version=__version__,
        limits=_limits(settings, examined),
    )


def _narrow(path: Path) -> tuple[list[Asked], dict[str, Candidate]]:
    """Return what duplicates and selection look at; of duplicates the better confirmed one stays."""
    judged: dict[str, Candidate] = {}
    asked = []
    for batch in candidates.batches(path, EXAMINED):
        for row in batch.to_pylist():
            asked.append(Asked(id=row["id"], question=row.pop("question"), answer=row.pop("answer")))
            judged[row["id"]] = Candidate(**row | {"marks": tuple(row["marks"])})
    asked.sort(key=lambda each: (-LABEL_CONFIDENCES.index(judged[each.id].label_confidence), each.id))
    return asked, judged


def _contaminated(asked: Sequence[Asked], benchmarks: ReadBenchmarks) -> dict[str, tuple[str, str]]:
    if not benchmarks.items:
        return {}
    hits = BenchmarkIndex(benchmarks.items).find_all((each.question, each.answer) for each in asked)
    return {
        each.id: (f"contaminated/{hit.benchmark}", f"{hit.item}, {hit.kind}: {hit.overlap}"[:500])
        for each, hit in zip(asked, hits, strict=True)
        if hit
    }


def _duplicates(
    asked: Sequence[Asked], judged: Mapping[str, Candidate], settings: ReleaseSettings, embed: Embed | None
) -> dict[str, tuple[str, str]]:
    """Return the duplicates among those that the filters let through: one that is filtered out stands for none."""
    passing = [each for each in asked if not settings.selection.reason(judged[each.id])[0]]
    found = find_duplicates(
        passing,
        similarity=settings.similarity,
        embed=embed,
        semantic_similarity=settings.semantic_similarity,
    )
    return {
        pair_id: (f"duplicate/{each.kind}", f"of {each.of} {each.detail}".strip()[:500])
        for pair_id, each in found.items()
    }


def _clusters(path: Path, judged: Mapping[str, Candidate]) -> dict[str, str]:
    """Return the cluster of every candidate: that of its document, with those that are nearly alike.

    Of all candidates, so that filters and caps move no document to the other side.
    """
    clusters = Clusters()
    join_alike(clusters, _documents(path))
    for one, other in alike_questions(_asked(path)):
        clusters.join(judged[one].document_id, judged[other].document_id)
    return {pair_id: cluster_id(clusters.lead(each.document_id)) for pair_id, each in judged.items()}


def _documents(path: Path) -> Iterator[tuple[str, str]]:
    """Yield documents with their texts, a long one part by part."""
    seen: set[tuple[str, int]] = set()
    for batch in candidates.batches(path, ("document_id", "part_start", "pretrain_text")):
        parts = zip(*(batch.column(name).to_pylist() for name in ("document_id", "part_start")), strict=True)
        for place, part in enumerate(parts):
            if part not in seen:
                seen.add(part)
                yield part[0], batch.column("pretrain_text")[place].as_py()


def _asked(path: Path) -> Iterator[Asked]:
    for batch in candidates.batches(path, ("id", "question")):
        for row in batch.to_pylist():
            yield Asked(row["id"], row["question"], "")


def _split(cluster: str, settings: ReleaseSettings) -> str:
    """Return the split of a cluster: by a hash of its lowest document and the seed.

    So a document keeps its side from release to release, unless another run joins its cluster with another one.
    """
    share = int(text_id(f"{settings.seed}:{cluster}")[:12], 16) / 16**12
    return "test" if share < settings.test_share else "train"


def _release_id(staging: Path, settings: ReleaseSettings, found: Examined) -> str:
    """Return the hash of everything that the release holds, and of what was decided about the other candidates."""
    digest = hashlib.sha256()
    rows = rows_of(staging)
    for split in ("train", "test"):
        for batch in rows(split):
            for row in batch.to_pylist():
                digest.update(orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    return content_id([asdict(settings), asdict(found), __version__, digest.hexdigest()])


def _limits(settings: ReleaseSettings, examined: Examined) -> tuple[str, ...]:
    """Return what a reader of the card must know."""
    limits = [
        "Questions, answers and verdicts were written by the models that are named; no person has read them all.",
        "Licences are those that the corpus states for its documents; they were not verified.",
        "Rewards compare by rules; a right answer in other words scores 0.",
    ]
    if not examined.benchmarks:
        limits.insert(0, "The rows were compared with no benchmark: do not evaluate on public test sets.")
    limits += [f"Of the benchmarks could not be read: {fault}." for fault in examined.benchmark_faults]
    if examined.not_embedded:
        limits.append(
            f"{examined.not_embedded} questions could not be embedded; they were compared by words alone."
        )
    if not settings.embedder:
        limits.append("Duplicates were found by words alone; questions with the same meaning may remain.")
    return tuple(limits)
