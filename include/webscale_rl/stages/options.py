"""The options of a question: how they stand below it, and in which other orders they may stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from webscale_rl.ids import text_id
from webscale_rl.records import Question
from webscale_rl.rewards import AnswerSpec
from webscale_rl.stages.text_match import normalised

LETTERS = "ABCDEF"


def shuffled(question: str, options: Sequence[str]) -> tuple[str, ...]:
    """Return options in an order that the question decides: models put the right one first too often."""
    return tuple(
        sorted((option.strip() for option in options), key=lambda option: text_id(question + option))
    )


def with_options(stem: str, options: Sequence[str]) -> str:
    """Return a question with its lettered options below it, if it has any."""
    return "\n".join(
        [stem, *(f"{letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))]
    )


def letters_of(answer: str, options: Sequence[str]) -> tuple[str, ...]:
    """Return the letter of the right option, as an alias of it."""
    return tuple(
        letter
        for letter, option in zip(LETTERS, options, strict=False)
        if normalised(option) == normalised(answer)
    )


def stem_of(question: Question) -> str:
    """Return the text of a question without its options."""
    return question.text.removesuffix(with_options("", question.spec.options))


def rotated(question: Question, by: int) -> tuple[str, AnswerSpec]:
    """Return text and specification of a question whose options start ``by`` places later."""
    spec = question.spec
    options = (*spec.options[by:], *spec.options[:by])
    aliases = tuple(alias for alias in spec.aliases if alias not in LETTERS)
    spec = replace(spec, options=options, aliases=(*aliases, *letters_of(spec.answer, options)))
    return with_options(stem_of(question), options), spec
