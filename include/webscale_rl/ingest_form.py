"""The parameters of `ingest_corpus`: defaults, bounds and words of its trigger form, in the terms of JSON schema."""

from __future__ import annotations

import os
from typing import Any

from webscale_rl.form import FORM

INGEST_FORM: dict[str, dict[str, Any]] = {
    "partitions": {
        "default": os.environ.get("WEBSCALE_RL_PARTITIONS") or None,
        "type": ["null", "string"],
        "minLength": 1,
        "examples": ["/data/corpus/{ds}", "s3://bucket/crawl/date={ds}"],
        "title": "Partitions",
        "description": "The URI of a night's partition with the date in it: {ds} is 2026-01-31, {ds_nodash} "
        "20260131; also {year}, {month}, {day}. A folder, file or glob of JSONL, Parquet, WARC, WET, text, Markdown.",
        "section": "Corpus",
    },
    "date": {
        "default": None,
        "type": ["null", "string"],
        "format": "date",
        "title": "Date",
        "description": "Of the partition; empty takes the first day of the run's data interval, or of its trigger.",
        "section": "Corpus",
    },
    "fields": {
        "default": {},
        "type": "object",
        "examples": [{"text": "body", "source_id": "meta.doc_id"}],
        "title": "Fields",
        "description": "Where a record has its text, source_id, source, url, licence, if not under the usual names: "
        '{"text": "body", "url": "meta.uri"}.',
        "section": "Corpus",
    },
    "marker": {
        "default": "",
        "type": "string",
        "maxLength": 200,
        "pattern": "^[^/]*$",
        "title": "Marker file",
        "description": "The partition counts as arrived once this file is in it, such as _SUCCESS; empty: "
        "once it exists.",
        "section": "Arrival",
    },
    "wait_hours": {
        "default": 6,
        "type": "number",
        "minimum": 0,
        "maximum": 720,
        "title": "Hours to wait",
        "description": "After the end of the data interval; then a partition that has not come is missing, "
        "and the run fails.",
        "section": "Arrival",
    },
    "allow_empty": {
        "default": False,
        "type": "boolean",
        "title": "A partition may be empty",
        "description": "Otherwise a partition without files fails the run.",
        "section": "Arrival",
    },
    "languages": {
        "default": ["en"],
        "type": "array",
        "items": {"type": "string", "pattern": "^[a-z]{2,3}$"},
        "title": "Languages",
        "description": "ISO 639-1 codes of the languages to keep; none keeps all.",
        "section": "Cleaning",
    },
    "min_tokens": FORM["min_tokens"]
    | {"description": "Shorter documents are rejected (the paper's floor is 50).", "section": "Cleaning"},
    "max_tokens": FORM["max_tokens"]
    | {"description": "Longer documents are rejected: they are dumps.", "section": "Cleaning"},
    "mask_personal_data": {
        "default": False,
        "type": "boolean",
        "title": "Mask personal data",
        "description": "Replace e-mail addresses, phone numbers and IP addresses.",
        "section": "Cleaning",
    },
    "documents_per_shard": FORM["documents_per_shard"] | {"section": "Shards"},
    "files_per_task": {
        "default": 8,
        "type": "integer",
        "minimum": 1,
        "maximum": 10_000,
        "title": "Files per task",
        "description": "One task reads so many files; more where there would be more than 256 tasks.",
        "section": "Shards",
    },
}
