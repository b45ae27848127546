"""``make check-prompts``: the demonstrations, held to the rules that the pipeline holds its own pairs to.

Run it after replacing files in ``prompts/demonstrations/``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator

from pydantic import ValidationError

from webscale_rl.records import Domain, PlanItem, TaskForm
from webscale_rl.rewards import Match, match
from webscale_rl.stages.assess import AssessAnswer
from webscale_rl.stages.check import BlindAnswer, SolveAnswer
from webscale_rl.stages.demonstrations import DOMAIN_FILES, SHOWN, Demonstration, read_demonstrations
from webscale_rl.stages.gate import GateRejection, gate
from webscale_rl.stages.generate import GenerateAnswer
from webscale_rl.stages.stage import StageAnswer
from webscale_rl.stages.text_match import contains_words

KEYS = ("document", "persona", "task_form", "target", "weak_question", "why_weak", "answer")
OFFERS_ITS_ANSWERS = (TaskForm.CHOICE, TaskForm.COMPARE)  # the answer is one of what the question names
JUDGED: dict[str, tuple[type[StageAnswer], tuple[str, ...]]] = {
    "assess": (AssessAnswer, ("document", "answer")),
    "unanswerable": (SolveAnswer, ("document", "question", "answer")),
    "blind": (BlindAnswer, ("question", "answer")),
}


def main() -> int:
    """Print a line for every problem; return 1 if there is one."""
    found = list(problems())
    for line in found:
        print(line)
    if not found:
        counts = sum(len(read_demonstrations(name)) for name in (*DOMAIN_FILES.values(), *JUDGED))
        print(f"{counts} demonstrations in {len(DOMAIN_FILES) + len(JUDGED)} files: no problem found")
    return 1 if found else 0


def problems() -> Iterator[str]:
    """Yield a line for everything that is wrong with the files: file, number from 1, what."""
    for domain, name in DOMAIN_FILES.items():
        yield from _in_file(name, lambda example, domain=domain: pair_problems(example, domain))  # type: ignore[misc]
    for name, (schema, keys) in JUDGED.items():
        yield from _in_file(
            name,
            lambda example, schema=schema, keys=keys: shape_problems(example, schema, keys),  # type: ignore[misc]
        )


def _in_file(name: str, check: Callable[[Demonstration], Iterator[str]]) -> Iterator[str]:
    try:
        examples = read_demonstrations(name)
    except (OSError, ValueError) as error:
        yield f"{name}.json: cannot be read: {error}"
        return
    if not isinstance(examples, list) or len(examples) < SHOWN:
        yield f"{name}.json: must be a list of at least {SHOWN} demonstrations"
        return
    for number, example in enumerate(examples, start=1):
        for problem in check(example):
            yield f"{name}.json, {number}: {problem}"


def shape_problems(example: Demonstration, schema: type[StageAnswer], keys: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with keys and answer: a model copies their order from the demonstration."""
    if not isinstance(example, dict) or tuple(example) != keys:
        yield f"its keys must be {', '.join(keys)}, in this order"
        return
    try:
        schema.model_validate_json(json.dumps(example["answer"]), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        yield f"answer: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        return
    if list(example["answer"]) != list(schema.model_fields):
        yield f"answer: its fields must be {', '.join(schema.model_fields)}, in this order"


def pair_problems(example: Demonstration, domain: Domain) -> Iterator[str]:
    """Yield what is wrong with a demonstration of `generate`."""
    shape = list(shape_problems(example, GenerateAnswer, KEYS))
    if shape or example["task_form"] not in set(TaskForm):
        yield from shape or [f"task_form {example['task_form']!r} is none of {', '.join(TaskForm)}"]
        return
    answer = GenerateAnswer.model_validate_json(json.dumps(example["answer"]))
    item = PlanItem(
        persona=example["persona"], task_form=TaskForm(example["task_form"]), target=example["target"]
    )
    for quotation in answer.evidence:
        if quotation not in example["document"]:
            yield f"evidence is not copied exactly: {quotation[:80]!r}"
    if answer.abstain:
        if answer.question or answer.answer or not answer.abstain_reason:
            yield "an abstention has a reason, and neither question nor answer"
        return
    question = gate(answer, item, domain, example["document"])
    if isinstance(question, GateRejection):
        yield f"the gate rejects it: {question.reason.value}: {question.detail}"
        return
    for wording in (question.spec.answer, *question.spec.aliases):
        if match(question.spec, wording) is not Match.SAME:
            yield f"its own wording is no right answer: {wording!r}"
        echoed = item.task_form not in OFFERS_ITS_ANSWERS and contains_words(wording, answer.question)
        if echoed or contains_words(wording, item.target):
            yield f"the answer can be had from question or target: {wording!r}"


if __name__ == "__main__":
    sys.exit(main())
