"""The gate: what would slip into the data set without a rule, and what a rule must not throw away."""

import random
from contextlib import suppress
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.forms import CODE, COLLATZ, DRAFTS, RESERVOIR
from webscale_rl.records import Domain, PlanItem, Question, Span, TaskForm
from webscale_rl.rewards import Match, match
from webscale_rl.stages.arithmetic import MAX_LENGTH, ExpressionError, evaluate
from webscale_rl.stages.figures import Figure, figures, numbers
from webscale_rl.stages.gate import FORM_RULES, GateReason, GateRejection, gate
from webscale_rl.stages.generate import GenerateAnswer
from webscale_rl.stages.text_match import Locator, _normalised, contains_words, normalised

DOCUMENTS = {form: COLLATZ if form in ("execute", "recall", "choice") else RESERVOIR for form in DRAFTS}


def gated(form: str, **changes: Any) -> Question | GateRejection:
    """Send the complete draft of a form through the gate, with some of its fields changed."""
    answer = GenerateAnswer.model_validate(DRAFTS[form] | changes)
    item = PlanItem(persona="An engineer", task_form=TaskForm(form), target="a fact")
    return gate(answer, item, Domain.OTHER, DOCUMENTS[form])


# What breaks exactly one rule, and right beside it what breaks none.
ASKED = DRAFTS["recall"]["question"]
YEAR = {"answer": "1937", "answer_type": "integer"}
THREE = {"options": ["Red", "Blue", "Green"], "answer": "Red"}
MASKED = 'Which word stands for [MASK] in "{}"?'
RESULT = {
    "answer": "conjecture",
    "options": ["conjecture", "theorem", "lemma", "paradox"],
}  # of MASKED passages of the Collatz document
PUMPS = {"answer_type": "integer", "unit": "hours", "aliases": []}
SCOPED = {"claim_scope": "source", "scope_anchor": "named after him"}
RULES: list[tuple[GateReason, str, dict[str, Any], dict[str, Any]]] = [
    (GateReason.CONTROL_CHARACTERS, "recall", {"question": ASKED + "\x07"}, {"question": ASKED + "\n\t"}),
    (GateReason.CONTROL_CHARACTERS, "recall", {"unit": "\u202e"}, {"unit": "é"}),
    (GateReason.QUESTION_LENGTH, "recall", {"question": "x" * 11}, {"question": "x" * 12}),
    (GateReason.QUESTION_LENGTH, "recall", {"question": "x" * 1201}, {"question": f"  {'x' * 1200}  "}),
    (GateReason.ANSWER_MISSING, "recall", {"answer": " \n"}, {"answer": " 1937\n"}),
    (
        GateReason.ANSWER_LENGTH,
        "derive",
        {"answer": "yes " * 21, "answer_type": "phrase"},
        {"answer": "yes " * 20, "answer_type": "phrase"},
    ),
    (GateReason.SPEC_INVALID, "recall", {**YEAR, "tolerance": float("inf")}, {"tolerance": float("inf")}),
    (GateReason.SPEC_INVALID, "recall", {**YEAR, "tolerance": 39}, {**YEAR, "tolerance": 38}),
    (GateReason.SPEC_INVALID, "recall", {"answer_type": "choice"}, {"answer_type": "phrase"}),
    (
        GateReason.SPEC_INVALID,
        "recall",
        {"answer": "unknown", "answer_type": "integer"},
        {"answer": "1937", "answer_type": "integer"},
    ),
    (
        GateReason.EVIDENCE_MISSING,
        "recall",
        {"evidence": []},
        {"evidence": ["LOTHAR  Collatz\ndescribed the rule in 1937"]},
    ),
    (
        GateReason.EVIDENCE_MISSING,
        "recall",
        {"evidence": ["1937"], "answer": "1937"},
        {"evidence": ["in 1937"], "answer": "1937"},
    ),
    (
        GateReason.EVIDENCE_NOT_IN_DOCUMENT,
        "recall",
        {"evidence": [*DRAFTS["recall"]["evidence"], "Collatz described the rule in 1938"]},
        {"evidence": [*DRAFTS["recall"]["evidence"], "The rule has only two cases"]},
    ),
    (GateReason.EVIDENCE_NOT_IN_DOCUMENT, "recall", {"evidence": [" "]}, {}),
    *(
        (
            GateReason.REFERS_TO_SOURCE,
            "recall",
            {"question": f"{words}, in which year did Collatz describe his rule?"},
            {"question": f"{other}, in which year did Collatz describe his rule?"},
        )
        for words, other in [
            ("According to the passage", "According to the Collatz archive"),
            ("As stated in the lecture", "As a lecturer in Hamburg"),
            ("In the given text", "In a given textbook of theory"),
            ("According to the study", "According to the study by Lagarias of 1985"),
            ("In Table 2", "In Table 2 of Lagarias's survey of 1985"),
            ("For the table above", "For the table of primes"),
            ("As described here", "As he described primes"),
            ("For the author", "For the author of Dune"),
            ("For this author of primes", "For the authors of Dune"),
            ("For the documents", "For the articles of confederation"),
        ]
    ),
    (
        GateReason.PERSONA_VOICE,
        "recall",
        {"question": "As a tutor, I ask in which year Lothar Collatz described his rule."},
        {"question": "As a tutor, Lothar Collatz described his rule in which year?"},
    ),
    (
        GateReason.PERSONA_VOICE,
        "recall",
        {"question": f"I'm a student. {ASKED}"},
        {"question": f"I'm. {ASKED}"},
    ),
    (GateReason.SCOPE_ANCHOR_MISSING, "recall", {**SCOPED, "scope_anchor": ""}, SCOPED),
    (GateReason.SCOPE_ANCHOR_MISSING, "recall", {**SCOPED, "scope_anchor": "named after hi"}, SCOPED),
    (
        GateReason.ANSWER_IN_QUESTION,
        "recall",
        {"question": "Which rule did Lothar Collatz describe in 1937?"},
        {"question": "Which rule did Lothar Collatz describe in 19377?"},
    ),
    (
        GateReason.ANSWER_IN_QUESTION,
        "recall",
        {"aliases": ["lothar collatz"]},
        {"aliases": ["thar collatz", " "]},
    ),
    (GateReason.ANSWER_NOT_IN_EVIDENCE, "recall", {"answer": "1938"}, {"answer": "in 1937"}),
    (
        GateReason.ANSWER_NOT_IN_EVIDENCE,
        "recall",
        {"answer": "193", "answer_type": "integer"},
        {"answer": "1,937", "answer_type": "integer"},
    ),
    (
        GateReason.ANSWER_NOT_IN_EVIDENCE,
        "recall",
        {"answer": "Germany, 1937", "answer_type": "list"},
        {"answer": "the rule and 1937", "answer_type": "list"},
    ),
    (GateReason.EXPRESSION_MISSING, "compute", {"expression": " "}, {"expression": "128-40"}),
    (GateReason.EXPRESSION_INVALID, "compute", {"expression": "capacity - 40"}, {"expression": "128 − 40"}),
    (
        GateReason.EXPRESSION_INVALID,
        "compute",
        {"expression": "88 / (40 - 40)"},
        {"expression": "(128 - 40)"},
    ),
    (
        GateReason.OPERAND_NOT_IN_EVIDENCE,
        "compute",
        {"expression": "129 - 41"},
        {"expression": "(128 - 40) * 1000 / 1000"},
    ),
    (
        GateReason.EXPRESSION_NOT_THE_ANSWER,
        "compute",
        {"expression": "128 / 40 * 1000000", "answer": "3.3 million"},
        {"expression": "128 / 40 * 1000000", "answer": "3.2 million"},
    ),
    (
        GateReason.EXPRESSION_NOT_THE_ANSWER,
        "compute",
        {"expression": "40 / 128", "answer": "30%", "answer_type": "percent"},
        {"expression": "40 / 128", "answer": "31%", "answer_type": "percent"},
    ),
    (
        GateReason.EXPRESSION_NOT_THE_ANSWER,
        "compute",
        {"expression": "128 / 3 * 10", "answer": "426", "answer_type": "integer"},
        {"expression": "128 / 3 * 10", "answer": "427", "answer_type": "integer"},
    ),
    (
        GateReason.ANSWER_IN_QUESTION,
        "derive",
        {
            "question": "If 3 pumps take 4 hours, how many hours do 4 pumps take?",
            "answer": "3",
            **PUMPS,
        },
        {
            "question": "If 3 pumps take 4 hours, how many hours do 4 pumps take?",
            "answer": "3",
            **PUMPS,
            "expression": "3 * 4 / 4",
        },
    ),
    (GateReason.EXPRESSION_NOT_THE_ANSWER, "compute", {"expression": "128 + 40"}, {"expression": "40 - 128"}),
    (
        GateReason.EXPRESSION_NOT_THE_ANSWER,
        "compute",
        {"expression": "40 / 128", "answer": "0.32"},
        {"expression": "40 / 128", "answer": "0.31"},
    ),
    (
        GateReason.EXPRESSION_NOT_THE_ANSWER,
        "compute",
        {"answer": "88.4 million", "tolerance": 0.3},
        {"answer": "88.3 million", "tolerance": 0.3},
    ),
    (
        GateReason.OPERAND_NOT_IN_EVIDENCE,
        "derive",
        {"expression": "128 / 5", "answer": "25.6", "answer_type": "decimal"},
        {"expression": "128 / 4", "answer": "32", "answer_type": "decimal"},
    ),
    (
        GateReason.TOO_FEW_FACTS,
        "compare",
        {"evidence": ["The Aldermere reservoir was completed in 1964"]},
        {"evidence": ["The Aldermere reservoir was completed in 1964 and stores 128 million cubic metres"]},
    ),
    (
        GateReason.ANSWER_NOT_IN_EVIDENCE,
        "compare",
        {"answer": "neither", "aliases": []},
        {"answer": "Aldermere"},
    ),
    (
        GateReason.OPTIONS_INVALID,
        "choice",
        {"options": ["Collatz conjecture", "Collatz theorem"]},
        {"options": ["Collatz conjecture", "Collatz theorem", "Collatz lemma"]},
    ),
    (
        GateReason.OPTIONS_INVALID,
        "choice",
        {"options": ["Collatz conjecture", "Collatz theorem", "collatz  THEOREM"]},
        {"options": ["collatz  CONJECTURE", "Collatz theorem", "Collatz theorems"]},
    ),
    (GateReason.OPTIONS_INVALID, "choice", {"answer": "Collatz axiom"}, {"answer": "collatz conjecture"}),
    (
        GateReason.OPTIONS_INVALID,
        "choice",
        {"question": "Which one did Lothar Collatz state: red, blue or green?", **THREE},
        {"question": "Which one did Lothar Collatz state: red, blue or purple?", **THREE},
    ),
    (
        GateReason.CODE_MISSING,
        "execute",
        {"question": "In Python 3, what does steps(6) return?"},
        {"question": "In Python 3, what does steps(6) return with count += 1 in its loop?"},
    ),
    (
        GateReason.CODE_MISSING,
        "execute",
        {"question": "What is printed?\n```python\nprint(steps(6))\n```"},
        {"question": f"What is printed?\n```python\n{CODE}\nprint(steps(6))\n```"},
    ),
    *(
        (
            GateReason.MASK_NOT_IN_DOCUMENT,
            "choice",
            RESULT | {"question": MASKED.format(broken)} | options,
            RESULT | {"question": MASKED.format("the statement that it does is called the Collatz [MASK]")},
        )
        for broken, options in [
            ("the claim that it holds is known as the Collatz [MASK]", {}),
            ("the [MASK] that it does is called the Collatz [MASK]", {}),
            ("the statement that it does is called the Collatz [MASK]", {"answer": "lemma"}),
            ("[MASK] [MASK] [MASK]", {}),
        ]
    ),
    (
        GateReason.QUESTION_LENGTH,
        "derive",
        {"question": "x" * 1300},
        {"question": f"A lake is full. {'x' * 1000}?"},
    ),
]


