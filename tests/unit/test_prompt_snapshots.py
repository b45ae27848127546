"""Every prompt as it is sent, in files: a change of wording, order or demonstration shows in the diff.

.venv/bin/python tests/unit/test_prompt_snapshots.py     accepts the prompts as they are now
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from webscale_rl.corpus.tokens import count
from webscale_rl.llm.probe import TASK_TOKENS
from webscale_rl.llm.prompts import show_document
from webscale_rl.records import Domain, PlanItem, TaskForm
from webscale_rl.stages.assess import ASSESS
from webscale_rl.stages.check import BLIND, CLOSED, JUDGE, MATCH, OPTIONS, SOLVE
from webscale_rl.stages.demonstrations import DOMAIN_FILES
from webscale_rl.stages.generate import generate_fields, generate_stage
from webscale_rl.stages.instructions import SYSTEM
from webscale_rl.stages.repair import repair_stage
from webscale_rl.stages.stage import Stage

FOLDER = Path(__file__).parents[1] / "snapshots" / "prompts"
DOCUMENT = "# Alder Bridge\n\nThe Alder Bridge was opened in 1860. It has a span of 42 metres."
QUESTION = "In which year was the Alder Bridge opened?"
SYSTEM_BUDGET = 5_900  # tokens, computed once for all documents
# Prompt tokens behind the system message without the document, and a little room.
BUDGETS = {
    "assess": 40,
    "generate": 1_800,
    "repair": 2_200,
    "solve": 80,
    "match": 120,
    "blind": 80,
    "options": 80,
    "closed": 80,
    "judge": 120,
}


def prompts() -> Iterator[tuple[str, Stage, dict[str, str]]]:
    """Yield name, stage and fields of the user messages that are kept; of `generate` one for each domain."""
    yield "assess", ASSESS, {}
    forms = list(TaskForm)
    for number, (domain, name) in enumerate(DOMAIN_FILES.items()):
        form = forms[number % len(forms)]
        item = PlanItem(persona="A bridge engineer", task_form=form, target="the year of the opening")
        yield f"generate-{name}-{form}", generate_stage(domain, (form,)), generate_fields(item, domain)
    yield "solve", SOLVE, {"question": QUESTION}
    yield "match", MATCH, {"question": QUESTION, "answer_one": "1860", "answer_two": "in 1860"}
    yield "blind", BLIND, {"question": QUESTION}
    yield "options", OPTIONS, {"options": "A) 1850\nB) 1860\nC) 1870"}
    yield "closed", CLOSED, {"question": QUESTION}
    yield "judge", JUDGE, {"question": QUESTION, "answer": "1860"}
    item = PlanItem(persona="A bridge engineer", task_form=TaskForm.RECALL, target="the year of the opening")
    given = {
        "draft": f'{{"evidence":["The Alder Bridge was opened in 1860."],"question":"{QUESTION}","answer":"1860"}}',
        "fault": "needs_context",
        "remark": "blind: needs_context. There are several bridges of this name. Missing: where it stands",
    }
    yield (
        "repair",
        repair_stage(Domain.TECHNOLOGY, (TaskForm.RECALL,)),
        generate_fields(item, Domain.TECHNOLOGY) | given,
    )


def rendered(stage: Stage, fields: dict[str, str], document: str = DOCUMENT) -> str:
    system, user = stage.messages(show_document(document), fields)
    assert system["content"] == SYSTEM
    return user["content"] + "\n"


def snapshots() -> dict[str, str]:
    return {"system": SYSTEM + "\n"} | {name: rendered(stage, fields) for name, stage, fields in prompts()}


@pytest.mark.parametrize("name", snapshots())
def test_a_prompt_is_the_one_that_was_accepted(name: str) -> None:
    assert snapshots()[name] == (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), (
        "if the change is meant: .venv/bin/python tests/unit/test_prompt_snapshots.py"
    )


def test_there_is_no_snapshot_of_a_prompt_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(snapshots())


def test_the_room_that_is_asked_of_a_context_holds_the_longest_call() -> None:
    """The repair of a question: its prompt, a draft as long as an answer may be, and the new answer."""
    stage = repair_stage(Domain.OTHER, (TaskForm.RECALL,))
    assert SYSTEM_BUDGET + BUDGETS["repair"] + 2 * stage.max_tokens <= TASK_TOKENS


def test_every_stage_keeps_to_its_budget() -> None:
    assert count(SYSTEM) <= SYSTEM_BUDGET
    for domain in Domain:
        for form in TaskForm:
            item = PlanItem(persona="A bridge engineer", task_form=form, target="the year of the opening")
            stage = generate_stage(domain, (form,))
            tokens = count(rendered(stage, generate_fields(item, domain), ""))
            assert tokens <= BUDGETS["generate"], (domain, form, tokens)
    for name, stage, fields in prompts():
        assert count(rendered(stage, fields, "")) <= BUDGETS[stage.name], name


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.iterdir():
        path.unlink()
    for name, prompt in snapshots().items():
        (FOLDER / f"{name}.txt").write_text(prompt, encoding="utf-8")
