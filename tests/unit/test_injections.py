"""Whatever a document or a generated question says, the rest of the prompt stays what it is."""

import re

import pytest

from tests.fixtures.injections import INJECTIONS
from webscale_rl.llm.fence import ZERO_WIDTH_SPACE, defuse, fenced
from webscale_rl.llm.prompts import show_document
from webscale_rl.records import Domain, PlanItem, TaskForm
from webscale_rl.stages.assess import ASSESS
from webscale_rl.stages.check import BLIND, CLOSED, JUDGE, MATCH, OPTIONS, SOLVE
from webscale_rl.stages.generate import generate_fields, generate_stage
from webscale_rl.stages.instructions import SYSTEM
from webscale_rl.stages.repair import repair_stage
from webscale_rl.stages.stage import Stage
from webscale_rl.stages.text_match import Locator

HARMLESS = "The Alder Bridge was opened in 1860."
GENERATE = generate_stage(Domain.OTHER, (TaskForm.RECALL,))
REPAIR = repair_stage(Domain.OTHER, (TaskForm.RECALL,))
CONTROL = re.compile(
    r"<\|[^<>|\n]+\|>|<｜[^<>\n]+｜>|</?(?:s|bos|eos|pad|unk|mask|think|tool_call|(?:start|end)_of_turn)>"
    r"|</?<?/?SYS>>|<\|[a-z_]+>|<[a-z_]+\|>|\uff5cDSML\uff5c|\[/?(?:g?MASK|BOS|EOT|THINK|INST|TOOL_CALLS)\]|<(?:unused|extra_id_)\d+>|<0x[0-9A-F]{2}>"
)


def prompt(stage: Stage, text: str) -> list[dict[str, str]]:
    """Return the messages with a text in every place where data stands."""
    item = PlanItem(persona=text, task_form=TaskForm.RECALL, target=text)
    fields = {
        "assess": {},
        "generate": generate_fields(item, Domain.OTHER),
        "repair": generate_fields(item, Domain.OTHER) | {"draft": text, "fault": text, "remark": text},
        "solve": {"question": text},
        "match": {"question": text, "answer_one": text, "answer_two": text},
        "blind": {"question": text},
        "options": {"options": text},
        "closed": {"question": text},
        "judge": {"question": text, "answer": text},
    }[stage.name]
    return stage.messages(show_document(text, text), fields)


def frame(user: str, text: str) -> str:
    """Return what is left of a prompt without the data and the codes of its tags."""
    return re.sub(r"-[0-9a-f]{12}>", "->", user.replace(f">\n{defuse(text)}\n</", ">DATA</"))


def test_the_collection_is_large() -> None:
    assert len(set(INJECTIONS.values())) == len(INJECTIONS) >= 40


@pytest.mark.parametrize(
    "stage",
    [ASSESS, GENERATE, SOLVE, MATCH, BLIND, OPTIONS, CLOSED, JUDGE, REPAIR],
    ids=lambda stage: stage.name,
)
@pytest.mark.parametrize("text", INJECTIONS.values(), ids=INJECTIONS)
def test_an_injection_changes_nothing_but_the_data(text: str, stage: Stage) -> None:
    system, user = prompt(stage, text)
    assert system == {"role": "system", "content": SYSTEM}
    assert user["role"] == "user"
    assert frame(user["content"], text) == frame(prompt(stage, HARMLESS)[1]["content"], HARMLESS)
    found = fenced(user["content"])
    for name, held in fenced(prompt(stage, HARMLESS)[1]["content"]).items():
        expected = [defuse(text) if data == HARMLESS else data for data in held]
        assert found[name] == expected


@pytest.mark.parametrize("text", INJECTIONS.values(), ids=INJECTIONS)
def test_no_control_token_of_a_chat_template_reaches_the_server(text: str) -> None:
    user = prompt(SOLVE, text)[1]["content"]
    assert not CONTROL.search(user)
    assert defuse(text).replace(ZERO_WIDTH_SPACE, "") == text.replace(ZERO_WIDTH_SPACE, "")


@pytest.mark.parametrize("text", INJECTIONS.values(), ids=INJECTIONS)
def test_evidence_copied_from_the_defused_text_is_found_in_the_document(text: str) -> None:
    document = f"{HARMLESS} {text} {HARMLESS}"
    span = Locator(document).locate(f"1860. {defuse(text)} The Alder")
    assert span is not None
    assert document[span.start : span.end] == span.text
