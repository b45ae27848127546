"""Difficulty on a real PostgreSQL and a real HTTP server: what users get, and what they never pay twice."""

import asyncio
import gzip
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from tests.fixtures.forms import DOCUMENTS, DRAFTS, script
from tests.fixtures.pipeline import Pipeline
from webscale_rl.difficulty import run as steps
from webscale_rl.difficulty.attempts import solver_name
from webscale_rl.difficulty.rollouts import Imported, import_rollouts
from webscale_rl.difficulty.solvers import distinct, probe_solvers
from webscale_rl.difficulty.statistics import histogram, mixed_share
from webscale_rl.difficulty.summary import Summary, summarise
from webscale_rl.difficulty.worker import MeasureSettings, measure_shard
from webscale_rl.difficulty_form import DIFFICULTY_FORM
from webscale_rl.errors import ConfigurationError, ShardFailed, Stopping
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.rewards.prompt import PROMPT_VERSION
from webscale_rl.store import measurements, runs
from webscale_rl.store.engine import libpq_url

Start = Callable[..., Endpoint]

DEFAULTS = {name: field["default"] for name, field in DIFFICULTY_FORM.items()}
MOST = 1024  # shards of a run
FORMS = sorted(DRAFTS)  # one accepted pair of each
CONDITIONS = {"choice": 2, "compute": 2, "derive": 2}  # the other forms meet one
WHOLE, ALL = len(FORMS), sum(CONDITIONS.get(form, 1) for form in FORMS)
RECALL, COMPUTE, CHOICE = (DRAFTS[form]["question"][:50] for form in ("recall", "compute", "choice"))


def says(contains: str | list[str], answer: str, **other: Any) -> dict[str, Any]:
    """Return an entry of a script: what a solver writes."""
    marks = [contains] if isinstance(contains, str) else contains
    return {"contains": [*marks, "Think it through first"], "answer": answer, **other}


