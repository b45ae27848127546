"""Solvers before any work starts: which they are, and whether they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from webscale_rl.difficulty.attempts import solver_name
from webscale_rl.errors import ConfigurationError, EndpointError, RequestRejected
from webscale_rl.llm.endpoint import Endpoint, EndpointClient

QUESTION_TOKENS = 2_000  # of a prompt: questions are short
TIMEOUT_SECONDS = 120.0  # a server may still be warming up
SELF_MEASURED = (
    "no connection webscale_solver exists: the generator measures the difficulty of its own questions, which says "
    "little about another model"
)


def distinct(endpoints: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """Return the solvers by role.

    Raises:
        ConfigurationError: two are the same in the tables.
    """
    seen: dict[str, str] = {}
    for role, endpoint in endpoints.items():
        name = solver_name(endpoint)
        if name in seen:
            raise ConfigurationError(
                f"connections {seen[name]!r} and {role!r} both name the solver {name!r}: delete one of them, or tell "
                'them apart by "model_revision"'
            )
        seen[name] = role
    return dict(endpoints)


async def probe_solver(endpoint: Endpoint, max_tokens: int) -> None:
    """Check that a solver answers in free text, and that its context has room for a response.

    Raises:
        ConfigurationError: with one line that says what to change.
    """
    async with EndpointClient(endpoint, max_in_flight=1, timeout=TIMEOUT_SECONDS, max_attempts=2) as client:
        try:
            await client.chat({"messages": [{"role": "user", "content": "What is 1 + 1?"}], "max_tokens": 16})
        except (EndpointError, RequestRejected) as error:
            raise ConfigurationError(f"the solver {endpoint.model!r} does not work: {error}") from error
        context = await _context(client)
    if 0 < context < QUESTION_TOKENS + max_tokens:
        raise ConfigurationError(
            f"the context of {endpoint.model!r} is {context:,} tokens: a response of {max_tokens:,} and a question "
            f"do not fit; lower 'Tokens of a response' to at most {max(context - QUESTION_TOKENS, 0):,}"
        )


async def _context(client: EndpointClient) -> int:
    """Return the model's context in tokens; 0 where the server does not say."""
    try:
        return (await client.models()).get(client.endpoint.model, 0)
    except (EndpointError, RequestRejected, ConfigurationError):
        return 0


async def probe_solvers(endpoints: Mapping[str, Endpoint], max_tokens: int) -> None:
    """Run :func:`probe_solver` for all."""
    await asyncio.gather(*(probe_solver(endpoint, max_tokens) for endpoint in endpoints.values()))
