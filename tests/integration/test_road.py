"""The road of a document over real HTTP and a real PostgreSQL: what users get, and what they never pay twice."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from tests.endpoints import by_schema
from tests.fixtures.forms import DOCUMENTS, DRAFTS, assessed, script
from tests.fixtures.pipeline import Pipeline
from webscale_rl.errors import EndpointRefusal, ShardFailed, Stopping
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.records import Document, DocumentOutcome
from webscale_rl.release.dataset import SCHEMA
from webscale_rl.rewards import AnswerSpec, Match, match
from webscale_rl.stages.check import CheckDepth
from webscale_rl.store import runs
from webscale_rl.store.queries import Funnel, funnel, progress, provenance

Start = Callable[..., Endpoint]


def adds_up(found: Funnel) -> bool:
    return all(
        level.total == sum(level.states.values())
        and all(sum(reasons.values()) <= level.states[state] for state, reasons in level.reasons.items())
        for level in (found.documents, found.items)
    )


@pytest.mark.parametrize("depth", ["lean", "full"])
async def test_every_task_form_takes_the_whole_road(
    pipeline: Pipeline, offline_endpoint: Start, depth: CheckDepth
) -> None:
    endpoint = offline_endpoint(script=script())
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint, depth=depth)
    assert found.pairs_by_task_form == dict.fromkeys(sorted(DRAFTS), 1), found
    assert adds_up(found)
    out = pipeline.dataset()
    table = pq.read_table(out / "dataset.parquet")
    assert table.schema.equals(SCHEMA)
    rows = table.to_pylist()
    assert rows == [json.loads(line) for line in (out / "dataset.jsonl").read_text().splitlines()]
    assert json.loads((out / "funnel.json").read_text())["documents"]["states"] == {"done": 2}
    for row in rows:
        spec = AnswerSpec.from_json(row["answer_spec"])
        assert match(spec, row["answer"]) is Match.SAME
        assert (spec.type, spec.answer) == (row["answer_type"], row["answer"])
        assert all(
            row["pretrain_text"][span["start"] : span["end"]] == span["text"] for span in row["evidence"]
        )
        assert row["pass_rate"] is None
        assert row["source"] == "fixture"
    by_form = {row["task_form"]: row for row in rows}
    assert by_form["compute"]["persona"] == "An engineer, of dams, and rivers"
    assert by_form["compute"]["expression"] == "128 - 40"
    assert by_form["compute"]["scope_anchor"] == "summer of 2003"
    assert len(by_form["compare"]["evidence"]) == 2
    options = by_form["choice"]["question"].splitlines()[1:]
    assert sorted(line[:2] for line in options) == ["A)", "B)", "C)", "D)"]
    letter = next(line[0] for line in options if line.endswith("Collatz conjecture"))
    assert match(AnswerSpec.from_json(by_form["choice"]["answer_spec"]), letter) is Match.SAME
    assert "```python" in by_form["execute"]["question"]


async def test_a_rerun_asks_nothing_and_gives_the_same_bytes(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=script())
    corpus = pipeline.corpus(DOCUMENTS)
    await pipeline.run(corpus, endpoint, run_id="first")
    calls = pipeline.calls()
    await pipeline.run(corpus, endpoint, run_id="second")
    assert pipeline.calls() == calls
    first, second = pipeline.dataset("first"), pipeline.dataset("second")
    for name in ("dataset.parquet", "dataset.jsonl", "funnel.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


async def test_a_changed_checker_reruns_only_the_checks(pipeline: Pipeline, offline_endpoint: Start) -> None:
    endpoint = offline_endpoint(script=script())
    corpus = pipeline.corpus(DOCUMENTS)
    await pipeline.run(corpus, endpoint, run_id="first")
    before = pipeline.calls()
    other = Endpoint(endpoint.base_url, endpoint.model, "other weights")
    await pipeline.run(corpus, endpoint, run_id="second", checker=other)
    after = pipeline.calls()
    assert {stage: after[stage] - before[stage] for stage in after} == {
        "assess": 0,
        "blind": 6,
        "generate": 0,
        "options": 1,
        "solve": 6,
    }


async def test_documents_cut_into_other_shards_are_not_converted_again(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=script())
    corpus = pipeline.corpus(DOCUMENTS)
    await pipeline.run(corpus, endpoint, run_id="first")
    calls = pipeline.calls()
    found = await pipeline.run(corpus, endpoint, run_id="second", per_shard=1)
    assert pipeline.calls() == calls
    assert found.pairs == 6


async def test_the_ledger_answers_when_results_are_lost(pipeline: Pipeline, offline_endpoint: Start) -> None:
    """As after a kill between the calls of a document: what was answered is not asked again."""
    endpoint = offline_endpoint(script=script())
    corpus = pipeline.corpus(DOCUMENTS)
    await pipeline.run(corpus, endpoint, run_id="first")
    with pipeline.engine.begin() as connection:
        for table in ("document_results", "verdicts", "questions"):
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("DELETE FROM llm_calls WHERE stage = 'blind'"))
    before = pipeline.calls()
    found = await pipeline.run(corpus, endpoint, run_id="second")
    assert pipeline.calls() == before | {"blind": 6}
    assert found.pairs == 6


async def test_everything_a_pair_came_from_is_one_query_away(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=script())
    await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint)
    pair = json.loads((pipeline.dataset() / "dataset.jsonl").read_text().splitlines()[0])
    (found,) = provenance(pipeline.engine, pair["id"])
    assert found["source_id"] == "reservoir"
    assert found["url"] == "https://example.org/r"
    assert found["licence"] == "CC0-1.0"
    assert found["source_row"] == 1
    assert found["run_id"] == "run"
    assert found["configuration"]["generator"]["model"] == endpoint.model
    assert sorted(call["stage"] for call in found["calls"]) == ["assess", "blind", "generate", "solve"]
    for call in found["calls"]:
        assert call["prompt_version"] == found["configuration"]["prompt_versions"][call["stage"]]
        assert call["prompt_tokens"] > 0
    assert [verdict["judge"] for verdict in found["verdicts"]] == ["solve", "match", "blind"]


REJECTIONS = [
    ("solve", {"analysis": "Not stated.", "sufficient": False, "answer": ""}, "rejected", "unanswerable"),
    (
        "solve",
        {"analysis": "Another year.", "sufficient": True, "answer": "1938"},
        "disputed",
        "solver_disagrees",
    ),
    (
        "blind",
        {"analysis": "Which?", "missing": "the rule", "self_contained": False, "ambiguous": False},
        "rejected",
        "needs_context",
    ),
    (
        "blind",
        {"analysis": "Two.", "missing": "", "self_contained": True, "ambiguous": True},
        "rejected",
        "ambiguous",
    ),
    (
        "judge",
        {"analysis": "No.", "supported": False, "rival_answer": "", "answer_revealed": False},
        "rejected",
        "unsupported",
    ),
    (
        "judge",
        {"analysis": "Also.", "supported": True, "rival_answer": "1938", "answer_revealed": False},
        "rejected",
        "not_unique",
    ),
    (
        "judge",
        {"analysis": "Plain.", "supported": True, "rival_answer": "", "answer_revealed": True},
        "rejected",
        "answer_revealed",
    ),
]


@pytest.mark.parametrize(
    ("stage", "answer", "state", "reason"), REJECTIONS, ids=[row[3] for row in REJECTIONS]
)
async def test_a_rejected_question_is_kept_with_the_checkers_words(
    pipeline: Pipeline, offline_endpoint: Start, stage: str, answer: dict[str, Any], state: str, reason: str
) -> None:
    said = {"stage": stage, "contains": ["In which year did Lothar Collatz"], "answer": answer}
    endpoint = offline_endpoint(script=[said, *script()])
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint, depth="full")
    assert found.items.reasons[state] == {f"check/{reason}": 1}
    assert found.pairs == 5
    ((question, kept, detail),) = pipeline.rows(
        f"SELECT question, answer, detail FROM questions WHERE state = '{state}'"
    )
    assert question == DRAFTS["recall"]["question"]
    assert kept == "1937"
    assert answer["analysis"] in detail or reason == "solver_disagrees"


async def test_two_solvers_that_agree_against_the_reference_make_it_wrong(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    other = {"analysis": "It is 1938.", "sufficient": True, "answer": "1938"}
    says = {"stage": "solve", "contains": ["In which year did Lothar Collatz"], "answer": other}
    endpoint = offline_endpoint(script=[says, *script()])
    second = Endpoint(endpoint.base_url, endpoint.model, "second family")
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint, depth="full", second=second)
    assert found.items.reasons["rejected"] == {"check/wrong": 1}


@pytest.mark.parametrize(
    ("answer", "finish_reason", "reason"),
    [
        ("It was in 1937, I think.", "stop", "not_json"),
        ('{"analysis": "cut', "length", "truncated"),
        ("", "stop", "empty"),
        ('{"analysis": "x"}', "stop", "wrong_schema"),
    ],
)
async def test_an_unusable_answer_fails_the_item_and_the_next_run_drives_it_again(
    pipeline: Pipeline, offline_endpoint: Start, answer: str, finish_reason: str, reason: str
) -> None:
    broken = {
        "stage": "solve",
        "contains": ["In which year did Lothar Collatz"],
        "answer": answer,
        "finish_reason": finish_reason,
        "times": 2,
    }
    endpoint = offline_endpoint(script=[broken, *script()])
    corpus = pipeline.corpus(DOCUMENTS)
    found = await pipeline.run(corpus, endpoint, run_id="first")
    assert found.items.reasons["failed"] == {f"check/{reason}": 1}
    assert found.documents.states == {"done": 1, "failed": 1}
    assert pipeline.rows("SELECT count(*) FROM llm_calls WHERE NOT valid") == [(2,)]
    calls = pipeline.calls()
    found = await pipeline.run(corpus, endpoint, run_id="second")
    assert found.documents.states == {"done": 2}
    assert found.pairs == 6
    assert {stage: n - calls[stage] for stage, n in pipeline.calls().items()} == {
        "assess": 0,
        "blind": 1,
        "generate": 0,
        "options": 0,
        "solve": 1,
    }


async def test_one_unusable_answer_is_asked_once_more(pipeline: Pipeline, offline_endpoint: Start) -> None:
    broken = {"stage": "assess", "contains": ["Lothar"], "answer": "Sure! Here it is.", "times": 1}
    endpoint = offline_endpoint(script=[broken, *script()])
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint)
    assert found.pairs == 6
    assert pipeline.rows(
        "SELECT valid, attempt FROM llm_calls WHERE stage = 'assess' ORDER BY 2, 1 DESC"
    ) == [
        (True, 1),
        (False, 1),
        (True, 2),
    ] or pipeline.rows("SELECT count(*) FROM llm_calls WHERE stage = 'assess'") == [(3,)]


async def test_a_request_that_is_too_long_fails_its_document_only(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    long = {"id": "long", "text": "The river Alder is 42 km long. " * 650}
    endpoint = offline_endpoint("--max-model-len", "10000", script=script())
    found = await pipeline.run(pipeline.corpus([*DOCUMENTS, long]), endpoint)
    assert found.documents.states == {"done": 2, "failed": 1}
    assert found.documents.reasons["failed"] == {"assess/request_rejected": 1}
    assert found.pairs == 6


async def test_a_dead_endpoint_fails_the_shard_early_and_says_what_to_do(
    pipeline: Pipeline, offline_endpoint: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webscale_rl.llm.endpoint.FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr("webscale_rl.llm.breaker.SECONDS", 0.1)
    endpoint = Endpoint("http://127.0.0.1:1/v1", "m")
    documents = [{"text": f"{number} " + DOCUMENTS[0]["text"]} for number in range(30)]
    with pytest.raises(ShardFailed, match="Bring the endpoint back and run again"):
        await pipeline.run(pipeline.corpus(documents), endpoint)
    assert pipeline.rows("SELECT state FROM conversions") == [("failed",)]


async def test_a_shard_that_failed_in_part_leaves_its_run_red_until_it_is_made_good(
    pipeline: Pipeline, offline_endpoint: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too few documents to break the circuit, and yet none may be lost in a green run."""
    monkeypatch.setattr("webscale_rl.llm.endpoint.FIRST_WAIT_SECONDS", 0.001)
    corpus = pipeline.corpus(DOCUMENTS)
    endpoint = offline_endpoint(script=script())
    gone = Endpoint("http://127.0.0.1:1/v1", endpoint.model, endpoint.revision)
    with pytest.raises(ShardFailed, match="2 of 2 documents"):
        await pipeline.run(corpus, gone, run_id="red")
    ((state, error),) = pipeline.rows("SELECT state, error FROM conversions")
    assert state == "failed"
    assert "cannot reach" in error
    assert "1 of 1 shards did not finish" in runs.shortfall(pipeline.engine, "red")
    found = await pipeline.run(corpus, endpoint, run_id="green")
    assert found.pairs == 6
    assert pipeline.rows("SELECT state, error FROM conversions") == [("done", "")]
    assert runs.shortfall(pipeline.engine, "green") == ""


