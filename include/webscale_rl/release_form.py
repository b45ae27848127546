"""The parameters of `release_dataset`: defaults, bounds and words of its form, in the terms of JSON schema."""

from __future__ import annotations

from typing import Any

LABEL_CONFIDENCES = [
    "split",
    "solved",
    "judged",
]  # as release.rows has them; this module imports nothing heavy
FORMATS = ["huggingface", "verl", "trl", "openrlhf", "nemo_rl"]
MARKS = ["answer_in_question", "guessable_options", "guessable_without_givens", "suspect_label"]


def _list(title: str, description: str, **other: Any) -> dict[str, Any]:
    return {
        "default": [],
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 300},
        "title": title,
        "description": description,
        "section": "Selection",
        **other,
    }


def _cap(title: str, description: str, default: int) -> dict[str, Any]:
    return {
        "default": default,
        "type": "integer",
        "minimum": 0,
        "maximum": 10_000_000,
        "title": title,
        "description": description,
        "section": "Balance",
    }


RELEASE_FORM: dict[str, dict[str, Any]] = {
    "name": {
        "default": "webscale-rl",
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9._-]{0,79}$",
        "title": "Name",
        "description": "Of the data set: small letters, digits, dot, hyphen, underscore. Its version is the id.",
        "section": "Release",
    },
    "runs": {
        "default": None,
        "type": ["null", "array"],
        "items": {"type": "string", "minLength": 1},
        "title": "Runs of convert_corpus",
        "description": "Whose accepted pairs are candidates; empty for all that ended well.",
        "section": "Release",
    },
    "formats": {
        "default": FORMATS,
        "type": "array",
        "items": {"type": "string", "enum": FORMATS},
        "minItems": 1,
        "uniqueItems": True,
        "title": "Formats",
        "description": "Which trainers' formats are written.",
        "section": "Release",
    },
    "approval": {
        "default": False,
        "type": "boolean",
        "title": "Ask for approval",
        "description": "A person sees the numbers and approves before anything is published (the task approve).",
        "section": "Release",
    },
    "test_share": {
        "default": 0.02,
        "type": "number",
        "minimum": 0,
        "maximum": 0.5,
        "title": "Share of the test split",
        "description": "By clusters: pairs of one document or of near-identical ones stand on the same side.",
        "section": "Release",
    },
    "seed": {
        "default": "0",
        "type": "string",
        "maxLength": 100,
        "title": "Seed",
        "description": "Decides the split and, where some of equals must go, which.",
        "section": "Release",
    },
    "gpus": {
        "default": 0,
        "type": "integer",
        "minimum": 0,
        "maximum": 1_000_000,
        "title": "GPUs that served the runs",
        "description": "All servers together; for the GPU time of a pair in the report. 0: not known.",
        "section": "Release",
    },
    "benchmarks": {
        "default": [],
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "examples": [["/data/benchmarks/gsm8k_test.jsonl"]],
        "title": "Benchmarks",
        "description": "Files of test sets (JSONL, Parquet, fsspec URIs); what overlaps with them is left out.",
        "section": "Duplicates and contamination",
    },
    "similarity": {
        "default": 0.7,
        "type": "number",
        "minimum": 0.3,
        "maximum": 1,
        "title": "Near duplicates from",
        "description": "Similarity of two questions by their words, from which one of them is left out.",
        "section": "Duplicates and contamination",
    },
    "semantic_similarity": {
        "default": 0.95,
        "type": "number",
        "minimum": 0.5,
        "maximum": 1,
        "title": "Semantic duplicates from",
        "description": "Cosine of two questions' embeddings; asked where the connection webscale_embedder exists.",
        "section": "Duplicates and contamination",
    },
    "domains": _list("Domains", "Only these; empty for all."),
    "sources": _list("Sources", "Only these; empty for all."),
    "licences": _list("Licences", "Only these, as the corpus states them; empty for all."),
    "task_forms": _list("Task forms", "Only these of recall, derive, compute, compare, execute, choice."),
    "answer_types": _list("Answer types", "Only these; empty for all."),
    "claim_scopes": _list("Claim scopes", "Only these of world, as_of, work, source; empty for all."),
    "min_label_confidence": {
        "default": "solved",
        "type": "string",
        "enum": LABEL_CONFIDENCES,
        "title": "Label confidence, at least",
        "description": "split: the solvers disagreed; solved: one agreed; judged: and a judge with the document, "
        "or a solver without it.",
        "section": "Selection",
    },
    "min_pass_rate": {
        "default": 0.0,
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "title": "Pass rate, at least",
        "description": "Of the solvers of measure_difficulty; training pays most between 0.3 and 0.7.",
        "section": "Selection",
    },
    "max_pass_rate": {
        "default": 1.0,
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "title": "Pass rate, at most",
        "description": "Of the solvers of measure_difficulty.",
        "section": "Selection",
    },
    "unmeasured": {
        "default": True,
        "type": "boolean",
        "title": "Keep pairs without a pass rate",
        "description": "Whether pairs whose difficulty was never measured may be in the release.",
        "section": "Selection",
    },
    "excluded_marks": _list(
        "Marks that exclude",
        "Marks of measure_difficulty or of a review; a pair with one of these is left out.",
        default=[*MARKS, "review_rejected"],
    ),
    "max_prompt_tokens": {
        "default": 1024,
        "type": "integer",
        "minimum": 0,
        "maximum": 1_000_000,
        "title": "Longest prompt, tokens",
        "description": "Longer questions are left out; verl stops at its own limit of 512 unless it is told another. "
        "0 for none.",
        "section": "Selection",
    },
    "max_per_document": _cap("Pairs of a document at most", "0 for no cap.", 0),
    "max_per_source": _cap("Pairs of a source at most", "0 for no cap.", 0),
    "shares": {
        "default": {"answer_type": {"boolean": 0.1}},
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
        },
        "propertyNames": {
            "enum": ["domain", "source", "licence", "task_form", "answer_type", "claim_scope"],
        },
        "title": "Shares at most",
        "description": 'Of the release, by column and value, such as {"task_form": {"recall": 0.5}}.',
        "section": "Balance",
    },
}
