"""The check in full: what only a solver without the document, another order or another family can find."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.forms import DOCUMENTS, DRAFTS, script
from tests.fixtures.pipeline import Pipeline
from webscale_rl.llm.endpoint import Endpoint

Start = Callable[..., Endpoint]

DERIVE, CHOICE = DRAFTS["derive"]["question"][:60], DRAFTS["choice"]["question"][:60]
RIGHT = "Collatz conjecture"


def says(stage: str, answer: str, *contains: str, **other: Any) -> dict[str, Any]:
    fields = {"solve": {"sufficient": True}, "closed": {"sufficient": True, "missing": ""}}.get(stage, {})
    return {
        "stage": stage,
        "contains": contains,
        "answer": {"analysis": "So I say.", **fields, "answer": answer, **other},
    }


def judges(pipeline: Pipeline, form: str) -> list[tuple[str, str]]:
    rows = pipeline.rows(
        "SELECT v.judge, v.outcome FROM verdicts v JOIN questions q ON q.id = v.question_id "
        f"WHERE q.task_form = '{form}' ORDER BY v.position"
    )
    return [(judge, outcome) for judge, outcome in rows]


async def test_premises_are_tried_without_the_document(pipeline: Pipeline, offline_endpoint: Start) -> None:
    await pipeline.run(pipeline.corpus(DOCUMENTS), offline_endpoint(script=script()), depth="full")
    for form in ("derive", "execute"):
        assert ("closed", "answered") in judges(pipeline, form)
        assert ("closed_match", "same") in judges(pipeline, form)
    for form in ("recall", "compare", "compute", "choice"):
        assert "closed" not in dict(judges(pipeline, form)), "its premises do not stand in the question"


async def test_a_question_that_lacks_a_premise_is_rejected_or_mended(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    lacking = says("closed", "", DERIVE, sufficient=False, missing="the share at which boats are barred")
    mended = {
        "stage": "repair",
        "answer": DRAFTS["derive"] | {"abstain": True, "abstain_reason": "Not told."},
    }
    endpoint = offline_endpoint(script=[lacking, mended, *script()])
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint, depth="full")
    assert found.items.reasons["rejected"] == {"check/premises_missing": 1}
    assert found.repairs.reasons == {"declined": {"check/premises_missing": 1}}
    ((detail,),) = pipeline.rows("SELECT detail FROM questions WHERE reason = 'premises_missing'")
    assert "the share at which boats are barred" in detail, "what repair and people need to know"


async def test_another_answer_without_the_document_is_kept_as_the_rival(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    question = DRAFTS["execute"]["question"][:60]
    endpoint = offline_endpoint(script=[says("closed", "9", question), *script()])
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint, depth="full")
    assert found.items.reasons["disputed"] == {"check/closed_solver_disagrees": 1}
    ((detail,),) = pipeline.rows("SELECT detail FROM questions WHERE state = 'disputed'")
    assert detail.endswith("Rival answer: 9")


async def test_yes_and_no_are_solved_three_times(pipeline: Pipeline, offline_endpoint: Start) -> None:
    await pipeline.run(pipeline.corpus(DOCUMENTS), offline_endpoint(script=script()), depth="full")
    assert [judge for judge, _ in judges(pipeline, "derive")][:6] == [
        *("solve", "match"),
        *("solve_2", "match_2"),
        *("solve_3", "match_3"),
    ]


async def test_an_answer_that_changes_with_the_order_of_the_options_is_disputed(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    endpoint = offline_endpoint(script=[says("solve", "no", DERIVE, "A) no\nB) yes"), *script()])
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint, depth="full")
    assert found.items.reasons["disputed"] == {"check/unstable": 1}
    lean = await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint, run_id="lean")
    assert lean.pairs == 6, "a single solve cannot know"


@pytest.mark.parametrize("depth", ["lean", "full"])
async def test_a_choice_that_its_options_give_away_is_rejected(
    pipeline: Pipeline, offline_endpoint: Start, depth: Any
) -> None:
    declines = {"stage": "repair", "answer": DRAFTS["choice"] | {"abstain": True, "abstain_reason": "No."}}
    endpoint = offline_endpoint(script=[says("options", RIGHT), declines, *script()])
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint, depth=depth)
    assert found.items.reasons["rejected"] == {"check/guessable_options": 1}
    outcomes = [outcome for judge, outcome in judges(pipeline, "choice") if judge == "options"]
    assert outcomes == ["hit"] * 3, "one lucky guess is no proof"


async def test_a_guess_sees_the_options_and_nothing_of_the_question(
    pipeline: Pipeline, offline_endpoint: Start
) -> None:
    seen = {"stage": "options", "contains": [CHOICE], "answer": "the question was shown", "status": 400}
    endpoint = offline_endpoint(script=[seen, *script()])
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), endpoint)
    assert found.pairs == 6


async def test_a_lucky_guess_is_not_enough(pipeline: Pipeline, offline_endpoint: Start) -> None:
    once = says("options", RIGHT) | {"times": 1}
    found = await pipeline.run(pipeline.corpus(DOCUMENTS), offline_endpoint(script=[once, *script()]))
    assert found.pairs == 6
