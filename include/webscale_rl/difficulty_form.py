"""The parameters of `measure_difficulty`: defaults, bounds and words of its form, in the terms of JSON schema."""

from __future__ import annotations

from typing import Any

from webscale_rl.form import FORM

_SHARED = ("max_in_flight", "budget_calls", "budget_tokens", "budget_price")

DIFFICULTY_FORM: dict[str, dict[str, Any]] = {
    "converted_run": {
        "default": None,
        "type": ["null", "string"],
        "minLength": 1,
        "title": "Run of convert_corpus",
        "description": "The id of the run whose accepted pairs are measured; its data set's folder is named "
        "after it. Empty for all accepted pairs, however long ago.",
        "section": "Pairs",
    },
    "attempts": {
        "default": 8,
        "type": "integer",
        "minimum": 1,
        "maximum": 256,
        "title": "Attempts",
        "description": "Of every solver at every pair. Raised later, only the rest is asked.",
        "section": "Attempts",
    },
    "temperature": {
        "default": 1.0,
        "type": "number",
        "minimum": 0,
        "maximum": 2,
        "title": "Temperature",
        "description": "Of the solvers; 1.0 is what trainers mostly sample their groups with. Another one is another "
        "measurement. For rollouts: that of the trainer, where the file does not say.",
        "section": "Attempts",
    },
    "max_tokens": {
        "default": 4096,
        "type": "integer",
        "minimum": 16,
        "maximum": 1_000_000,
        "title": "Tokens of a response",
        "description": "At most, its thinking included. A response that is cut off counts as an attempt without an "
        "answer. Another bound is another measurement.",
        "section": "Attempts",
    },
    "options_only": {
        "default": True,
        "type": "boolean",
        "title": "Options without the question",
        "description": "Also ask for the right option of a choice question without showing the question: what "
        "succeeds more often than by chance is marked. Costs as many attempts again, for choice questions.",
        "section": "Guessing",
    },
    "without_givens": {
        "default": True,
        "type": "boolean",
        "title": "Questions without their givens",
        "description": "Also ask derive and compute questions with their numbers and premises removed: what is "
        "answered all the same is marked. Costs as many attempts again, for these.",
        "section": "Guessing",
    },
    "suspect_attempts": {
        "default": 8,
        "type": "integer",
        "minimum": 2,
        "maximum": 256,
        "title": "Attempts that make a label suspect",
        "description": "A pair is marked when a solver has made so many attempts, never agrees with the answer, and "
        "agrees with itself in half of them.",
        "section": "Guessing",
    },
    "group_size": {
        "default": 8,
        "type": "integer",
        "minimum": 2,
        "maximum": 1024,
        "title": "Group size",
        "description": "Of the trainer, for the expected share of groups in which some rollouts succeed and "
        "some fail.",
        "section": "Summary",
    },
    "rollouts": {
        "default": None,
        "type": ["null", "string"],
        "minLength": 1,
        "examples": ["/data/rollouts.jsonl.zst"],
        "title": "Rollouts",
        "description": "Import this file of a trainer's rollouts (JSONL, plain, .gz or .zst, with id, response, "
        "reward) and ask no solver anything.",
        "section": "Rollouts",
    },
    "rollouts_solver": {
        "default": "trainer",
        "type": "string",
        "minLength": 1,
        "title": "Who answered",
        "description": "The name of the policy, where a line of the file does not say.",
        "section": "Rollouts",
    },
    **{name: FORM[name] for name in _SHARED},
}
