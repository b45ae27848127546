"""The answer to a question without a document: sums that it states, else a guess among options, else ignorance.

It knows nothing, so equal requests get equal answers, whatever the temperature.
"""

import re
from decimal import Decimal
from typing import Any

from webscale_rl.ids import text_id
from webscale_rl.offline.rules.numbers import written
from webscale_rl.stages.arithmetic import ExpressionError, evaluate

UNKNOWN = "unknown"

_OPTION = re.compile(r"^([A-J])\) \S", re.MULTILINE)
_OPTION_TEXT = re.compile(r"^[A-J]\) (\S.*)$", re.MULTILINE)
_TOGETHER = re.compile(
    r"\btakes (?P<one>\d+(?:\.\d+)?) (?P<unit>\w+) .* and (?P<other>\d+(?:\.\d+)?) (?P=unit) .*\btogether\?"
)
_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_SUM = re.compile(rf"{_NUMBER}(?:\s*[-+*/×÷−]\s*{_NUMBER})+")


def is_closed_book(prompt: str) -> bool:
    """Say whether a prompt ends by asking for a final answer in the form that the rewards read."""
    contract = prompt.rstrip().rpartition("\n\n")[2]
    return "\\boxed{" in contract or "<answer>" in contract


def closed_book(prompt: str) -> str:
    """Return a response in the form that the prompt asks for."""
    question, _, contract = prompt.rstrip().rpartition("\n\n")
    words, final = _thought(question, contract)
    marked = f"<answer>{final}</answer>" if "<answer>" in contract else f"\\boxed{{{final}}}"
    return f"{words}\n{marked}"


def solve_closed(fields: dict[str, str]) -> dict[str, Any]:
    """Return the answer to `closed`: a sum that the question states, in signs or in words."""
    value = _sum(fields.get("question", "")) or _together(fields.get("question", ""))
    return {
        "analysis": "The question states a sum." if value else "The question states no sum.",
        "sufficient": bool(value),
        "missing": "" if value else "what the question rests on",
        "answer": value,
    }


def guess(fields: dict[str, str]) -> dict[str, Any]:
    """Return the answer to `options`: one of them, by a hash of all in their order."""
    options = _OPTION_TEXT.findall(fields.get("options", "")) or [UNKNOWN]
    chosen = _picked(fields.get("options", ""), options)
    return {"analysis": "Nothing speaks for any of them.", "answer": chosen[:300]}


def _together(question: str) -> str:
    """Return the sum of the two quantities that a question puts together."""
    found = _TOGETHER.search(question)
    return written(Decimal(found["one"]) + Decimal(found["other"])) if found else ""


def _thought(question: str, contract: str) -> tuple[str, str]:
    letters = _OPTION.findall(question)
    if len(letters) > 1:
        return "I do not know, so I take one of the options.", _picked(question, letters)
    if value := _sum(question):
        return "The question states a sum.", value
    if "yes or no" in contract:
        return "I do not know, so I guess.", _picked(question, ["yes", "no"])
    return "I do not know.", UNKNOWN


def _picked(question: str, choices: list[str]) -> str:
    return choices[int(text_id(question), 16) % len(choices)]


def _sum(question: str) -> str:
    """Return the value of the only sum of a question; empty where there is none, or it has no short value."""
    sums = _SUM.findall(question)
    try:
        value = evaluate(sums[0]) if len(sums) == 1 else None
    except ExpressionError:
        return ""
    if value is None or value.denominator != 1:
        return ""
    return str(value)
