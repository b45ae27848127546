"""From a model's text to a valid answer, or to a typed reason why it is none."""

import json
import re
from typing import TypeVar

from pydantic import ValidationError

from webscale_rl.errors import InvalidAnswer
from webscale_rl.llm.endpoint import Completion
from webscale_rl.llm.escapes import repair_escapes
from webscale_rl.llm.fence import restore
from webscale_rl.stages.stage import StageAnswer

A = TypeVar("A", bound=StageAnswer)

_CONTROL = re.compile(r"[\x01-\x1f]")
MAX_DETAIL = 300  # characters of a detail: enough to see what was wrong


def read_answer(schema: type[A], completion: Completion) -> A:
    """Return the answer in a completion.

    Strict on purpose: what does not fit is asked for once more, and a repaired text would hide how often a
    model fails. Two things are mended: raw line breaks and tabs in strings, which the
    grammars of servers let through, and single backslashes of LaTeX (see ``escapes.py``), which are counted.

    Raises:
        InvalidAnswer: with the reason ``refused``, ``truncated``, ``empty``, ``not_json`` or ``wrong_schema``.
    """
    if completion.refusal or completion.finish_reason == "content_filter":
        raise InvalidAnswer("refused", completion.refusal[:MAX_DETAIL] or "content filter")
    if completion.finish_reason == "length":
        raise InvalidAnswer("truncated", f"cut off after {completion.completion_tokens} tokens")
    if not completion.text.strip():
        raise InvalidAnswer("empty", "the answer holds no text")
    return parse_answer(schema, completion.text)


def parse_answer(schema: type[A], text: str) -> A:
    """Return the answer in a text.

    Raises:
        InvalidAnswer: with the reason ``not_json`` or ``wrong_schema``.
    """
    if "\\u0000" in text or "\x00" in text:
        raise InvalidAnswer("wrong_schema", "the answer holds a NUL character")
    text, _ = repair_escapes(restore(text))
    try:
        return schema.model_validate_json(_escaped(text.strip()), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise InvalidAnswer("not_json", first["msg"][:MAX_DETAIL]) from None
        if (
            first["type"] == "extra_forbidden"
        ):  # its name is the model's own, and the detail stands in a prompt
            raise InvalidAnswer("wrong_schema", "there is a field that is not listed") from None
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidAnswer("wrong_schema", f"{place}: {first['msg']}"[:MAX_DETAIL]) from None


def _escaped(text: str) -> str:
    """Return JSON with the control characters in its strings escaped, or ``text`` where there is nothing to do."""
    if not _CONTROL.search(text):
        return text
    try:
        return json.dumps(json.loads(text, strict=False), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text  # which is then refused with its reason
