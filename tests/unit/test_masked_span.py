"""Masked passages: what a question may quote, and where its options may not stand."""

import pytest

from webscale_rl.stages.masked_span import mask_fault, without_passage

DOCUMENT = (
    "The treaty failed because the smaller states feared the debts of the larger ones. The second treaty failed "
    "because the smaller states feared the armies of the larger ones, and trade came to a halt."
)
OPTIONS = ["trade", "farming", "fishing", "mining"]
ASKED = 'Which word stands for [MASK] in "{}"?'


def fault(passage: str, answer: str = "trade", options: list[str] = OPTIONS) -> str:
    return mask_fault(ASKED.format(passage), answer, options, DOCUMENT)


@pytest.mark.parametrize(
    "passage",
    [
        "feared the armies of the larger ones, and [MASK] came to a halt.",
        "and [MASK] came to a halt",
        "and  [MASK]\ncame to a halt",  # other spaces than the document's
    ],
)
def test_a_passage_of_the_document_has_no_fault(passage: str) -> None:
    assert fault(passage) == ""


@pytest.mark.parametrize(
    "passage",
    [
        "and so, after some years, [MASK] never came back.",
        "[MASK]",
        "trade came to a halt",  # the mask stands outside the quotation only
        "and [MASK] came to a halt, and [MASK] came to a halt",
    ],
)
def test_another_passage_is_named(passage: str) -> None:
    assert fault(passage)


def test_an_option_that_the_document_has_in_the_same_place_is_a_second_right_answer() -> None:
    passage = "because the smaller states feared the [MASK] of the larger ones"
    assert fault(passage, "debts", ["debts", "crimes", "roads", "ships"]) == ""
    assert "'armies'" in fault(passage, "debts", ["debts", "armies", "roads", "ships"])


def test_a_question_without_a_mask_is_not_looked_at() -> None:
    assert mask_fault("What came to a halt?", "trade", OPTIONS, "") == ""


def test_the_words_of_a_quoted_passage_are_not_those_of_the_question() -> None:
    assert "treaty" not in without_passage(ASKED.format("This treaty failed because of [MASK]"))
