"""The language of a text, by the model that ships inside py3langid (a naive Bayes classifier, Lui & Baldwin 2012)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

SAMPLE = 100  # characters of each of three places; the whole of a long text says no more
_NO_LANGUAGE = re.compile(r"https?://\S+|[\d\W_]{4,}")


def language_of(text: str) -> tuple[str, float]:
    """Return the ISO 639-1 code of the likeliest language, and its probability; cost does not grow with the text."""
    sample = text
    if len(text) > 4 * SAMPLE:
        middle = len(text) // 2
        sample = f"{text[:SAMPLE]} {text[middle : middle + SAMPLE]} {text[-SAMPLE:]}"
    code, probability = _identifier().classify(_NO_LANGUAGE.sub(" ", sample))
    return str(code), float(probability)


@lru_cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
