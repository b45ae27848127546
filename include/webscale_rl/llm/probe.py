"""One question to an endpoint before any work starts: is it there, does it have the model, does it constrain?"""

from __future__ import annotations

import asyncio

import orjson

from webscale_rl.errors import ConfigurationError, EndpointError, RequestRejected
from webscale_rl.llm.endpoint import Completion, Endpoint, EndpointClient

WORD = "tamarind"  # nothing in the question suggests it: only a grammar makes a model write it
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


async def probe(endpoint: Endpoint) -> None:
    """Check that an endpoint answers, accepts the key, serves the model and obeys a JSON schema.

    Raises:
        ConfigurationError: it does not; the message is one line that says what to change.
    """
    async with EndpointClient(endpoint, max_in_flight=1, timeout=TIMEOUT_SECONDS, max_attempts=2) as client:
        try:
            await _check_model(client)
            completion = await client.chat(REQUEST)
        except (EndpointError, RequestRejected) as error:
            raise ConfigurationError(f"the endpoint does not work: {error}") from error
    if not _obeys(completion):
        raise ConfigurationError(
            f"{endpoint.base_url} ignores the JSON schema of response_format (it answered "
            f"{completion.text[:80]!r}): serve {endpoint.model!r} with structured output, for vLLM 0.12 or newer "
            "with --structured-outputs-config.backend xgrammar"
        )


def probe_sync(endpoint: Endpoint) -> None:
    """Run :func:`probe` from code that is not asynchronous."""
    asyncio.run(probe(endpoint))


async def _check_model(client: EndpointClient) -> None:
    """Compare the model with the served ones; a server without a list is asked by the request itself."""
    endpoint = client.endpoint
    try:
        served = await client.models()
    except RequestRejected:
        return
    except ConfigurationError as error:
        if "(404)" in str(error):
            return
        raise
    if served and endpoint.model not in served:
        raise ConfigurationError(
            f"{endpoint.base_url} does not serve {endpoint.model!r}; it serves {', '.join(served[:8])}"
        )


def _obeys(completion: Completion) -> bool:
    try:
        return bool(orjson.loads(completion.text) == {"word": WORD})
    except orjson.JSONDecodeError:
        return False
