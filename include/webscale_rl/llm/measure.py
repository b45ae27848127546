"""How many tokens of the served model one of ours is: measured once a run, so that it cuts documents alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from webscale_rl.corpus.tokens import count
from webscale_rl.llm.endpoint import EndpointClient
from webscale_rl.llm.prompts import load_template
from webscale_rl.records import Record

SMALLEST, LARGEST = 0.25, 4.0  # a ratio beyond these is no tokenizer's but a server's that does not count
REPEATS = 4  # of the sample, so that the template around the messages weighs little


class TokenMeasure(Record):
    """The ratio of the served model's tokens to ours, and how it was found.

    ``tokenize``: by the server's route of that name. ``usage``: from the prompt tokens it reports. ``estimate``: it
    does neither, and ours are taken for its own.
    """

    by: Literal["tokenize", "usage", "estimate"] = "estimate"
    scale: float = 1.0


async def measure_tokens(client: EndpointClient, request: Mapping[str, Any]) -> TokenMeasure:
    """Measure the ratio on a fixed sample text.

    Args:
        client: of the endpoint.
        request: one that it is known to answer; its messages are replaced by the sample.

    Raises:
        EndpointError, EndpointRefusal, RequestRejected: as for ``EndpointClient.chat``.
    """
    sample = "\n\n".join([load_template("token_sample")] * REPEATS)
    own = count(sample)
    if counted := await client.count_tokens(sample):
        return TokenMeasure(by="tokenize", scale=_rounded(counted / own))
    short, long = [await _prompt_tokens(client, request, text) for text in ("Hello.", f"Hello.\n\n{sample}")]
    ratio = (long - short) / own
    return TokenMeasure(by="usage", scale=_rounded(ratio)) if SMALLEST < ratio < LARGEST else TokenMeasure()


async def _prompt_tokens(client: EndpointClient, request: Mapping[str, Any], text: str) -> int:
    body = {**request, "messages": [{"role": "user", "content": text}]}
    return (await client.chat(body)).prompt_tokens


def _rounded(ratio: float) -> float:
    """Round up to hundredths: a server that counts a token differently now and then is no other configuration."""
    return math.ceil(min(max(ratio, SMALLEST), LARGEST) * 100) / 100
