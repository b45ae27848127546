"""The report: what a reader sees must be what the database holds, and nothing in it may act or call out."""

import json
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import event, text

from tests.fixtures.forms import DOCUMENTS, DRAFTS, script
from tests.fixtures.pipeline import Pipeline
from webscale_rl.calibration.calibrate import Calibration, Results
from webscale_rl.calibration.confusion import Observation, check_confusion, stage_confusions
from webscale_rl.calibration.recommend import CanaryBounds
from webscale_rl.config import ModelName, prompt_versions
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.release.about import About
from webscale_rl.release.report.counted import Lengths
from webscale_rl.release.report.data import ReportData, gather
from webscale_rl.release.report.diversity import RUNS, Asked, compared
from webscale_rl.release.report.drawn import columns
from webscale_rl.release.report.funnels import added
from webscale_rl.release.report.order import First, rank, ranked
from webscale_rl.release.report.passages import passage
from webscale_rl.release.report.rejections import at_random, reasons
from webscale_rl.release.report.words import percent, seen, stretches
from webscale_rl.release.report.write import write_report
from webscale_rl.release.rows import RELEASE_SCHEMA, Rows
from webscale_rl.rewards.prompt import PROMPT_VERSION
from webscale_rl.store.calibrations import keep_calibration
from webscale_rl.store.queries import funnel

Start = Callable[..., Endpoint]

HOSTILE = "</title><script>alert('1')</script>\"'><img src=x onerror=alert(1)> \u202eevil\u2066 {{ 7 * 7 }}"
VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a browser would make of a page: elements, attributes, and the text of each element."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.within: dict[str, list[str]] = {"mark": [], "u": []}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag in self.within:
            self.within[tag].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "elements are nested as they were meant"

    def handle_data(self, data: str) -> None:
        self.text += data
        for tag, found in self.within.items():
            if tag in self.open:
                found[-1] += data


def turned_down() -> list[dict[str, Any]]:
    """Return the script of six good pairs, with one that the solver disputes and one that the gate rejects."""
    entries = script()
    for entry in entries:
        wanted = DRAFTS["recall"]["question"][:60]
        if entry["stage"] == "solve" and entry["contains"] == [wanted]:
            entry["answer"] = entry["answer"] | {"answer": "1938", "analysis": "It says 1938."}
        if entry["stage"] == "generate" and entry["contains"] == ["target of compare"]:
            entry["answer"] = entry["answer"] | {"evidence": ["Words that nobody wrote in this document"]}
    return entries


@pytest.fixture
async def converted(pipeline: Pipeline, offline_endpoint: Start) -> Pipeline:
    corpus = pipeline.corpus([*DOCUMENTS, {"text": 7}, {"text": "Too short."}])
    await pipeline.run(corpus, offline_endpoint(script=turned_down()), repair=False)
    return pipeline


def rows_of(pipeline: Pipeline, **changed: Any) -> Rows:
    """Return the rows of a release of the run, one a batch, the last one in the split `test`."""
    table = pq.read_table(pipeline.dataset() / "dataset.parquet").to_pylist()
    for place, row in enumerate(table):
        row |= {"prompt": row["question"], "prompt_tokens": 90 + place, "label_confidence": "solved"}
        row |= {
            "source_cluster": row["id"],
            "split": "test" if place == len(table) - 1 else "train",
            **changed,
        }

    def rows(split: str) -> Iterator[pa.RecordBatch]:
        for row in table:
            if row["split"] == split:
                yield pa.RecordBatch.from_pylist([row], schema=RELEASE_SCHEMA)

    return rows


def about(**changed: Any) -> About:
    given: dict[str, Any] = {
        "name": "sample",
        "version": "0" * 32,
        "parameters": {"seed": 1},
        "candidates": 4,
        "rows": 4,
        "excluded": {},
        "counts": {},
        "funnel": {},
        "models": {"generator": "offline@1"},
        "benchmarks": {"exam": 1234},
        "rewards_prompt_version": "1",
        "code_version": "0",
    }
    return About(**given | changed)


def gathered(pipeline: Pipeline, **changed: Any) -> ReportData:
    return gather(pipeline.engine, about(), rows_of(pipeline, **changed), ["run"], "1")


