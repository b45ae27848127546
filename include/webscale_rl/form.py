"""The parameters of `convert_corpus`: defaults, bounds and words of its trigger form, in the terms of JSON schema."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

SAMPLE_CORPUS = str(Path(__file__).resolve().parents[1] / "sample_corpus")

FORM: dict[str, dict[str, Any]] = {
    "corpus": {
        "default": None,
        "type": ["null", "string"],
        "minLength": 1,
        "examples": [os.environ.get("WEBSCALE_RL_CORPUS") or SAMPLE_CORPUS],
        "title": "Corpus",
        "description": "A file, folder, glob or fsspec URI: JSONL (plain, .gz, .zst), Parquet, WARC, text, Markdown. "
        "Empty: everything that the DAG ingest_corpus has made and this configuration has not converted.",
        "section": "Corpus",
    },
    "limit": {
        "default": None,
        "type": ["null", "integer"],
        "minimum": 1,
        "title": "Records at most",
        "description": "Read only the first so many records of the corpus, good or bad; empty for all.",
        "section": "Corpus",
    },
    "documents_per_shard": {
        "default": 500,
        "type": "integer",
        "minimum": 1,
        "maximum": 100_000,
        "title": "Documents per shard",
        "description": "One task converts one shard; aim for at least a minute or two of work.",
        "section": "Corpus",
    },
    "check_depth": {
        "default": "lean",
        "type": "string",
        "enum": ["lean", "full"],
        "title": "Check depth",
        "description": "lean: solve, compare, judge the question alone. full: also a judge with the document in "
        "view, solves without the document and with the options in other orders, and a second solver on disagreement "
        "where the connection webscale_second_solver exists.",
        "section": "Quality",
    },
    "items_per_document": {
        "default": 3,
        "type": "integer",
        "minimum": 1,
        "maximum": 3,
        "title": "Questions per document at most",
        "description": "Each for another persona and target.",
        "section": "Quality",
    },
    "min_tokens": {
        "default": 50,
        "type": "integer",
        "minimum": 0,
        "maximum": 10_000,
        "title": "Shortest document, tokens",
        "description": "Shorter documents never reach a model (the paper's floor is 50).",
        "section": "Quality",
    },
    "max_tokens": {
        "default": 500_000,
        "type": "integer",
        "minimum": 100,
        "maximum": 1_000_000,
        "title": "Longest document, tokens",
        "description": "Longer documents never reach a model.",
        "section": "Quality",
    },
    "part_tokens": {
        "default": 6_000,
        "type": "integer",
        "minimum": 200,
        "maximum": 1_000_000,
        "title": "Longest part, tokens",
        "description": "A longer document is split at headings and paragraphs, and each part is asked about by "
        "itself. Counted as the served model does; its context must hold 12,000 more.",
        "section": "Quality",
    },
    "repair": {
        "default": True,
        "type": "boolean",
        "title": "Repair",
        "description": "Revise a question once that was turned down for a fault that can be mended (a leak, missing "
        "context, a wrong form), and check it again.",
        "section": "Quality",
    },
    "calibrate": {
        "default": False,
        "type": "boolean",
        "title": "Calibrate first",
        "description": "Ask every stage about labelled items (about 900 calls, outside of the budget) before "
        "anything is converted, log how well it tells good from bad, and store it. The figures never fail the run.",
        "section": "Quality",
    },
    "canary_documents": {
        "default": 0,
        "type": "integer",
        "minimum": 0,
        "maximum": 10_000,
        "title": "Documents of the canary",
        "description": "So many documents are converted alone first; the run goes on only if the shares below are "
        "kept. 0 runs no canary; 100 is a good number for a new model or prompt.",
        "section": "Canary",
    },
    "canary_min_accepted": {
        "default": 0.2,
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "title": "Accepted, at least",
        "description": "Share of the canary's planned questions that must be accepted, from 0 to 1.",
        "section": "Canary",
    },
    "canary_max_abstained": {
        "default": 0.5,
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "title": "Abstained, at most",
        "description": "Share of the canary's planned questions that the generator may decline, from 0 to 1.",
        "section": "Canary",
    },
    "canary_max_failed": {
        "default": 0.1,
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "title": "Failed, at most",
        "description": "Share of the canary's documents that may fail (unusable answers, transport), from 0 to 1.",
        "section": "Canary",
    },
    "max_in_flight": {
        "default": None,
        "type": ["null", "integer"],
        "minimum": 1,
        "maximum": 100_000,
        "title": "Calls in flight at most",
        "description": "A ceiling for each endpoint, over all shards; empty lets the pipeline find what the endpoint "
        "takes. The pool llm says how many shards run at once.",
        "section": "Endpoint",
    },
    "budget_calls": {
        "default": None,
        "type": ["null", "integer"],
        "minimum": 1,
        "title": "Calls to spend at most",
        "description": "The run stops cleanly before it would send more, tries again and restarts included.",
        "section": "Budget",
    },
    "budget_tokens": {
        "default": None,
        "type": ["null", "integer"],
        "minimum": 1,
        "title": "Tokens to spend at most",
        "description": "Prompts and answers together. What a call could need at most is set aside before it is sent.",
        "section": "Budget",
    },
    "budget_price": {
        "default": None,
        "type": ["null", "number"],
        "minimum": 0,
        "title": "Price at most",
        "description": 'In the currency of the connections\' extra "price": {"prompt": 0.1, "cached": 0.01, '
        '"completion": 0.4}, each for a million tokens.',
        "section": "Budget",
    },
    "only_failed": {
        "default": None,
        "type": ["null", "array"],
        "items": {"type": "string", "minLength": 1, "maxLength": 100},
        "examples": [
            "endpoint",
            "truncated",
            "not_json",
            "wrong_schema",
            "empty",
            "refused",
            "request_rejected",
        ],
        "title": "Only documents that failed for",
        "description": "Drive again documents that failed for one of these reasons, and touch nothing else; empty "
        "converts everything that is not final.",
        "section": "Dead letters",
    },
}
