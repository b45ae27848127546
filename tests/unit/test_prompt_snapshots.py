"""Every prompt as it is sent, in files: a change of wording, order or demonstration shows in the diff.

.venv/bin/python tests/unit/test_prompt_snapshots.py     accepts the prompts as they are now
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from webscale_rl.corpus.tokens import count
from webscale_rl.llm.prompts import build_messages
from webscale_rl.records import Domain, PlanItem, TaskForm
from webscale_rl.stages.assess import ASSESS
from webscale_rl.stages.check import BLIND, JUDGE, MATCH, SOLVE
from webscale_rl.stages.demonstrations import DOMAIN_FILES
from webscale_rl.stages.generate import generate_fields, generate_stage
from webscale_rl.stages.stage import Stage

FOLDER = Path(__file__).parents[1] / "snapshots" / "prompts"
DOCUMENT = "# Alder Bridge\n\nThe Alder Bridge was opened in 1860. It has a span of 42 metres."
QUESTION = "In which year was the Alder Bridge opened?"
# Prompt tokens without the document, and a little room: every document pays for them in every stage.
BUDGETS = {"assess": 2_000, "generate": 3_200, "solve": 1_200, "match": 700, "blind": 1_100, "judge": 900}


def prompts() -> Iterator[tuple[str, Stage, dict[str, str]]]:
    """Yield name, stage and fields of the prompts that are kept; of `generate` one for each domain."""
    yield "assess", ASSESS, {}
    forms = list(TaskForm)
    for number, (domain, name) in enumerate(DOMAIN_FILES.items()):
        form = forms[number % len(forms)]
        item = PlanItem(persona="A bridge engineer", task_form=form, target="the year of the opening")
        yield f"generate-{name}-{form}", generate_stage(domain, form), generate_fields(item, domain)
    yield "solve", SOLVE, {"question": QUESTION}
    yield "match", MATCH, {"question": QUESTION, "answer_one": "1860", "answer_two": "in 1860"}
    yield "blind", BLIND, {"question": QUESTION}
    yield "judge", JUDGE, {"question": QUESTION, "answer": "1860"}


def rendered(stage: Stage, fields: dict[str, str], document: str = DOCUMENT) -> str:
    messages = build_messages(
        stage.template,
        document=document if stage.sees_document else None,
        demonstrations=stage.demonstrations,
        fields=fields,
    )
    return "".join(f"[{message['role']}]\n{message['content']}\n\n" for message in messages)


@pytest.mark.parametrize(("name", "stage", "fields"), list(prompts()), ids=[name for name, _, _ in prompts()])
def test_a_prompt_is_the_one_that_was_accepted(name: str, stage: Stage, fields: dict[str, str]) -> None:
    assert rendered(stage, fields) == (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), (
        "if the change is meant: .venv/bin/python tests/unit/test_prompt_snapshots.py"
    )


def test_there_is_no_snapshot_of_a_prompt_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {name for name, _, _ in prompts()}


def test_every_stage_keeps_to_its_budget() -> None:
    for domain in Domain:
        for form in TaskForm:
            item = PlanItem(persona="A bridge engineer", task_form=form, target="the year of the opening")
            stage = generate_stage(domain, form)
            tokens = count(rendered(stage, generate_fields(item, domain), ""))
            assert tokens <= BUDGETS["generate"], (domain, form, tokens)
    for name, stage, fields in prompts():
        assert count(rendered(stage, fields, "")) <= BUDGETS[stage.name], name


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.iterdir():
        path.unlink()
    for name, stage, fields in prompts():
        (FOLDER / f"{name}.txt").write_text(rendered(stage, fields), encoding="utf-8")
