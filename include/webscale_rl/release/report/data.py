"""Everything that a report shows, gathered from the rows of a release and from the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Engine

from webscale_rl.release.about import About
from webscale_rl.release.report.counted import Counted, Counting
from webscale_rl.release.report.diversity import SAMPLE, Asked, Compared, Diversity, compared, diversity
from webscale_rl.release.report.funnels import Levels, Step, added, steps
from webscale_rl.release.report.measured import Solver, Solvers, Trust, newest_calibration
from webscale_rl.release.report.order import First
from webscale_rl.release.report.passages import Piece, passage
from webscale_rl.release.report.rejections import Reason, Rejected, at_random, reasons
from webscale_rl.release.report.spending import Costs, costs
from webscale_rl.release.rows import SPLITS, Rows
from webscale_rl.store.queries import funnel

SHOWN = 10  # pairs of each kind, in full
SHOWN_COLUMNS = (
    ("id", "domain", "persona", "task_form", "question", "answer", "answer_type", "derivation", "expression")
    + (
        "source",
        "source_uri",
        "source_row",
        "pass_rate",
        "solver_attempts",
        "marks",
        "label_confidence",
        "split",
    )
    + ("pretrain_text", "evidence", "answer_spec")
)


@dataclass(frozen=True)
class Accepted:
    """One of the ten, as the release has it."""

    id: str
    domain: str
    persona: str
    task_form: str
    question: str
    answer: str
    answer_type: str
    derivation: str
    expression: str
    details: tuple[tuple[str, str], ...]  # of the answer specification: what is set
    pass_rate: float | None
    solver_attempts: int
    marks: tuple[str, ...]
    label_confidence: str
    split: str
    source: str
    place: str  # file and row
    passage: tuple[Piece, ...]


@dataclass(frozen=True)
class ReportData:
    """A release in numbers and small samples. Nothing here is of a machine; latencies are of the ledger."""

    about: About
    seed: str
    run_ids: tuple[str, ...]
    counted: Counted
    levels: Levels
    steps: tuple[Step, ...]
    reasons: tuple[Reason, ...]
    costs: Costs
    solvers: tuple[Solver, ...]
    trust: Trust | None
    diversity: Diversity
    others: tuple[Compared, ...]
    accepted: tuple[Accepted, ...]
    rejected: tuple[Rejected, ...]


def gather(
    engine: Engine, about: About, rows: Rows, run_ids: Sequence[str], seed: str, gpus: int = 0
) -> ReportData:
    """Gather what a report shows.

    Args:
        engine: of the service's database.
        about: the release in words and numbers.
        rows: of the release; read once, a batch at a time.
        run_ids: of the runs of `convert_corpus` whose pairs were the candidates.
        seed: of the random order by which samples are taken.
        gpus: that served the calls; 0 where it is not known, and then no GPU time is given.
    """
    counting = Counting()
    pairs: First[Accepted] = First(seed, SHOWN)
    asked: First[Asked] = First(seed, SAMPLE)
    with engine.connect() as connection:
        solvers = Solvers(connection)
        for split in SPLITS:
            for batch in rows(split):
                counting.add(batch)
                solvers.add(batch.column("id").to_pylist())
                _sample(batch, pairs, asked)
        levels = added([funnel(engine, run_id) for run_id in run_ids])
        questions = asked.things()
        return ReportData(
            about=about,
            seed=seed,
            run_ids=tuple(run_ids),
            counted=counting.counted(),
            levels=levels,
            steps=steps(levels, about),
            reasons=reasons(connection, levels, run_ids, seed),
            costs=costs(connection, run_ids, gpus),
            solvers=solvers.solvers(),
            trust=newest_calibration(connection, run_ids),
            diversity=diversity(questions),
            others=compared(connection, questions, run_ids, seed),
            accepted=tuple(pairs.things()),
            rejected=at_random(connection, run_ids, seed, SHOWN),
        )


def _sample(batch: pa.RecordBatch, pairs: First[Accepted], asked: First[Asked]) -> None:
    """Show a batch to the samples; texts of documents are read for the pairs that are kept only."""
    for place, pair_id in enumerate(batch.column("id").to_pylist()):
        if asked.wants(pair_id):
            asked.add(
                pair_id, Asked(*(batch.column(name)[place].as_py() for name in ("question", "persona")))
            )
        if pairs.wants(pair_id):
            pairs.add(pair_id, _accepted(batch, place))


def _accepted(batch: pa.RecordBatch, place: int) -> Accepted:
    row = {name: batch.column(name)[place].as_py() for name in SHOWN_COLUMNS}
    spec = json.loads(row["answer_spec"])
    spans = [(span["start"], span["end"]) for span in row["evidence"]]
    file = row["source_uri"].rpartition("/")[2]
    names = ("unit", "precision", "tolerance", "aliases")  # options stand in the question
    return Accepted(
        **{name: row[name] for name in SHOWN_COLUMNS[:9]},
        details=tuple((name, _words(spec[name])) for name in names if spec.get(name)),
        pass_rate=row["pass_rate"],
        solver_attempts=row["solver_attempts"],
        marks=tuple(row["marks"] or ()),
        label_confidence=row["label_confidence"],
        split=row["split"],
        source=row["source"],
        place=f"{file}, row {row['source_row']}" if row["source_row"] else file,
        passage=passage(row["pretrain_text"], spans, [row["answer"], *spec.get("aliases", ())]),
    )


def _words(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