@pytest.mark.parametrize(("reason", "form", "broken"), [rule[:3] for rule in RULES])
def test_a_draft_that_breaks_a_rule_is_rejected_for_it(
    reason: GateReason, form: str, broken: dict[str, Any]
) -> None:
    found = gated(form, **broken)
    assert isinstance(found, GateRejection)
    assert found.reason is reason
    assert 0 < len(found.detail) <= 300


@pytest.mark.parametrize(("form", "near"), [(rule[1], rule[3]) for rule in RULES])
def test_a_draft_right_beside_it_passes(form: str, near: dict[str, Any]) -> None:
    assert isinstance(gated(form, **near), Question)


def test_every_reason_and_every_form_is_tried() -> None:
    assert {rule[0] for rule in RULES} == set(GateReason)
    assert {rule[1] for rule in RULES} == set(DRAFTS) == {form.value for form in FORM_RULES} == set(TaskForm)


@pytest.mark.parametrize("form", list(DRAFTS))
def test_a_complete_draft_becomes_a_question(form: str) -> None:
    found = gated(form)
    assert isinstance(found, Question)
    assert found.text.startswith(DRAFTS[form]["question"])
    assert match(found.spec, DRAFTS[form]["answer"]) is Match.SAME
    for span in found.evidence:
        assert DOCUMENTS[form][span.start : span.end] == span.text


