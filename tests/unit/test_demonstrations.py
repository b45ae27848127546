"""Demonstrations teach by example: each of them obeys every rule that the pipeline holds its own pairs to."""

import contextlib
import datetime
import io
import json
import re
from collections import Counter
from fractions import Fraction
from itertools import combinations
from typing import Any, get_args

import pytest

from webscale_rl.llm.prompts import load_demonstrations
from webscale_rl.records import ClaimScope, Domain, PlanItem, Question, TaskForm
from webscale_rl.rewards import Match, match
from webscale_rl.rewards.spec import NUMERIC_TYPES, AnswerType
from webscale_rl.stages.assess import AssessAnswer, profile, rejection
from webscale_rl.stages.check import BlindAnswer, SolveAnswer
from webscale_rl.stages.check_prompts import KEYS, pair_problems, problems
from webscale_rl.stages.demonstrations import DOMAIN_FILES, demonstrations_for
from webscale_rl.stages.gate import gate
from webscale_rl.stages.generate import GenerateAnswer
from webscale_rl.stages.text_match import contains_words

Demonstration = dict[str, Any]
OFFERS_ITS_ANSWERS = {TaskForm.CHOICE, TaskForm.COMPARE}


def loaded(name: str) -> list[Demonstration]:
    demonstrations: list[Demonstration] = json.loads(load_demonstrations(name))
    return demonstrations


EACH = [(domain, demonstration) for domain, name in DOMAIN_FILES.items() for demonstration in loaded(name)]
ABSTAINING = [(domain, each) for domain, each in EACH if each["answer"]["abstain"]]
ANSWERING = [(domain, each) for domain, each in EACH if not each["answer"]["abstain"]]
NUMERIC = [(domain, each) for domain, each in ANSWERING if each["answer"]["answer_type"] in NUMERIC_TYPES]
EXECUTING = [(domain, each) for domain, each in ANSWERING if each["task_form"] == "execute"]


def over(cases: list[tuple[Domain, Demonstration]]) -> pytest.MarkDecorator:
    """Run a test over demonstrations, each under the name of its file, its form and its target."""
    names = [f"{DOMAIN_FILES[domain]}-{each['task_form']}-{each['target'][:40]}" for domain, each in cases]
    return pytest.mark.parametrize(("domain", "demonstration"), cases, ids=names)


def planned(demonstration: Demonstration) -> PlanItem:
    return PlanItem(
        persona=demonstration["persona"],
        task_form=TaskForm(demonstration["task_form"]),
        target=demonstration["target"],
    )


def passed(domain: Domain, demonstration: Demonstration) -> Question:
    answer = GenerateAnswer.model_validate(demonstration["answer"])
    question = gate(answer, planned(demonstration), domain, demonstration["document"])
    assert isinstance(question, Question), question
    return question


def answered(name: str, form: str) -> str:
    return str(next(each["answer"]["answer"] for each in loaded(name) if each["task_form"] == form))


def test_no_file_has_a_problem() -> None:
    assert list(problems()) == []


@pytest.mark.parametrize("name", [*DOMAIN_FILES.values(), "assess", "unanswerable", "blind"])
def test_files_are_written_in_one_form(name: str) -> None:
    text = load_demonstrations(name)
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("domain", list(Domain))
def test_every_domain_has_six_of_four_forms_and_one_abstention(domain: Domain) -> None:
    held = loaded(DOMAIN_FILES[domain])
    assert len(held) >= 6
    assert len({each["task_form"] for each in held if not each["answer"]["abstain"]}) >= 4
    assert sum(each["answer"]["abstain"] for each in held) == 1


@pytest.mark.parametrize("domain", list(Domain))
@pytest.mark.parametrize("form", list(TaskForm))
def test_a_prompt_shows_two_of_its_form_as_far_as_there_are(domain: Domain, form: TaskForm) -> None:
    held = [each["task_form"] for each in loaded(DOMAIN_FILES[domain])]
    shown = demonstrations_for(domain, (form,))
    assert shown == demonstrations_for(domain, (form,)), "fixed, never random"
    assert len(shown) == 2
    assert sum(f"\nTask form: {form}\n" in text for text in shown) == min(2, held.count(form))
    assert '"abstain": false' in shown[0]


