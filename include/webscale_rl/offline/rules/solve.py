"""The answer to `solve`: the document searched for what a question asks."""

import re
from typing import Any

from webscale_rl.offline.rules.facts import facts
from webscale_rl.offline.rules.numbers import MONTH, YEAR
from webscale_rl.offline.rules.text import Sentence, normal, read_page, word_set

ENOUGH_SHARED = 0.6  # of the words of a question in one sentence

_SMALL = word_set(
    "a an the of in on at to for by with from and or is are was were be been do does did has have had "
    "what which who whom whose when where how many much why that this it its as than year name"
)
_NUMBER = re.compile(r"[$£€]?\d[\d,]*(?:\.\d+)?(?:%| percent| million| billion)?")
_NAMES = re.compile(r"\b[A-Z][\w’'-]+(?: (?:of |the )?[A-Z][\w’'-]+){0,4}")
_EXPECTED: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(r"\b(?:what|which) year\b", re.IGNORECASE), re.compile(rf"\b{YEAR}\b")),
    (
        re.compile(r"\b(?:when|date)\b", re.IGNORECASE),
        re.compile(rf"\b(?:{MONTH}) \d{{1,2}}, {YEAR}\b|\b{YEAR}\b"),
    ),
    (re.compile(r"\bhow (?:many|much)\b|\bpercentage\b|\bamount\b", re.IGNORECASE), _NUMBER),
    (re.compile(r"\bwho\b|\bwhom\b|\bwhere\b|\bwhich\b|\bwhat\b|\bname\b", re.IGNORECASE), _NAMES),
)
_OPTION = re.compile(r"^[ \t]*(?:[-*]|\(?[A-Fa-f][).:])[ \t]+(?P<text>\S.{0,298})$", re.MULTILINE)


def solve(fields: dict[str, str]) -> dict[str, Any]:
    """Return what the document answers to the question in ``fields``."""
    document, question = fields.get("document", ""), fields.get("question", "")
    answer = _stated(document, question) or _chosen(document, question) or _searched(document, question)
    if not answer:
        return {
            "analysis": "No statement of the document matches the question.",
            "sufficient": False,
            "answer": "",
        }
    return {
        "analysis": "A statement of the document matches the question.",
        "sufficient": True,
        "answer": answer[:300],
    }


def _stated(document: str, question: str) -> str:
    """Return the answer of the fact that asks the same."""
    asked = normal(_OPTION.sub("", question))
    return next((fact.answer for fact in facts(document) if normal(fact.question) == asked), "")


def _chosen(document: str, question: str) -> str:
    """Return the only option of a question with options that stands in the document."""
    options = [found["text"].strip() for found in _OPTION.finditer(question)]
    text = f" {normal(document)} " if len(options) > 1 else ""
    present = [option for option in options if f" {normal(option)} " in text]
    return present[0] if len(present) == 1 else ""


def _searched(document: str, question: str) -> str:
    """Return the first thing of the expected kind in the sentence nearest to the question."""
    wanted = set(normal(question).split()) - _SMALL
    expected = next((kind for cue, kind in _EXPECTED if cue.search(question)), None)
    if not wanted or expected is None:
        return ""
    best, shared = "", 0.0
    for sentence in read_page(document).sentences:
        score = len(wanted & set(normal(sentence.text).split())) / len(wanted)
        if score > shared and (found := _candidate(sentence, expected, question)):
            best, shared = found, score
    return best if shared >= ENOUGH_SHARED else ""


def _candidate(sentence: Sentence, expected: re.Pattern[str], question: str) -> str:
    asked = normal(_OPTION.sub("", question))
    return next((text for text in expected.findall(sentence.text) if normal(text) not in asked), "")
