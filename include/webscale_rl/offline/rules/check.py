"""The answers to `match`, `blind` and `judge`."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from webscale_rl.offline.rules.facts import facts
from webscale_rl.offline.rules.solve import solve
from webscale_rl.offline.rules.text import normal

LONGEST_QUESTION = 4000  # characters that are looked at

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|```.*?```", re.DOTALL)
_SOURCE = re.compile(
    r"\b(?:the|this) (?:passage|text|author|article|document|excerpt|study|above|figure|table|company|speaker)\b|"
    r"\b(?:mentioned|described|shown|listed) (?:above|below|here)\b|\baccording to the (?!(?-i:[A-Z\d]))",
    re.IGNORECASE,
)
_POINTER = re.compile(r"\b(?:this|these|those|it|its|he|she|his|her|they|their|them)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z0-9]|\"|\b[a-z]{4,}\b.*\b[a-z]{4,}\b")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def match(fields: dict[str, str]) -> dict[str, Any]:
    """Return whether two answers are the same: in words, or in value and the words around it."""
    one, other = fields.get("answer_one", ""), fields.get("answer_two", "")
    same = normal(one) == normal(other) or (_value(one) is not None and _value(one) == _value(other))
    verdict = "same" if same else "different"
    return {"analysis": f"Compared in lower case and by value, the two are {verdict}.", "verdict": verdict}


def blind(fields: dict[str, str]) -> dict[str, Any]:
    """Return whether a question names what it asks about; quotations and code within it may say anything."""
    words = _QUOTED.sub('""', fields.get("question", "")[:LONGEST_QUESTION])
    missing = ""
    if found := _SOURCE.search(words):
        missing = f"what '{found.group()}' refers to"
    elif (found := _POINTER.search(words)) and not _NAME.search(words[: found.start()]):
        missing = f"whom or what '{found.group()}' means"
    elif not words.strip():
        missing = "the question"
    analysis = "Something is referred to but not named." if missing else "Everything referred to is named."
    return {"analysis": analysis, "missing": missing[:300], "self_contained": not missing, "ambiguous": False}


def judge(fields: dict[str, str]) -> dict[str, Any]:
    """Return whether the document states the answer, or a fact of it computes the answer."""
    document, question, answer = (fields.get(name, "") for name in ("document", "question", "answer"))
    stated = bool(normal(answer)) and f" {normal(answer)} " in f" {normal(document)} "
    asked = normal(question)
    own = next((fact for fact in facts(document) if normal(fact.question) == asked), None)
    computed = own is not None and normal(own.answer) == normal(answer)
    solved = "" if stated or computed else str(solve(fields)["answer"])
    supported = stated or computed or (bool(solved) and normal(solved) == normal(answer))
    revealed = f" {normal(answer)} " in f" {asked} " and own is None and "\n" not in question
    return {
        "analysis": f"The answer is {'found' if supported else 'not found'} in the document.",
        "supported": supported,
        "rival_answer": "",
        "answer_revealed": bool(normal(answer)) and revealed and " or " not in question,
    }


def _value(text: str) -> Decimal | None:
    """Return the number of an answer that holds exactly one."""
    numbers = _NUMBER.findall(text)
    try:
        return Decimal(numbers[0].replace(",", "")) if len(numbers) == 1 else None
    except InvalidOperation:
        return None
