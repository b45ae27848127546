"""Under which other conditions `check` solves a question again: where chance could explain that answers agree."""

from __future__ import annotations

import math

from webscale_rl.records import Question, TaskForm
from webscale_rl.rewards import AnswerSpec
from webscale_rl.stages.figures import numbers
from webscale_rl.stages.options import rotated, with_options

CHANCE = 1 / 8  # that all solves agree by guessing, at most


def conditions(question: Question) -> list[tuple[str, AnswerSpec]]:
    """Return the further ways to put a question that is guessed too often: its text and its specification.

    Votes of one model on one prompt are correlated, so the options change their order. A question for yes or no is
    put with both as options, in either order.
    """
    spec = question.spec
    if spec.type == "boolean":
        orders = (("yes", "no"), ("no", "yes"))
        return [(with_options(question.text, order), spec) for order in orders]
    if not spec.options:
        return []
    solves = math.ceil(math.log(CHANCE) / math.log(1 / len(spec.options)))
    return [rotated(question, turn) for turn in range(1, solves)]


def carries_its_premises(question: Question) -> bool:
    """Say whether a question must be solvable without the document: what it reasons from stands in it."""
    form = question.item.task_form
    if form in (TaskForm.DERIVE, TaskForm.EXECUTE):
        return True
    operands = numbers(question.expression)
    return form is TaskForm.COMPUTE and bool(operands) and set(operands) <= set(numbers(question.text))
