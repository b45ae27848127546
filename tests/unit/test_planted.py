"""The planted model: mistakes as often as told, the same every time, correlated as told, honest about the unknown."""

from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from webscale_rl.calibration.items import Defect
from webscale_rl.errors import ConfigurationError
from webscale_rl.llm.fence import fence
from webscale_rl.llm.prompts import show_document
from webscale_rl.offline.planted import OTHER_FAMILY, PLANTED, Mistakes, PlantedModel
from webscale_rl.offline.planted_labels import Candidate, PlantedItem, load_labels, shipped_labels
from webscale_rl.records import Domain, PlanItem, TaskForm
from webscale_rl.stages.check import (
    BlindAnswer,
    ClosedAnswer,
    JudgeAnswer,
    MatchAnswer,
    OptionsAnswer,
    SolveAnswer,
)
from webscale_rl.stages.gate import GateRejection, gate
from webscale_rl.stages.generate import GenerateAnswer

MANY = 1_000


def candidate(number: int, defect: Defect, question: str, answer: str, *answers: str) -> Candidate:
    draft = {
        **dict.fromkeys(
            ("derivation", "expression", "unit", "precision", "abstain_reason", "scope_anchor"), ""
        ),
        **{"options": [], "aliases": [], "abstain": False, "tolerance": 0.0, "claim_scope": "world"},
        **{"evidence": [f"Lock {number} was built by {answer}."], "answer_type": "entity"},
        **{"question": question, "answer": answer},
    }
    plan = PlanItem(persona="A reader", task_form=TaskForm.RECALL, target=f"the builder of lock {number}")
    return Candidate(
        defect=defect, plan=plan, draft=GenerateAnswer.model_validate(draft), answers=answers or (answer,)
    )


def item(number: int) -> PlantedItem:
    question = f"Who built lock {number} of the Orrow canal?"
    return PlantedItem(
        document=f"Lock {number} was built by Ada Venn, not by Ben Holt or Cleo Marsh.",
        domain=Domain.OTHER,
        good=candidate(number, Defect.NONE, question, "Ada Venn"),
        variants=(
            candidate(number, Defect.WRONG_ENTITY, question, "Ben Holt", "Ada Venn"),
            candidate(number, Defect.DANGLING_REFERENT, f"Who built that lock {number}?", "Ada Venn"),
        ),
        distractors=("Ben Holt", "Cleo Marsh"),
    )


ITEMS = [item(number) for number in range(MANY)]


def ask(
    model: PlantedModel, stage: str, name: str = PLANTED, document: str = "", **fields: str
) -> dict[str, Any]:
    parts = [show_document(document)] if document else []
    return model.answer(
        name, stage, "\n\n".join([*parts, *(fence(key, text) for key, text in fields.items())])
    )


def within(k: int, n: int, rate: float) -> bool:
    """Whether so many of so many are as likely as not to come from a rate: four standard deviations."""
    return abs(k - n * rate) <= 4 * sqrt(n * rate * (1 - rate)) + 1e-9


def wrong_solves(model: PlantedModel, name: str = PLANTED, remark: str = "") -> list[bool]:
    answers = [
        ask(model, "solve", name, question=each.good.draft.question, **({"remark": remark} if remark else {}))
        for each in ITEMS
    ]
    return [found["answer"] != "Ada Venn" for found in answers]


def correlation(one: list[bool], other: list[bool]) -> float:
    both = sum(a and b for a, b in zip(one, other, strict=True)) / len(one)
    p, q = sum(one) / len(one), sum(other) / len(other)
    return (both - p * q) / sqrt(p * (1 - p) * q * (1 - q))


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.4, 1.0])
def test_every_stage_of_the_checker_errs_as_often_as_told(rate: float) -> None:
    model = PlantedModel(ITEMS, Mistakes(checker=rate))
    question = [each.good.draft.question for each in ITEMS]
    wrong = {
        "solve": sum(wrong_solves(model)),
        "closed": sum(ask(model, "closed", question=each)["answer"] != "Ada Venn" for each in question),
        "blind": sum(not ask(model, "blind", question=each)["self_contained"] for each in question),
        "blind, dangling": sum(
            ask(model, "blind", question=each.variants[1].draft.question)["self_contained"] for each in ITEMS
        ),
        "judge": sum(
            not ask(model, "judge", question=each, answer="Ada Venn")["supported"] for each in question
        ),
        "judge, wrong": sum(
            ask(model, "judge", question=each, answer="Ben Holt")["supported"] for each in question
        ),
        "match": sum(
            ask(model, "match", question=each, answer_one="Ada Venn", answer_two="Ben Holt")["verdict"]
            == "same"
            for each in question
        ),
    }
    assert {stage: k for stage, k in wrong.items() if not within(k, MANY, rate)} == {}


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_the_generator_errs_as_often_as_told_and_in_every_way(rate: float) -> None:
    model = PlantedModel(ITEMS, Mistakes(generator=rate))
    written = [model.written(each).defect for each in ITEMS]
    wrong = [defect for defect in written if defect is not Defect.NONE]
    assert within(len(wrong), MANY, rate)
    assert within(wrong.count(Defect.WRONG_ENTITY), len(wrong), 0.5)


