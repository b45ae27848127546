"""Reading a chat-completion request, and the errors that a wrong one gets."""

from dataclasses import dataclass, field
from typing import Any

import orjson


class RequestError(Exception):
    """What the server answers instead of a completion, in OpenAI's form."""

    def __init__(
        self, status: int, message: str, *, kind: str = "BadRequestError", param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": status}}


@dataclass(frozen=True)
class ChatRequest:
    """What of a request decides its answer. ``stage`` and ``schema`` are those of its response format."""

    model: str
    messages: tuple[tuple[str, str], ...]  # role, content
    stage: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    wants_json: bool = False
    max_tokens: int | None = None

    @property
    def prompt(self) -> str:
        """All messages as the server's template writes them."""
        return "".join(f"<{role}>\n{content}\n" for role, content in self.messages)

    @property
    def user_text(self) -> str:
        """What the user's messages say."""
        return "\n\n".join(content for role, content in self.messages if role == "user")


def read_request(raw: bytes) -> ChatRequest:
    """Read the body of a request.

    Raises:
        RequestError: 400, with the parameter that is wrong.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise RequestError(400, "the body must be a JSON object")
    model = body.get("model")
    if not isinstance(model, str):
        raise RequestError(400, f"model must be a string, not {model!r}", param="model")
    _refuse_unsupported(body)
    stage, schema, wants_json = _response_format(body.get("response_format"))
    return ChatRequest(
        model=model,
        messages=_messages(body.get("messages")),
        stage=stage,
        schema=schema,
        wants_json=wants_json,
        max_tokens=_max_tokens(body),
    )


def read_text(raw: bytes) -> str:
    """Read the text of a request to ``/tokenize``.

    Raises:
        RequestError: 400, with the parameter that is wrong.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is not valid JSON: {error}") from None
    prompt = body.get("prompt") if isinstance(body, dict) else None
    if not isinstance(prompt, str):
        raise RequestError(400, "prompt must be a text", param="prompt")
    return prompt


def _refuse_unsupported(body: dict[str, Any]) -> None:
    if body.get("stream"):
        raise RequestError(400, "streaming is not supported: leave stream out", param="stream")
    if body.get("n") not in (None, 1):
        raise RequestError(400, f"n must be 1, not {body['n']!r}", param="n")


def _messages(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list) or not value:
        raise RequestError(400, "messages must be a list with at least one message", param="messages")
    return tuple(_message(message) for message in value)


def _message(value: object) -> tuple[str, str]:
    role, content = (value.get("role"), value.get("content")) if isinstance(value, dict) else (None, None)
    if not isinstance(role, str) or not isinstance(content, str):
        raise RequestError(400, "each message must have a role and a content, both text", param="messages")
    return role, content


def _response_format(value: object) -> tuple[str, dict[str, Any], bool]:
    """Return the name and the schema of the wanted format, and whether JSON is wanted at all."""
    if value is None:
        return "", {}, False
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "text":
        return "", {}, False
    if kind == "json_object":
        return "", {"type": "object"}, True
    inner = value.get("json_schema") if isinstance(value, dict) and kind == "json_schema" else None
    name, schema = (inner.get("name"), inner.get("schema")) if isinstance(inner, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(schema, dict):
        message = "response_format must be text, json_object, or json_schema with a name and a schema"
        raise RequestError(400, message, param="response_format")
    return name, schema, True


def _max_tokens(body: dict[str, Any]) -> int | None:
    name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    value = body.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise RequestError(400, f"{name} must be a positive integer, not {value!r}", param=name)
    return value