def test_options_come_in_an_order_that_the_generator_does_not_choose() -> None:
    options = ["Collatz conjecture", "Collatz theorem", "Collatz lemma", "Collatz paradox"]
    positions = set()
    for number in range(20):
        found = gated("choice", question=f"Which name has statement number {number}?", options=options)
        again = gated("choice", question=f"Which name has statement number {number}?", options=options[::-1])
        assert isinstance(found, Question)
        assert found == again
        letter = "ABCD"[found.spec.options.index("Collatz conjecture")]
        assert f"\n{letter}) Collatz conjecture" in found.text
        assert match(found.spec, letter) is match(found.spec, f"{letter})") is Match.SAME
        positions.add(letter)
    assert positions == set("ABCD")


WORDS = st.text(max_size=40) | st.sampled_from(
    ["88", "yes", "128 - 40", "Aldermere", "1/0", "(" * 90, "\x00"]
)
ANSWERS = st.fixed_dictionaries(
    {
        "question": WORDS | st.text(min_size=12, max_size=60),
        "answer": WORDS,
        "expression": WORDS | st.text("0123456789.+-*/() ,%$", max_size=200),
        "evidence": st.lists(st.sampled_from(DRAFTS["compute"]["evidence"]) | WORDS, max_size=5),
        "options": st.lists(WORDS, max_size=6),
        "aliases": st.lists(WORDS, max_size=6),
        "answer_type": st.sampled_from(
            ["integer", "quantity", "date", "range", "entity", "choice", "boolean", "set"]
        ),
        "claim_scope": st.sampled_from(["world", "as_of", "work", "source"]),
        "scope_anchor": WORDS,
        "tolerance": st.floats(min_value=0, allow_nan=False),
        "unit": st.text(max_size=40),
        "precision": st.text(max_size=40),
    }
)