def page_of(data: ReportData, folder: Path) -> str:
    write_report(data, folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


def one(pipeline: Pipeline, query: str) -> Any:
    ((value,),) = pipeline.rows(query)
    return value


def test_its_counts_are_those_of_the_database(converted: Pipeline, tmp_path: Path) -> None:
    data = gathered(converted)
    accepted = one(converted, "SELECT count(*) FROM questions WHERE state = 'accepted'")
    assert data.counted.rows == accepted == 4
    assert dict(data.counted.task_forms) == dict(
        converted.rows("SELECT task_form, count(*) FROM questions WHERE state = 'accepted' GROUP BY 1")
    )
    assert dict(data.counted.splits) == {"train": 3, "test": 1}
    assert {source: dict(domains) for source, domains in data.counted.sources.items()} == {
        "fixture": dict(
            converted.rows("SELECT domain, count(*) FROM questions WHERE state = 'accepted' GROUP BY 1")
        )
    }
    ended = {
        (reason.state, reason.stage, reason.name): reason.count
        for reason in data.reasons
        if reason.level == "questions"
    }
    assert ended == {
        (row[0], row[1], row[2]): row[3]
        for row in converted.rows(
            "SELECT state, stage, reason, count(*) FROM questions WHERE state <> 'accepted' GROUP BY 1, 2, 3"
        )
    }
    assert {reason.name for reason in data.reasons if reason.level == "documents"} == {
        "too_short",
        "text_not_string",
    }
    total = data.costs.total
    assert (total.calls, total.computed + total.cached, total.generated) == tuple(
        converted.rows("SELECT count(*), sum(prompt_tokens), sum(completion_tokens) FROM llm_calls")[0]
    )
    assert {cost.stage: cost.calls for cost in data.costs.stages} == converted.calls()
    assert data.costs.pairs == accepted
    assert [(step.label, step.count) for step in data.steps] == [
        ("Records read", 4),
        ("Readable documents", 3),
        ("Suitable, and finished", 2),
        ("With an accepted pair", 2),
        ("Questions planned", 6),
        ("Written", 6),
        ("Past the gate", 5),
        ("Accepted by the check", 4),
        ("In this release", 4),
    ]
    page = Page(page_of(data, tmp_path))
    for words in (
        f"{total.calls:,}",
        f"{total.computed:,}",
        "Left out of the release: 0 of 4",
        "exam (1,234)",
    ):
        assert words in page.text


def test_all_losses_of_the_funnel_are_named(converted: Pipeline) -> None:
    left_out = about(candidates=4, rows=2, excluded={"duplicate/near": 1, "contaminated/exam": 1})
    data = gather(converted.engine, left_out, rows_of(converted), ["run"], "1")
    for before, after in zip(data.steps, data.steps[1:], strict=False):
        if before.unit == after.unit:
            assert before.count - after.count == sum(loss.count for loss in after.lost), after.label


def test_pairs_are_shown_with_their_evidence_and_their_answer_in_it(
    converted: Pipeline, tmp_path: Path
) -> None:
    data = gathered(converted)
    assert len(data.accepted) == 4
    page = Page(page_of(data, tmp_path))
    for pair in data.accepted:
        assert pair.question.split("\n")[0] in page.text
        shown = [piece.text for piece in pair.passage if piece.kind in ("evidence", "answer")]
        assert "".join(shown)
    execute = next(pair for pair in data.accepted if pair.task_form == "execute")
    assert "def steps(n):" in "".join(piece.text for piece in execute.passage)
    (disputed, gated) = sorted(data.rejected, key=lambda pair: pair.state)
    assert (disputed.state, disputed.reason, disputed.example.rival) == (
        "disputed",
        "solver_disagrees",
        "1938",
    )
    assert [piece.text for piece in disputed.passage if piece.kind == "answer"] == ["1937"]
    assert "1937" in page.within["u"]
    assert "Lothar Collatz described the rule in 1937".removesuffix("1937") in page.within["mark"]
    assert (gated.stage, gated.reason) == ("gate", "evidence_not_in_document")
    assert gated.quotes == ("Words that nobody wrote in this document",)
    assert "Quoted, but not found in the document: Words that nobody wrote" in page.text


def test_a_document_whose_shard_is_gone_costs_only_its_context(converted: Pipeline, tmp_path: Path) -> None:
    rows = rows_of(converted)
    for file in (tmp_path / "store").rglob("*.parquet"):
        file.unlink()
    data = gather(converted.engine, about(), rows, ["run"], "1")
    disputed = next(pair for pair in data.rejected if pair.state == "disputed")
    assert disputed.passage == ()
    assert disputed.quotes == ("Lothar Collatz described the rule in 1937",)


def test_hostile_text_is_text(converted: Pipeline, tmp_path: Path) -> None:
    with converted.engine.begin() as connection:
        hostile = {"text": HOSTILE}
        connection.execute(
            text("UPDATE questions SET detail = :text, question = :text, persona = :text, reason = :text"),
            hostile,
        )
        connection.execute(text("UPDATE documents SET source = :text, source_uri = :text"), hostile)
        connection.execute(
            text("UPDATE document_results SET reason = :text WHERE state = 'rejected'"), hostile
        )
        connection.execute(text("UPDATE bad_records SET detail = :text"), hostile)
    evidence = [{"start": 0, "end": len(HOSTILE), "text": HOSTILE}]
    columns_of_text = ("pretrain_text", "question", "answer", "persona", "source", "source_uri", "derivation")
    columns_of_text += ("domain", "task_form", "answer_type", "expression", "label_confidence")
    rows = rows_of(converted, evidence=evidence, marks=[HOSTILE], **dict.fromkeys(columns_of_text, HOSTILE))
    names = about(
        name=HOSTILE,
        models={HOSTILE: HOSTILE},
        limits=(HOSTILE,),
        parameters={"x": HOSTILE},
        excluded={HOSTILE: 1},
    )
    page = page_of(gather(converted.engine, names, rows, ["run"], HOSTILE), tmp_path)
    assert "\u202e" not in page
    assert "\u2066" not in page
    parsed = Page(page)
    assert not {"script", "img", "iframe", "link", "object"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name in ("src", "action")]
    assert parsed.open == []
    assert "[U+202E]evil" in parsed.text
    assert "{{ 7 * 7 }}" in parsed.text


def test_it_refers_to_nothing_outside_itself(converted: Pipeline, tmp_path: Path) -> None:
    page = page_of(gathered(converted), tmp_path)
    parsed = Page(page)
    assert page.startswith("<!doctype html>")
    assert all(value.startswith("#") for name, value in parsed.attributes if name in ("href", "xlink:href"))
    assert not [name for name, _ in parsed.attributes if name in ("src", "srcset", "poster", "data")]
    assert "url(" not in page
    assert "@import" not in page
    policies = [value for name, value in parsed.attributes if name == "content" and "default-src" in value]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]
    anchors = {value for name, value in parsed.attributes if name == "href"}
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert {f"#{value}" for value in ids} >= anchors
    assert len(ids) == len(set(ids)), "names of titles and anchors are unique"


