"""The labelled items: what a line of a file of items may hold, and reading such files.

An item names its document by the id of a ``text`` line, or carries the text itself. The shipped items are the
JSON Lines beside this module; a user's own come on top.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib.resources import files as resources
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from webscale_rl.corpus.files import JSON_LINES, CorpusFile, find_files
from webscale_rl.corpus.unpacking import unpacked
from webscale_rl.errors import ConfigurationError, CorpusError
from webscale_rl.ids import content_id
from webscale_rl.records import ClaimScope, Domain, PlanItem, Record, TaskForm
from webscale_rl.rewards.spec import AnswerType
from webscale_rl.stages.assess import Flag
from webscale_rl.stages.gate import GateReason
from webscale_rl.stages.generate import GenerateAnswer

SHIPPED = "items"  # the folder beside this module

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(min_length=1)]


class Defect(StrEnum):
    """What is wrong with a pair."""

    NONE = "none"
    WRONG_VALUE = "wrong_value"  # the right thing, another value than the document's
    WRONG_ENTITY = "wrong_entity"  # what the document says of something else
    LEAK = "leak"  # the answer stands in the question, or is plain from its wording
    DANGLING_REFERENT = "dangling_referent"  # something is referred to and not named
    AMBIGUOUS = "ambiguous"  # the wording has two readings with different right answers
    NOT_IN_DOCUMENT = "not_in_document"  # the document does not determine an answer
    SECOND_ANSWER = "second_answer"  # the document makes another answer just as right
    INJECTION = "injection"  # document or question tell the judges what to say


HIDDEN_FAULTS = frozenset({*Defect} - {Defect.NONE, Defect.INJECTION})


class Item(Record):
    """One line of a file of items. Ids are those of the whole collection."""

    id: Name


class SourceText(Item):
    """A document that other items name by its id."""

    kind: Literal["text"] = "text"
    text: Words


class _OfDocument(Item):
    document: str = ""  # the id of a text
    text: str = ""  # or the text itself

    @model_validator(mode="after")
    def _has_one_text(self) -> Self:
        if bool(self.document) == bool(self.text):
            raise ValueError("give either document (the id of a text) or text")
        return self

    @property
    def document_id(self) -> str:
        """What keeps the calls of one document together."""
        return self.document or self.id


class PlanLine(_OfDocument):
    """For whom, of which form, about what."""

    domain: Domain
    persona: Words
    task_form: TaskForm
    target: Words

    @property
    def plan_item(self) -> PlanItem:
        """The item of a plan that this is."""
        return PlanItem(persona=self.persona, task_form=self.task_form, target=self.target)


class _Written(PlanLine):
    """A question with its answer, as ``generate`` writes them."""

    question: Words
    answer: Words
    answer_type: AnswerType
    evidence: tuple[str, ...] = Field(max_length=5)
    derivation: str = ""
    expression: str = ""
    options: tuple[str, ...] = ()
    unit: str = ""
    precision: str = ""
    tolerance: float = Field(default=0.0, ge=0)
    aliases: tuple[str, ...] = ()
    claim_scope: ClaimScope = ClaimScope.WORLD
    scope_anchor: str = ""

    @model_validator(mode="after")
    def _fits_the_schema(self) -> Self:
        self.draft  # noqa: B018 - raises where a field is longer than generate may write it
        return self

    @cached_property
    def draft(self) -> GenerateAnswer:
        """What ``generate`` would have answered."""
        written = self.model_dump(mode="json", include=set(GenerateAnswer.model_fields))
        return GenerateAnswer.model_validate(written | {"abstain": False, "abstain_reason": ""})


class PairItem(_Written):
    """A pair, good or with one planted defect.

    ``gate_reason`` is the rule by which the gate must reject it, where rules can know. ``hidden_fault`` is what the
    text of an injection tells the judges to let pass.
    """

    kind: Literal["pair"] = "pair"
    defect: Defect = Defect.NONE
    hidden_fault: Defect | None = None
    gate_reason: GateReason | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.defect is Defect.INJECTION) != (self.hidden_fault in HIDDEN_FAULTS):
            raise ValueError("hidden_fault names another defect for an injection, and is left out otherwise")
        if self.defect is Defect.NONE and self.gate_reason is not None:
            raise ValueError("a good pair has no gate_reason")
        return self

    @property
    def fault(self) -> Defect:
        """What the stages have to find: of an injection, what it hides."""
        return self.hidden_fault or self.defect


class DraftItem(_Written):
    """A draft with one named fault: to be mended, or given up where the document lacks what that takes."""

    kind: Literal["draft"] = "draft"
    fault: Words
    remark: str = ""
    must_abstain: bool = False


class DocumentItem(_OfDocument):
    """A document with the decision of ``assess``, the flags and the domains that are right for it."""

    kind: Literal["document"] = "document"
    decision: Literal["suitable", "unsuitable"]
    flags: tuple[Flag, ...] = ()
    domains: tuple[Domain, ...] = ()

    @model_validator(mode="after")
    def _labelled(self) -> Self:
        if self.decision == "suitable" and not self.domains:
            raise ValueError("a suitable document needs domains")
        if self.decision == "unsuitable" and not self.flags:
            raise ValueError("an unsuitable document needs flags")
        return self


class GenerateItem(PlanLine):
    """An item of a plan: the generator must write a question, or abstain because the document lacks the target."""

    kind: Literal["plan"] = "plan"
    must_abstain: bool


class AnswersItem(Item):
    """Two answers to a question and whether they are the same."""

    kind: Literal["answers"] = "answers"
    question: Words
    answer_one: Words
    answer_two: Words
    label: Literal["same", "different"]


AnyItem = SourceText | PairItem | DocumentItem | GenerateItem | AnswersItem | DraftItem
LINE: TypeAdapter[AnyItem] = TypeAdapter(Annotated[AnyItem, Field(discriminator="kind")])

I = TypeVar("I", bound=Item)  # noqa: E741
D = TypeVar("D", bound=_OfDocument)


class BadLine(Record):
    """A line that is no item. ``field`` is empty where the line as a whole is wrong."""

    uri: str
    line: int  # from 1; 0 for the file as a whole
    field: str
    reason: str

    def __str__(self) -> str:
        place = f", field {self.field}" if self.field else ""
        return f"{self.uri}, line {self.line}{place}: {self.reason}"


@dataclass(frozen=True)
class Items:
    """What is measured: every item with its text."""

    pairs: tuple[PairItem, ...] = ()
    documents: tuple[DocumentItem, ...] = ()
    plans: tuple[GenerateItem, ...] = ()
    answers: tuple[AnswersItem, ...] = ()
    drafts: tuple[DraftItem, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, (self.pairs, self.documents, self.plans, self.answers, self.drafts)))

    @cached_property
    def digest(self) -> str:
        """The hash of all items, whatever their order."""
        everything = (*self.pairs, *self.documents, *self.plans, *self.answers, *self.drafts)
        return content_id(sorted(content_id(item.model_dump(mode="json")) for item in everything))


def shipped_files() -> list[CorpusFile]:
    """Return the files of the shipped items."""
    return find_files(str(resources(__package__) / SHIPPED))


def read_items(more: str = "") -> tuple[Items, list[BadLine]]:
    """Read the shipped items and those at ``more``: a file, folder, glob or fsspec URI of JSON Lines.

    A bad line costs nothing but itself, and the items that name it.

    Raises:
        ConfigurationError: there is nothing at ``more``, or no file there ends in ``.jsonl`` or its kin.
    """
    try:
        found = find_files(more) if more else []
    except CorpusError as error:
        raise ConfigurationError(f"ITEMS: {error}") from None
    given = [file for file in found if file.name.lower().endswith(JSON_LINES)]
    if more and not given:
        raise ConfigurationError(f"ITEMS={more!r} holds no file that ends in {', '.join(JSON_LINES)}")
    return collect(line for file in (*shipped_files(), *given) for line in read_lines(file))


def read_lines(file: CorpusFile) -> Iterator[tuple[str, int, AnyItem | BadLine]]:
    """Yield the name of a file, the number of a line and its item, for every line that is not empty."""
    number = 0
    try:
        with file.filesystem.open(file.path, "rb") as raw:
            lines = b"".join(unpacked(file.name, raw)).split(b"\n")
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield file.name, number, _parsed(file.name, number, line)
    except Exception as error:  # of any storage's or compressor's library
        reason = f"the file cannot be read: {type(error).__name__}: {error}"
        yield file.name, number, BadLine(uri=file.name, line=number, field="", reason=reason[:300])


def collect(lines: Iterable[tuple[str, int, AnyItem | BadLine]]) -> tuple[Items, list[BadLine]]:
    """Gather items and give each the text that it names; what cannot be used becomes a bad line."""
    bad: list[BadLine] = []
    seen: dict[str, tuple[str, int, AnyItem]] = {}
    for uri, number, item in lines:
        if isinstance(item, BadLine):
            bad.append(item)
        elif item.id in seen:
            first_uri, first, _ = seen[item.id]
            said = f"{item.id!r} is the id of {first_uri}, line {first}, too"
            bad.append(BadLine(uri=uri, line=number, field="id", reason=said))
        else:
            seen[item.id] = (uri, number, item)
    texts = {item.id: item.text for _, _, item in seen.values() if isinstance(item, SourceText)}
    usable: list[AnyItem] = []
    for uri, number, item in seen.values():
        if isinstance(item, _OfDocument) and item.document:
            if item.document not in texts:
                said = f"no line of kind text has the id {item.document!r}"
                bad.append(BadLine(uri=uri, line=number, field="document", reason=said))
                continue
            item = item.model_copy(update={"text": texts[item.document]})
        usable.append(item)
    items = Items(
        pairs=_of(PairItem, usable),
        documents=_of(DocumentItem, usable),
        plans=_of(GenerateItem, usable),
        answers=_of(AnswersItem, usable),
        drafts=_of(DraftItem, usable),
    )
    return items, sorted(bad, key=lambda line: (line.uri, line.line))


def _of(kind: type[I], items: Sequence[AnyItem]) -> tuple[I, ...]:
    return tuple(item for item in items if isinstance(item, kind))


def _parsed(uri: str, number: int, line: bytes) -> AnyItem | BadLine:
    try:
        return LINE.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    # The first part of a place is the kind, which the reader knows; that of a line without one is empty.
    field = ".".join(str(part) for part in first["loc"][1:])
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"].startswith("union_tag"):
        kinds = ", ".join(("text", "pair", "document", "plan", "answers", "draft"))
        field, reason = "kind", f"must be one of: {kinds}"
    if first["type"] == "json_invalid":
        field, reason = "", f"no JSON: {_json_fault(line)}"
    return BadLine(uri=uri, line=number, field=field, reason=reason)


def _json_fault(line: bytes) -> str:
    try:
        json.loads(line)
    except ValueError as error:
        return str(error)
    return "it cannot be parsed"