@settings(max_examples=300, deadline=None)
@given(
    form=st.sampled_from(list(DRAFTS)),
    changes=ANSWERS,
    kept=st.sets(st.sampled_from(list(DRAFTS["compute"]))),
)
def test_the_gate_never_raises(form: str, changes: dict[str, Any], kept: set[str]) -> None:
    found = gated(form, **{name: value for name, value in changes.items() if name not in kept})
    assert isinstance(found, Question | GateRejection)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 / 4 / 2", 1),
        ("10 - 4 - 3", 3),
        ("-2 - -3", 1),
        ("--5", 5),
        ("+(2 + 3) * -4", -20),
        ("0.1 + 0.2", Fraction(3, 10)),
        (".5 + 1.", Fraction(3, 2)),
        ("1 / 3", Fraction(1, 3)),
        ("1,234,567.5 − 0.5", 1_234_567),
        ("1\u202f234 + 1\u00a0000", 2_234),
        ("6 × 7 ÷ 2", 21),
        ("$1,200 + €3", 1203),
        ("US$1,200 - RMB 3", 1197),
        ("[(1,567 + 1,453) / 2] - [10]", 1500),
        ("60.3 million + 32,137 thousand", 92_437_000),
        ("10 / 2 million", Fraction(1, 200_000)),
        ("20% + 5%", 25),
        ("(40 / 128)\n* 100", Fraction(125, 4)),
        ("-" * 199 + "1", -1),
        ("(" * 90 + "1" + ")" * 90, 1),
    ],
)
def test_arithmetic_is_exact(expression: str, value: Fraction) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "",
        " ",
        "1 / 0",
        "1 / (2 - 2)",
        "[1, 2]",
        "2 millionaires",
        "2 mıllion",
        "2 ** 3",
        "9**9**9",
        "9 ^ 9",
        "7 // 2",
        "7 % 2",
        "10%3",
        "10$3",
        "1 << 99",
        "__import__('os')",
        "__import__('os').system('id')",
        "x",
        "x.y",
        "abs(1)",
        "(1)(2)",
        "().__class__",
        "lambda: 1",
        "[1][0]",
        "[1 for _ in (1,)]",
        "1 if 1 else 2",
        "1, 2",
        "1,23",
        "True",
        "'1'",
        'f"{1}"',
        "1e9",
        "1_000",
        "0x10",
        "3j",
        "007",
        "1; 2",
        "1 # 2",
        "1 == 1",
        "x := 1",
        "1\\\n+ 2",
        "1\x00",
        "\ud800",
        "٣ + 1",
        "1.2.3",
        "(" * 99 + "1",
        "*".join(["9" * 20] * 9),
        "9" * 41,
        "1" + "+1" * MAX_LENGTH,
    ],
)
def test_what_is_no_arithmetic_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(expression)
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(expression=st.text("0123456789.+-*/() ,%", max_size=220) | st.text(max_size=30))
def test_no_expression_raises_anything_else(expression: str) -> None:
    with suppress(ExpressionError):
        assert isinstance(evaluate(expression), Fraction)


