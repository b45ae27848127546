"""One question to an endpoint before any work starts: is it there, does it have the model, does it constrain?"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

import orjson

from webscale_rl.errors import ConfigurationError, EndpointError, RequestRejected
from webscale_rl.llm.endpoint import Completion, Endpoint, EndpointClient
from webscale_rl.llm.measure import TokenMeasure, measure_tokens

WORD = "tamarind"  # nothing in the question suggests it: only a grammar makes a model write it
TASK_TOKENS = 12_000  # of ours: system message, guides, a draft to be mended, and the answer
TIMEOUT_SECONDS = 120.0  # a server may still be warming up

REQUEST = {
    "messages": [{"role": "user", "content": "Greet me in one sentence."}],
    "max_tokens": 60,
    "temperature": 0.0,
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "probe",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"word": {"type": "string", "enum": [WORD]}},
                "required": ["word"],
                "additionalProperties": False,
            },
        },
    },
}


@dataclass(frozen=True)
class Probed:
    """What an endpoint said of itself. ``context`` is the model's in tokens, 0 where it does not say."""

    context: int
    tokens: TokenMeasure


async def probe(endpoint: Endpoint) -> Probed:
    """Check that an endpoint answers, accepts the key, serves the model and obeys a JSON schema; measure its tokens.

    Raises:
        ConfigurationError: it does not; the message is one line that says what to change.
    """
    async with EndpointClient(endpoint, max_in_flight=1, timeout=TIMEOUT_SECONDS, max_attempts=2) as client:
        try:
            context = await _check_model(client)
            completion = await client.chat(REQUEST)
            tokens = await measure_tokens(client, REQUEST)
        except (EndpointError, RequestRejected) as error:
            raise ConfigurationError(f"the endpoint does not work: {error}") from error
    if not _obeys(completion):
        raise ConfigurationError(
            f"{endpoint.base_url} ignores the JSON schema of response_format (it answered "
            f"{completion.text[:80]!r}): serve {endpoint.model!r} with structured output, for vLLM 0.12 or newer "
            "with --structured-outputs-config.backend xgrammar"
        )
    return Probed(context, tokens)


def require_context(probed: Probed, model: str, part_tokens: int) -> None:
    """Check that a model's context holds the longest part of a document with the longest task and answer.

    Raises:
        ConfigurationError: it does not, and says what would fit.
    """
    room = math.ceil(TASK_TOKENS * probed.tokens.scale)
    if 0 < probed.context < part_tokens + room:
        raise ConfigurationError(
            f"the context of {model!r} is {probed.context:,} tokens: parts of {part_tokens:,} and {room:,} for task "
            f"and answer do not fit; serve it with a longer one, or set part_tokens to at most "
            f"{max(probed.context - room, 0):,}"
        )


def probe_sync(endpoint: Endpoint) -> Probed:
    """Run :func:`probe` from code that is not asynchronous."""
    return asyncio.run(probe(endpoint))


async def _check_model(client: EndpointClient) -> int:
    """Compare the model with the served ones and return its context; a server without a list is asked later."""
    endpoint = client.endpoint
    try:
        served = await client.models()
    except RequestRejected:
        return 0
    except ConfigurationError as error:
        if "(404)" in str(error):
            return 0
        raise
    if served and endpoint.model not in served:
        raise ConfigurationError(
            f"{endpoint.base_url} does not serve {endpoint.model!r}; it serves {', '.join(list(served)[:8])}"
        )
    return served.get(endpoint.model, 0)


def _obeys(completion: Completion) -> bool:
    try:
        return bool(orjson.loads(completion.text) == {"word": WORD})
    except orjson.JSONDecodeError:
        return False
