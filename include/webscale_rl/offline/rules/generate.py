"""The answer to `generate`: the fact that a plan item names, or an abstention."""

from typing import Any

from webscale_rl.offline.rules.fact import Fact
from webscale_rl.offline.rules.facts import facts
from webscale_rl.offline.rules.text import normal


def generate(fields: dict[str, str]) -> dict[str, Any]:
    """Return question, answer and evidence for the target in ``fields``."""
    form, target = fields.get("task_form", ""), fields.get("target", "")
    fact = _planned(facts(fields.get("document", "")), form, target)
    if fact is None:
        return _answer(
            abstain=True, abstain_reason=f"The rules find no {form or 'such'} fact for this target."
        )
    return _answer(
        evidence=list(fact.evidence),
        derivation=fact.derivation[:1200],
        expression=fact.expression,
        question=fact.question,
        options=list(fact.options),
        answer=fact.answer,
        answer_type=fact.answer_type,
        unit=fact.unit,
        precision=fact.precision,
        tolerance=fact.tolerance,
        claim_scope="source" if fact.scope_anchor else "world",
        scope_anchor=fact.scope_anchor,
    )


def repair(_: dict[str, str]) -> dict[str, Any]:
    """Return an abstention: rules that found a question by its pattern have no other wording for it."""
    return _answer(abstain=True, abstain_reason="The rules know one wording for each fact.")


def _planned(found: tuple[Fact, ...], form: str, target: str) -> Fact | None:
    """Return the fact with this target; for a target in other words, the one that shares most of them."""
    for fact in found:
        if fact.target[:300] == target:
            return fact
    wanted = set(normal(target).split())
    same_form = [fact for fact in found if fact.form == form]
    shared = {fact.target: len(wanted & set(normal(fact.target).split())) for fact in same_form}
    best = max(same_form, key=lambda fact: shared[fact.target], default=None)
    return best if best is not None and shared[best.target] * 2 > len(wanted) else None


def _answer(**given: Any) -> dict[str, Any]:
    """Return an answer with all fields, in the order of the schema."""
    empty: dict[str, Any] = {
        "evidence": [],
        "derivation": "",
        "expression": "",
        "abstain": False,
        "abstain_reason": "",
        "question": "",
        "options": [],
        "answer": "",
        "answer_type": "phrase",
        "unit": "",
        "precision": "",
        "tolerance": 0.0,
        "aliases": [],
        "claim_scope": "world",
        "scope_anchor": "",
    }
    return empty | given