@settings(deadline=None)
@given(left=st.integers(0, 10**6), right=st.integers(1, 10**6), sign=st.sampled_from("+-*/"))
def test_written_numbers_are_computed_as_they_are_read(left: int, right: int, sign: str) -> None:
    written = f"{left:,} {sign} {right:,}"
    assert numbers(written) == [left, right]
    expected = {"+": left + right, "-": left - right, "*": left * right, "/": Fraction(left, right)}[sign]
    assert evaluate(written) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$ 1,452.4 and (1452.4)", ["1452.4", "1452.4"]),
        ("1\u202f234 or 1\u00a0234,5", ["1234", "1234", "5"]),
        ("from 1914-1918", ["1914", "1918"]),
        ("1,23 and 1,2345", ["1", "23", "1", "2345"]),
        (".5 of 10²", ["0.5", "10"]),
        ("9" * 50, []),
        ("no number", []),
    ],
)
def test_numbers_of_a_text(text: str, expected: list[str]) -> None:
    assert numbers(text) == [Fraction(number) for number in expected]


DOCUMENT = (
    "Café e\u0301te\u0301:  the\n\tﬁrst\u00a0“quote” — it’s 5…10 µm. STRASSE\u200b of İzmir, x\u00adray."
)


@pytest.mark.parametrize(
    ("quotation", "found"),
    [
        ("café", "Café"),
        ("CAFÉ", "Café"),
        ("cafe\u0301", "Café"),
        ("été", "e\u0301te\u0301"),
        ("the first", "the\n\tﬁrst"),
        ('first "quote" - it\'s', "ﬁrst\u00a0“quote” — it’s"),
        ("5...10 μm", "5…10 µm"),
        ("straße of", "STRASSE\u200b of"),
        ("STRAS\u200bSE", "STRASSE"),
        ("i̇zmir", "İzmir"),
        ("xray", "x\u00adray"),
        ("  ray.  ", "ray."),
        (DOCUMENT, DOCUMENT),
        ("", None),
        (" \n", None),
        ("\u200b", None),
        ("ete", None),
        ("the second", None),
        (DOCUMENT + "x", None),
    ],
)
def test_a_quotation_is_found_although_it_is_set_otherwise(quotation: str, found: str | None) -> None:
    span = Locator(DOCUMENT).locate(quotation)
    assert (span.text if span else None) == found
    if span:
        assert span == Span(start=span.start, end=span.end, text=DOCUMENT[span.start : span.end])
        assert Locator(DOCUMENT).locate(span.text) is not None