def test_it_is_the_same_to_the_byte(converted: Pipeline, tmp_path: Path) -> None:
    pages = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        pages.append(page_of(gathered(converted), tmp_path / name))
        assert [path.name for path in (tmp_path / name).iterdir()] == ["report.html"]
    assert pages[0] == pages[1]


def test_without_measurements_it_says_what_to_run(converted: Pipeline, tmp_path: Path) -> None:
    words = Page(page_of(gathered(converted), tmp_path)).text
    assert "No difficulty measured: run measure_difficulty" in words
    assert "run make calibrate" in words
    assert "No other run has accepted pairs yet" in words


def test_without_rows_and_runs_it_still_opens(pipeline: Pipeline, tmp_path: Path) -> None:
    nothing = about(candidates=0, rows=0, models={}, benchmarks={})
    data = gather(pipeline.engine, nothing, lambda split: iter(()), [], "1")
    words = Page(page_of(data, tmp_path)).text
    assert "No record was read" in words
    assert "This release has no rows" in words


def calibration(endpoint: Endpoint, identity: str) -> Calibration:
    """Return a calibration that found 9 of 10 faults, and no false alarm among 10."""
    seen_items = [
        Observation(
            stage="blind",
            item_id=str(number),
            label="ambiguous" if number < 10 else "none",
            outcome="-",
            must_flag=number < 10,
            flagged=number < 9,
        )
        for number in range(20)
    ]
    bounds = dict.fromkeys(CanaryBounds.model_fields, 0.1)
    return Calibration(
        id=identity,
        models={role: ModelName.of(endpoint) for role in ("generator", "checker")},
        prompt_versions=prompt_versions(),
        n_items=20,
        results=Results(
            stages=stage_confusions(seen_items),
            shares={},
            checks=(check_confusion("lean", seen_items),),
            canary=CanaryBounds(**bounds),
            recommendations=("Use the depth full.",),
            usage={},
            bad_lines=(),
        ),
    )


