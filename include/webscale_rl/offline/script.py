"""Scripted answers: tests play every task form and every fault through the real server."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from webscale_rl.errors import ConfigurationError


class ScriptedAnswer(BaseModel):
    """One entry of a script: what a request must look like, and what it gets.

    ``stage`` is the name of the response format; empty fits any. All strings of ``contains`` must occur in
    the messages. ``status`` other than 200 answers with an error. ``times`` bounds how often the entry is used.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: str = ""
    contains: tuple[str, ...] = ()
    answer: dict[str, Any] | str = ""
    finish_reason: str = "stop"
    status: int = Field(default=200, ge=200, le=599)
    times: int | None = Field(default=None, ge=1)

    @property
    def text(self) -> str:
        """The completion: the answer as JSON, or the string as it stands."""
        return self.answer if isinstance(self.answer, str) else orjson.dumps(self.answer).decode()

    def fits(self, stage: str, prompt: str) -> bool:
        """Return whether a request gets this answer."""
        return self.stage in ("", stage) and all(part in prompt for part in self.contains)


@dataclass
class _Entry:
    answer: ScriptedAnswer
    left: int | None


class Script:
    """The entries in order; the first that fits a request answers it."""

    def __init__(self, answers: list[ScriptedAnswer]) -> None:
        self._entries = [_Entry(answer, answer.times) for answer in answers]

    def answer(self, stage: str, prompt: str) -> ScriptedAnswer | None:
        """Return the first entry that fits and is not used up, or None."""
        for entry in self._entries:
            if entry.left != 0 and entry.answer.fits(stage, prompt):
                if entry.left is not None:
                    entry.left -= 1
                return entry.answer
        return None


def load_script(path: Path) -> Script:
    """Read a script, a JSON list of entries.

    Raises:
        ConfigurationError: the file cannot be read or is no such list.
    """
    try:
        return Script(TypeAdapter(list[ScriptedAnswer]).validate_json(path.read_bytes()))
    except OSError as error:
        raise ConfigurationError(f"cannot read the script {str(path)!r}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigurationError(f"the script {str(path)!r} is wrong at {place}: {first['msg']}") from None
