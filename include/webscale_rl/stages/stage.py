"""What a stage is: its instructions, an answer schema, what it shows, limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from webscale_rl.ids import content_id
from webscale_rl.llm.prompts import Message, build_messages
from webscale_rl.llm.schema import answer_tokens, plain_schema
from webscale_rl.stages.instructions import RULES, SECTIONS, SYSTEM


class StageAnswer(BaseModel):
    """Base of the models' answers: strict, so that an answer either fits or is asked for again."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# Reasoning in words. The limit stands in the schema, where a grammar holds it; an answer from a server without
# grammars is not thrown away because its reasoning is long.
LongText = Annotated[str, Field(json_schema_extra={"maxLength": 1200})]

A = TypeVar("A", bound=StageAnswer)


@dataclass(frozen=True)
class Stage(Generic[A]):
    """One kind of call.

    ``name`` is that of its section in the system message. ``limit`` bounds the completion in tokens; 0 takes what the
    schema allows at most. ``sees_document`` says whether the prompt starts with the document. ``guides`` stand behind
    it: the card of its domain and demonstrations, the same for all items of a document.
    """

    name: str
    answer: type[A]
    limit: int = 0
    temperature: float = 0.0
    sees_document: bool = True
    guides: tuple[str, ...] = ()

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the answer, plain enough for every server's grammar."""
        return plain_schema(self.answer)

    @cached_property
    def response_format(self) -> dict[str, Any]:
        """What makes the server write nothing but an answer."""
        return {
            "type": "json_schema",
            "json_schema": {"name": self.name, "schema": self.schema, "strict": True},
        }

    @cached_property
    def max_tokens(self) -> int:
        """Bound of the completion, in tokens."""
        return self.limit or answer_tokens(self.schema)

    @cached_property
    def sampling(self) -> dict[str, Any]:
        """Sampling parameters as the request carries them."""
        return {"temperature": self.temperature, "max_tokens": self.max_tokens}

    @cached_property
    def version(self) -> str:
        """Hash of the rules that decide what this stage asks: 12 hexadecimal digits.

        The sections of other tasks, which stand in the same system message, are no part of it: a changed checker
        prompt is no other generator. Nor are the guides, which a configuration counts by domain.
        """
        return content_id([RULES, SECTIONS[self.name], self.schema, self.sampling, self.sees_document])[:12]

    @cached_property
    def asked(self) -> str:
        """Hash of everything that this stage asks, its guides included."""
        return content_id([self.version, *self.guides])

    def messages(self, document: str, fields: Mapping[str, str]) -> list[Message]:
        """Return the messages of one call; ``document`` as ``show_document`` returns it."""
        return build_messages(
            SYSTEM,
            document=document if self.sees_document else "",
            guides=self.guides,
            fields=fields,
            task=self.name,
        )