@settings(deadline=None, max_examples=500)
@given(text=st.text(st.characters() | st.sampled_from("‘”–…\u200b\u00ad\u00a0 \n`ﬁİ\u0301"), max_size=60))
def test_the_quick_way_to_compare_texts_sees_what_the_careful_one_sees(text: str) -> None:
    """They are compared with each other: a quotation by one, a document by the other."""
    assert normalised(text) == _normalised(text)[0].strip()


@settings(deadline=None)
@given(data=st.data(), document=st.text(min_size=1, max_size=200))
def test_a_piece_of_a_document_is_found_in_it(data: st.DataObject, document: str) -> None:
    start = data.draw(st.integers(0, len(document) - 1))
    piece = document[start : data.draw(st.integers(start + 1, len(document)))]
    span = Locator(document).locate(piece)
    if normalised(piece):  # something that is seen
        assert span is not None
        assert span.text == piece
    any_span = Locator(document).locate(data.draw(st.text(max_size=5)))
    if any_span:
        assert document[any_span.start : any_span.end] == any_span.text


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "document",
    [
        "a" * 500_000,
        "ab" * 250_000,
        " " * 500_000,
        "\u200b" * 500_000,
        "e" + "\u0301\u0323" * 250_000,
        "ﷺ" * 100_000,
        "“—’" * 150_000,
    ],
)
def test_hostile_documents_are_searched_in_linear_time(document: str) -> None:
    locator = Locator(document)
    for quotation in ("a" * 300 + "b", "ab" * 150 + "c", "\u0301\u0323" * 200, "x", '"-' * 200):
        locator.locate(quotation)
    assert not contains_words("a" * 300 + "b", document)


def test_a_quotation_in_a_long_document_has_the_right_place() -> None:
    words = [f"w{number}" for number in range(20_000)]
    random.Random(0).shuffle(words)
    document = "\n ".join(words)
    span = Locator(document).locate(" ".join(words[15_000:15_010]).upper())
    assert span is not None
    assert span.text == "\n ".join(words[15_000:15_010])


def test_words_are_whole_words() -> None:
    assert contains_words("88", "It is 88.")
    assert contains_words("88%", "It is 88%, not more")
    assert not contains_words("88", "It is 188 or 880")
    assert not contains_words("", "anything")
    assert normalised("  The “A”\n") == 'the "a"'


