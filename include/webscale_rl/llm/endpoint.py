"""An OpenAI-compatible endpoint and the client that calls it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from webscale_rl.errors import ConfigurationError, EndpointError, EndpointRefusal, RequestRejected

CONNECT_SECONDS = 30.0  # the default of 5 s trips when the event loop is busy
MAX_CONNECTIONS = 2048
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Endpoint:
    """Where a model is served.

    ``revision`` names the weights: a served name survives a change of weights, the ledger must not.
    ``extra_body`` is sent with every request (``{"chat_template_kwargs": {"enable_thinking": false}}``).
    """

    base_url: str
    model: str
    revision: str = ""
    api_key: str = field(default="", repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"the base URL of the endpoint must start with http:// or https://, not {self.base_url!r}"
            )
        parts = urlsplit(self.base_url)
        if parts.username or parts.password or parts.query:
            raise ConfigurationError(  # without the URL: it holds the secret
                "the base URL of the endpoint must hold no user, password or query: give the key by itself"
            )
        if not self.model:
            raise ConfigurationError(f"no model is named for the endpoint {self.base_url}")


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back for one request. Token counts are the server's own; 0 where it does not report them."""

    text: str
    finish_reason: str
    refusal: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    latency_ms: int  # of the last attempt
    attempts: int  # including those that failed in transport


