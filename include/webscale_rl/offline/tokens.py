"""Tokens as a current model counts them (o200k_base), from a tokenizer that ships in a wheel."""

from functools import cache
from typing import Any

import bpe_openai

LONGEST_TOKEN_BYTES = 128  # of o200k_base: a run of white space


@cache
def _encoding() -> Any:
    return bpe_openai.get_encoding("o200k_base")


def encode(text: str) -> list[int]:
    """Return the tokens of ``text``; lone surrogates, which JSON can carry, count as replacement characters."""
    tokens: list[int] = _encoding().encode(text.encode("utf-8", "replace").decode("utf-8"))
    return tokens


def decode(tokens: list[int]) -> str:
    """Return the text of ``tokens``; empty where they end inside a character."""
    return _encoding().decode(tokens) or ""


def at_least(text: str) -> int:
    """Return a lower bound of the number of tokens, without counting: rejects a huge prompt at no cost."""
    return len(text) // LONGEST_TOKEN_BYTES