def test_difficulty_and_calibration_are_shown_where_they_are_known(
    converted: Pipeline, offline_endpoint: Start, tmp_path: Path
) -> None:
    used = offline_endpoint(script=turned_down())
    other = Endpoint(used.base_url, "another-model", "1")
    keep_calibration(converted.engine, calibration(used, "used"))
    keep_calibration(converted.engine, calibration(other, "newer, of another model"))
    pairs = [
        row[0] for row in converted.rows("SELECT pair_id FROM questions WHERE state = 'accepted' ORDER BY 1")
    ]
    with converted.engine.begin() as connection:
        for pair, successes in zip(pairs, (0, 4, 5, 8), strict=True):
            connection.execute(
                text(
                    "INSERT INTO solver_attempts (pair_id, solver, prompt_version, temperature, condition, batch, "
                    "attempts, successes, unsure, unanswered) "
                    "VALUES (:pair, 'policy@7', :version, 1, 'question', '', 8, :successes, 0, 0)"
                ),
                {"pair": pair, "version": PROMPT_VERSION, "successes": successes},
            )
        connection.execute(
            text(
                "INSERT INTO pair_marks (pair_id, mark, found_by, detail) VALUES (:pair, 'suspect_label', 'p', '')"
            ),
            {"pair": pairs[0]},
        )
    data = gathered(converted)
    assert data.counted.pass_rates == (1, 0, 0, 0, 0, 1, 1, 0, 0, 1)
    assert data.counted.mean_pass_rate == pytest.approx(17 / 32)
    assert dict(data.counted.marks) == {"suspect_label": 1}
    (solver,) = data.solvers
    assert (solver.pairs, solver.attempts, solver.successes) == (4, 32, 17)
    assert data.trust is not None
    assert data.trust.id == "used"
    assert data.trust.same_prompts
    (stage,) = data.trust.stages
    assert (stage.sensitivity.k, stage.sensitivity.n, stage.false_alarms.k) == (9, 10, 0)
    words = Page(page_of(data, tmp_path)).text
    for expected in (
        "4 of 4 pairs are measured",
        "policy@7",
        "faults 9/10, good 0/10",
        "Use the depth full.",
    ):
        assert expected in words


async def test_other_runs_are_compared_at_the_same_number_of_questions(
    converted: Pipeline, offline_endpoint: Start, tmp_path: Path
) -> None:
    corpus = converted.corpus(DOCUMENTS[:1])
    rows = rows_of(converted)
    # The ledger still holds the draft of one of its three questions that does not pass the gate.
    await converted.run(corpus, offline_endpoint(script=script()), run_id="other")
    again = converted.corpus([*DOCUMENTS, {"text": 7}, {"text": "Too short."}])
    endpoint = offline_endpoint(script=turned_down())
    await converted.run(again, endpoint, run_id="the same pairs", repair=False)
    with converted.engine.begin() as connection:
        connection.execute(
            text("UPDATE runs SET started_at = started_at - interval '1 day' WHERE id <> 'run'")
        )
    data = gather(converted.engine, about(), rows, ["run"], "1")
    (other,) = data.others
    assert (other.run_id, other.inside, other.pairs) == ("other", False, 2)
    assert other.ours.questions == other.theirs.questions == 2
    assert data.diversity.questions == 4
    assert data.diversity.neighbour is not None
    assert data.diversity.neighbour < 0.5
    both = gather(converted.engine, about(), rows, ["run", "other"], "1")
    assert {(each.run_id, each.inside) for each in both.others} == {("run", True), ("other", True)}
    assert "(in this release)" in page_of(both, tmp_path)
    assert both.levels.documents.total == 4 + 1


