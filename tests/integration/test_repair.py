"""A nearly good question is mended once, checked again in full, and both versions are kept."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.forms import BLIND_CLEAR, DOCUMENTS, DRAFTS, assessed, script
from tests.fixtures.pipeline import Pipeline
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.stages.check import BlindAnswer, JudgeAnswer
from webscale_rl.stages.gate import GateReason
from webscale_rl.stages.repair import MENDABLE
from webscale_rl.store.queries import provenance

Start = Callable[..., Endpoint]

WEAK = DRAFTS["recall"] | {
    "question": "In which year did the author describe the rule that is named after him?"
}
VAGUE = DRAFTS["recall"] | {"question": "In which year was the rule described by its inventor in a paper?"}
GOOD = DRAFTS["recall"]
SOLVES = {"stage": "solve", "answer": {"analysis": "Stated.", "sufficient": True, "answer": "1937"}}
CLEAR = {"stage": "blind", "answer": BLIND_CLEAR}
DECLINES = DRAFTS["recall"] | {
    "abstain": True,
    "abstain_reason": "The document does not tell.",
    "question": "",
    "answer": "",
    "evidence": [],
}
ONE_ITEM = {
    "stage": "assess",
    "answer": assessed("Coding", ("A historian of mathematics", "recall", "target of recall")),
}


def said(
    *, first: dict[str, Any], repaired: dict[str, Any] | str, blind: dict[str, Any] = CLEAR
) -> list[Any]:
    return [
        ONE_ITEM,
        {"stage": "generate", "answer": first},
        {"stage": "repair", "answer": repaired},
        SOLVES,
        blind,
        CLEAR,
    ]


def missing(question: dict[str, Any]) -> dict[str, Any]:
    answer = {"analysis": "Which?", "missing": "whose rule", "self_contained": False, "ambiguous": False}
    return {"stage": "blind", "contains": [question["question"]], "answer": answer}


async def test_a_question_that_the_gate_turns_down_is_mended_and_checked(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=said(first=WEAK, repaired=GOOD))
    found = await pipeline.run(pipeline.corpus(DOCUMENTS[1:]), endpoint)
    assert found.items.states == {"accepted": 1}, "a plan item is counted once"
    assert found.repairs.reasons == {"accepted": {"gate/refers_to_source": 1}}
    assert pipeline.calls() == {"assess": 1, "generate": 1, "repair": 1, "solve": 1, "blind": 1}
    (row,) = map(json.loads, (pipeline.dataset() / "dataset.jsonl").read_text().splitlines())
    assert row["question"] == GOOD["question"]
    ((parent, question, state),) = pipeline.rows(
        "SELECT id, question, state FROM questions WHERE parent_id = ''"
    )
    assert row["parent_id"] == parent
    assert (question, state) == (WEAK["question"], "repaired")
    (told,) = provenance(pipeline.engine, row["id"])
    assert told["parent_reason"] == "refers_to_source"
    assert told["parent_question"] == WEAK["question"]
    assert [call["stage"] for call in told["calls"]].count("repair") == 1
    assert "generate" in [call["stage"] for call in told["calls"]]


async def test_what_the_blind_judge_misses_reaches_the_generator(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    entries = said(first=VAGUE, repaired=GOOD, blind=missing(VAGUE))
    entries[2]["contains"] = ["Missing: whose rule", "<fault-", "needs_context\n</fault-", VAGUE["question"]]
    found = await pipeline.run(pipeline.corpus(DOCUMENTS[1:]), offline_endpoint(script=entries))
    assert found.items.states == {"accepted": 1}
    assert found.repairs.reasons == {"accepted": {"check/needs_context": 1}}


async def test_a_revision_with_the_same_fault_is_not_revised_again(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=said(first=WEAK, repaired=WEAK))
    found = await pipeline.run(pipeline.corpus(DOCUMENTS[1:]), endpoint)
    assert found.items.reasons == {"rejected": {"gate/refers_to_source": 1}}
    assert found.repairs.reasons == {"rejected": {"gate/refers_to_source": 1}}
    assert pipeline.calls()["repair"] == 1


async def test_a_question_that_cannot_be_mended_stays_as_it_was(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=said(first=WEAK, repaired=DECLINES))
    found = await pipeline.run(pipeline.corpus(DOCUMENTS[1:]), endpoint)
    assert found.items.reasons == {"rejected": {"gate/refers_to_source": 1}}
    assert found.repairs.reasons == {"declined": {"gate/refers_to_source": 1}}
    assert pipeline.rows("SELECT judge, words FROM verdicts") == [("repair", "The document does not tell.")]


async def test_a_repair_that_fails_is_driven_again_by_the_next_run(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    corpus = pipeline.corpus(DOCUMENTS[1:])
    broken = {"stage": "repair", "answer": "no JSON", "times": 2}
    endpoint = offline_endpoint(script=[broken, *said(first=WEAK, repaired=GOOD)])
    found = await pipeline.run(corpus, endpoint, run_id="first")
    assert found.items.reasons == {"failed": {"repair/not_json": 1}}
    assert found.documents.reasons == {"failed": {"repair/not_json": 1}}
    found = await pipeline.run(corpus, endpoint, run_id="second")
    assert found.items.states == {"accepted": 1}
    assert pipeline.calls() == {"assess": 1, "generate": 1, "repair": 3, "solve": 1, "blind": 1}


async def test_without_repair_nothing_is_revised(pipeline: Pipeline, offline_endpoint: Start) -> None:
    endpoint = offline_endpoint(script=said(first=WEAK, repaired=GOOD))
    found = await pipeline.run(pipeline.corpus(DOCUMENTS[1:]), endpoint, repair=False)
    assert found.items.states == {"rejected": 1}
    assert found.repairs.total == 0
    assert "repair" not in pipeline.calls()


async def test_sound_questions_cost_nothing_more(pipeline: Pipeline, offline_endpoint: Start) -> None:
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), offline_endpoint(script=script()), depth="full")
    assert found.pairs == 6
    assert "repair" not in pipeline.calls()


@pytest.mark.parametrize("reason", sorted(MENDABLE))
def test_every_fault_that_is_mended_is_one_that_occurs(reason: str) -> None:
    """A renamed reason would silently never be repaired again."""
    checks = {
        "needs_context",
        "ambiguous",
        "not_unique",
        "answer_revealed",
        "premises_missing",
        "guessable_options",
    }
    assert "ambiguous" in BlindAnswer.model_fields
    assert "answer_revealed" in JudgeAnswer.model_fields
    assert reason in {each.value for each in GateReason} | checks