def test_the_same_seed_makes_the_same_mistakes_and_another_one_others() -> None:
    one, again, other = (wrong_solves(PlantedModel(ITEMS, Mistakes(checker=0.3), seed)) for seed in (1, 1, 2))
    assert one == again
    assert abs(correlation(one, other)) < 0.1


def test_what_fails_at_a_small_rate_fails_at_a_higher_one() -> None:
    low, high = (wrong_solves(PlantedModel(ITEMS, Mistakes(checker=rate))) for rate in (0.1, 0.3))
    assert all(later for earlier, later in zip(low, high, strict=True) if earlier)


@pytest.mark.parametrize("wanted", [0.0, 0.5, 1.0])
def test_repeated_solves_of_one_model_are_correlated_as_told(wanted: float) -> None:
    model = PlantedModel(ITEMS, Mistakes(checker=0.3, correlation=wanted))
    first, second = wrong_solves(model), wrong_solves(model, remark="under another condition")
    assert correlation(first, second) == pytest.approx(wanted, abs=0.1)


def test_another_family_errs_elsewhere() -> None:
    model = PlantedModel(ITEMS, Mistakes(checker=0.3, correlation=1.0))
    assert abs(correlation(wrong_solves(model), wrong_solves(model, OTHER_FAMILY))) < 0.1


def test_what_no_label_knows_is_rejected_by_every_stage() -> None:
    model = PlantedModel(ITEMS, Mistakes(checker=0.0))
    assessed = ask(model, "assess", document="A text that nobody labelled.")
    assert (assessed["decision"], assessed["flags"]) == ("unsuitable", ["no_facts"])
    assert ask(model, "generate", document="A text.", task_form="recall", target="a fact")["abstain"]
    question = "Who built the bridge?"
    assert not ask(model, "solve", question=question)["sufficient"]
    assert not ask(model, "closed", question=question)["sufficient"]
    assert not ask(model, "blind", question=question)["self_contained"]
    assert not ask(model, "judge", question=question, answer="Ada Venn")["supported"]


def test_answers_fit_the_schemas_of_their_stages() -> None:
    model = PlantedModel(shipped_labels(), Mistakes(checker=0.5))
    choice = next(each.good.draft for each in model.items if each.good.draft.options)
    options = "\n".join(
        f"{letter}) {option}" for letter, option in zip("ABCDEF", choice.options, strict=False)
    )
    fields = {"question": f"{choice.question}\n{options}", "answer": choice.answer, "options": options}
    fields |= {"answer_one": choice.answer, "answer_two": choice.options[0]}
    kinds = {"solve": SolveAnswer, "closed": ClosedAnswer, "match": MatchAnswer, "blind": BlindAnswer}
    kinds |= {"options": OptionsAnswer, "judge": JudgeAnswer}
    for stage, kind in kinds.items():
        kind.model_validate(ask(model, stage, **fields))


def test_a_revision_is_the_good_draft_or_defective_again() -> None:
    model = PlantedModel(ITEMS, Mistakes(generator=0.3))
    found = [
        ask(
            model,
            "repair",
            document=each.document,
            task_form="recall",
            target=each.good.plan.target,
            draft="{}",
        )
        for each in ITEMS[:500]
    ]
    good = sum(draft["answer"] == "Ada Venn" and "canal" in draft["question"] for draft in found)
    assert within(good, len(found), 0.7)


def test_every_good_shipped_question_passes_the_gate() -> None:
    for each in shipped_labels():
        found = gate(each.good.draft, each.good.plan, each.domain, each.document)
        assert not isinstance(found, GateRejection), found


def test_labels_are_read_and_a_wrong_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(each.model_dump_json() + "\n" for each in ITEMS[:2]))
    assert load_labels(path) == tuple(ITEMS[:2])
    path.write_text(ITEMS[0].model_dump_json() + '\n{"document": 3}\n')
    with pytest.raises(ConfigurationError, match="line 2 at document"):
        load_labels(path)


def test_labels_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="do not agree"):
        PlantedModel([ITEMS[0], ITEMS[0]])
    with pytest.raises(ConfigurationError, match="checker must lie between 0 and 1"):
        Mistakes(checker=1.5)
