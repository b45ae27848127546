"""What a stage is: a template, an answer schema, demonstrations, limits."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from webscale_rl.ids import content_id
from webscale_rl.llm.prompts import SYSTEM, load_template
from webscale_rl.llm.schema import answer_tokens, plain_schema


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

    ``limit`` bounds the completion in tokens; 0 takes what the schema allows at most. ``sees_document`` says whether
    the prompt starts with the document. ``card`` adds to the template what matters in a domain. ``demonstrations``
    are rendered examples, the same in every call.
    """

    name: str
    answer: type[A]
    limit: int = 0
    temperature: float = 0.0
    sees_document: bool = True
    card: str = ""
    demonstrations: tuple[str, ...] = ()

    @cached_property
    def template(self) -> str:
        """The text of the stage's template, with the card of the domain where there is one."""
        return "\n\n".join(filter(None, (load_template(self.name), self.card)))

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
        """Hash of everything that decides what this stage asks: 12 hexadecimal digits."""
        asked = [SYSTEM, self.template, self.schema, self.sampling, self.sees_document, self.demonstrations]
        return content_id(asked)[:12]
