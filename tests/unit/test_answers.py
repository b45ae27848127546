"""Model output is hostile: each kind of it ends as a valid answer or as a typed reason, never as a crash."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webscale_rl.errors import InvalidAnswer
from webscale_rl.llm.answers import read_answer
from webscale_rl.llm.endpoint import Completion
from webscale_rl.stages.assess import AssessAnswer
from webscale_rl.stages.check import BlindAnswer, JudgeAnswer, MatchAnswer, SolveAnswer
from webscale_rl.stages.generate import GenerateAnswer
from webscale_rl.stages.stage import StageAnswer

GOOD = {"analysis": "The text says 1910.", "sufficient": True, "answer": "1910"}


def completion(text: str, finish_reason: str = "stop", refusal: str = "") -> Completion:
    return Completion(text, finish_reason, refusal, 10, 0, 5, 3, 1)


def reason(text: str, finish_reason: str = "stop", refusal: str = "") -> str:
    with pytest.raises(InvalidAnswer) as caught:
        read_answer(SolveAnswer, completion(text, finish_reason, refusal))
    return caught.value.reason


def test_a_valid_answer_is_read() -> None:
    assert read_answer(SolveAnswer, completion(json.dumps(GOOD))).answer == "1910"


def test_surrounding_white_space_is_no_fault() -> None:
    assert read_answer(SolveAnswer, completion(f"\n  {json.dumps(GOOD)}\n")).sufficient


def test_raw_line_breaks_in_strings_are_what_grammars_let_through() -> None:
    text = json.dumps(GOOD | {"analysis": "one\ttwo\nthree\x1f"}).replace("\\t", "\t").replace("\\n", "\n")
    read = read_answer(SolveAnswer, completion(text.replace("\\u001f", "\x1f")))
    assert read.analysis == "one\ttwo\nthree\x1f"
    assert reason(text[:-3] + "\n") == "not_json"


def test_long_reasoning_is_no_reason_to_pay_again() -> None:
    text = json.dumps(GOOD | {"analysis": "because " * 1000})
    assert read_answer(SolveAnswer, completion(text)).answer == "1910"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("I think the answer is 1910.", "not_json"),
        (f"Sure! {json.dumps(GOOD)}", "not_json"),
        (f"```json\n{json.dumps(GOOD)}\n```", "not_json"),
        (f"<think>hm</think>{json.dumps(GOOD)}", "not_json"),
        (json.dumps(GOOD)[:-4], "not_json"),
        (json.dumps(GOOD) * 2, "not_json"),
        (json.dumps(GOOD).replace('"', "'"), "not_json"),
        ("[" * 5_000, "not_json"),
        ('{"a":' * 5_000, "not_json"),
        (json.dumps(GOOD).replace("1910", "\\ud800"), "not_json"),
        ("null", "wrong_schema"),
        ("[]", "wrong_schema"),
        ("{}", "wrong_schema"),
        (json.dumps([GOOD]), "wrong_schema"),
        (json.dumps(GOOD | {"extra": 1}), "wrong_schema"),
        (json.dumps(GOOD | {"sufficient": "true"}), "wrong_schema"),
        (json.dumps(GOOD | {"sufficient": 1}), "wrong_schema"),
        (json.dumps(GOOD | {"answer": None}), "wrong_schema"),
        (json.dumps(GOOD | {"answer": "x" * 301}), "wrong_schema"),
        (json.dumps(GOOD | {"answer": "a\u0000b"}), "wrong_schema"),
        (json.dumps(GOOD).replace("1910", "19\x0010"), "wrong_schema"),
        ("NaN", "wrong_schema"),
    ],
)
def test_unusable_answers_are_named(text: str, expected: str) -> None:
    assert reason(text) == expected


def test_a_truncated_answer_is_not_repaired_even_if_it_parses() -> None:
    assert reason(json.dumps(GOOD), finish_reason="length") == "truncated"


def test_a_refusal_is_named() -> None:
    assert reason("", refusal="I cannot help with that.") == "refused"
    assert reason("", finish_reason="content_filter") == "refused"


def test_details_stay_short_and_hold_no_traceback() -> None:
    with pytest.raises(InvalidAnswer) as caught:
        read_answer(SolveAnswer, completion(json.dumps(GOOD | {"x" * 100_000: 1})))
    assert len(caught.value.detail) < 400
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "schema", [AssessAnswer, GenerateAnswer, SolveAnswer, MatchAnswer, BlindAnswer, JudgeAnswer]
)
@given(text=st.text() | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(json.dumps))
def test_no_text_crashes_the_reader(schema: type[StageAnswer], text: str) -> None:
    with pytest.raises(InvalidAnswer):
        read_answer(schema, completion(text))
