"""What trainers carry beside a prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson


def label_of(row: Mapping[str, Any]) -> str:
    """Return what a reward needs as one JSON text, for trainers that carry a single value."""
    label = {
        "answer_spec": orjson.loads(row["answer_spec"]),
        "id": row["id"],
        "question": row["question"],
    }
    return orjson.dumps(label, option=orjson.OPT_SORT_KEYS).decode()


def data_source_of(row: Mapping[str, Any]) -> str:
    """Return the name under which trainers report a row: by domain, as ``webscale_rl/natural_science``."""
    return "webscale_rl/" + re.sub(r"[^a-z0-9]+", "_", row["domain"].casefold()).strip("_")
