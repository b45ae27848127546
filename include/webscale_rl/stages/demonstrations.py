"""Demonstrations: worked examples in files that a user can replace, two fixed ones in a prompt.

``make check-prompts`` holds every one to the rules that the pipeline holds its own pairs to.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from webscale_rl.ids import content_id
from webscale_rl.llm.prompts import load_card, load_demonstrations
from webscale_rl.records import Domain, PlanItem, TaskForm

DOMAIN_FILES: dict[Domain, str] = {
    Domain.MATH: "math",
    Domain.TECHNOLOGY: "technology",
    Domain.CODING: "coding",
    Domain.SOCIAL_SCIENCE: "social_science",
    Domain.NATURAL_SCIENCE: "natural_science",
    Domain.TRAVEL: "travel",
    Domain.COMMERCE: "commerce",
    Domain.MEDICINE: "medicine",
    Domain.EDUCATION: "education",
    Domain.OTHER: "other",
}

SHOWN = 2  # per prompt

Demonstration = dict[str, Any]
Forms = tuple[TaskForm, ...]  # one or two, different


def demonstrations(name: str, shown: int = SHOWN) -> tuple[str, ...]:
    """Return the first ``shown`` demonstrations of a file, rendered as they stand in a prompt."""
    return tuple(_render(example) for example in read_demonstrations(name)[:shown])


def shown_forms(plan: Sequence[PlanItem]) -> Forms:
    """Return the task forms whose demonstrations all items of a plan are shown: its first two different ones."""
    return tuple(dict.fromkeys(item.task_form for item in plan))[:SHOWN]


def demonstrations_for(domain: Domain, forms: Forms) -> tuple[str, ...]:
    """Return the two demonstrations of `generate` for a domain and the forms of a plan, the same for all its items.

    The first of each form is taken, pairs before abstentions, then others of these forms, then others, in the order
    of the file. So a plan of one form with one pair and an abstention shows both, the pair first.
    """
    left = read_demonstrations(DOMAIN_FILES[domain])
    left.sort(key=lambda example: (example["task_form"] not in forms, bool(example["answer"]["abstain"])))
    shown = []
    for form in (*forms, None, None)[:SHOWN]:
        of_form = [example for example in left if form in (None, example["task_form"])] or left
        shown.append(of_form[0])
        left.remove(of_form[0])
    shown.sort(key=lambda example: bool(example["answer"]["abstain"]))
    return tuple(_render(example) for example in shown)


@cache
def guides_version(domain: Domain) -> str:
    """Return the hash of a domain's card and demonstrations: 12 hexadecimal digits."""
    name = DOMAIN_FILES[domain]
    return content_id([load_card(name), load_demonstrations(name)])[:12]


def read_demonstrations(name: str) -> list[Demonstration]:
    """Return all demonstrations of a file."""
    read: list[Demonstration] = json.loads(load_demonstrations(name))
    return read


def _render(example: Demonstration) -> str:
    """Show what is given, then the answer; a weak question comes with the reason why it is weak."""
    lines = []
    for name, value in example.items():
        if name == "answer":
            value = json.dumps(value, ensure_ascii=False)
        lines.append(f"{name.replace('_', ' ').capitalize()}: {value}")
    return "\n".join(lines)
