"""From the outcome of a document to the rows that record it."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from webscale_rl.convert import pair_id
from webscale_rl.ids import content_id
from webscale_rl.records import DocumentOutcome, ItemOutcome, ItemState, PartOutcome

TableRow = tuple[str, dict[str, Any]]


def outcome_rows(outcome: DocumentOutcome, config_hash: str, origin: Mapping[str, str]) -> Iterator[TableRow]:
    """Yield (table, row) for a document, its items and their verdicts, parents before children."""
    items = [(index, item) for index, part in enumerate(outcome.parts) for item in part.items]
    for index, item in items:
        row = _question_row(outcome, index, item, config_hash)
        yield "questions", {**row, **origin}
        for position, verdict in enumerate(item.verdicts):
            yield "verdicts", {"question_id": row["id"], "position": position, **verdict.model_dump()}
    if len(outcome.parts) > 1:
        for index, ended in enumerate(outcome.parts):
            yield "part_results", {**origin, **_part_row(outcome, index, ended, config_hash)}
    yield (
        "document_results",
        {
            **origin,
            "config_hash": config_hash,
            "document_id": outcome.document_id,
            "state": outcome.state.value,
            "stage": outcome.stage,
            "reason": outcome.reason,
            "detail": outcome.detail,
            "domain": outcome.domain.value if outcome.domain else "",
            "call_key": outcome.call_key,
            "n_parts": len(outcome.parts),
            "n_items": sum(item.revision == 0 for item in outcome.items),
            "n_accepted": outcome.accepted,
        },
    )


def _part_row(outcome: DocumentOutcome, index: int, part: PartOutcome, config_hash: str) -> dict[str, Any]:
    return {
        "config_hash": config_hash,
        "document_id": outcome.document_id,
        "part": index,
        "start_char": part.start,
        "end_char": part.end,
        "title_path": list(part.title_path),
        "state": part.state.value,
        "stage": part.stage,
        "reason": part.reason,
        "detail": part.detail,
        "domain": part.domain.value if part.domain else "",
        "call_key": part.call_key,
    }


def _question_row(outcome: DocumentOutcome, part: int, item: ItemOutcome, config_hash: str) -> dict[str, Any]:
    question = item.question
    first = content_id([config_hash, outcome.document_id, part, item.item_index])
    parent = first if item.revision else ""
    accepted = item.state is ItemState.ACCEPTED
    row = {
        "id": content_id([first, item.revision]) if item.revision else first,
        "pair_id": pair_id(outcome.document_id, question) if question and accepted else "",
        "parent_id": parent,
        "config_hash": config_hash,
        "document_id": outcome.document_id,
        "part": part,
        "item_index": item.item_index,
        "domain": item.domain.value,
        "persona": item.item.persona,
        "task_form": item.item.task_form.value,
        "target": item.item.target,
        "draft": item.draft or None,
        "state": item.state.value,
        "stage": item.stage,
        "reason": item.reason,
        "detail": item.detail,
        "call_key": item.call_key,
    }
    draft = item.draft
    return row | {
        "question": question.text if question else draft.get("question", ""),
        "answer": question.spec.answer if question else draft.get("answer", ""),
        "answer_type": question.spec.type if question else draft.get("answer_type", ""),
        "answer_spec": orjson.loads(question.spec.to_json()) if question else None,
        "evidence": [span.model_dump() for span in question.evidence] if question else [],
        "derivation": question.derivation if question else draft.get("derivation", ""),
        "expression": question.expression if question else draft.get("expression", ""),
        "claim_scope": question.claim_scope.value if question else draft.get("claim_scope", ""),
        "scope_anchor": question.scope_anchor if question else draft.get("scope_anchor", ""),
    }
