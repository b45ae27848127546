"""``make preview DOC=... STAGE=...``: the exact messages of a document in each stage, their tokens, and the answers.

Without an endpoint, what a model would have written stands in parentheses. With LLM_BASE_URL and LLM_MODEL every
stage is asked, and what it answers goes into the next one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from webscale_rl.config import ConversionConfig
from webscale_rl.corpus.parts import Part
from webscale_rl.corpus.readers import find_files, read
from webscale_rl.corpus.tokens import count
from webscale_rl.errors import ConfigurationError, InvalidAnswer, WebscaleError
from webscale_rl.llm.endpoint import Endpoint, EndpointClient
from webscale_rl.llm.ledger import Asker, KnownCalls
from webscale_rl.llm.measure import TokenMeasure, measure_tokens
from webscale_rl.llm.probe import REQUEST
from webscale_rl.llm.prompts import Message, show_document
from webscale_rl.local.settings import read_settings
from webscale_rl.records import Document, Domain, PlanItem, Question, TaskForm
from webscale_rl.stages.assess import ASSESS, profile, rejection
from webscale_rl.stages.check import BLIND, CLOSED, JUDGE, MATCH, OPTIONS, SOLVE
from webscale_rl.stages.demonstrations import Forms, shown_forms
from webscale_rl.stages.gate import GateRejection, gate
from webscale_rl.stages.generate import generate_fields, generate_stage
from webscale_rl.stages.options import stem_of
from webscale_rl.stages.parts import parts_of, position
from webscale_rl.stages.repair import repair_stage, shown_draft
from webscale_rl.stages.stage import Stage

STAGES = ("assess", "generate", "solve", "match", "blind", "options", "closed", "judge", "repair")


@dataclass(frozen=True)
class Shown:
    """One stage of a preview. ``answer`` is empty where nobody was asked; ``note`` says what it leads to."""

    stage: Stage[Any]
    messages: list[Message]
    answer: str = ""
    note: str = ""


class _Quiet:
    """Takes the rows of calls that nobody keeps."""

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        pass

    def check(self) -> None:
        pass


class _Preview:
    def __init__(self, asker: Asker, part: Part) -> None:
        self._shown = show_document(part.text, position(part))
        self._asker = asker.reading(self._shown)

    async def show(self, stage: Stage[Any], fields: Mapping[str, str]) -> tuple[Shown, Any]:
        """Return the messages of a stage and, with an endpoint, its answer."""
        messages = stage.messages(self._shown, fields)
        if not self._asker.has("generator"):
            return Shown(stage, messages), None
        try:
            answer = (await self._asker.ask(stage, fields, role="generator")).answer
        except InvalidAnswer as error:
            return Shown(stage, messages, note=f"no usable answer: {error}"), None
        return Shown(stage, messages, answer.model_dump_json(indent=2)), answer


async def preview(
    document: Document, endpoint: Endpoint | None, *, domain: Domain, form: TaskForm, part: int = 1
) -> AsyncIterator[Shown]:
    """Yield what a document meets in every stage, with the first item of its plan.

    Args:
        document: to take down the road.
        endpoint: to ask; None to show the messages only.
        domain: where no model says it.
        form: the task form where no model plans one.
        part: of a document that is split, counted from 1.

    Raises:
        ConfigurationError: the document has no such part.
    """
    async with AsyncExitStack() as stack:
        clients, measure = {}, TokenMeasure()
        if endpoint:
            clients["generator"] = await stack.enter_async_context(EndpointClient(endpoint, max_in_flight=1))
            measure = await measure_tokens(clients["generator"], REQUEST)
        asker = Asker(document.id, KnownCalls(), clients, _Quiet(), {})
        limit = int(ConversionConfig.model_fields["part_tokens"].default)
        parts = await parts_of(document, limit, measure, asker)
        if part > len(parts):
            raise ConfigurationError(f"PART={part}: the document has {len(parts)}")
        chosen = parts[part - 1]
        road = _Preview(asker, chosen)
        shown, assessed = await road.show(ASSESS, {})
        yield shown
        item = PlanItem(persona="(a persona of the plan)", task_form=form, target="(its target)")
        forms: Forms = (form,)
        if assessed is not None:
            if reason := rejection(assessed):
                yield Shown(
                    ASSESS, [], note=f"the document is rejected: {reason}; the rest shows what would follow"
                )
            else:
                found = profile(assessed, 3)
                domain, item, forms = found.domain, found.plan[0], shown_forms(found.plan)
        shown, draft = await road.show(generate_stage(domain, forms), generate_fields(item, domain))
        yield shown
        question, answer, gated = "(the generated question)", "(its answer)", None
        options = "(the options of a choice question)"
        if draft is not None and not draft.abstain:
            gated = gate(draft, item, domain, chosen.text)
            question, answer = draft.question, draft.answer
            if isinstance(gated, Question):
                question = gated.text
                options = question.removeprefix(stem_of(gated)).strip() or options
            else:
                yield Shown(
                    shown.stage, [], note=f"the gate rejects it: {gated.reason.value}: {gated.detail}"
                )
        solved_shown, solved = await road.show(SOLVE, {"question": question})
        yield solved_shown
        candidate = solved.answer if solved is not None else "(the solver's answer)"
        fields = {"question": question, "answer_one": answer, "answer_two": candidate}
        fault = gated.reason.value if isinstance(gated, GateRejection) else "needs_context"
        remark = gated.detail if isinstance(gated, GateRejection) else "(what the blind judge finds missing)"
        to_mend = generate_fields(item, domain) | {
            "draft": shown_draft(draft) if draft is not None else "(the draft)",
            "fault": fault,
            "remark": remark,
        }
        for stage, given in (
            (MATCH, fields),
            (BLIND, {"question": question}),
            (OPTIONS, {"options": options}),
            (CLOSED, {"question": question}),
            (JUDGE, {"question": question, "answer": answer}),
            (repair_stage(domain, forms), to_mend),
        ):
            shown, _ = await road.show(stage, given)
            yield shown


def document_at(path: str, row: int) -> Document:
    """Return a document of a corpus by its number, counted from 1.

    Raises:
        ConfigurationError: there is none.
    """
    for number, found in enumerate(read(find_files(path), limit=row), start=1):
        if number == row:
            if isinstance(found, Document):
                return found.model_copy(update={"n_tokens": count(found.text)})
            raise ConfigurationError(
                f"record {row} of {path!r} is no document: {found.reason} {found.detail}"
            )
    raise ConfigurationError(f"{path!r} has no record {row}: set ROW to a smaller number")


def _chosen(variable: str, default: str, allowed: tuple[str, ...]) -> str:
    value = os.environ.get(variable, "").strip() or default
    if value not in allowed:
        raise ConfigurationError(f"{variable}={value!r} must be one of: {', '.join(allowed)}")
    return value


def _number(variable: str) -> int:
    value = os.environ.get(variable, "").strip() or "1"
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise ConfigurationError(f"{variable}={value!r} must be a whole number from 1")
    return int(value)


async def _print() -> None:
    if not (path := os.environ.get("DOC", "").strip()):
        raise ConfigurationError("DOC is missing: make preview DOC=<a file of any kind that CORPUS takes>")
    row, part = _number("ROW"), _number("PART")
    stage = _chosen("STAGE", "all", ("all", *STAGES))
    domain = Domain(_chosen("DOMAIN", Domain.OTHER.value, tuple(Domain)))
    form = TaskForm(_chosen("FORM", TaskForm.RECALL.value, tuple(TaskForm)))
    endpoint = read_settings(os.environ).endpoint
    document = document_at(path, row)
    system_shown = False
    async for shown in preview(document, endpoint, domain=domain, form=form, part=part):
        if stage in ("all", shown.stage.name):
            _print_stage(shown, with_system=not system_shown)
            system_shown = True


def _print_stage(shown: Shown, *, with_system: bool) -> None:
    stage = shown.stage
    if shown.messages:
        tokens = [count(message["content"]) for message in shown.messages]
        print(
            f"=== {stage.name} {stage.version}: {sum(tokens):,} prompt tokens, at most {stage.max_tokens:,} to answer"
        )
    for message in shown.messages:
        same = message["role"] == "system" and not with_system
        text = "(the same as above)" if same else message["content"]
        print(f"--- {message['role']}, {count(message['content']):,} tokens\n{text}\n")
    if shown.answer:
        print(f"--- answer\n{shown.answer}\n")
    if shown.note:
        print(f"--- {shown.note}\n")


def main() -> int:
    """Print the preview; return 2 for a wrong setting, 1 when the endpoint fails."""
    try:
        asyncio.run(_print())
    except ConfigurationError as error:
        print(f"webscale-rl: {error}", file=sys.stderr)
        return 2
    except WebscaleError as error:
        print(f"webscale-rl: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
