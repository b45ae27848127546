"""A record as its file has it, or why it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """Why a record cannot be read; the names are reasons of ``BadRecord``."""

    reason: str
    detail: str = ""


RawRecord = tuple[int, dict[str, Any] | Fault]  # the row, from 1