@pytest.mark.parametrize(
    ("form", "changes", "reason"),
    [
        (
            "choice",
            {"question": "Which name, Collatz conjecture, has the statement that all starts lead to one?"},
            GateReason.ANSWER_IN_QUESTION,
        ),
        (
            "compute",
            {"question": "How many of the 88 million cubic metres did Aldermere lack in the summer of 2003?"},
            GateReason.ANSWER_IN_QUESTION,
        ),
        ("recall", {"answer": "yes", "answer_type": "boolean"}, GateReason.SPEC_INVALID),
        ("compare", {"answer": "Yes", "answer_type": "phrase"}, GateReason.SPEC_INVALID),
        (
            "recall",
            {"question": "As a tutor, in which year would I place the rule of Lothar Collatz?"},
            GateReason.PERSONA_VOICE,
        ),
        (
            "recall",
            {"question": "When could I say that Lothar Collatz described his rule?"},
            GateReason.PERSONA_VOICE,
        ),
        (
            "recall",
            {"question": "In the study, when did Lothar Collatz describe his rule?"},
            GateReason.REFERS_TO_SOURCE,
        ),
        (
            "execute",
            {"question": f"What does steps(6) return in the code above?\n```python\n{CODE}\n```"},
            GateReason.REFERS_TO_SOURCE,
        ),
    ],
)
def test_leaks_and_voices_that_once_passed(form: str, changes: dict[str, Any], reason: GateReason) -> None:
    found = gated(form, **changes)
    assert isinstance(found, GateRejection)
    assert found.reason is reason


@pytest.mark.parametrize(
    "question",
    [
        "In which year did Lothar Collatz describe his rule, according to the report of 1990 by the study of Smith?",
        "In the study of Lagarias (1985), which year is given for the rule of Lothar Collatz?",
        "In Willa Cather's novel My \u00c1ntonia, in which year did Lothar Collatz describe the rule?",
    ],
)
def test_named_sources_and_titles_pass(question: str) -> None:
    assert isinstance(gated("recall", question=question), Question)


def test_percent_signs_divide_by_a_hundred_where_that_is_asked_for() -> None:
    assert evaluate("1,027 / 11%", hundredths=True) == Fraction(102_700, 11)
    assert evaluate("(4.1% + 4.6 %) / 2", hundredths=True) == Fraction(87, 2000)
    with pytest.raises(ExpressionError):
        evaluate("1 / (1% - 0.01)", hundredths=True)
    assert isinstance(gated("compute", expression="128 / (40% - 0.40)"), GateRejection)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-$1.5 million", [Figure(Fraction(3, 2), 10**6, negative=True)]),
        ("$(1,234)", [Figure(Fraction(1234), negative=True)]),
        ("$-5, minus 6 and (7 %)", [Figure(Fraction(n), negative=True) for n in (5, 6, 7)]),
        ("1914-1918, FY-18 and (9 in all)", [Figure(Fraction(n)) for n in (1914, 1918, 18, 9)]),
        ("Twenty-one of two hundred and fifty", [Figure(Fraction(21)), Figure(Fraction(250))]),
        ("six million, someone", [Figure(Fraction(6), 10**6)]),
        ("ſix", []),
    ],
)
def test_figures_have_sign_and_scale(text: str, expected: list[Figure]) -> None:
    assert figures(text) == expected


ROWS = """Aldermere Boats (in thousands)

| | 2003 | 2002 | 2001 |
| Fares | 1,452 | 1,946 | 2,310 |
| Repairs | (81) | — | (40) |"""


def counted(question: str, answer: str, expression: str, **changes: Any) -> Question | GateRejection:
    """Send a computed answer on a small table through the gate."""
    fields = {
        "question": question,
        "answer": answer,
        "expression": expression,
        "evidence": ROWS.split("\n")[3:],
        "answer_type": "quantity",
        "unit": "",
        "claim_scope": "world",
        "scope_anchor": "",
    }
    drafted = GenerateAnswer.model_validate(DRAFTS["compute"] | fields | changes)
    item = PlanItem(persona="An engineer", task_form=TaskForm.COMPUTE, target="a sum")
    return gate(drafted, item, Domain.OTHER, ROWS)


CHANGE = "What was the change in the fares of Aldermere Boats from 2002 to 2003?"
DECREASE = "What was the decrease in the fares of Aldermere Boats from 2002 to 2003?"
EITHER = "What was the increase / (decrease) in the fares of Aldermere Boats from 2002 to 2003?"
PERCENT = {"answer_type": "percent"}