def earlier_runs(pipeline: Pipeline, number: int, questions: int) -> None:
    """Record runs of an hour each before the run, each with a shard, a configuration and accepted pairs of its own.

    Of every third all questions were rejected.
    """
    with pipeline.engine.begin() as connection:
        for query in (
            "INSERT INTO configurations SELECT c.* FROM configurations k, generate_series(1, :number) r, "
            "jsonb_populate_record(k, jsonb_build_object('config_hash', 'config ' || r)) c",
            "INSERT INTO shards (id, uri, n_documents, n_tokens) "
            "SELECT 'shard ' || r, '', :questions, 1 FROM generate_series(1, :number) r",
            "INSERT INTO runs SELECT c.* FROM runs k, generate_series(1, :number) r, "
            "jsonb_populate_record(k, jsonb_build_object('id', 'run ' || lpad(r::text, 3, '0'), "
            "'config_hash', 'config ' || r, 'started_at', k.started_at - r * interval '1 hour')) c",
            "INSERT INTO run_shards (run_id, position, shard_id) "
            "SELECT 'run ' || lpad(r::text, 3, '0'), 0, 'shard ' || r FROM generate_series(1, :number) r",
            "INSERT INTO documents SELECT c.* FROM documents k, generate_series(1, :number) r, "
            "generate_series(1, :questions) q, jsonb_populate_record(k, jsonb_build_object("
            "'shard_id', 'shard ' || r, 'position', q, 'document_id', r || ' ' || q)) c "
            "WHERE k.document_id = (SELECT min(document_id) FROM documents)",
            "INSERT INTO questions SELECT c.* FROM questions k, generate_series(1, :number) r, "
            "generate_series(1, :questions) q, jsonb_populate_record(k, jsonb_build_object("
            "'id', r || ' ' || q, 'pair_id', r || ' ' || q, 'config_hash', 'config ' || r, "
            "'document_id', r || ' ' || q, "
            "'state', CASE WHEN r % 3 = 0 THEN 'rejected' ELSE 'accepted' END)) c "
            "WHERE k.id = (SELECT min(id) FROM questions WHERE state = 'accepted')",
        ):
            connection.execute(text(query), {"number": number, "questions": questions})


def test_of_many_earlier_runs_only_the_newest_with_pairs_are_read(converted: Pipeline) -> None:
    """Whoever converts every night would wait for the questions of all nights at each release."""
    runs, questions = 40, 25
    earlier_runs(converted, runs, questions)
    asked = [Asked("Which year was it?", "A reader")] * 10
    read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'questions'"
    with converted.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
        for other in ("seqscan", "hashjoin", "mergejoin", "bitmapscan"):  # what is read is what is asked for
            connection.exec_driver_sql(f"SET LOCAL enable_{other} = off")
        before = connection.exec_driver_sql(read).scalar_one()
        found = compared(connection, asked, ["run"], "1")
        rows = connection.exec_driver_sql(read).scalar_one() - before
    newest = [f"run {number:03}" for number in range(1, runs) if number % 3][:RUNS]
    assert [(each.run_id, each.inside, each.pairs) for each in found] == [
        (run_id, False, questions) for run_id in newest
    ]
    others = RUNS // 2  # of those before the last of them, all questions were rejected
    assert rows < (2 * RUNS + others + 1) * questions, "all questions were read of every earlier run"


def test_examples_are_chosen_without_sorting_whole_questions(converted: Pipeline) -> None:
    """A million rejected questions with their drafts would be sorted on disk for three of each reason."""
    rejected, hashes = 2_000, 40  # of 32 characters, which cannot be compressed
    with converted.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO questions SELECT c.* FROM questions k, generate_series(1, :number) n, "
                "jsonb_populate_record(k, jsonb_build_object('id', 'copy ' || n, 'reason', 'reason ' || n % 4, "
                "'question', (SELECT string_agg(md5(n || ' ' || i), '') FROM generate_series(1, :hashes) i))) c "
                "WHERE k.state = 'disputed'"
            ),
            {"number": rejected, "hashes": hashes},
        )
    asked: list[tuple[str, Any]] = []
    with converted.engine.connect() as connection:
        event.listen(
            connection,
            "before_cursor_execute",
            lambda c, cursor, query, values, *_: asked.append((query, values)),
        )
        found = reasons(connection, added([funnel(converted.engine, "run")]), ["run"], "1")
        drawn = at_random(connection, ["run"], "1", 10)
        sorted_kb = [
            _sorted_kb(
                connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", values).scalar_one()
            )
            for query, values in list(asked)
            if "questions" in query
        ]
    by_reason = {reason.name: reason for reason in found if reason.name.startswith("reason ")}
    assert [len(reason.examples) for reason in by_reason.values()] == [3] * 4
    ids = [
        row[0] for row in converted.rows("SELECT id FROM questions WHERE state IN ('rejected', 'disputed')")
    ]
    assert [each.id for each in drawn] == sorted(ids, key=lambda key: rank("1", key))[:10]
    assert len(sorted_kb) == 2
    assert max(sorted_kb) < rejected * hashes * 32 / 1_000 / 4