async def test_a_task_that_is_cleared_finds_the_shards_of_its_run(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    """Airflow clears the setup along with it: opening a run again must not forget what was cut."""
    endpoint = offline_endpoint(script=script())
    await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint)
    runs.close_run(pipeline.engine, "run", "failed", "marked")
    assert "was not opened" in runs.shortfall(pipeline.engine, "run")
    _, config = runs.config_of(pipeline.engine, "run")
    runs.open_run(pipeline.engine, "run", config, {})
    assert runs.shortfall(pipeline.engine, "run") == ""
    assert funnel(pipeline.engine, "run").pairs == 6
    runs.uncut(pipeline.engine, "run")
    assert "no shards were cut" in runs.shortfall(pipeline.engine, "run")


async def test_a_refused_key_ends_the_shard_with_one_line(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint("--api-key", "right")
    with pytest.raises(EndpointRefusal, match="refuses the API key"):
        await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint)


async def test_a_stopped_worker_keeps_what_was_answered_and_frees_the_shard(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint("--slots", "1", "--service-time", "0.1", script=script())
    corpus = pipeline.corpus(DOCUMENTS)
    stop = asyncio.Event()

    async def stop_after_the_first_answer() -> None:
        while not await asyncio.to_thread(pipeline.calls):
            await asyncio.sleep(0.05)
        stop.set()

    waiting = asyncio.create_task(stop_after_the_first_answer())
    with pytest.raises(Stopping):
        await pipeline.run(corpus, endpoint, run_id="first", stop=stop)
    await waiting
    answered = sum(pipeline.calls().values())
    assert 0 < answered < 14 + 6
    assert pipeline.rows("SELECT state FROM conversions") == [("open",)]
    found = await pipeline.run(corpus, endpoint, run_id="second")
    assert found.pairs == 6
    assert sum(pipeline.calls().values()) == 2 + 6 + 6 + 6 + 1  # assess, generate, solve, blind, options


async def test_a_stopped_worker_does_not_wait_for_slow_answers(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    """Airflow kills a task five seconds after it asked it to stop; a run that was stopped is not complete."""
    endpoint = offline_endpoint("--service-time", "30", script=script())
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.3, stop.set)
    with pytest.raises(Stopping):
        await asyncio.wait_for(pipeline.run(pipeline.corpus(DOCUMENTS), endpoint, stop=stop), 5)
    assert pipeline.rows("SELECT state FROM conversions") == [("open",)]
    assert "2 documents were not reached" in runs.shortfall(pipeline.engine, "run")


async def test_an_answer_with_raw_line_breaks_is_served_again(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    entries = script()
    for entry in entries:
        if entry["stage"] == "assess":
            answer = entry["answer"] | {"analysis": "two lines"}
            entry["answer"] = json.dumps(answer).replace("two lines", "two\nlines")
    endpoint = offline_endpoint(script=entries)
    corpus = pipeline.corpus(DOCUMENTS)
    await pipeline.run(corpus, endpoint, run_id="lean")
    before = pipeline.calls()
    found = await pipeline.run(corpus, endpoint, run_id="full", depth="full")
    assert found.pairs == 6
    # twice more for yes or no, once for four options; derive and execute without the document
    assert pipeline.calls() == before | {"judge": 6, "closed": 2, "solve": before["solve"] + 3}


async def test_a_stored_answer_that_cannot_be_read_any_more_is_asked_for_anew(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=script())
    corpus = pipeline.corpus(DOCUMENTS)
    await pipeline.run(corpus, endpoint, run_id="one")
    with pipeline.engine.begin() as connection:
        connection.execute(text("UPDATE llm_calls SET response = '{' WHERE stage = 'assess'"))
    found = await pipeline.run(corpus, endpoint, run_id="two", depth="full")
    assert found.pairs == 6
    assert pipeline.calls()["assess"] == 4


async def test_a_defect_of_ours_costs_one_document_and_turns_the_run_red(
    pipeline: Pipeline, offline_endpoint: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webscale_rl import worker

    convert = worker.convert_document

    async def defective(document: Document, *others: Any) -> DocumentOutcome:
        if document.source_id == "broken":
            raise ZeroDivisionError("a defect")
        return await convert(document, *others)

    monkeypatch.setattr(worker, "convert_document", defective)
    broken = {"id": "broken", "text": "Another text. " * 30}
    with pytest.raises(ShardFailed, match=r"1 of 3 documents .* ZeroDivisionError: a defect"):
        await pipeline.run(pipeline.corpus([broken, *DOCUMENTS]), offline_endpoint(script=script()))
    found = funnel(pipeline.engine, "run")
    assert found.documents.states == {"done": 2, "failed": 1}
    assert found.documents.reasons["failed"] == {"road/internal": 1}
    assert found.pairs == 6


async def test_items_that_ask_the_same_pay_once(pipeline: Pipeline, offline_endpoint: Start) -> None:
    """The repeats are rejected; the id of the pair stays that of the accepted one."""
    plan = [(f"Person {number}", "recall", f"the year {number}") for number in range(3)]
    entries = [
        {"stage": "assess", "answer": assessed("Other", *plan)},
        {"stage": "generate", "answer": DRAFTS["recall"]},
        *script(),
    ]
    found = await pipeline.run(pipeline.corpus(DOCUMENTS[1:]), offline_endpoint(script=entries))
    assert found.items.states == {"accepted": 1, "rejected": 2}
    assert found.items.reasons["rejected"] == {"gate/repeated_question": 2}
    assert pipeline.calls() == {"assess": 1, "blind": 1, "generate": 3, "solve": 1}
    (pair,) = pipeline.rows("SELECT pair_id FROM questions WHERE pair_id <> ''")
    assert len(provenance(pipeline.engine, pair[0])) == 1


async def test_provenance_names_every_place_that_holds_the_document(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=script())
    await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint, run_id="one")
    again = [{**document, "licence": "proprietary", "source": "elsewhere"} for document in DOCUMENTS]
    await pipeline.run(pipeline.corpus(again), endpoint, run_id="two")
    row = json.loads((pipeline.dataset("two") / "dataset.jsonl").read_text().splitlines()[0])
    (found,) = provenance(pipeline.engine, row["id"])
    assert {source["licence"] for source in found["sources"]} == {row["licence"], found["licence"]}
    assert row["licence"] == "proprietary"


async def test_documents_outside_the_limits_never_reach_a_model(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    short = {"id": "short", "text": "Too short to ask about."}
    long = {"id": "long", "text": "word " * 30_000}
    found = await pipeline.run(pipeline.corpus([short, long]), offline_endpoint(script=[]), max_tokens=24_000)
    assert found.documents.reasons["rejected"] == {"filter/too_long": 1, "filter/too_short": 1}
    assert pipeline.calls() == {}


async def test_bad_records_are_counted_and_the_rest_goes_on(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    path = Path(pipeline.corpus(DOCUMENTS))
    lines = ['{"text": 7}', "{broken", '{"id": "x"}', "[]", '{"text": "a\\u0000b"}', '{"text": " "}']
    lines.append(json.dumps(DOCUMENTS[0]))
    path.write_text(path.read_text() + "\n".join(lines) + "\n")
    found = await pipeline.run(str(path), offline_endpoint(script=script()))
    assert found.documents.reasons["bad_record"] == {
        "read/duplicate_text": 1,
        "read/empty_text": 1,
        "read/invalid_json": 1,
        "read/missing_text": 1,
        "read/not_an_object": 1,
        "read/nul_character": 1,
        "read/text_not_string": 1,
    }
    assert found.documents.total == 9
    assert adds_up(found)
    assert found.pairs == 6
    ((uri, row),) = pipeline.rows(
        "SELECT source_uri, source_row FROM bad_records WHERE reason = 'invalid_json'"
    )
    assert (uri, row) == (str(path), 4)
    listed = [
        json.loads(line) for line in (pipeline.dataset() / "bad_records.jsonl").read_text().splitlines()
    ]
    assert [record["source_row"] for record in listed] == list(range(3, 10))
    assert listed[1]["reason"] == "invalid_json"


async def test_an_endpoint_that_knows_only_the_schema_breaks_nothing(pipeline: Pipeline) -> None:
    runner, url = await by_schema.start()
    try:
        documents = [{"text": f"{number} " + DOCUMENTS[number % 2]["text"]} for number in range(60)]
        found = await pipeline.run(pipeline.corpus(documents), Endpoint(url, "by-schema"), depth="full")
    finally:
        await runner.cleanup()
    assert found.documents.total == 60
    assert adds_up(found)
    assert "failed" not in found.documents.states
    assert pipeline.rows("SELECT count(*) FROM llm_calls WHERE NOT valid") == [(0,)]


async def test_progress_counts_documents_pairs_and_calls(pipeline: Pipeline, offline_endpoint: Start) -> None:
    await pipeline.run(pipeline.corpus(DOCUMENTS), offline_endpoint(script=script()))
    found = progress(pipeline.engine, "run")
    assert (found.documents_total, found.documents_done, found.pairs) == (2, 2, 6)
    assert found.calls == 2 + 6 + 6 + 6 + 1  # assess, generate, solve, blind, options
    assert progress(pipeline.engine, "no such run").documents_total is None
