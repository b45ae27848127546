"""A small release of self-written questions, for every answer type, with the same rows every time.

    .venv/bin/python -m tests.trainers.sample_release FOLDER

writes it in every format.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from webscale_rl.corpus.tokens import count
from webscale_rl.release.about import About
from webscale_rl.release.formats import FORMATS
from webscale_rl.release.release import COUNTED
from webscale_rl.release.rows import RELEASE_SCHEMA, Rows
from webscale_rl.rewards import PROMPT_VERSION, AnswerSpec, solver_prompt

OPTIONS = ("granite", "basalt", "marble", "slate")
# Type, question with a place for a number or name, answers, and the rest of the specification.
ASKED: tuple[tuple[str, str, tuple[tuple[str, str], ...], dict[str, Any]], ...] = (
    (
        "integer",
        "A shelf has {} rows of seven jars. How many jars?",
        (("2", "14"), ("3", "21"), ("5", "35")),
        {},
    ),
    (
        "decimal",
        "What is {} divided by four, to two decimals?",
        (("1", "0.25"), ("3", "0.75"), ("5", "1.25")),
        {"precision": "2 decimals", "tolerance": 0.005},
    ),
    (
        "quantity",
        "A train covers 30 km every {} minutes. How far does it come in an hour?",
        (("15", "120 km"), ("20", "90 km"), ("30", "60 km")),
        {"unit": "km"},
    ),
    (
        "percent",
        "Of 200 seeds, {} came up. What share is that?",
        (("50", "25%"), ("80", "40%"), ("190", "95%")),
        {"unit": "%"},
    ),
    (
        "currency",
        "A ticket costs {} euros. What do ten cost?",
        (("4", "40 euros"), ("7", "70 euros"), ("12", "120 euros")),
        {"unit": "euros"},
    ),
    (
        "date",
        "The bridge opened exactly one year after {}. On which day?",
        (("3 May 1911", "3 May 1912"), ("9 June 1950", "9 June 1951"), ("1 April 1870", "1 April 1871")),
        {"precision": "day"},
    ),
    (
        "range",
        "The kiln runs between {} degrees, plus ten at both ends. In which range?",
        (("900 and 950", "910 to 960"), ("300 and 400", "310 to 410"), ("50 and 80", "60 to 90")),
        {},
    ),
    (
        "entity",
        "In the tale of the miller, who follows {} as master of the mill?",
        (("Anna Weber", "Karl Brandt"), ("Karl Brandt", "Ida Lorenz"), ("Ida Lorenz", "Otto Hahn")),
        {},
    ),
    ("string", "Which chemical symbol does {} have?", (("cobalt", "Co"), ("iron", "Fe"), ("tin", "Sn")), {}),
    (
        "phrase",
        "What does a lack of {} cause, by the old handbook?",
        (("light", "pale leaves"), ("water", "dry bark"), ("iron", "yellow veins")),
        {"aliases": ["chlorosis"]},
    ),
    (
        "choice",
        "Which stone is the step of house {} made of?\nA. granite\nB. basalt\nC. marble\nD. slate",
        (("1", "granite"), ("2", "basalt"), ("3", "marble"), ("4", "slate")),
        {"options": list(OPTIONS)},
    ),
    ("boolean", "Is {} an even number?", (("18", "yes"), ("21", "no"), ("40", "yes"), ("77", "no")), {}),
    (
        "expression",
        "Expand (x + {})(x - 1).",
        (("1", "$x^2 - 1$"), ("2", "$x^2 + x - 2$"), ("3", "$x^2 + 2x - 3$"), ("4", "$x^2 + 3x - 4$")),
        {},
    ),
    (
        "list",
        "Name the first three multiples of {} in rising order.",
        (("6", "6, 12, 18"), ("7", "7, 14, 21"), ("9", "9, 18, 27"), ("11", "11, 22, 33")),
        {},
    ),
    (
        "set",
        "Which prime factors does {} have?",
        (("30", "2, 3, 5"), ("42", "2, 3, 7"), ("105", "3, 5, 7"), ("70", "2, 5, 7")),
        {"order": False},
    ),
    (
        "tuple",
        "Which point lies {} to the right of (1, 2)?",
        (("one", "(2, 2)"), ("two", "(3, 2)"), ("three", "(4, 2)"), ("four", "(5, 2)")),
        {},
    ),
)
DOMAINS = ("Math", "Technology & Engineering", "Natural Science", "Social Science", "Other")
REPEATS = 2  # of each question, by another persona
TEST = 8  # rows


def rows() -> list[dict[str, Any]]:
    """Return all rows, with every column of a release."""
    found = []
    for repeat in range(REPEATS):
        for kind, question, answers, rest in ASKED:
            for given, answer in answers:
                spec = AnswerSpec.from_json(
                    json.dumps({"type": kind, "answer": answer, "version": 1} | rest, sort_keys=True)
                )
                asked = question.format(given) + (" Take your time." if repeat else "")
                found.append(row(asked, spec, len(found)))
    for each in found[-TEST:]:
        each["split"] = "test"
    return found


def row(question: str, spec: AnswerSpec, number: int) -> dict[str, Any]:
    """Return the row of a question."""
    text = f"{question} The answer is {spec.answer}."
    prompt = solver_prompt(question, spec)
    filled: dict[str, Any] = {
        column.name: ""
        if pa.types.is_string(column.type)
        else 0
        if pa.types.is_integer(column.type)
        else None
        for column in RELEASE_SCHEMA
    }
    return filled | {
        "pretrain_text": text,
        "domain": DOMAINS[number % len(DOMAINS)],
        "persona": "a curious reader",
        "question": question,
        "answer": spec.answer,
        "id": hashlib.sha256(text.encode()).hexdigest()[:32],
        "document_id": hashlib.sha256(question.encode()).hexdigest()[:32],
        "task_form": "choice" if spec.type == "choice" else "compute",
        "answer_type": spec.type,
        "answer_spec": spec.to_json(),
        "evidence": [{"start": 0, "end": len(text), "text": text}],
        "claim_scope": "world",
        "pass_rate": None if number % 3 else 0.5,
        "solver_attempts": 0 if number % 3 else 8,
        "marks": ["guessable_options"] if spec.type == "choice" else [],
        "source": "self-written questions",
        "source_row": number + 1,
        "licence": "CC0-1.0",
        "generator_model": "nobody",
        "check_depth": "full",
        "prompt_versions": "{}",
        "prompt": prompt,
        "prompt_tokens": count(prompt),
        "label_confidence": "judged",
        "source_cluster": str(number),
        "split": "train",
    }


def as_rows(found: list[dict[str, Any]], size: int = 10) -> Rows:
    """Return rows as the writers take them, ``size`` in a batch."""

    def batches(split: str) -> Iterator[pa.RecordBatch]:
        mine = [each for each in found if each["split"] == split]
        for start in range(0, len(mine), size):
            yield pa.RecordBatch.from_pylist(mine[start : start + size], schema=RELEASE_SCHEMA)

    return batches


def about(found: list[dict[str, Any]], **changes: Any) -> About:
    """Return what a release of these rows says of itself."""
    said: dict[str, Any] = {
        "name": "a sample of self-written questions, naïve on purpose",
        "version": "0123456789abcdef",
        "parameters": {"test_share": 0.08, "seed": "0"},
        "candidates": len(found) + 3,
        "rows": len(found),
        "excluded": {"duplicate/near": 2, "filter/pass_rate": 1},
        "counts": {column: dict(Counter(each[column] for each in found)) for column in COUNTED},
        "funnel": {
            "documents": {"total": 70, "states": {"done": 70}, "reasons": {"done": {"with_pairs": 70}}}
        },
        "models": {"generator": "nobody@1", "checker": "nobody@1"},
        "benchmarks": {"sample benchmark": 12},
        "rewards_prompt_version": PROMPT_VERSION,
        "code_version": "0.1.0",
        "limits": ("Made to try trainers, not to train with.",),
    }
    return About(**said | changes)


def main() -> None:
    """Write the sample in every format."""
    found = rows()
    for write in FORMATS.values():
        write(as_rows(found), Path(sys.argv[1]), about(found))


if __name__ == "__main__":
    main()