def _sorted_kb(plan: Any) -> float:
    """Return how much the sorts of a plan held, in memory or on disk."""

    def walk(node: dict[str, Any]) -> float:
        return node.get("Sort Space Used", 0) + sum(walk(child) for child in node.get("Plans", ()))

    return walk(plan[0]["Plan"])


def test_gpu_time_is_that_in_which_calls_were_under_way(converted: Pipeline, tmp_path: Path) -> None:
    """Four calls: two overlap, one lies within another, one stands alone, so that 3 + 2 seconds are busy."""
    with converted.engine.begin() as connection:
        places = "SELECT ctid FROM llm_calls WHERE run_id = 'run' ORDER BY ctid LIMIT 4"
        connection.execute(
            text(f"DELETE FROM llm_calls WHERE run_id = 'run' AND ctid <> ALL (ARRAY({places}))")
        )
        rows = connection.execute(
            text("SELECT document_id, call_key FROM llm_calls WHERE run_id = 'run'")
        ).all()
        for (document, key), (end, seconds) in zip(rows, [(2, 2), (3, 2), (2.5, 0.1), (10, 2)], strict=True):
            connection.execute(
                text(
                    "UPDATE llm_calls SET latency_ms = :latency, "
                    "created_at = timestamptz '2026-01-01' + :end * interval '1 second' "
                    "WHERE document_id = :document AND call_key = :key"
                ),
                {"latency": int(seconds * 1000), "end": end, "document": document, "key": key},
            )
    data = gather(converted.engine, about(), rows_of(converted), ["run"], "1", gpus=8)
    assert data.costs.busy_seconds == pytest.approx(5)
    assert data.costs.gpu_seconds == pytest.approx(40)
    assert "<span>GPU seconds</span>" in page_of(data, tmp_path)
    assert "<span>GPU seconds</span>" not in page_of(gathered(converted), tmp_path)


def test_the_order_is_that_of_the_database(converted: Pipeline) -> None:
    keys = [f"id {number}" for number in range(300)]
    kept: First[str] = First("a seed", 10)
    for key in reversed(keys):
        if kept.wants(key):
            kept.add(key, key)
    query = f"SELECT key FROM unnest(CAST(:keys AS text[])) AS key ORDER BY {ranked('key')} LIMIT 10"
    with converted.engine.connect() as connection:
        assert kept.things() == list(
            connection.execute(text(query), {"keys": keys, "seed": "a seed"}).scalars()
        )


def test_a_passage_is_the_text_with_marks() -> None:
    document = (
        f"{'before ' * 200}The dam of Aldermere was\nfinished in 1964, and the lake filled.{' after' * 200}"
    )
    start = document.index("The dam")
    pieces = passage(document, [(start, start + 40), (start + 30, start + 41)], ["Finished in 1964", "1964"])
    assert "".join(piece.text for piece in pieces) in document
    assert [piece.text for piece in pieces if piece.kind == "answer"] == ["finished in 1964"]
    assert (pieces[0].kind, pieces[-1].kind) == ("gap", "gap")
    assert passage("short", [(0, 5)], []) == passage("short", [(0, 5), (9, 99)], [""])
    assert passage("short", [], ["short"]) == ()


def test_every_length_stands_in_one_column() -> None:
    for counts in ({}, {3: 5}, {1: 900, 2: 80, 3: 15, 250: 5}, dict.fromkeys(range(1000, 99000, 7), 1)):
        found = columns(Lengths("answer", "words", counts))
        assert sum(column.number for column in found) == sum(counts.values())
        assert len(found) <= 11


def test_words_are_what_a_reader_can_trust() -> None:
    assert [percent(share) for share in (None, 0.0, 0.0001, 0.125, 0.99999, 1.0)] == [
        "–",
        "0\u00a0%",
        "< 0.1\u00a0%",
        "12.5\u00a0%",
        "99.9\u00a0%",
        "100\u00a0%",
    ]
    assert seen("a\u200bb\x07\r\nc") == "a[U+200B]b[U+0007]\nc"
    assert stretches("What?\n```python\nx = 1\n```\nAnswer.") == [
        (False, "What?"),
        (True, "x = 1"),
        (False, "Answer."),
    ]


def test_the_template_ships_with_the_package() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert json.dumps("release/report/*.html") in project
