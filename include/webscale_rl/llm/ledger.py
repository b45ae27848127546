"""The ledger: every completed call, so that nothing is ever paid for twice.

A call is named, within its document, by the hash of all that decides its answer. Only valid answers are
served again; one that did not validate is kept with ``valid = false`` and counts as an attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, Self, TypeVar

from webscale_rl.errors import InvalidAnswer
from webscale_rl.ids import content_id, text_id
from webscale_rl.llm.answers import parse_answer, read_answer
from webscale_rl.llm.endpoint import Completion, Endpoint, EndpointClient
from webscale_rl.llm.escapes import repair_escapes
from webscale_rl.llm.fence import defuse
from webscale_rl.llm.in_flight import InFlight
from webscale_rl.llm.prompts import Message
from webscale_rl.stages.stage import Stage, StageAnswer

A = TypeVar("A", bound=StageAnswer)

MAX_QUOTED = 2_000  # characters of an unusable answer that the second request quotes
ATTEMPT_STAGE = "attempt_"  # how the stages of solvers' attempts begin, which are answered in free text


class CallSink(Protocol):
    """Takes rows of ``llm_calls`` and commits them soon."""

    def add(self, table: str, row: Mapping[str, Any]) -> None: ...

    def check(self) -> None:
        """Raise LeaseLost or Stopping when no more calls may be sent."""


@dataclass(frozen=True, slots=True)
class Answered(Generic[A]):
    """A valid answer and the name of the call that gave it."""

    answer: A
    call_key: str


@dataclass(frozen=True, slots=True)
class FreeText:
    """What a model wrote without a schema, whatever it is; ``is_cut`` where it ran into its limit."""

    text: str
    is_cut: bool
    call_key: str


@dataclass
class KnownCalls:
    """What the ledger holds of one document: valid answers by key, and the number of attempts by key.

    ``cut`` are the keys of valid answers that ran into their limit; ``asking`` guards keys that are being asked.
    """

    valid: dict[str, str] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    asking: dict[str, asyncio.Lock] = field(default_factory=dict)


def call_key(
    endpoint: Endpoint, stage: Stage[Any], shown: str, fields: Mapping[str, str], sample_index: int = 0
) -> str:
    """Return the name of a call within its document: a hash of all that decides its answer.

    Args:
        endpoint: whose model, revision and extra body count.
        stage: whose rules and guides count (see ``Stage.asked``).
        shown: id of the part of the document that the stage sees; empty where it sees none.
        fields: the variable parts.
        sample_index: tells several answers to one question apart.
    """
    asked = [stage.name, stage.asked, shown, *fields.items()]
    return content_id([endpoint.model, endpoint.revision, endpoint.extra_body, asked, sample_index])


@dataclass(frozen=True)
class FreeCall:
    """A call whose answer is free text: a valid one whatever it says, and where it is cut off.

    ``stage`` and ``prompt_version`` are for the ledger's readers. ``sample_index`` tells several answers to one
    prompt apart; no seed is sent, which not every server survives.
    """

    stage: str
    prompt_version: str
    messages: list[Message]
    sampling: Mapping[str, Any]
    sample_index: int = 0

    def key(self, endpoint: Endpoint) -> str:
        """Return the name of the call within its document."""
        asked = ["text", self.messages, self.sampling]
        return content_id([endpoint.model, endpoint.revision, endpoint.extra_body, asked, self.sample_index])


class Asker:
    """Asks on behalf of one document: the ledger first, then the endpoint.

    Args:
        document_id: whose calls these are.
        known: what the ledger holds of this document.
        clients: by role (``generator``, ``checker``, ``second_solver``).
        sink: where completed calls go.
        origin: columns that every row of this worker carries (run_id, shard_id).
        priority: of its calls; the lowest goes first.
        on_first_call: called before the first request.
        in_flight: sees through what was sent; by default of this asker alone.
    """

    def __init__(
        self,
        document_id: str,
        known: KnownCalls,
        clients: Mapping[str, EndpointClient],
        sink: CallSink,
        origin: Mapping[str, str],
        *,
        priority: int = 0,
        on_first_call: Callable[[], object] | None = None,
        in_flight: InFlight | None = None,
    ) -> None:
        self.document_id = document_id
        self._shown = ""
        self._shown_id = ""
        self._known = known
        self._clients = clients
        self._sink = sink
        self._origin = origin
        self._priority = priority
        self._in_flight = in_flight or InFlight()
        self._before_first = [on_first_call] if on_first_call else []

    def reading(self, shown: str) -> Self:
        """Return an asker for the same document whose stages see this part of it (see ``show_document``)."""
        reader = copy(self)  # what it knows is shared
        reader._shown, reader._shown_id = shown, text_id(shown)
        return reader

    def has(self, role: str) -> bool:
        """Whether an endpoint is configured for this role."""
        return role in self._clients

    async def count_tokens(self, text: str, *, role: str) -> int:
        """Return the tokens of a text as the server of this role counts them; 0 where it has no such route.

        Raises:
            EndpointError: the server does not answer.
            LeaseLost, Stopping: nothing more may be sent.
        """
        self._sink.check()
        return await self._clients[role].count_tokens(text)

    async def ask(self, stage: Stage[A], fields: Mapping[str, str], *, role: str) -> Answered[A]:
        """Return the valid answer of a stage to these fields, asking the endpoint only if the ledger has none.

        Raises:
            InvalidAnswer: the answer was unusable twice.
            EndpointError, EndpointRefusal, RequestRejected: as for ``EndpointClient.chat``.
            LeaseLost, Stopping: no more calls may be sent.
        """
        client = self._clients[role]
        key = call_key(client.endpoint, stage, self._shown_id if stage.sees_document else "", fields)
        async with self._turn(key):
            if (known := self._known.valid.get(key)) is not None:
                with suppress(
                    InvalidAnswer
                ):  # a stored answer that cannot be read any more is asked for anew
                    return Answered(parse_answer(stage.answer, known), key)
            messages = stage.messages(self._shown, fields)
            try:
                answer = await self._attempt(client, stage, key, messages)
            except InvalidAnswer as invalid:
                answer = await self._attempt(client, stage, key, [*messages, *_second_request(invalid)])
            return Answered(answer, key)

    async def ask_text(self, call: FreeCall, *, role: str) -> FreeText:
        """Return what a model wrote, asking the endpoint only if the ledger has no answer.

        Raises:
            EndpointError, EndpointRefusal, RequestRejected: as for ``EndpointClient.chat``.
            LeaseLost, Stopping: no more calls may be sent.
        """
        client = self._clients[role]
        key = call.key(client.endpoint)
        async with self._turn(key):
            if key not in self._known.valid:
                self._before_call()
                await self._in_flight.see_through(self._called_freely(client, call, key))
            return FreeText(self._known.valid[key], key in self._known.cut, key)

    def knows(self, call: FreeCall, *, role: str) -> bool:
        """Whether the ledger has an answer to this call."""
        return call.key(self._clients[role].endpoint) in self._known.valid

    def _turn(self, key: str) -> asyncio.Lock:
        """Return what to hold while a call is asked: two items may ask the same at the same time."""
        return self._known.asking.setdefault(key, asyncio.Lock())

    def _before_call(self) -> None:
        self._sink.check()
        while self._before_first:
            self._before_first.pop()()

    async def _attempt(self, client: EndpointClient, stage: Stage[A], key: str, messages: list[Message]) -> A:
        self._before_call()
        return await self._in_flight.see_through(self._called(client, stage, key, messages))

    async def _called_freely(self, client: EndpointClient, call: FreeCall, key: str) -> None:
        """Send a call and record what came of it."""
        body = {"messages": call.messages, **call.sampling}
        completion = await client.chat(
            body, session=self.document_id, priority=self._priority, check=self._sink.check
        )
        self._add(client.endpoint, call.stage, call.prompt_version, call.sampling, key, completion, "")
        self._known.valid[key] = completion.text.strip()
        if completion.finish_reason == "length":
            self._known.cut.add(key)

    async def _called(self, client: EndpointClient, stage: Stage[A], key: str, messages: list[Message]) -> A:
        """Send a call and record what came of it."""
        body = {"messages": messages, "response_format": stage.response_format, **stage.sampling}
        completion = await client.chat(
            body, session=self.document_id, priority=self._priority, check=self._sink.check
        )
        try:
            answer = read_answer(stage.answer, completion)
        except InvalidAnswer as invalid:
            self._record(client.endpoint, stage, key, completion, invalid.reason)
            invalid.text = completion.text
            raise
        self._record(client.endpoint, stage, key, completion, "")
        self._known.valid[key] = completion.text.strip()
        return answer

    def _record(
        self, endpoint: Endpoint, stage: Stage[Any], key: str, completion: Completion, invalid_reason: str
    ) -> None:
        self._add(endpoint, stage.name, stage.version, stage.sampling, key, completion, invalid_reason)

    def _add(
        self,
        endpoint: Endpoint,
        stage: str,
        prompt_version: str,
        sampling: Mapping[str, Any],
        key: str,
        completion: Completion,
        invalid_reason: str,
    ) -> None:
        attempt = self._known.attempts.get(key, 0) + 1
        self._known.attempts[key] = attempt
        self._sink.add(
            "llm_calls",
            {
                **self._origin,
                "document_id": self.document_id,
                "call_key": key,
                "attempt": attempt,
                "stage": stage,
                "prompt_version": prompt_version,
                "model": endpoint.model,
                "model_revision": endpoint.revision,
                "sampling": sampling,
                "valid": not invalid_reason,
                "invalid_reason": invalid_reason,
                "response": completion.text.strip(),
                "repaired_escapes": repair_escapes(completion.text)[1],
                "finish_reason": completion.finish_reason,
                "prompt_tokens": completion.prompt_tokens,
                "cached_tokens": completion.cached_tokens,
                "completion_tokens": completion.completion_tokens,
                "latency_ms": completion.latency_ms,
                "transport_attempts": completion.attempts,
            },
        )


def _second_request(invalid: InvalidAnswer) -> list[Message]:
    """Return the messages that ask once more, behind the first request so that its prefix stays cached."""
    return [
        {"role": "assistant", "content": defuse(_encodable(invalid.text[:MAX_QUOTED])) or "(no text)"},
        {
            "role": "user",
            "content": f"That answer cannot be used ({invalid.reason}: {invalid.detail}). "
            "Answer the same task again, shorter if it was cut off: one JSON object with exactly the fields listed.",
        },
    ]


def _encodable(text: str) -> str:
    """Return a text without lone surrogates, which JSON can carry and a request cannot."""
    return text.encode("utf-8", "replace").decode()
