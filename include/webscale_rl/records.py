"""The nouns of the pipeline, as frozen pydantic models. Nothing here knows of prompts, HTTP or SQL."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from webscale_rl.rewards.spec import AnswerSpec


class Domain(StrEnum):
    """The ten domains of the paper (section 3.1)."""

    MATH = "Math"
    TECHNOLOGY = "Technology & Engineering"
    CODING = "Coding"
    SOCIAL_SCIENCE = "Social Science"
    NATURAL_SCIENCE = "Natural Science"
    TRAVEL = "Travel & Lifestyle"
    COMMERCE = "Commerce & Economics"
    MEDICINE = "Medicine & Health"
    EDUCATION = "Education"
    OTHER = "Other"


class TaskForm(StrEnum):
    """What a question asks of the one who answers it."""

    RECALL = "recall"  # one stated fact
    DERIVE = "derive"  # the premises stand in the question
    COMPUTE = "compute"  # arithmetic over stated numbers
    COMPARE = "compare"  # two stated facts
    EXECUTE = "execute"  # what given code returns
    CHOICE = "choice"  # one of several options


class ClaimScope(StrEnum):
    """Where the answer holds."""

    WORLD = "world"
    AS_OF = "as_of"  # the anchor names the date
    WORK = "work"  # the anchor names the novel, film, game
    SOURCE = "source"  # only inside the source; the anchor names it


class Record(BaseModel):
    """Base of the records: immutable, and no field may come unannounced."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Record):
    """One document of the corpus. ``id`` is the hash of ``text``; everything else says where it came from."""

    id: str
    text: str
    source_id: str = ""  # the id that the corpus gives it
    source_uri: str = ""  # the file it was read from
    source_row: int = 0  # its line or row there, from 1
    source: str = ""  # the collection, publisher or repository, where the record names one
    url: str = ""  # where the text was published, where the record says so
    licence: str = ""
    n_tokens: int = 0


class BadRecord(Record):
    """A record of the corpus that is not a document: one row with file, line and reason."""

    source_uri: str
    source_row: int  # line or row, from 1; 0 for the file as a whole
    reason: str
    detail: str = ""
    document_id: str = ""  # of the first copy, for a duplicate


class PlanItem(Record):
    """One question to be written: for whom, of which form, about what."""

    persona: str
    task_form: TaskForm
    target: str


class Profile(Record):
    """What `assess` found out about a suitable document."""

    domain: Domain
    plan: tuple[PlanItem, ...] = Field(min_length=1, max_length=3)


class Span(Record):
    """A piece of a document: ``text == document.text[start:end]``, offsets in characters."""

    start: int
    end: int
    text: str


class Question(Record):
    """A question with its reference answer, as it leaves `generate` and passes the gate."""

    item: PlanItem
    domain: Domain
    evidence: tuple[Span, ...]
    derivation: str
    expression: str  # arithmetic over numbers of the evidence; empty where there is none
    text: str
    spec: AnswerSpec
    claim_scope: ClaimScope
    scope_anchor: str

    def shifted(self, by: int) -> Question:
        """Return the question with its evidence ``by`` characters further: from a part to its document."""
        moved = tuple(
            Span(start=span.start + by, end=span.end + by, text=span.text) for span in self.evidence
        )
        return self.model_copy(update={"evidence": moved}) if by else self


class ItemState(StrEnum):
    """Where a plan item ends."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DISPUTED = "disputed"
    ABSTAINED = "abstained"
    FAILED = "failed"  # not final: the next run drives it again
    REPAIRED = "repaired"  # a revision of it stands in its place and ends in a state of its own


class DocumentState(StrEnum):
    """Where a document ends."""

    DONE = "done"
    REJECTED = "rejected"
    FAILED = "failed"  # an item is not final: the next run drives it again


class Verdict(Record):
    """What one judge said of one question. ``outcome`` is the word that decides, ``words`` its reasons."""

    judge: str
    outcome: str
    words: str = ""
    answer: str = ""  # the solver's answer, or the judge's rival answer
    call_key: str = ""  # the call in the ledger; empty for the gate and for rules


class ItemOutcome(Record):
    """The end of one question of a plan item: its state, the reason, and everything said on the way.

    ``revision`` is 0 for the question first written and 1 for its repair.
    """

    item: PlanItem
    item_index: int
    domain: Domain
    revision: int = 0
    state: ItemState
    stage: str = ""  # that decided
    reason: str = ""
    detail: str = ""
    question: Question | None = None
    draft: dict[str, Any] = Field(
        default_factory=dict
    )  # the generator's answer, kept when no question came of it
    verdicts: tuple[Verdict, ...] = ()
    call_key: str = ""  # of `generate` or `repair`


class PartOutcome(Record):
    """The end of one part of a document; most documents are one part. Offsets in characters."""

    start: int = 0
    end: int = 0
    title_path: tuple[str, ...] = ()
    state: DocumentState
    stage: str = ""
    reason: str = ""
    detail: str = ""
    domain: Domain | None = None
    call_key: str = ""  # of `assess`
    items: tuple[ItemOutcome, ...] = ()


class DocumentOutcome(Record):
    """The end of one document, with that of its parts. One that was filtered out has none."""

    document_id: str
    state: DocumentState
    stage: str = ""
    reason: str = ""
    detail: str = ""
    domain: Domain | None = None
    call_key: str = ""  # of `assess`, where the document is one part
    parts: tuple[PartOutcome, ...] = ()

    @property
    def items(self) -> tuple[ItemOutcome, ...]:
        """The questions of all parts, in order."""
        return tuple(item for part in self.parts for item in part.items)

    @property
    def accepted(self) -> int:
        """Number of accepted pairs."""
        return sum(item.state is ItemState.ACCEPTED for item in self.items)
