"""Human questions turned into what `generate` would have written for them: drafts that the gate reads.

A row of SQuAD or TAT-QA holds a text and questions that people wrote and answered on it. A draft takes question
and answer as they are and adds what a generator writes beside them: quotations, the type of the answer, its unit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from webscale_rl.records import TaskForm
from webscale_rl.rewards.spec import AnswerType
from webscale_rl.stages.figures import numbers
from webscale_rl.stages.generate import GenerateAnswer
from webscale_rl.stages.text_match import contains_words

QUOTATION = 600  # characters, the limits of `GenerateAnswer`
QUOTATIONS = 5
ALIAS, ALIASES = 100, 6

_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])")
_ABBREVIATED = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Prof|Gen|Lt|Col|Jr|Sr|No|vs|c|ca|approx|e\.g|i\.e|U\.S))\.$"
)
_MONTH = re.compile(
    r"\b(?:january|february|march|april|june|july|august|september|october|november|december|may \d)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
_SMALL = re.compile(r"a|an|and|at|by|de|del|der|di|du|for|from|in|la|le|of|on|or|the|to|van|von|with")

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
_DECIMAL = rf"{_DIGITS}(?:\.\d+)?"
_WORDS = "(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty)"
_SCALE = "(?: (?:thousand|million|billion|trillion))?"
_FORMS: dict[AnswerType, str] = {
    "integer": rf"{_DIGITS}|{_WORDS}",
    "decimal": _DECIMAL,
    "percent": rf"{_DECIMAL} ?(?:%|percent|per cent)",
    "currency": rf"[$£€]{_DECIMAL}{_SCALE}",
    "quantity": rf"(?:{_DECIMAL}|{_WORDS}){_SCALE}(?: \w+)?",  # with at most one word as its unit
}


@dataclass(frozen=True)
class Draft:
    """One human question as a draft, with the document that it was asked on."""

    source: str  # "squad" or "tatqa"
    id: str
    form: TaskForm
    document: str
    answer: GenerateAnswer


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a file of one JSON object a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def sentences(text: str) -> list[str]:
    """Cut a text into its sentences, each verbatim; table rows and lines are sentences of their own."""
    found: list[str] = []
    for line in text.split("\n"):
        begin = 0
        for end in _END.finditer(line):
            if not _ABBREVIATED.search(line[begin : end.start()]):
                found.append(line[begin : end.end()].strip())
                begin = end.end()
        found.append(line[begin:].strip())
    return [sentence for sentence in found if sentence]


def squad_drafts(rows: list[dict[str, Any]]) -> Iterator[Draft]:
    """Yield a draft of the form recall for every question that the text answers.

    The answer is the first human span, the other spans are its aliases. The evidence is the sentence that holds the
    span and shares most words with the question.
    """
    for row in rows:
        for number, qa in enumerate(row["qas"]):
            if qa["is_impossible"] or not qa["answers"]:
                continue
            text, question = row["text"], qa["question"].strip()
            first, *others = qa["answers"]
            fields = {
                "evidence": _around(first, text, question),
                "question": question,
                "answer": first,
                "answer_type": guessed_type(first),
                "precision": "year" if _YEAR.fullmatch(first) else "",
                "aliases": [other for other in others if len(other) <= ALIAS][:ALIASES],
            }
            yield Draft("squad", f"{row['id']}#{number}", TaskForm.RECALL, text, _answer(fields))


def tatqa_drafts(rows: list[dict[str, Any]]) -> Iterator[Draft]:
    """Yield a draft of the form compute for every arithmetic question.

    The expression is the human derivation as it was written. The evidence are the rows and sentences that hold its
    operands; of several with the same number the one that shares most words with the question.
    """
    for row in rows:
        for number, qa in enumerate(row["qas"]):
            if qa["answer_type"] != "arithmetic":
                continue
            question, derivation, scale = qa["question"].strip(), qa["derivation"].strip(), qa["scale"]
            written = shown(qa["answers"][0])
            fields = {
                "evidence": holders(derivation, row["text"], question),
                "derivation": derivation,
                "expression": derivation,
                "question": question,
                "answer": f"{written}%" if scale == "percent" else f"{written} {scale}".strip(),
                "answer_type": _numeric_type(written, scale),
                "unit": scale,
                "precision": "2 decimals" if "." in written else "",
            }
            yield Draft("tatqa", f"{row['id']}#{number}", TaskForm.COMPUTE, row["text"], _answer(fields))


def _answer(fields: dict[str, Any]) -> GenerateAnswer:
    unused = {
        "derivation": "",
        "expression": "",
        "abstain": False,
        "abstain_reason": "",
        "options": [],
        "unit": "",
        "tolerance": 0.0,
        "aliases": [],
        "claim_scope": "world",
        "scope_anchor": "",
    }
    return GenerateAnswer.model_validate(unused | fields)


def guessed_type(answer: str) -> AnswerType:
    """Guess the type that a generator would name for an extracted answer."""
    if _YEAR.fullmatch(answer) or _MONTH.search(answer):
        return "date"
    for kind, form in _FORMS.items():
        if re.fullmatch(form, answer, re.IGNORECASE):
            return kind
    words = [word for word in re.findall(r"[^\W\d_]+", answer) if not _SMALL.fullmatch(word)]
    if words and all(word[0].isupper() for word in words):
        return "entity"
    return "phrase"


def _numeric_type(written: str, scale: str) -> AnswerType:
    if scale == "percent":
        return "percent"
    if scale:
        return "quantity"
    return "decimal" if "." in written else "integer"


def shown(value: float) -> str:
    """Write a number as people do: thousands in groups, no decimals where there are none."""
    return f"{value:,.2f}".rstrip("0").rstrip(".") if value != int(value) else f"{int(value):,}"


def _around(span: str, text: str, question: str) -> list[str]:
    """Return the sentence that holds a span; where it runs over an end, all sentences that it touches."""
    places = []
    for match in re.finditer(re.escape(span), text):
        begin = end = 0
        for sentence in sentences(text):
            at = text.find(sentence, end)
            begin, end = (at if at <= match.start() else begin), max(end, at + len(sentence))
            if end >= match.end():
                break
        places.append((begin, end, match))
    begin, end, match = max(places, key=lambda place: _shared(question, text[place[0] : place[1]]))
    if end - begin > QUOTATION:  # a sentence too long to quote: as much of it as may be, whole words
        begin = max(begin, match.start() - (QUOTATION - len(span)) // 2)
        begin = text.rfind(" ", 0, begin) + 1 if begin else 0
        end = max(match.end(), text.rfind(" ", 0, min(end, begin + QUOTATION)))
    return [text[begin:end].strip()]


def holders(expression: str, text: str, question: str) -> list[str]:
    """Return the sentences and table rows that hold the numbers of an expression, at most five."""
    lines = [(line, set(numbers(line))) for line in sentences(text)]
    chosen: list[str] = []
    missing = set(numbers(operands(expression)))
    while missing and len(chosen) < QUOTATIONS:
        line, held = max(lines, key=lambda each: (len(missing & each[1]), _shared(question, each[0])))
        if not missing & held:
            break
        chosen.append(line if len(line) <= QUOTATION else _cut(line, missing))
        missing -= held
    return chosen


def operands(expression: str) -> str:
    """Return an expression without what arithmetic brings along: "/ 3" of an average, "* 100", "- 1"."""
    return re.sub(r"/\s*\d\b(?![.,]\d)|\*\s*100\b|[-+]\s*1\b(?![.,]\d)", " ", expression)


def _cut(line: str, wanted: set[Fraction]) -> str:
    """Return the cells or words of a long line from the first wanted number on."""
    begin = 0
    while len(line) - begin > QUOTATION and not wanted & set(numbers(line[: begin + QUOTATION // 2])):
        begin = line.find(" ", begin + QUOTATION // 4) + 1
    return line[begin : begin + QUOTATION].rsplit(" ", 1)[0]


def _shared(question: str, sentence: str) -> int:
    asked = {word.casefold() for word in re.findall(r"\w{3,}", question)}
    return sum(contains_words(word, sentence) for word in asked)
