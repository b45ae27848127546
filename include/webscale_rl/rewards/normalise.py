"""How texts are folded before they are compared."""

import re
import unicodedata

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_APART = re.compile(r"[^\w%°$€£+.,/<>=-]+")
_EDGES = " .,;:!?\"'`()[]{}"
_SAME = str.maketrans(
    {**dict.fromkeys("‐‑‒–—―−", "-"), **dict.fromkeys("‘’`´ʼ", "'"), **dict.fromkeys("“”„", '"')}
)
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad\u202a-\u202e\u2066-\u2069]")
QUOTES = "\"'`“”‘’"


def folded(text: str) -> str:
    """Return the text without case, articles, outer punctuation and differences of Unicode form."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_SAME).casefold()
    words = _APART.sub(" ", _ARTICLES.sub(" ", plain.replace("'", "")))
    return " ".join(word for part in words.split() if (word := part.strip(_EDGES)))


def unquoted(text: str) -> str:
    """Return a text compared exactly, without the white space and the one pair of quotes around it."""
    stripped = text.strip().removeprefix("```").removesuffix("```").strip()
    if len(stripped) >= 2 and stripped[0] in QUOTES and stripped[-1] in QUOTES:
        return stripped[1:-1]
    return stripped


def elements(text: str) -> list[str]:
    """Return the folded elements of a list that is written with commas, semicolons, line breaks or "and"."""
    inner = text.strip().strip("[](){}")
    separator = r";|\n" if ";" in inner or "\n" in inner else r",(?!\d{3}\b)|\band\b|&"
    return [element for part in re.split(separator, inner) if (element := folded(part))]
