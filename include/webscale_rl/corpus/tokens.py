"""Counting tokens. The count is an estimate for the served model; ``usage`` in the ledger has the server's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from webscale_rl.errors import ConfigurationError

VARIABLE = "WEBSCALE_RL_TOKENIZER"  # path of a tokenizer.json of the served model
ENCODING = "o200k_base"  # shipped in a wheel, needs no network
PIECE = 20_000  # characters encoded at once: keeps the time linear for texts without any break


def count(text: str) -> int:
    """Return the number of tokens of ``text``.

    Counted in pieces, so a long text may come out a token or two higher than encoded as a whole.

    Raises:
        ConfigurationError: WEBSCALE_RL_TOKENIZER names a file that is no tokenizer.
    """
    counter = _counter()
    return sum(counter(text[start : start + PIECE]) for start in range(0, len(text), PIECE))


@lru_cache
def _counter() -> Callable[[str], int]:
    path = os.environ.get(VARIABLE, "")
    return _from_file(path) if path else _shipped()


def _shipped() -> Callable[[str], int]:
    import bpe_openai

    encoding = bpe_openai.get_encoding(ENCODING)
    return lambda text: len(encoding.encode(text.encode("utf-8", "replace").decode()))


def _from_file(path: str) -> Callable[[str], int]:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(path)
    except Exception as error:  # the library raises plain Exception
        raise ConfigurationError(f"{VARIABLE}={path!r} cannot be read as a tokenizer.json: {error}") from None
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