class EndpointClient:
    """Calls one endpoint. One client per event loop, closed explicitly.

    Args:
        endpoint: where to send to.
        max_in_flight: ceiling of requests at a time.
        timeout: seconds for one request, from sending to the last byte.
        max_attempts: how often one request is sent before :class:`EndpointError` is final.
    """

    def __init__(
        self, endpoint: Endpoint, *, max_in_flight: int, timeout: float = 600.0, max_attempts: int = 6
    ) -> None:
        self.endpoint = endpoint
        self._admission = asyncio.Semaphore(max_in_flight)
        self._max_attempts = max_attempts
        http = openai.DefaultAioHttpClient(
            timeout=openai.Timeout(timeout, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=MAX_CONNECTIONS),
        )
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key or "none",
            max_retries=0,  # tenacity is the only layer that retries
            timeout=openai.Timeout(timeout, connect=CONNECT_SECONDS),
            http_client=http,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def chat(self, body: Mapping[str, Any]) -> Completion:
        """Send one chat completion, repeating it while the endpoint fails in transport.

        Raises:
            EndpointError: the endpoint could not be reached or kept failing.
            EndpointRefusal: wrong key, unknown model, no such route.
            RequestRejected: this request cannot be served.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(EndpointError),
            stop=stop_after_attempt(self._max_attempts),
            wait=_wait,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                async with self._admission:
                    return await self._send(body, attempt.retry_state.attempt_number)
        raise AssertionError("tenacity either returns or raises")

    async def count_tokens(self, text: str) -> int:
        """Return the tokens of a text as the served model counts them, by vLLM's route ``/tokenize``.

        0 where the server has no such route.

        Raises:
            EndpointError: it has the route but does not answer.
        """
        root = self.endpoint.base_url.rstrip("/").removesuffix("/v1")
        body = {"model": self.endpoint.model, "prompt": text, "add_special_tokens": False}
        try:
            answer = await self._client.post(f"{root}/tokenize", body=body, cast_to=object)
        except openai.APIStatusError as error:
            if error.status_code in (408, 429) or error.status_code >= 500:
                raise translated(error, self.endpoint) from error
            return 0
        except openai.OpenAIError as error:
            raise translated(error, self.endpoint) from error
        except ValueError:
            return 0
        return _count(_mapping(answer).get("count"))

    async def models(self) -> dict[str, int]:
        """Return the served models, name to longest context in tokens; 0 where the server does not say.

        Raises:
            EndpointError, EndpointRefusal, RequestRejected: as for :meth:`chat`.
        """
        try:
            listed = await self._client.get("/models", cast_to=object)
        except openai.OpenAIError as error:
            raise translated(error, self.endpoint) from error
        except ValueError as error:
            raise EndpointError(f"{self.endpoint.base_url} sent a list of models that is no JSON") from error
        data = listed.get("data") if isinstance(listed, dict) else None
        models = [model for model in data or [] if isinstance(model, dict)] if isinstance(data, list) else []
        return {str(model.get("id", "")): _count(model.get("max_model_len")) for model in models}

    async def _send(self, body: Mapping[str, Any], attempt: int) -> Completion:
        started = time.monotonic()
        try:
            answer = await self._client.post(
                "/chat/completions",
                body={**body, "model": self.endpoint.model, **self.endpoint.extra_body},
                cast_to=object,  # skips the SDK's own validation: a third of its CPU time
            )
        except openai.OpenAIError as error:
            raise translated(error, self.endpoint) from error
        except ValueError as error:
            raise EndpointError(f"{self.endpoint.base_url} sent a body that is no JSON") from error
        return _completion(answer, round((time.monotonic() - started) * 1000), attempt)


def _completion(answer: object, latency_ms: int, attempt: int) -> Completion:
    """Read a response body, whatever is missing in it: servers differ in what they leave out."""
    body = answer if isinstance(answer, dict) else {}
    choice = _mapping(_first(body.get("choices")))
    message = _mapping(choice.get("message"))
    usage = _mapping(body.get("usage"))
    return Completion(
        text=_text(message.get("content")),
        finish_reason=_text(choice.get("finish_reason")),
        refusal=_text(message.get("refusal")),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        cached_tokens=_count(_mapping(usage.get("prompt_tokens_details")).get("cached_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        latency_ms=latency_ms,
        attempts=attempt,
    )


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0


def _wait(state: RetryCallState) -> float:
    """Return the seconds to wait: what the server asks for, else doubling with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, EndpointError) and error.retry_after is not None:
        return min(error.retry_after, LONGEST_WAIT_SECONDS)
    ceiling = min(FIRST_WAIT_SECONDS * 2**state.attempt_number, LONGEST_WAIT_SECONDS)
    return float(ceiling * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret


def translated(error: openai.OpenAIError, endpoint: Endpoint) -> Exception:
    """Return our own error for one of the SDK's, with a message that says what to change."""
    where = endpoint.base_url
    if isinstance(error, openai.APIStatusError):
        return _translated_status(error, endpoint)
    if isinstance(error, openai.APIConnectionError):
        cause = _cause(error)
        if isinstance(cause, TimeoutError) or not isinstance(cause, OSError | openai.APIConnectionError):
            return EndpointError(f"{where} did not answer in time ({type(cause).__name__})")
        words = f"{type(cause).__name__}: {cause}"[:200]
        return EndpointError(f"cannot reach {where}: is the server running there? ({words})")
    return EndpointError(f"{where} answered what is no completion ({type(error).__name__})")


def _translated_status(error: openai.APIStatusError, endpoint: Endpoint) -> Exception:
    where, status = endpoint.base_url, error.status_code
    said = _said(error)
    if status in (401, 403):
        return EndpointRefusal(f"{where} refuses the API key ({status}): set the right one")
    if status == 404:
        return EndpointRefusal(
            f"{where} has no model {endpoint.model!r} or no such route (404): {said or 'check URL and model name'}"
        )
    if status == 429 and "insufficient_quota" in said:
        return EndpointRefusal(f"{where} says that the account's quota is used up (429)")
    if status in (408, 409, 425, 429) or status >= 500:
        return EndpointError(
            f"{where} answered {status}: {said}", retry_after=_retry_after(error), status=status
        )
    return RequestRejected(f"{where} rejects the request ({status}): {said}")


def _said(error: openai.APIStatusError) -> str:
    """Return the server's own words, shortened; a body may be anything."""
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error", body)
    parts = [inner.get(key) for key in ("message", "code", "param")] if isinstance(inner, dict) else [inner]
    return " ".join(" ".join(str(part) for part in parts if part).split())[
        :300
    ]  # one line, whatever it sends


def _retry_after(error: openai.APIStatusError) -> float | None:
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _cause(error: BaseException) -> BaseException:
    """Return the first cause: the aiohttp transport reports a refused connection as a timeout."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
