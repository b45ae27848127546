"""What the planted model follows: questions of a document labelled good, and the same with one planted defect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from pydantic import Field, ValidationError

from webscale_rl.calibration.items import Defect, PairItem, read_items
from webscale_rl.errors import ConfigurationError
from webscale_rl.records import Domain, PlanItem, Record
from webscale_rl.rewards import AnswerSpec, Match, match
from webscale_rl.stages.generate import GenerateAnswer
from webscale_rl.stages.text_match import normalised

DISTRACTORS = 3  # plausible wrong answers of a question: an erring solver takes one of them

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_NAME = re.compile(r"[A-Z][\w'’-]+(?: (?:(?:of|the|and|de|von) )?[A-Z][\w'’-]+)*")
_CLAUSE = re.compile(r"[^.,;:!?|\n]{4,60}")


class Candidate(Record):
    """What the generator may write for one place of a plan.

    ``answers`` are the right ones by the document, whatever the draft says: none where it determines no answer, two
    where another one is right too.
    """

    defect: Defect = Defect.NONE
    plan: PlanItem
    draft: GenerateAnswer
    answers: tuple[str, ...]


class PlantedItem(Record):
    """One place of a document's plan: the good candidate, its defective variants, plausible wrong answers."""

    document: str
    domain: Domain
    good: Candidate
    variants: tuple[Candidate, ...] = ()
    distractors: tuple[str, ...] = Field(min_length=1)


def load_labels(path: Path) -> tuple[PlantedItem, ...]:
    """Read labelled items, one JSON object a line.

    Raises:
        ConfigurationError: the file cannot be read, or a line is no such item; it is named.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ConfigurationError(f"cannot read the labels {str(path)!r}: {error.strerror}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(PlantedItem.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the line"
            said = f"the labels {str(path)!r} are wrong in line {number} at {place}: {first['msg']}"
            raise ConfigurationError(said) from None
    return tuple(found)


def shipped_labels() -> tuple[PlantedItem, ...]:
    """Return the labelled pairs that the calibration ships; those that carry an injection are left out."""
    pairs = [pair for pair in read_items()[0].pairs if pair.defect is not Defect.INJECTION and pair.document]
    good = [pair for pair in pairs if pair.defect is Defect.NONE]
    return tuple(
        _shipped(pair, [each for each in pairs if each.id.startswith(f"{pair.id}-")]) for pair in good
    )


def _shipped(good: PairItem, variants: list[PairItem]) -> PlantedItem:
    false = [pair.answer for pair in variants if pair.question == good.question]
    return PlantedItem(
        document=good.text,
        domain=good.domain,
        good=Candidate(plan=good.plan_item, draft=good.draft, answers=(good.answer,)),
        variants=tuple(
            Candidate(
                defect=pair.defect,
                plan=pair.plan_item,
                draft=pair.draft,
                answers=_right_answers(pair, good),
            )
            for pair in variants
        ),
        distractors=distractors(good.draft, good.text, false),
    )


def _right_answers(pair: PairItem, good: PairItem) -> tuple[str, ...]:
    """Return what is right by the document. Where no label tells it, another value of the document stands for it."""
    if pair.defect is Defect.NOT_IN_DOCUMENT:
        return ()
    if pair.defect in (Defect.WRONG_VALUE, Defect.WRONG_ENTITY):
        if pair.question == good.question and pair.options == good.options:
            return (good.answer,)
        return distractors(pair.draft, pair.text)[:1]
    if pair.defect is Defect.SECOND_ANSWER:
        return pair.answer, distractors(pair.draft, pair.text)[0]
    return (pair.answer,)


def distractors(draft: GenerateAnswer, document: str, false: Iterable[str] = ()) -> tuple[str, ...]:
    """Return at most three plausible wrong answers: known ones, other options, numbers, names, words of the document.

    None of them is right by the rules, which may be unsure of it.
    """
    spec = AnswerSpec(
        type=draft.answer_type,
        answer=draft.answer,
        unit=draft.unit,
        tolerance=draft.tolerance,
        aliases=tuple(draft.aliases),
        options=tuple(draft.options),
    )
    # What the question names is no plausible answer to it.
    asked = normalised(draft.question)
    different = (
        text
        for text in (*false, *draft.options, *_values(draft.answer, document), *_phrases(draft, document))
        if match(spec, text) is not Match.SAME and (text in draft.options or normalised(text) not in asked)
    )
    return tuple(islice(dict.fromkeys(different), DISTRACTORS))


def _values(answer: str, document: str) -> Iterator[str]:
    """Yield the answer with another number of the document in place of its first, else with a number raised."""
    if not (place := _NUMBER.search(answer)):
        return
    for other in [*_NUMBER.findall(document), str(int(float(place.group().replace(",", ""))) + 1)]:
        if other != place.group():
            yield answer[: place.start()] + other + answer[place.end() :]


def _phrases(draft: GenerateAnswer, document: str) -> Iterator[str]:
    if _NUMBER.search(draft.answer):
        return
    if draft.answer[:1].isupper():
        yield from _NAME.findall(document)
    yield from (clause.strip() for clause in _CLAUSE.findall(document) if len(clause.split()) <= 6)
    yield "something else"
