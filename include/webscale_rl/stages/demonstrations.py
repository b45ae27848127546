"""Demonstrations: worked examples in files that a user can replace, two fixed ones in a prompt.

``make check-prompts`` holds every one to the rules that the pipeline holds its own pairs to.
"""

import json
from typing import Any

from webscale_rl.llm.prompts import load_demonstrations
from webscale_rl.records import Domain, TaskForm

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


def demonstrations(name: str, shown: int = SHOWN) -> tuple[str, ...]:
    """Return the first ``shown`` demonstrations of a file, rendered as they stand in a prompt."""
    return tuple(_render(example) for example in read_demonstrations(name)[:shown])


def demonstrations_for(domain: Domain, form: TaskForm) -> tuple[str, ...]:
    """Return the two demonstrations of `generate` for a domain and a task form, the same ones in every call.

    Those of the form are taken first, pairs before abstentions, then others, in the order of the file. So a form with
    one pair and an abstention shows both, the pair first.
    """
    examples = read_demonstrations(DOMAIN_FILES[domain])
    examples.sort(key=lambda example: (example["task_form"] != form, example["answer"]["abstain"]))
    shown = sorted(examples[:SHOWN], key=lambda example: bool(example["answer"]["abstain"]))
    return tuple(_render(example) for example in shown)


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
