"""What decides a release beside its candidates: parameters of the form, as the library reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from webscale_rl.release.selection import Selection


@dataclass(frozen=True)
class ReleaseSettings:
    """``name`` is part of the release's place; equal settings and candidates make equal releases."""

    name: str
    selection: Selection
    benchmarks: tuple[str, ...] = ()  # URIs of benchmark files
    similarity: float = 0.7  # from which two questions are the same
    semantic_similarity: float = 0.95  # of embeddings, where an endpoint for them is configured
    test_share: float = 0.02
    formats: tuple[str, ...] = ("huggingface",)
    seed: str = "0"
    gpus: int = 0  # that served the runs, for the report; 0: not known
    embedder: str = ""  # model@revision; empty where none is configured
    recorded: dict[str, Any] = field(
        default_factory=dict
    )  # the parameters as the form has them, for the card
