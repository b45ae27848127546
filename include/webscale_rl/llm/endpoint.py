"""An OpenAI-compatible endpoint and the client that calls it."""

from __future__ import annotations

import math
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import orjson
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from webscale_rl.errors import ConfigurationError, EndpointError, EndpointRefusal, RequestRejected
from webscale_rl.faultpoints import reach
from webscale_rl.llm.admission import Admission
from webscale_rl.llm.breaker import Breaker
from webscale_rl.llm.capacity import Totals
from webscale_rl.llm.patience import Patience
from webscale_rl.llm.purse import CHARACTERS_PER_TOKEN, Amount, Bill, Price, Purse
from webscale_rl.llm.replicas import Replicas
from webscale_rl.llm.transport import Transport

MAX_ATTEMPTS = 12  # where a third of all calls fail by chance, one in a million still fails
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 30.0
SESSION_HEADER = "X-Session-Id"  # routers that are aware of prefixes keep its calls on one replica


@dataclass(frozen=True)
class Endpoint:
    """Where a model is served.

    ``base_url`` is one URL, or several of equal replicas, separated by commas. ``revision`` names the weights: a
    served name survives a change of weights, the ledger must not. ``extra_body`` is sent with every request
    (``{"chat_template_kwargs": {"enable_thinking": false}}``). ``timeout`` bounds one request, in seconds from
    sending to the last byte.
    """

    base_url: str
    model: str
    revision: str = ""
    api_key: str = field(default="", repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 600.0
    price: Price = field(default_factory=Price)

    def __post_init__(self) -> None:
        for url in self.replicas or (self.base_url,):
            if not url.startswith(("http://", "https://")):
                raise ConfigurationError(
                    f"the base URL of the endpoint must start with http:// or https://, not {url!r}"
                )
            parts = urlsplit(url)
            if parts.username or parts.password or parts.query:
                raise ConfigurationError(  # without the URL: it holds the secret
                    "the base URL of the endpoint must hold no user, password or query: give the key by itself"
                )
        if not self.model:
            raise ConfigurationError(f"no model is named for the endpoint {self.base_url}")

    @property
    def replicas(self) -> tuple[str, ...]:
        """The base URLs, each without a slash at its end."""
        return tuple(url.strip().rstrip("/") for url in self.base_url.split(",") if url.strip())

    @property
    def name(self) -> str:
        """What names its servers, whatever the order of their URLs: they have one capacity together."""
        return ",".join(sorted(self.replicas))


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


@dataclass(frozen=True, slots=True)
class _Request:
    content: bytes
    session: str
    priority: int
    max_tokens: int
    check: Callable[[], object]


class EndpointClient:
    """Calls one endpoint. One client per event loop, closed explicitly.

    Args:
        endpoint: where to send to.
        admission: holds back what is too much for the endpoint; by default one of its own with ``max_in_flight``.
        max_in_flight: ceiling of requests at a time, where there is no ``admission``.
        timeout: seconds for one request, instead of the endpoint's own.
        max_attempts: how often one request is sent before :class:`EndpointError` is final.
        breaker: ends everything when nothing but faults comes back.
        purse: what may be spent; None for anything.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        admission: Admission | None = None,
        max_in_flight: int = 1,
        timeout: float | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        breaker: Breaker | None = None,
        purse: Purse | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.admission = admission or Admission(max_in_flight)
        self._breaker = breaker or Breaker(endpoint.base_url)
        self._purse = purse
        self._max_attempts = max_attempts
        self._patience = Patience(timeout or endpoint.timeout)
        self._replicas = Replicas(endpoint.replicas)
        self._transport = Transport(endpoint.model, endpoint.api_key)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def chat(
        self,
        body: Mapping[str, Any],
        *,
        session: str = "",
        priority: int = 0,
        check: Callable[[], object] = lambda: None,
    ) -> Completion:
        """Send one chat completion, repeating it while the endpoint fails in transport.

        Args:
            body: of the request, without model and extra body.
            session: what keeps calls together on one replica: the document's id.
            priority: of the call; the lowest goes first.
            check: called each time before it is sent; what it raises ends the call.

        Raises:
            EndpointError: the endpoint could not be reached or kept failing.
            EndpointRefusal: wrong key, unknown model, no such route.
            RequestRejected: this request cannot be served.
            ShardFailed: the endpoint is gone: for a while nothing but faults has come back.
            BudgetSpent: the run may spend no more.
        """
        whole = {**body, "model": self.endpoint.model, **self.endpoint.extra_body}
        request = _Request(orjson.dumps(whole), session, priority, int(whole.get("max_tokens", 0)), check)
        try:  # most calls need no second one, and no machinery for it
            return await self._send(request, attempt=1)
        except EndpointError as error:
            if self._max_attempts == 1:
                raise
            first = error
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(EndpointError),
            stop=stop_after_attempt(self._max_attempts),
            wait=seconds_to_wait,
            reraise=True,
        )
        async for attempt in retrying:
            number = attempt.retry_state.attempt_number
            with attempt:
                if number == 1:
                    raise first  # already sent: tenacity waits and goes on
                return await self._send(request, number)
        raise AssertionError("tenacity either returns or raises")

    async def count_tokens(self, text: str) -> int:
        """Return the tokens of a text as the served model counts them, by vLLM's route ``/tokenize``.

        0 where the server has no such route.

        Raises:
            EndpointError: it has the route but does not answer.
        """
        root = self.endpoint.replicas[0].removesuffix("/v1")
        body = {"model": self.endpoint.model, "prompt": text, "add_special_tokens": False}
        try:
            answer = await self._transport.request(
                f"{root}/tokenize", orjson.dumps(body), seconds=self._patience.longest
            )
        except (EndpointRefusal, RequestRejected):
            return 0
        return _count(_mapping(answer).get("count"))

    async def models(self) -> dict[str, int]:
        """Return the served models, name to longest context in tokens; 0 where the server does not say.

        Raises:
            EndpointError, EndpointRefusal, RequestRejected: as for :meth:`chat`.
        """
        url = f"{self.endpoint.replicas[0]}/models"
        listed = await self._transport.request(url, None, seconds=self._patience.longest)
        data = listed.get("data") if isinstance(listed, dict) else None
        models = [model for model in data or [] if isinstance(model, dict)] if isinstance(data, list) else []
        return {str(model.get("id", "")): _count(model.get("max_model_len")) for model in models}

    async def _send(self, request: _Request, attempt: int) -> Completion:
        async with self._paid(request) as bill:
            bill.cost = Amount()  # while it waits for its turn
            async with self.admission.turn(request.priority):
                request.check()  # it may have waited for long
                bill.cost = None
                with self._replicas.chosen(request.session) as url:
                    started = time.monotonic()
                    reach("before_call")
                    try:
                        answer = await self._post(url, request)
                    except EndpointError as error:
                        if error.status is not None or not error.sent:  # else nobody knows what it has cost
                            bill.cost = Amount(calls=1)
                        self._note_fault(url, error)
                        raise
                seconds = time.monotonic() - started
                completion = _completion(answer, round(seconds * 1000), attempt)
                spent = (completion.prompt_tokens, completion.cached_tokens, completion.completion_tokens)
                bill.cost = Amount(1, spent[0] + spent[2], self.endpoint.price.of(*spent))
                self.admission.totals += Totals(1, completion.completion_tokens, seconds)
        self._patience.learn(seconds)
        self._breaker.success()
        reach("after_answer")
        return completion

    @asynccontextmanager
    async def _paid(self, request: _Request) -> AsyncIterator[Bill]:
        if self._purse is None:
            yield Bill()
            return
        prompt = math.ceil(len(request.content) / CHARACTERS_PER_TOKEN)
        most = Amount(1, prompt + request.max_tokens, self.endpoint.price.of(prompt, 0, request.max_tokens))
        async with self._purse.spend(most) as bill:
            yield bill

    async def _post(self, url: str, request: _Request) -> object:
        return await self._transport.request(
            f"{url}/chat/completions",
            request.content,
            seconds=self._patience.seconds,
            headers={SESSION_HEADER: request.session} if request.session else None,
        )

    def _note_fault(self, url: str, error: EndpointError) -> None:
        if error.status == 429:
            self.admission.totals += Totals(refused=1)
            return
        if error.status is None:
            self._replicas.avoid(url)
        self._breaker.fault(str(error))


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


def seconds_to_wait(state: RetryCallState) -> float:
    """Return the seconds to wait before another attempt: what the server asks for, else doubling with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, EndpointError) and error.retry_after is not None:
        return min(error.retry_after, LONGEST_WAIT_SECONDS)
    ceiling = min(FIRST_WAIT_SECONDS * 2**state.attempt_number, LONGEST_WAIT_SECONDS)
    return float(ceiling * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret
