"""Demonstrations: worked examples in files, two fixed ones in a prompt."""

import json
from typing import Any

from webscale_rl.llm.prompts import load_demonstrations
from webscale_rl.records import Domain

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


def demonstrations(name: str, shown: int = SHOWN) -> tuple[str, ...]:
    """Return the first ``shown`` demonstrations of a file, rendered as they stand in a prompt."""
    return tuple(_render(example) for example in json.loads(load_demonstrations(name))[:shown])


def _render(example: dict[str, Any]) -> str:
    """Show what is given, then the answer; a weak question comes with the reason why it is weak."""
    lines = []
    for name, value in example.items():
        if name == "answer":
            value = json.dumps(value, ensure_ascii=False)
        lines.append(f"{name.replace('_', ' ').capitalize()}: {value}")
    return "\n".join(lines)