class Measuring:
    """What a run of the DAG does, without Airflow."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.engine = pipeline.engine

    async def run(
        self,
        *solvers: Endpoint,
        run_id: str = "measured",
        stop: asyncio.Event | None = None,
        budget: Any = None,
        **decided: Any,
    ) -> Summary:
        params = {**DEFAULTS, "converted_run": "run", **decided}
        endpoints = {f"solver_{number}": solver for number, solver in enumerate(solvers)}
        config = steps.config_of(endpoints, params)
        own = measurements.measuring(run_id)
        runs.open_run(self.engine, own, config, params)
        shard_ids = steps.assign(self.engine, own, params["converted_run"], MOST)
        sources = measurements.sources(self.engine, params["converted_run"])
        settings = MeasureSettings(
            libpq_url(self.pipeline.url), endpoints, config, sources, params["attempts"], budget=budget
        )
        self.shards = []
        for shard_id in shard_ids:
            self.shards.append(
                await measure_shard(shard_id, own, settings, owner="test", stop=stop or asyncio.Event())
            )
        found = summarise(
            self.engine,
            own,
            sources,
            solvers=list(config.solvers),
            temperature=config.temperature,
            group=params["group_size"],
        )
        self.shortfall = steps.shortfall(self.engine, own, found, len(config.solvers))
        return found

    def calls(self) -> int:
        """Return how many attempts were paid for."""
        rows = self.pipeline.rows("SELECT count(*) FROM llm_calls WHERE starts_with(stage, 'attempt_')")
        return int(rows[0][0])

    def table(self) -> list[tuple[Any, ...]]:
        rows = self.pipeline.rows(
            "SELECT q.task_form, a.solver, a.condition, a.batch, a.attempts, a.successes, a.unsure, a.unanswered "
            "FROM solver_attempts a JOIN questions q USING (pair_id) ORDER BY 1, 2, 3, 4"
        )
        return [tuple(row) for row in rows]

    def tally(self, form: str, condition: str = "question") -> tuple[int, int]:
        """Return attempts and successes."""
        ((attempts, successes),) = [
            (row[4], row[5]) for row in self.table() if (row[0], row[2]) == (form, condition)
        ]
        return attempts, successes

    def marks(self) -> list[tuple[str, str]]:
        rows = self.pipeline.rows(
            "SELECT q.task_form, m.mark FROM pair_marks m JOIN questions q USING (pair_id) ORDER BY 1, 2"
        )
        return [tuple(row) for row in rows]

    def pair(self, form: str) -> str:
        ((pair_id,),) = self.pipeline.rows(
            f"SELECT pair_id FROM questions WHERE task_form = '{form}' AND state = 'accepted'"
        )
        return str(pair_id)


@pytest.fixture
async def measuring(pipeline: Pipeline, offline_endpoint: Start) -> Measuring:
    """Six accepted pairs, one of each task form, of a run named "run"."""
    await pipeline.run(pipeline.corpus(DOCUMENTS), offline_endpoint(script=script()))
    return Measuring(pipeline)


async def test_attempts_become_pass_rates_in_the_data_set(
    measuring: Measuring, offline_endpoint: Start
) -> None:
    """A user would otherwise choose pairs by numbers that no solver has earned."""
    answers = [
        says([RECALL], "It was \\boxed{1937}.", times=3),
        says([RECALL], "I think of \\boxed{1938}"),
        says([COMPUTE, "128"], "\\boxed{88 million cubic metres}"),
    ]
    found = await measuring.run(offline_endpoint(script=answers), attempts=4)
    assert measuring.tally("recall") == (4, 3)
    assert measuring.tally("compute") == (4, 0), "2003 and no figure is in the question"
    assert measuring.calls() == 4 * ALL
    assert measuring.shortfall == ""
    assert (found.pairs, found.missing, found.whole.pairs, found.whole.attempts) == (
        WHOLE,
        0,
        WHOLE,
        4 * WHOLE,
    )
    assert found.whole.pass_rates[7] == 1
    rows = {
        row["task_form"]: row
        for row in pq.read_table(measuring.pipeline.dataset() / "dataset.parquet").to_pylist()
    }
    assert (rows["recall"]["pass_rate"], rows["recall"]["solver_attempts"]) == (0.75, 4)
    assert rows["recall"]["marks"] == []
    first, second = (measuring.pipeline.dataset() / "dataset.jsonl" for _ in range(2))
    assert first.read_bytes() == second.read_bytes()


async def test_the_solver_sees_the_prompt_of_the_exports_and_nothing_else(
    measuring: Measuring, offline_endpoint: Start
) -> None:
    await measuring.run(offline_endpoint(), attempts=1)
    rows = measuring.pipeline.rows(
        "SELECT stage, prompt_version, sampling, valid, prompt_tokens FROM llm_calls "
        "WHERE starts_with(stage, 'attempt_') ORDER BY stage"
    )
    assert {row.stage for row in rows} == {
        "attempt_question",
        "attempt_options_only",
        "attempt_without_givens",
    }
    assert {row.prompt_version for row in rows if row.stage == "attempt_question"} == {PROMPT_VERSION}
    assert all(row.sampling == {"temperature": 1.0, "max_tokens": 4096} and row.valid for row in rows)
    assert all(row.prompt_tokens < 250 for row in rows), "no system message, no document"


async def test_a_rerun_asks_nothing_and_more_attempts_ask_only_the_rest(
    measuring: Measuring, offline_endpoint: Start
) -> None:
    """A user would pay again for what the ledger holds."""
    endpoint = offline_endpoint()
    await measuring.run(endpoint, attempts=4)
    assert measuring.calls() == 4 * ALL
    before = measuring.table()
    await measuring.run(endpoint, attempts=4, run_id="again")
    assert measuring.calls() == 4 * ALL
    assert measuring.table() == before
    await measuring.run(endpoint, attempts=6, run_id="more")
    assert measuring.calls() == 6 * ALL
    assert {row[4] for row in measuring.table()} == {6}
    await measuring.run(endpoint, attempts=2, run_id="fewer")
    assert measuring.calls() == 6 * ALL
    assert {row[4] for row in measuring.table()} == {6}, "what was paid for counts"


async def test_lost_tables_come_back_from_the_ledger_alone(
    measuring: Measuring, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint()
    await measuring.run(endpoint, attempts=2)
    before = measuring.table()
    with measuring.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM solver_attempts")
    await measuring.run(endpoint, attempts=2, run_id="again")
    assert measuring.table() == before
    assert measuring.calls() == 2 * ALL


async def test_one_that_is_stopped_in_the_middle_goes_on(
    measuring: Measuring, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint("--slots", "1", "--service-time", "0.1")
    stop = asyncio.Event()

    async def soon() -> None:
        while measuring.calls() < 5:
            await asyncio.sleep(0.02)
        stop.set()

    stopping = asyncio.create_task(soon())
    with pytest.raises(Stopping):
        await measuring.run(endpoint, attempts=4, stop=stop)
    await stopping
    paid = measuring.calls()
    assert 5 <= paid < 4 * ALL
    await measuring.run(endpoint, attempts=4)
    assert measuring.calls() == 4 * ALL, "what was answered before the stop is used"
    rows = measuring.pipeline.rows("SELECT max(attempt) FROM llm_calls WHERE starts_with(stage, 'attempt_')")
    assert rows == [(1,)]


async def test_a_killed_worker_costs_no_paid_attempt(measuring: Measuring, offline_endpoint: Start) -> None:
    """SIGKILL in a process of its own, as when a machine dies."""
    endpoint = offline_endpoint("--slots", "1", "--service-time", "0.1")
    params = {**DEFAULTS, "converted_run": "run", "attempts": 4}
    config = steps.config_of({"solver": endpoint}, params)
    own = measurements.measuring("measured")
    runs.open_run(measuring.engine, own, config, params)
    (shard,) = steps.assign(measuring.engine, own, "run", MOST)
    sources = measurements.sources(measuring.engine, "run")
    code = f"""
