"""Items of benchmarks, which must not be among the questions of a release, from files that a user has."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

from webscale_rl.corpus.files import JSON_LINES, PARQUET, CorpusFile, find_files
from webscale_rl.corpus.raw import Fault
from webscale_rl.corpus.records import records_of
from webscale_rl.errors import ConfigurationError, CorpusError

QUESTION = (
    *("question", "problem", "prompt", "query", "input", "instruction", "ctx", "goal", "text"),
    *("input_final_prompts", "question_text", "Question", "Problem"),
)
ANSWER = (
    *("answer", "final_answer", "solution", "target", "answers", "canonical_solution", "output", "code"),
    *("best_answer", "Correct Answer", "expected_answer", "Answer", "answerKey", "answer_index", "label"),
)
CHOICES = ("choices", "options", "endings")
IDS = ("id", "task_id", "question_id", "unique_id", "qid", "idx", "key")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ENDINGS = re.compile(r"(\.(jsonl|ndjson|parquet|gz|zst))+$", re.IGNORECASE)
SHOWN = 3  # faults that are told in full


@dataclass(frozen=True)
class BenchmarkItem:
    """One item. ``answer`` is empty where the benchmark holds it back."""

    benchmark: str
    id: str
    question: str
    answer: str = ""


@dataclass(frozen=True)
class KnownBenchmark:
    """A benchmark by its name on the Hugging Face hub, so that a user knows what to download.

    ``configs`` is empty where there is one only; ``licence`` is that of the data as its card states it, ``""`` where
    it states none. ``note`` says what a reader must know.
    """

    name: str
    hub: str
    split: str
    question: str
    answer: str
    licence: str
    configs: tuple[str, ...] = ()
    choices: str = ""
    gated: bool = False
    note: str = ""


@dataclass
class ReadBenchmarks:
    """What was read: items in the order of the files, and what had to be left out."""

    items: list[BenchmarkItem] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)  # reason to lines
    examples: list[str] = field(default_factory=list)  # of faults: file, line, reason

    @property
    def counts(self) -> dict[str, int]:
        """Items of each benchmark."""
        return dict(Counter(item.benchmark for item in self.items))


@cache
def known_benchmarks() -> dict[str, KnownBenchmark]:
    """Return the usual benchmarks by their short names, as ``benchmarks.json`` lists them."""
    listed = json.loads(files("webscale_rl.release").joinpath("benchmarks.json").read_text("utf-8"))
    return {
        row["name"]: KnownBenchmark(**row | {"configs": tuple(row.get("configs", ()))})
        for row in listed["benchmarks"]
    }


def read_benchmarks(uris: Sequence[str], names: Mapping[str, str] | None = None) -> ReadBenchmarks:
    """Read benchmark files: JSON Lines (plain, gzip, zstd) or Parquet; files, folders, globs, fsspec URIs.

    An item's benchmark is its field ``benchmark``, else the name of its file without endings.

    Args:
        uris: of files; nothing is downloaded from the hub.
        names: instead of the usual names of fields, such as ``{"question": "stem", "answer": "key"}``.

    Raises:
        CorpusError: a URI is missing or cannot be listed.
        ConfigurationError: a URI holds no item at all, or ``names`` has a field that items do not have.
    """
    wanted = {"question": QUESTION, "answer": ANSWER, "choices": CHOICES, "id": IDS}
    for name, given in (names or {}).items():
        if name not in wanted:
            raise ConfigurationError(f"fields: {name!r} is none of {', '.join(wanted)}")
        wanted[name] = (given,)
    used = {given for name, given in (names or {}).items() if name != "id"}
    wanted["id"] = tuple(name for name in wanted["id"] if name not in used)
    read = ReadBenchmarks()
    for uri in uris:
        before = len(read.items)
        for file in _files(uri):
            if file.name.lower().endswith((*JSON_LINES, *PARQUET)):
                _read_file(file, wanted, read)
        if len(read.items) == before:
            why = f": {'; '.join(read.examples[-SHOWN:])}" if read.examples else ""
            raise ConfigurationError(f"benchmarks: {uri!r} holds no item{why}")
    return read


def _files(uri: str) -> list[CorpusFile]:
    try:
        return list(find_files(uri))
    except CorpusError as error:
        raise CorpusError(f"benchmarks: {error}") from error


def _read_file(file: CorpusFile, names: Mapping[str, tuple[str, ...]], read: ReadBenchmarks) -> None:
    stem = _ENDINGS.sub("", PurePosixPath(file.name).name)
    for row, record in records_of(file):
        item = _item(record, stem, row, names)
        if isinstance(item, Fault):
            read.faults[item.reason] += 1
            if read.faults[item.reason] <= SHOWN:
                read.examples.append(f"{file.name}, record {row}: {item.reason}, {item.detail}")
        else:
            read.items.append(item)


def _item(
    record: Mapping[str, Any] | Fault, benchmark: str, row: int, names: Mapping[str, tuple[str, ...]]
) -> BenchmarkItem | Fault:
    if isinstance(record, Fault):
        return record
    question = next((text for name in names["question"] if (text := _text(_field(record, name)))), "")
    if not question.strip():
        shown = ", ".join(repr(str(name)[:40]) for name in list(record)[:8])
        return Fault(
            "missing_question",
            f"none of {', '.join(names['question'][:4])}, ... among {shown or 'no fields'}",
        )
    answer = next((value for name in names["answer"] if _text(value := _field(record, name))), "")
    choices = next((found for name in names["choices"] if (found := _choices(_field(record, name)))), ())
    return BenchmarkItem(
        benchmark=_text(record.get("benchmark")) or benchmark,
        id=next((text for name in names["id"] if (text := _text(_field(record, name)))), str(row)),
        question=question,
        answer=_chosen(answer, choices) if choices else _text(answer),
    )


def _field(record: Mapping[str, Any], name: str) -> Any:
    """Return a value by its name; a dotted one leads into an object."""
    if name in record:
        return record[name]
    value: Any = record
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    """Return a value as text: of a list the first, of an object its value or text (as TriviaQA and SQuAD have it)."""
    if isinstance(value, Mapping):
        return next((text for name in ("value", "text", "content") if (text := _text(value.get(name)))), "")
    if isinstance(value, list | tuple):
        return _text(value[0]) if value else ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def _choices(value: Any) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        value = value.get("text")
    return tuple(_text(each) for each in value) if isinstance(value, list | tuple) else ()


def _chosen(answer: Any, choices: Sequence[str]) -> str:
    """Return the option that an answer names: by number from 0, by letter, or by its text."""
    label = _text(answer).strip()
    if label in choices:
        return label
    number = int(label) if label.isdecimal() else LETTERS.find(label.upper()) if len(label) == 1 else -1
    return choices[number] if 0 <= number < len(choices) else label
