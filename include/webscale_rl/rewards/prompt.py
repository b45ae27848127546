"""The prompt under which difficulty is measured and trainers train: the question and the form of the final answer."""

from __future__ import annotations

from webscale_rl.rewards.spec import AnswerSpec

PROMPT_VERSION = "1"

_BOXED = (
    "Think it through first. Then give the final answer once, alone on the last line, as "
    "\\boxed{{...}}: {form}, without explanation."
)
_TAGGED = (
    "Think it through first. Then give the final answer once, at the end, between <answer> and </answer>: {form}, "
    "character for character, without explanation."
)
_FORMS = {
    "integer": "a whole number",
    "decimal": "a number",
    "quantity": "a number with its unit",
    "percent": "a percentage",
    "currency": "an amount with its currency",
    "date": "a date",
    "range": "the two ends of the range",
    "entity": "the name only",
    "string": "the exact text",
    "phrase": "a few words",
    "choice": "the letter of the right option",
    "boolean": "yes or no",
    "expression": "a mathematical expression",
    "list": "the elements in order, separated by commas",
    "set": "all the elements, separated by commas",
    "tuple": "the elements in order, separated by commas",
}


def solver_prompt(question: str, spec: AnswerSpec) -> str:
    """Return the text of the one user message that asks a question, with the form that its answer must have.

    ``score`` reads answers to this prompt. The text changes only with ``PROMPT_VERSION``.
    """
    form = _FORMS[spec.type]
    if spec.type == "list" and not spec.order:
        form = _FORMS["set"]
    if spec.unit and spec.type in ("integer", "decimal", "quantity", "percent", "currency"):
        form += f" (in {spec.unit})"
    if spec.precision:
        form += f" ({spec.precision})"
    contract = _TAGGED if spec.type == "string" else _BOXED
    return f"{question.strip()}\n\n{contract.format(form=form)}"
