"""parts: a document that is longer than a prompt should be is converted part by part."""

from __future__ import annotations

import asyncio
import math

from webscale_rl.corpus.parts import Part, split
from webscale_rl.corpus.tokens import count
from webscale_rl.llm.ledger import Asker
from webscale_rl.llm.measure import TokenMeasure
from webscale_rl.records import Document

DOUBTFUL = 0.7  # of the limit: from here on a document is counted by the server itself, where that can be had


async def parts_of(document: Document, limit: int, measure: TokenMeasure, asker: Asker) -> list[Part]:
    """Return the parts of a document, each of at most ``limit`` tokens of the served model.

    Tokens are counted here and scaled to the served model's: by its own count of this document, where the server has
    a route for that, else by the ratio that was measured when the run was opened.

    Raises:
        EndpointError: the server has the route but does not answer.
    """
    tokens = document.n_tokens
    served = tokens * measure.scale
    if measure.by == "tokenize" and served > DOUBTFUL * limit:
        served = await asker.count_tokens(document.text, role="generator") or served
    if served <= limit:
        return [whole(document.text)]
    scale = served / tokens
    # In a thread: two million characters take seconds, and the lease must be kept meanwhile.
    return await asyncio.to_thread(split, document.text, limit, lambda text: math.ceil(count(text) * scale))


def whole(text: str) -> Part:
    """Return the one part of a document that is not split."""
    return Part(index=0, total=1, start=0, end=len(text), text=text, title_path=(), before="", after="")


def position(part: Part) -> str:
    """Return what a prompt says of where a part stands; empty for a whole document."""
    if part.total == 1:
        return ""
    lines = [f"Part {part.index + 1} of {part.total} of a longer document."]
    if part.title_path:
        lines.append(f"It stands under: {' > '.join(part.title_path)}")
    if part.before:
        lines.append(f"The part before it: {part.before}")
    if part.after:
        lines.append(f"The part after it: {part.after}")
    return "\n".join(lines)
