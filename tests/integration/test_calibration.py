"""The figures of a calibration must be those of the endpoint: of one that is right, and of one that says yes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from webscale_rl.calibration.calibrate import Calibration, calibrate
from webscale_rl.calibration.items import Defect, Items, PairItem, read_items
from webscale_rl.calibration.judgements import BLIND_FLAGS, CLOSED_FLAGS, SOLVE_FLAGS, ungated
from webscale_rl.calibration.report import as_text, small_numbers
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.llm.fence import fence
from webscale_rl.records import Question
from webscale_rl.stages.conditions import conditions
from webscale_rl.stages.gate import gate
from webscale_rl.store.calibrations import keep_calibration
from webscale_rl.store.engine import REPOSITORY, open_engine

Start = Callable[..., Endpoint]
Entry = dict[str, Any]

ALL, _ = read_items()
GOOD = {pair.id: pair for pair in ALL.pairs if pair.defect is Defect.NONE}
BY_QUESTION = {pair.question: pair for pair in GOOD.values()}
JUDGED = {
    Defect.LEAK: {"answer_revealed": True},
    Defect.SECOND_ANSWER: {"rival_answer": "the other one"},
    **{fault: {"supported": False} for fault in SOLVE_FLAGS},
}
SOUND = {"analysis": "-", "supported": True, "rival_answer": "", "answer_revealed": False}
ABSTAINS = {
    "abstain": True,
    "abstain_reason": "It is not there.",
    "question": "",
    "answer": "",
    "evidence": [],
}


def asked(pair: PairItem) -> Question:
    found = gate(pair.draft, pair.plan_item, pair.domain, pair.text)
    return found if isinstance(found, Question) else ungated(pair)


def entry(stage: str, answer: Entry, /, **fields: str) -> Entry:
    """Return an entry for requests that hold these fields exactly."""
    return {
        "stage": stage,
        "contains": [fence(name, value) for name, value in fields.items()],
        "answer": answer,
    }


def perfect() -> list[Entry]:
    """Return what a model answers that is never wrong."""
    script = []
    for pair in ALL.pairs:
        question = asked(pair)
        right = BY_QUESTION.get(pair.question)
        solved = right if pair.fault in SOLVE_FLAGS else pair
        ways = (question.text, *(other for other, _ in conditions(question)))
        script.extend(entry("solve", solution(solved), question=way) for way in ways)
        closed = right if pair.fault in CLOSED_FLAGS else pair
        script.append(entry("closed", {"missing": ""} | solution(closed), question=question.text))
        judged = SOUND | JUDGED.get(pair.fault, {})
        script.append(entry("judge", judged, question=question.text, answer=pair.answer))
        clear = pair.fault not in BLIND_FLAGS
        blind = {"analysis": "-", "missing": "", "self_contained": clear, "ambiguous": False}
        script.append(entry("blind", blind, question=question.text))
    for document in ALL.documents:
        plan = [{"persona": "A reader", "task_form": "recall", "target": "a fact"}]
        said: Entry = {"analysis": "-", "flags": [], "decision": "suitable", "domain": "Other", "plan": plan}
        if document.decision == "unsuitable":
            said |= {"flags": [document.flags[0]], "decision": "unsuitable", "plan": []}
        else:
            said |= {"domain": document.domains[0]}
        script.append(entry("assess", said, document=document.text))
    for item in ALL.plans:
        draft = GOOD[item.id.removesuffix("-plan")].draft if not item.must_abstain else None
        script.append(entry("generate", _draft(draft), document=item.text, target=item.target))
    for mended in ALL.drafts:
        good = GOOD.get("-".join(mended.id.split("-")[:2]))
        draft = None
        if good and not mended.must_abstain:  # a draft of another form has a fault that the gate does not see
            draft = good.draft if good.task_form is mended.task_form else mended.draft
        script.append(entry("repair", _draft(draft), fault=mended.fault, document=mended.text))
    for answers in ALL.answers:
        for one, two in ((answers.answer_one, answers.answer_two), (answers.answer_two, answers.answer_one)):
            verdict = {"analysis": "-", "verdict": answers.label}
            fields = {"question": answers.question, "answer_one": one, "answer_two": two}
            script.append(entry("match", verdict, **fields))
    script.append(entry("options", {"analysis": "-", "answer": "none of these"}))
    return [*script, entry("match", {"analysis": "-", "verdict": "different"})]


def solution(pair: PairItem | None) -> Entry:
    return {"analysis": "-", "sufficient": pair is not None, "answer": pair.answer if pair else ""}


def _draft(written: Any) -> Entry:
    if written is None:
        written = next(iter(GOOD.values())).draft
        return dict(written.model_dump(mode="json") | ABSTAINS)
    return dict(written.model_dump(mode="json"))


def yes(items: Items) -> list[Entry]:
    """Return what a model answers that finds everything right, whatever it is shown."""
    solved = [
        entry(
            "solve", {"analysis": "-", "sufficient": True, "answer": pair.answer}, question=asked(pair).text
        )
        for pair in items.pairs
    ]
    clear = {"analysis": "-", "missing": "", "self_contained": True, "ambiguous": False}
    return [
        *solved,
        entry("options", {"analysis": "-", "answer": "none of these"}),
        entry("blind", clear),
        entry("judge", SOUND),
        entry("match", {"analysis": "-", "verdict": "same"}),
    ]


async def measured(endpoint: Endpoint, items: Items = ALL) -> Calibration:
    return await calibrate(items, [], {"generator": endpoint, "checker": endpoint})


async def test_a_perfect_model_gives_a_perfect_confusion(offline_endpoint: Start) -> None:
    found = await measured(offline_endpoint(script=perfect()))
    for stage in found.results.stages:
        if stage.stage != "options":  # no item must be guessed
            assert stage.sensitivity.share == 1.0, stage
            assert not stage.at_chance
        assert stage.false_alarms.share == 0.0, stage
        assert stage.wrong_items == ()
        assert stage.unusable == 0
    judges = {"gate", "solve", "closed", "options", "blind", "judge"}
    assert {stage.stage for stage in found.results.stages} == judges | {
        *("assess", "generate", "match", "repair")
    }
    assert {share.share for share in found.results.shares.values()} == {1.0}
    lean, full = found.results.checks
    assert lean.good_accepted.share == full.good_accepted.share == 1.0
    assert full.caught_all.share == 1.0
    assert lean.caught["leak"].share < 0.5, "only the judge with the document finds an answer given away"
    words = "\n".join(found.results.recommendations)
    assert "Stage solve does not obey injections" in words
    assert "No stage is at chance" in words
    assert found.results.usage["judge"].calls <= len(ALL.pairs)
    assert found.results.usage["judge"].prompt_tokens > 0


async def test_a_model_that_says_yes_is_at_chance_and_lets_everything_pass(offline_endpoint: Start) -> None:
    pairs = tuple(pair for pair in ALL.pairs if pair.document == "bridge" and not pair.hidden_fault)
    first = {asked(pair).text: pair for pair in reversed(pairs)}  # the script has one answer a question
    items = Items(pairs=tuple(first.values()))
    found = await measured(offline_endpoint(script=yes(items)), items)
    for stage in found.results.stages:
        assert stage.false_alarms.share in (0.0, 0.5)
        if stage.stage != "gate":
            assert stage.sensitivity.k == 0
            assert stage.at_chance
    lean = found.results.checks[0]
    assert lean.caught_all.k == 0
    assert lean.precision[2].share == pytest.approx(0.8), (
        "nothing is told apart: the share is that of the candidates"
    )
    assert "Stage judge may be at chance" in "\n".join(found.results.recommendations)


async def test_answers_that_cannot_be_used_are_in_no_share(offline_endpoint: Start) -> None:
    items = Items(pairs=tuple(pair for pair in ALL.pairs if pair.document == "organ"))
    endpoint = offline_endpoint(script=[{"stage": "blind", "answer": "no JSON"}])
    found = await measured(endpoint, items)
    (blind,) = [stage for stage in found.results.stages if stage.stage == "blind"]
    assert blind.unusable == len(items.pairs)
    assert blind.sensitivity.n == blind.false_alarms.n == 0
    assert "no usable answer" in as_text(found)


async def test_the_same_models_prompts_and_items_are_one_row(
    offline_endpoint: Start, database: str, tmp_path: Path
) -> None:
    items = Items(pairs=tuple(pair for pair in ALL.pairs if pair.document == "trail"))
    first, second = [await measured(offline_endpoint(), items) for _ in range(2)]
    assert first.id == second.id
    engine = open_engine(database)
    for found in (first, second, await measured(offline_endpoint(), Items(pairs=items.pairs[1:]))):
        keep_calibration(engine, found)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT id, n_items, results FROM calibrations")).all()
    engine.dispose()
    assert {row.n_items for row in rows} == {len(items), len(items) - 1}
    assert len(rows) == 2
    stored = next(row.results for row in rows if row.id == first.id)
    assert stored["checks"][0]["depth"] == "lean"
    assert set(small_numbers(first)) >= {"items", "lean_good_accepted", "full_defects_caught"}


@pytest.mark.timeout(240)
def test_the_command_needs_nothing_and_says_that_it_measured_no_model(
    open_folder: Path, left_running: Callable[[Path, float], list[str]]
) -> None:
    """One bad line among a user's own items is named, and everything else is measured and stored."""
    given = open_folder / "mine.jsonl"
    given.write_text('{"kind": "answers", "id": "mine"}\n')
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("LLM_", "CHECKER_"))
    }
    work, out = open_folder / "work", open_folder / "out"
    done = subprocess.run(
        [sys.executable, "-m", "webscale_rl.local", "calibrate"],
        env=environment
        | {
            "PYTHONPATH": str(REPOSITORY / "include"),
            "WORK": str(work),
            "OUT": str(out),
            "ITEMS": str(given),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"left out: {given}, line 1, field question: Field required" in done.stdout
    assert "no language model" in " ".join(done.stdout.split())
    found = Calibration.model_validate_json((out / "calibration.json").read_text())
    assert found.n_items == len(ALL)
    assert f"stored as calibration {found.id}" in done.stdout
    assert left_running(open_folder, 20.0) == []
