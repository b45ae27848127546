"""The answer specification: what a right answer is, in one JSON object that travels with the pair."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

SPEC_VERSION = 1

AnswerType = Literal[
    "integer",
    "decimal",
    "quantity",  # a number with a unit
    "percent",
    "currency",
    "date",
    "range",
    "entity",  # a name: of a person, place, organisation, work, substance
    "string",  # exact: `Co` is not `CO`; code, identifiers, output of a program
    "phrase",  # a few words whose wording may vary
    "choice",  # the text of one of the options
    "boolean",
    "expression",  # mathematics, compared by value
    "list",  # order matters
    "set",
    "tuple",
]
ANSWER_TYPES: tuple[AnswerType, ...] = get_args(AnswerType)
NUMERIC_TYPES: frozenset[str] = frozenset({"integer", "decimal", "quantity", "percent", "currency"})


@dataclass(frozen=True, slots=True)
class AnswerSpec:
    """What counts as a right answer.

    ``tolerance`` is absolute, in the unit of the answer. ``precision`` is in words, as the question asks for
    it: ``year``, ``day``, ``2 decimals``. ``aliases`` are other wordings that are right too. ``order`` is
    false where a list may come in any order. ``version`` is that of the meaning of these fields.
    """

    type: AnswerType
    answer: str
    unit: str = ""
    precision: str = ""
    tolerance: float = 0.0
    aliases: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    order: bool = True
    version: int = SPEC_VERSION

    def __post_init__(self) -> None:
        if self.type not in ANSWER_TYPES:
            raise ValueError(f"answer type {self.type!r} is none of {', '.join(ANSWER_TYPES)}")
        if not self.answer.strip():
            raise ValueError("the answer is empty")
        if not 0 <= self.tolerance < float("inf"):
            raise ValueError(f"tolerance {self.tolerance!r} is not a finite number of at least 0")

    def to_json(self) -> str:
        """Return the specification as JSON, keys sorted, so that equal specifications give equal bytes."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "AnswerSpec":
        """Read a specification written by :meth:`to_json`.

        Raises:
            ValueError: the text is not such an object, or its version is newer than this code.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            if data.get("version", 0) <= SPEC_VERSION:
                return cls(**{name: _typed(name, value) for name, value in data.items()})
        except (AttributeError, KeyError, TypeError, RecursionError):
            pass
        raise ValueError(f"not an answer specification of version {SPEC_VERSION} or lower: {text!r:.80}")


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("type", "answer", "unit", "precision"), (str,)),
    **dict.fromkeys(("aliases", "options"), (list,)),
    "tolerance": (int, float),
    "order": (bool,),
    "version": (int,),
}


def _typed(name: str, value: Any) -> Any:
    """Return the value of a field; ``"order": "no"`` would be true, so other types are refused."""
    items = value if isinstance(value, list) else []
    if type(value) not in _JSON_TYPES[name] or not all(isinstance(item, str) for item in items):
        raise TypeError(f"{name} is {value!r}")
    return tuple(value) if isinstance(value, list) else value