@pytest.mark.parametrize("domain", list(Domain))
def test_a_plan_of_two_forms_is_shown_one_of_each(domain: Domain) -> None:
    held = [each["task_form"] for each in loaded(DOMAIN_FILES[domain]) if not each["answer"]["abstain"]]
    forms = list(dict.fromkeys(held))
    for first, second in combinations(map(TaskForm, forms), 2):
        shown = demonstrations_for(domain, (first, second))
        assert len(set(shown)) == 2
        for form in (first, second):
            assert sum(f"\nTask form: {form}\n" in text for text in shown) == 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"persona": None}, "its keys must be"),
        ({"task_form": "essay"}, "is none of"),
        ({"target": "the year 1860"}, "can be had from question or target"),
        ({"answer": {"answer": "1861"}}, "the gate rejects it: answer_not_in_evidence"),
        ({"answer": {"evidence": ["opened in 1862"]}}, "evidence is not copied exactly"),
        ({"answer": {"abstain": True}}, "an abstention has a reason"),
        ({"answer": {"tolerance": "none"}}, "answer: tolerance"),
        ({"answer": {"colour": "red"}}, "answer: colour"),
    ],
)
def test_a_problem_is_named(changes: dict[str, Any], problem: str) -> None:
    sound: Demonstration = dict.fromkeys(KEYS, "a text") | {
        "document": "The Alder Bridge was opened in 1860. It crosses the river Alder.",
        "task_form": "recall",
        "answer": {
            "evidence": ["The Alder Bridge was opened in 1860."],
            "derivation": "Stated.",
            "expression": "",
            "abstain": False,
            "abstain_reason": "",
            "question": "In which year was the Alder Bridge over the river Alder opened?",
            "options": [],
            "answer": "1860",
            "answer_type": "date",
            "unit": "",
            "precision": "year",
            "tolerance": 0,
            "aliases": [],
            "claim_scope": "world",
            "scope_anchor": "",
        },
    }
    assert list(pair_problems(sound, Domain.OTHER)) == []
    broken = sound | changes | {"answer": sound["answer"] | changes.get("answer", {})}
    broken = {key: value for key, value in broken.items() if value is not None}
    assert any(problem in line for line in pair_problems(broken, Domain.OTHER)), list(
        pair_problems(broken, Domain.OTHER)
    )


@over(EACH)
def test_shape(domain: Domain, demonstration: Demonstration) -> None:
    assert tuple(demonstration) == KEYS
    assert list(demonstration["answer"]) == list(GenerateAnswer.model_fields)
    assert 50 <= len(demonstration["document"].split()) <= 140
    assert all(len(demonstration[key].strip()) > 10 for key in KEYS if key not in ("task_form", "answer"))
    assert len(demonstration["persona"]) <= 200
    assert len(demonstration["target"]) <= 300
    assert demonstration["weak_question"].endswith("?")
    assert demonstration["weak_question"] != demonstration["answer"]["question"]
    assert demonstration["why_weak"].endswith(".")
    assert len(demonstration["answer"]["derivation"]) <= 1_200


@over(EACH)
def test_evidence_is_copied_exactly(domain: Domain, demonstration: Demonstration) -> None:
    assert demonstration["answer"]["evidence"]
    for quotation in demonstration["answer"]["evidence"]:
        assert quotation in demonstration["document"]


@over(ANSWERING)
def test_passes_the_gate(domain: Domain, demonstration: Demonstration) -> None:
    question = passed(domain, demonstration)
    assert demonstration["answer"]["abstain_reason"] == ""
    assert question.text.startswith(demonstration["answer"]["question"])


@over(ANSWERING)
def test_its_own_wordings_are_right_answers(domain: Domain, demonstration: Demonstration) -> None:
    spec = passed(domain, demonstration).spec
    for wording in (spec.answer, *spec.aliases):
        assert match(spec, wording) is Match.SAME, wording


@over(NUMERIC)
def test_the_bare_number_in_the_unit_asked_for_is_right(domain: Domain, demonstration: Demonstration) -> None:
    spec = passed(domain, demonstration).spec
    (number,) = re.findall(r"\d[\d,.]*", spec.answer)
    for wording in (number, number.replace(",", "")):
        assert match(spec, wording) is Match.SAME, wording


@over(ANSWERING)
def test_the_answer_stands_neither_in_the_question_nor_in_the_target(
    domain: Domain, demonstration: Demonstration
) -> None:
    answer = demonstration["answer"]
    for wording in (answer["answer"], *answer["aliases"]):
        assert not contains_words(wording, demonstration["target"]), wording
        if planned(demonstration).task_form not in OFFERS_ITS_ANSWERS:
            assert not contains_words(wording, answer["question"]), wording


@over(ANSWERING)
def test_the_question_names_what_it_asks_for(domain: Domain, demonstration: Demonstration) -> None:
    """A short one can hardly carry its own context."""
    answer = demonstration["answer"]
    assert len(answer["question"]) > len(demonstration["weak_question"])
    assert len(answer["question"].split()) >= 15
    for option in answer["options"]:
        assert not contains_words(option, answer["question"])


