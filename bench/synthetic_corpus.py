"""A corpus of any length, and what a model would answer about its documents.

    .venv/bin/python bench/synthetic_corpus.py 10000 /tmp/corpus.jsonl --tokens 2000

Document number n is the same on every machine; no two are equal, and they differ from their first word on. Its first
sentences state four facts, from which `answer` takes a document down the whole road: assess with a plan of three
items, and for each a pair that passes the gate, is solved and is judged clear.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from webscale_rl.records import Domain

SYLLABLES = [consonant + vowel for consonant in "bdfghjklmnprstvz" for vowel in "aeiou"]
NAMES = len(SYLLABLES) ** 4  # 41 million
STRIDE = 7_368_787  # no divisor in common with NAMES: neighbours get names that look unlike each other
CHARACTERS_A_TOKEN = 3.35  # of this text, by o200k_base
THINGS = ("bridge", "tunnel", "causeway", "embankment")
GOODS = ("grain", "timber", "slate", "copper", "wool", "salt", "glass", "coal")
PLACES = ("mill", "harbour", "quarry", "market", "foundry", "depot", "brewery", "station")
DOMAINS = tuple(domain.value for domain in Domain)

# The facts stand within the first so many characters of a prompt that shows the document.
HEAD = 1_000
_FACT = re.compile(r"In the year (\d{4}) the ([A-Z][a-z]+) (\w+) had a length of (\d+) metres\.")
_FORM = re.compile(r"<task_form-[0-9a-f]+>\n(\w+)")

Answer = dict[str, Any]
Fact = tuple[str, str, str, str]  # year, name, thing, metres


def document(number: int, tokens: int) -> str:
    """Return the text of document ``number``, about ``tokens`` tokens long (at least 90)."""
    name = _name(number)
    chance = random.Random(number)
    year = 1900 + number % 60
    # Ranges that do not meet: the difference of the first two is positive, the last two are not equal.
    lengths = [chance.randint(*bounds) for bounds in ((600, 999), (300, 599), (100, 199), (200, 299))]
    sentences = [f"{name} has a bridge, a tunnel, a causeway and an embankment."]
    for later, (thing, metres) in enumerate(zip(THINGS, lengths, strict=True)):
        sentences.append(f"In the year {year + later} the {name} {thing} had a length of {metres} metres.")
    length = sum(map(len, sentences))
    while length < tokens * CHARACTERS_A_TOKEN:
        sentences.append(
            f"The {chance.choice(PLACES)} of {name} handled {chance.randint(2, 9999)} tonnes of "
            f"{chance.choice(GOODS)} from {_name(chance.randrange(NAMES))} in {chance.randint(1880, 1999)}."
        )
        length += len(sentences[-1]) + 1
    return " ".join(sentences)


def records(count: int, tokens: int) -> Iterator[dict[str, str]]:
    """Yield the records of a corpus of ``count`` documents, one at a time."""
    for number in range(count):
        yield {
            "id": f"synthetic-{number:08d}",
            "text": document(number, tokens),
            "source": "webscale-rl synthetic corpus",
            "licence": "CC0-1.0",
        }


def write(path: Path, count: int, tokens: int) -> None:
    """Write a corpus as JSONL."""
    with path.open("wb") as file:
        for record in records(count, tokens):
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def answer(stage: str, prompt: str) -> Answer | None:
    """Return what a model answers to the user's message of a stage, or None for a stage that is not known.

    Cheap: looks at the beginning of the document and at the fields at the end.
    """
    if stage in ("blind", "match", "judge"):
        return _VERDICTS[stage]
    if stage not in ("assess", "generate", "solve"):
        return None
    facts: list[Fact] = _FACT.findall(prompt[:HEAD])
    if len(facts) < len(THINGS):
        return None
    if stage == "assess":
        return _assess(facts)
    if stage == "generate":
        form = _FORM.match(prompt, prompt.rfind("<task_form-"))
        return _generate(form[1] if form else "recall", facts)
    return _solve(prompt[prompt.rfind("<question-") :], facts)


_VERDICTS: dict[str, Answer] = {
    "blind": {
        "analysis": "The question names the structure, its place and the year, and says in which unit to answer.",
        "missing": "",
        "self_contained": True,
        "ambiguous": False,
    },
    "match": {"analysis": "Both answers give the same value.", "verdict": "same"},
    "judge": {
        "analysis": "The document states the length of the structure for that year in one sentence.",
        "supported": True,
        "rival_answer": "",
        "answer_revealed": False,
    },
}


def _assess(facts: list[Fact]) -> Answer:
    year, name, thing, _ = facts[0]
    plan = [
        ("An engineer who surveys old structures", "recall", f"the length of the {name} {thing} in {year}"),
        (
            "A teacher who writes exercises in arithmetic",
            "compute",
            f"how much longer the {name} {thing} was than the {name} {facts[1][2]}",
        ),
        (
            "A local historian",
            "compare",
            f"which is longer, the {name} {facts[2][2]} or the {name} {facts[3][2]}",
        ),
    ]
    return {
        "analysis": f"A record of the structures and the trade of {name}. It states lengths with years and amounts "
        "of goods with places, all of which can be checked; it needs nothing beside itself.",
        "flags": [],
        "decision": "suitable",
        "domain": DOMAINS[int(year) % len(DOMAINS)],
        "plan": [{"persona": persona, "task_form": form, "target": target} for persona, form, target in plan],
    }


def _generate(form: str, facts: list[Fact]) -> Answer:
    chosen = {"compute": facts[:2], "compare": facts[2:]}.get(form, facts[:1])
    return {
        "evidence": [
            f"In the year {year} the {name} {thing} had a length of {metres} metres."
            for year, name, thing, metres in chosen
        ],
        "derivation": "The document states the length in metres for the year that the question names.",
        "expression": f"{facts[0][3]} - {facts[1][3]}" if form == "compute" else "",
        "abstain": False,
        "abstain_reason": "",
        "question": _question(form, facts),
        "options": [],
        "answer": _reference(form, facts),
        "answer_type": "entity" if form == "compare" else "integer",
        "unit": "",
        "precision": "",
        "tolerance": 0,
        "aliases": [],
        "claim_scope": "world",
        "scope_anchor": "",
    }


def _question(form: str, facts: list[Fact]) -> str:
    (year, name, thing, _), second, third, fourth = facts
    if form == "compute":
        return (
            f"By how many metres was the {name} {thing} in the year {year} longer than the {name} {second[2]} "
            f"in the year {second[0]}? Give a whole number."
        )
    if form == "compare":
        return (
            f"Which was longer: the {name} {third[2]} in the year {third[0]} or the {name} {fourth[2]} "
            f"in the year {fourth[0]}? Give its full name."
        )
    return f"How many metres long was the {name} {thing} in the year {year}? Give a whole number."


def _reference(form: str, facts: list[Fact]) -> str:
    if form == "compute":
        return str(int(facts[0][3]) - int(facts[1][3]))
    if form == "compare":
        longer = max(facts[2:], key=lambda fact: int(fact[3]))
        return f"{longer[1]} {longer[2]}"
    return facts[0][3]


def _solve(question: str, facts: list[Fact]) -> Answer:
    form = "compute" if "\nBy how many" in question else "compare" if "\nWhich was" in question else "recall"
    return {
        "analysis": "The document states the lengths that the question asks about, each with its year.",
        "sufficient": True,
        "answer": _reference(form, facts),
    }


def _name(number: int) -> str:
    place = number * STRIDE % NAMES
    syllables = []
    for _ in range(4):
        place, index = divmod(place, len(SYLLABLES))
        syllables.append(SYLLABLES[index])
    return "".join(syllables).capitalize()


def main() -> None:
    """Write a corpus from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("count", type=int, help="number of documents")
    parser.add_argument("output", type=Path, help="path of the JSONL file")
    parser.add_argument("--tokens", type=int, default=2000, help="tokens of a document, about")
    given = parser.parse_args()
    write(given.output, given.count, given.tokens)


if __name__ == "__main__":
    main()