import asyncio
from webscale_rl.difficulty.config import DifficultyConfig
from webscale_rl.difficulty.worker import MeasureSettings, measure_shard
from webscale_rl.llm.endpoint import Endpoint
endpoint = Endpoint({endpoint.base_url!r}, {endpoint.model!r}, {endpoint.revision!r})
config = DifficultyConfig.model_validate_json({config.model_dump_json()!r})
settings = MeasureSettings({libpq_url(measuring.pipeline.url)!r}, {{"solver": endpoint}}, config, {sources!r}, 4,
                           max_in_flight=1)
asyncio.run(measure_shard({shard!r}, {own!r}, settings, owner="killed", stop=asyncio.Event()))
"""
    environment = {"WEBSCALE_RL_KILL_AT": "after_flush:2", "PYTHONPATH": ":".join(sys.path)}
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], env=environment, check=False
    )
    assert ended.returncode == -9
    paid = measuring.calls()
    assert 0 < paid < 4 * ALL
    with measuring.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE conversions SET lease_until = now()")
    await measuring.run(endpoint, attempts=4)
    assert measuring.calls() == 4 * ALL
    assert {row[4] for row in measuring.table()} == {4}


async def test_several_solvers_are_counted_apart(measuring: Measuring, offline_endpoint: Start) -> None:
    strong = offline_endpoint(script=[says(RECALL, "\\boxed{1937}")])
    weak = Endpoint(offline_endpoint().base_url, strong.model, "weak")
    found = await measuring.run(strong, weak, attempts=2)
    assert measuring.calls() == 4 * ALL
    rows = {row[1]: row[4:6] for row in measuring.table() if row[0] == "recall"}
    assert rows == {solver_name(strong): (2, 2), solver_name(weak): (2, 0)}
    assert len(found.solvers) == 2
    assert found.whole.pass_rates[5] == 1, "pooled: two of four"
    assert found.missing == 0
    with pytest.raises(ConfigurationError, match="both name the solver"):
        distinct({"webscale_solver": weak, "webscale_solver_2": weak})


async def test_marks_follow_the_attempts_and_go_with_them(
    measuring: Measuring, offline_endpoint: Start
) -> None:
    """A mark that stays after its reason has gone would leave a good pair out of every release."""
    answers = [
        says("The question is not shown", "\\boxed{Collatz conjecture}"),
        says("Parts of this question are missing", "\\boxed{unknown}"),
        says(CHOICE, "\\boxed{Collatz conjecture}"),
        says("Is it closed to boats?", "\\boxed{yes}"),
        says(RECALL, "\\boxed{1938}"),
    ]
    endpoint = offline_endpoint(script=answers)
    await measuring.run(endpoint, attempts=8)
    assert measuring.marks() == [("choice", "guessable_options"), ("recall", "suspect_label")]
    ((detail, found_by),) = measuring.pipeline.rows(
        "SELECT detail, found_by FROM pair_marks WHERE mark = 'suspect_label'"
    )
    assert "'1938'" in detail
    assert found_by == solver_name(endpoint)
    rows = [
        json.loads(line) for line in (measuring.pipeline.dataset() / "dataset.jsonl").read_text().splitlines()
    ]
    assert {row["task_form"]: row["marks"] for row in rows if row["marks"]} == {
        "choice": ["guessable_options"],
        "recall": ["suspect_label"],
    }
    with measuring.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE llm_calls SET response = '\\boxed{1937}' WHERE response = '\\boxed{1938}' AND call_key = "
            "(SELECT min(call_key) FROM llm_calls WHERE response = '\\boxed{1938}')"
        )
    await measuring.run(endpoint, attempts=8, run_id="again")
    assert measuring.marks() == [("choice", "guessable_options")]
    assert measuring.tally("recall") == (8, 1)


async def test_a_mark_stays_until_its_own_condition_is_measured_again(
    measuring: Measuring, offline_endpoint: Start
) -> None:
    """A cheap rerun of the questions alone would otherwise let guessable pairs back into a release."""
    answers = [
        says("The question is not shown", "\\boxed{Collatz conjecture}"),
        says(["Parts of this question are missing", "Is it closed to boats?"], "\\boxed{unknown}"),
        says("Parts of this question are missing", "\\boxed{88 million cubic metres}"),
        says("Is it closed to boats?", "\\boxed{yes}"),
        says(RECALL, "\\boxed{1938}"),
    ]
    endpoint = offline_endpoint(script=answers)
    await measuring.run(endpoint, attempts=8)
    guessable = [("choice", "guessable_options"), ("compute", "guessable_without_givens")]
    assert measuring.marks() == [*guessable, ("recall", "suspect_label")]

    def say(response: str, instead_of: str) -> None:
        with measuring.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE llm_calls SET response = %s WHERE response = %s", (response, instead_of)
            )

    say("\\boxed{1937}", instead_of="\\boxed{1938}")
    say("\\boxed{Collatz lemma}", instead_of="\\boxed{Collatz conjecture}")
    alone = {"options_only": False, "without_givens": False}
    await measuring.run(endpoint, attempts=8, run_id="questions alone", **alone)
    assert measuring.marks() == guessable, "what proves them stands in the table"
    assert measuring.tally("choice", "options_only") == (8, 8)
    await measuring.run(endpoint, attempts=8, run_id="options, too", without_givens=False)
    assert measuring.marks() == guessable[1:]


async def test_rules_mark_what_they_see_without_any_solver(measuring: Measuring) -> None:
    with measuring.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE questions SET question = 'In which year, was it 1937, did he?' WHERE task_form = 'recall'"
        )
    runs.open_run(measuring.engine, "difficulty:m", steps.config_of({}, DEFAULTS), {})
    steps.assign(measuring.engine, "difficulty:m", None, MOST)
    assert measuring.marks() == [("recall", "answer_in_question")]
    with measuring.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE questions SET question = 'In which year?' WHERE task_form = 'recall'"
        )
    steps.assign(measuring.engine, "difficulty:m", None, MOST)
    assert measuring.marks() == []


async def test_a_run_over_too_many_shards_ends_before_any_work_is_done(measuring: Measuring) -> None:
    """Marking more than a thousand shards by rules takes long, and the user learns only then to choose a run."""
    with measuring.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE questions SET question = 'Was it 1937?' WHERE task_form = 'recall'"
        )
    runs.open_run(measuring.engine, "difficulty:m", steps.config_of({}, DEFAULTS), {})
    with pytest.raises(ConfigurationError, match=r"lie in 1 shards, more than .* measure one run"):
        steps.assign(measuring.engine, "difficulty:m", None, 0)
    assert measuring.marks() == []
    assert measuring.pipeline.rows("SELECT * FROM run_shards WHERE run_id = 'difficulty:m'") == []


async def test_pairs_accepted_long_ago_are_measured_without_their_documents(
    measuring: Measuring, offline_endpoint: Start
) -> None:
    """The shard files may be in an archive; the questions are in the database."""
    for file in (measuring.pipeline.folder / "store").rglob("*.parquet"):
        file.unlink()
    found = await measuring.run(offline_endpoint(), attempts=1, converted_run=None)
    assert (found.pairs, found.whole.pairs) == (WHOLE, WHOLE)
    with pytest.raises(ConfigurationError, match="no run 'unknown'"):
        await measuring.run(offline_endpoint(), converted_run="unknown")


async def test_a_response_that_is_cut_off_counts_and_is_not_asked_again(
    measuring: Measuring, offline_endpoint: Start
) -> None:
    cut = says(RECALL, "\\boxed{1937} or so, let me think", finish_reason="length")
    endpoint = offline_endpoint(script=[cut])
    for number in range(2):
        await measuring.run(endpoint, attempts=2, run_id=str(number))
        ((attempts, successes, unsure, unanswered),) = [
            row[4:] for row in measuring.table() if row[0] == "recall"
        ]
        assert (attempts, successes, unsure, unanswered) == (2, 0, 0, 2)
        assert measuring.calls() == 2 * ALL


async def test_a_pair_that_the_solver_cannot_serve_is_left_for_the_next_run(
    measuring: Measuring, offline_endpoint: Start
) -> None:
    refused = says(RECALL, "too long", status=400, times=2)
    endpoint = offline_endpoint(script=[refused])
    found = await measuring.run(endpoint, attempts=2)
    assert measuring.shards[0]["failed"] == 1
    assert found.missing == 1
    assert measuring.pipeline.rows(
        "SELECT state FROM conversions WHERE config_hash <> (SELECT config_hash FROM runs WHERE id = 'run')"
    ) == [("open",)]
    found = await measuring.run(endpoint, attempts=2, run_id="again")
    assert (found.missing, measuring.shortfall) == (0, "")


async def test_a_solver_that_is_gone_fails_the_shard(
    measuring: Measuring, offline_endpoint: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webscale_rl.llm.endpoint.FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr("webscale_rl.llm.breaker.SECONDS", 0.1)
    with pytest.raises(ShardFailed):
        await measuring.run(Endpoint("http://127.0.0.1:9/v1", "gone"), attempts=1)


async def test_solvers_are_probed_in_free_text(offline_endpoint: Start) -> None:
    """One that knows no schemas is good enough; one without the model, or without room, is not."""
    endpoint = offline_endpoint("--ignore-schema")
    await probe_solvers({"s": endpoint}, 4096)
    with pytest.raises(ConfigurationError, match="does not exist"):
        await probe_solvers({"s": Endpoint(endpoint.base_url, "other")}, 4096)
    with pytest.raises(ConfigurationError, match="lower 'Tokens of a response' to at most 30,768"):
        await probe_solvers({"s": endpoint}, 32_000)


# Rollouts


def rollouts(measuring: Measuring, name: str, lines: list[Any]) -> Path:
    path: Path = measuring.pipeline.folder / name
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines).encode()
    packed = {".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix, bytes)
    path.write_bytes(packed(text))
    return path


def load(measuring: Measuring, path: Path, **other: Any) -> Imported:
    return import_rollouts(measuring.engine, str(path), solver="policy", **other)


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "r.jsonl.zst"])
async def test_rollouts_become_attempts_once_however_often_they_are_imported(
    measuring: Measuring, name: str
) -> None:
    recall, choice = measuring.pair("recall"), measuring.pair("choice")
    lines = [
        {"id": recall, "response": "\\boxed{1937}", "reward": 1.0},
        {"id": recall, "response": "\\boxed{1938}", "reward": 1.0},
        {"id": recall, "response": "no idea", "reward": 0},
        {"id": choice, "reward": 0.5, "model": "other", "temperature": 0.5},
    ]
    path = rollouts(measuring, name, lines)
    found = load(measuring, path)
    assert (found.rollouts, found.pairs, found.successes, found.bad_lines) == (4, 2, 2, 0)
    assert (found.compared, found.only_theirs, found.only_ours) == (3, 1, 0), "our rules are the measure"
    before = measuring.table()
    assert [row[:3] + row[4:] for row in before] == [
        ("choice", "other", "question", 1, 1, 0, 0),
        ("recall", "policy", "question", 3, 1, 0, 1),
    ]
    assert load(measuring, path) == found
    assert measuring.table() == before
    rows = {
        row["task_form"]: row
        for row in pq.read_table(measuring.pipeline.dataset() / "dataset.parquet").to_pylist()
    }
    assert rows["recall"]["pass_rate"] == pytest.approx(1 / 3)


async def test_bad_lines_are_reported_and_lose_nothing_else(
    measuring: Measuring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webscale_rl.corpus.records.MAX_RECORD_BYTES", 2**20)
    good = {"id": measuring.pair("recall"), "response": "\\boxed{1937}"}
    bad = [
        "not JSON\n",
        "[1, 2]\n",
        json.dumps({"id": "x", "response": "y" * 3 * 2**20}) + "\n",
        {"id": "0" * 32, "response": "x"},
        {"response": "x"},
        {"id": 5, "response": "x"},
        {"id": good["id"], "response": ["x"]},
        {"id": good["id"], "reward": "1"},
        {"id": good["id"], "reward": True},
        {"id": good["id"]},
        {"id": good["id"], "response": "x", "temperature": -1},
        {"id": "a\x00b", "response": "x"},
    ]
    lines = [
        good,
        *(line for each in bad for line in (each, good)),
        *[{"id": f"{n}", "reward": 1} for n in range(30)],
    ]
    found = load(measuring, rollouts(measuring, "r.jsonl", lines))
    assert found.rollouts == found.successes == 1 + len(bad)
    assert found.bad_lines == len(bad) + 30
    assert [line.line for line in found.first_bad_lines[: len(bad)]] == [2 * n + 2 for n in range(len(bad))]
    assert len(found.first_bad_lines) == 20
    assert found.bad_reasons == {
        "invalid_json": 1,
        "not_an_object": 1,
        "record_too_large": 1,
        "unknown_id": 31,
        "wrong_type": 7,
        "nothing_to_score": 1,
    }
    assert measuring.tally("recall") == (13, 13)


async def test_a_file_that_breaks_off_gives_what_stands_before(measuring: Measuring) -> None:
    line = {"id": measuring.pair("recall"), "response": "\\boxed{1937}"}
    path = rollouts(measuring, "r.jsonl.gz", [{**line, "step": n} for n in range(5_000)])
    path.write_bytes(path.read_bytes()[:-2_000])
    found = load(measuring, path)
    assert 0 < found.rollouts < 5_000
    assert found.bad_reasons == {"corrupt_file": 1}


async def test_rollouts_quarantine_a_suspect_label(measuring: Measuring) -> None:
    recall, compute = measuring.pair("recall"), measuring.pair("compute")
    lines = [{"id": recall, "response": "\\boxed{1938}", "solver": "strong"}] * 8
    lines += [
        {"id": compute, "response": f"\\boxed{{{n} million cubic metres}}", "solver": "strong"}
        for n in range(8)
    ]
    path = rollouts(measuring, "r.jsonl", lines)
    found = load(measuring, path)
    assert measuring.marks() == [("recall", "suspect_label")], "the other is merely hard"
    assert found.marks == {"suspect_label": 1}
    ((detail, found_by),) = measuring.pipeline.rows("SELECT detail, found_by FROM pair_marks")
    assert found_by == found.batch
    assert detail.startswith("strong: never the reference; 8 of 8 attempts say '1938'")
    load(measuring, path, suspect_attempts=9)
    assert measuring.marks() == []
    summary = summarise(
        measuring.engine,
        "difficulty:none",
        [],
        solvers=[],
        temperature=1.0,
        group=8,
        imported={"batch": found.batch},
    )
    assert (summary.pairs, summary.missing, summary.whole.attempts) == (2, 0, 16)


async def test_an_import_does_not_keep_the_questions_in_memory(measuring: Measuring) -> None:
    """Rollouts of a long training meet every pair: with all questions in memory the task would be killed."""
    copied = 4_000
    with measuring.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO questions SELECT c.* FROM questions q, generate_series(1, %s) n, "
            "jsonb_populate_record(q, jsonb_build_object('id', 'copy ' || n, 'pair_id', 'pair ' || n, "
            "'question', repeat('Which year? ', 150))) c WHERE q.task_form = 'recall' AND q.state = 'accepted'",
            (copied,),
        )
    lines = [{"id": f"pair {n}", "reward": n % 2} for n in range(1, copied + 1)]
    path = rollouts(measuring, "r.jsonl", lines)
    load(measuring, rollouts(measuring, "first.jsonl", lines[:10]))  # what is imported and compiled once
    tracemalloc.start()
    try:
        found = load(measuring, path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.rollouts, found.pairs, found.successes) == (copied, copied, copied // 2)
    assert most / copied < 2_000, f"{most / copied:.0f} bytes a pair"


async def test_a_summary_needs_no_more_memory_for_more_pairs(measuring: Measuring) -> None:
    pairs, solvers = 20_000, 2
    with measuring.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO solver_attempts (pair_id, solver, prompt_version, temperature, condition, batch, attempts, "
            "successes, unsure, unanswered) SELECT 'pair ' || n, 'solver ' || s, %s, 1, 'question', 'b', 8, "
            "(n + s) %% 9, (n %% 3 = 0)::int, (n %% 2)::int "
            "FROM generate_series(1, %s) n, generate_series(1, %s) s",
            (PROMPT_VERSION, pairs, solvers),
        )
        connection.exec_driver_sql("ANALYZE solver_attempts")

    def summary() -> Summary:
        return summarise(
            measuring.engine,
            "difficulty:none",
            [],
            solvers=[],
            temperature=1.0,
            group=4,
            imported={"batch": "b"},
        )

    summary()  # what is imported and compiled once
    tracemalloc.start()
    try:
        found = summary()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 500_000
    tallies = [[(n + s) % 9 for s in (1, 2)] for n in range(1, pairs + 1)]
    assert (found.pairs, found.whole.pairs, found.whole.attempts) == (pairs, pairs, 16 * pairs)
    assert found.whole.successes == sum(map(sum, tallies))
    assert found.whole.unsure == solvers * (pairs // 3)
    assert found.whole.unanswered == solvers * (pairs // 2)
    assert found.whole.pass_rates == histogram(sum(each) / 16 for each in tallies)
    assert found.whole.learnable == round(sum(5 <= sum(each) <= 11 for each in tallies) / pairs, 4)
    mixed = [mixed_share(one, 8, 4) for each in tallies for one in each]
    assert found.whole.mixed_groups == pytest.approx(sum(mixed) / len(mixed), abs=1e-4)
    assert list(found.solvers) == [f"solver {s}, temperature 1, rollouts b" for s in (1, 2)]
    first = found.solvers["solver 1, temperature 1, rollouts b"]
    assert (first.pairs, first.attempts) == (pairs, 8 * pairs)
    assert first.pass_rates == histogram(each[0] / 8 for each in tallies)


async def test_the_command_imports_into_a_named_database(measuring: Measuring) -> None:
    line = {"id": measuring.pair("recall"), "response": "\\boxed{1937}"}
    path = rollouts(measuring, "r.jsonl", [line, "{\n"])
    command = [sys.executable, "-m", "webscale_rl.difficulty.rollouts", "--solver", "policy"]
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments, "--database", measuring.pipeline.url],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )

    done = await asyncio.to_thread(run, str(path))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["rollouts"], said["bad_lines"], said["first_bad_lines"][0]["line"]) == (1, 1, 2)
    missing = await asyncio.to_thread(run, str(path) + ".gone.jsonl")
    assert missing.returncode == 2
    assert "does not exist" in missing.stderr


async def test_the_summary_is_written_whole(measuring: Measuring, offline_endpoint: Start) -> None:
    found = await measuring.run(offline_endpoint(script=[says(RECALL, "\\boxed{1937}", times=4)]), attempts=8)
    folder = measuring.pipeline.folder / "difficulty"
    steps.write(found, str(folder))
    read = json.loads((folder / "difficulty.json").read_text())
    assert [path.name for path in folder.iterdir()] == ["difficulty.json"]
    assert read == found.as_dict()
    assert read["whole"]["learnable"] == pytest.approx(1 / WHOLE, abs=1e-4)
    assert sum(read["whole"]["pass_rates"]) == WHOLE
    assert read["whole"]["mixed_groups"] == pytest.approx(1 / WHOLE, abs=1e-4), (
        "four of eight in groups of eight"
    )