@over(ABSTAINING)
def test_abstaining_leaves_everything_behind_the_reason_empty(
    domain: Domain, demonstration: Demonstration
) -> None:
    answer = GenerateAnswer.model_validate(demonstration["answer"])
    assert answer.abstain_reason
    assert answer.derivation
    assert (answer.answer_type, answer.claim_scope) == ("phrase", ClaimScope.WORLD)
    assert not any(
        (
            answer.expression,
            answer.question,
            answer.options,
            answer.answer,
            answer.unit,
            answer.precision,
            answer.tolerance,
            answer.aliases,
            answer.scope_anchor,
        )
    )


@over(EXECUTING)
def test_code_prints_the_answer(domain: Domain, demonstration: Demonstration) -> None:
    answer = demonstration["answer"]
    (code,) = re.findall(r"```python\n(.*?)```", answer["question"], re.DOTALL)
    assert code.strip() in demonstration["document"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "demonstration", "exec"), {})
    assert printed.getvalue().strip() == answer["answer"]


def test_what_the_demonstrations_show_between_them() -> None:
    forms = Counter(demonstration["task_form"] for _, demonstration in EACH)
    forms_answered = Counter(each["task_form"] for _, each in ANSWERING)
    scopes = {demonstration["answer"]["claim_scope"] for _, demonstration in EACH}
    types = {each["answer"]["answer_type"] for _, each in ANSWERING}
    assert len(EACH) >= 60
    assert set(forms_answered) == set(TaskForm)
    assert min(forms_answered.values()) >= 2
    assert forms["recall"] <= len(EACH) / 3
    assert scopes == set(ClaimScope)
    assert types <= set(get_args(AnswerType))
    assert len(types) >= 10


def test_right_options_do_not_always_stand_in_the_same_place() -> None:
    places = [
        demonstration["answer"]["options"].index(demonstration["answer"]["answer"])
        for _, demonstration in EACH
        if demonstration["answer"]["options"]
    ]
    assert len(set(places)) > 1


def test_closed_formula_solves_its_recurrence() -> None:
    assert answered("math", "derive") == "4 \\cdot 3^{n-1} - 2"
    term = 2
    for n in range(1, 12):
        assert term == 4 * 3 ** (n - 1) - 2
        term = 3 * term + 4


def test_seats_are_those_of_the_largest_quotients() -> None:
    votes = {"Red": 61_000, "Green": 27_000, "Blue": 12_000}
    quotients = sorted(
        ((Fraction(count, divisor), party) for party, count in votes.items() for divisor in range(1, 7)),
        reverse=True,
    )
    seats = Counter(party for _, party in quotients[:6])
    assert answered("social_science", "derive") == ", ".join(str(seats[party]) for party in votes)


def test_the_next_holy_year_is_the_next_sunday() -> None:
    sundays = [year for year in range(2021, 2040) if datetime.date(year, 7, 25).weekday() == 6]
    assert sundays[0] == 2021
    assert answered("travel", "derive") == str(sundays[1])


def test_versions_stand_in_their_precedence() -> None:
    def precedence(version: str) -> tuple[bool, list[tuple[bool, int, str]]]:
        _, _, pre_release = version.partition("-")
        parts = pre_release.split(".") if pre_release else []
        known = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
        return not pre_release, known

    versions = answered("coding", "derive").split(", ")
    assert len(versions) == 4
    assert versions == sorted(versions, key=precedence)


def test_assess_shows_a_plan_and_a_refusal() -> None:
    suitable, unsuitable = (AssessAnswer.model_validate(each["answer"]) for each in loaded("assess"))
    assert rejection(suitable) == ""
    plan = profile(suitable, 3).plan
    for name in ("persona", "task_form", "target"):
        assert len({getattr(item, name) for item in plan}) == 3
    assert rejection(unsuitable) == "missing_referent"
    assert unsuitable.plan == []


@pytest.mark.parametrize(
    ("name", "schema", "keys"),
    [
        ("assess", AssessAnswer, ["document", "answer"]),
        ("unanswerable", SolveAnswer, ["document", "question", "answer"]),
        ("blind", BlindAnswer, ["question", "answer"]),
    ],
)
def test_fields_stand_in_the_order_of_the_schema(name: str, schema: type[Any], keys: list[str]) -> None:
    for demonstration in loaded(name):
        assert list(demonstration) == keys
        assert list(demonstration["answer"]) == list(schema.model_fields)
        schema.model_validate(demonstration["answer"])


def test_solve_shows_a_gap_and_an_answer() -> None:
    gap, solved = (SolveAnswer.model_validate(each["answer"]) for each in loaded("unanswerable"))
    assert (gap.sufficient, gap.answer) == (False, "")
    assert solved.sufficient
    assert solved.answer == "8 years"


def test_blind_shows_one_of_each_verdict() -> None:
    answers = [BlindAnswer.model_validate(each["answer"]) for each in loaded("blind")]
    assert [(each.self_contained, each.ambiguous) for each in answers] == [
        (True, False),
        (False, False),
        (True, True),
    ]
    assert [bool(each.missing) for each in answers] == [False, True, False]