@pytest.mark.parametrize(
    ("question", "answer", "expression", "changes"),
    [
        (CHANGE, "-494 thousand", "1,452 - 1,946", {}),
        (CHANGE, "$(494) thousand", "1,452 - 1,946", {"answer_type": "currency"}),
        (CHANGE, "a decrease of 494 thousand", "1,452 - 1,946", {}),
        (DECREASE, "494 thousand", "1,452 - 1,946", {}),
        (CHANGE, "-0.494 million", "1,452 - 1,946", {}),
        (CHANGE, "-494,000", "1,452 - 1,946", {"answer_type": "integer"}),
        (CHANGE, "-494", "1,452 - 1,946", {"unit": "thousand dollars"}),
        (CHANGE, "-25.4%", "(1,452 - 1,946) / 1,946", PERCENT),
        (CHANGE, "-25.4%", "1,452 / 1,946 * 100 - 100", PERCENT),
        ("What were the repairs of Aldermere Boats in both years?", "-81 thousand", "-81 - 0", {}),
    ],
)
def test_values_may_be_written_as_people_write_them(
    question: str, answer: str, expression: str, changes: dict[str, Any]
) -> None:
    assert isinstance(counted(question, answer, expression, **changes), Question)


@pytest.mark.parametrize(
    ("question", "answer", "expression", "changes"),
    [
        (CHANGE, "494 thousand", "1,452 - 1,946", {}),
        (EITHER, "494 thousand", "1,452 - 1,946", {}),
        (DECREASE, "-494 thousand", "1,946 - 1,452", {}),
        (CHANGE, "-494 million", "1,452 - 1,946", {}),
        (CHANGE, "-0.25%", "(1,452 - 1,946) / 1,946", PERCENT),
        (CHANGE, "-0.25", "(1,452 - 1,946) / 1,946", {"unit": "percent", "answer_type": "decimal"}),
        ("What was the ratio of fares in 2003 and 2002?", "746", "1,452 / 1,946", {"answer_type": "decimal"}),
    ],
)
def test_a_wrong_sign_or_scale_is_known(
    question: str, answer: str, expression: str, changes: dict[str, Any]
) -> None:
    found = counted(question, answer, expression, **changes)
    assert isinstance(found, GateRejection)
    assert found.reason is GateReason.EXPRESSION_NOT_THE_ANSWER


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({"answer": "1938", "aliases": ["1937"]}, False),
        ({"answer": "1938", "aliases": ["1937"], "answer_type": "integer"}, False),
        ({"answer": "Munch", "aliases": ["Collatz"], "answer_type": "entity"}, False),
        ({"answer": "the Collatzes", "aliases": ["Collatz"], "answer_type": "entity"}, True),
        ({"answer": "LC", "aliases": ["Lothar Collatz"], "answer_type": "entity"}, True),
        ({"answer": "a mathematician", "aliases": ["Lothar"], "answer_type": "phrase"}, True),
    ],
)
def test_an_alias_does_not_carry_another_answer(changes: dict[str, Any], passes: bool) -> None:
    asked = "Who or what stands behind the rule that leads every start to one?"
    assert isinstance(gated("recall", question=asked, **changes), Question) is passes


def test_numbers_in_words_are_numbers() -> None:
    asked = "How many cases does the rule of Lothar Collatz have?"
    cases = {"question": asked, "evidence": ["The rule has only\ntwo cases"], "answer_type": "integer"}
    assert isinstance(gated("recall", **cases, answer="2"), Question)
    assert isinstance(gated("recall", **cases, answer="two"), Question)
    assert isinstance(gated("recall", **cases, answer="three"), GateRejection)


@pytest.mark.parametrize(
    ("thing", "passes"),
    [
        ("the text editor", True),
        ("the document root", True),
        ("the speaker cables", True),
        ("the writer processes", True),
        ("the text editors' view", True),
        ("the text", False),
        ("the author suggests", False),
        ("the document says", False),
        ("the text fielded", False),
        ("this text editor", False),
    ],
)
def test_what_only_sounds_like_a_source_passes(thing: str, passes: bool) -> None:
    question = f"In which year, with {thing}, did Lothar Collatz describe the rule?"
    assert isinstance(gated("recall", question=question), Question) is passes
