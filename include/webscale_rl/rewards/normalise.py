"""How texts are folded before they are compared."""

import re
import unicodedata

# "a" is an article only at the start: vitamin A and vitamin B are two things, and so are the options A and B.
_ARTICLES = re.compile(r"^[\"(\[` ]*an? +(?=\w)|\bthe +(?=\w)")
_APART = re.compile(r"[\s\"`()\[\]{}:;!?…·•]+")  # symbols stay: C# is not C
_EDGES = " .,;:!?\"'`()[]{}*"
_POWER = re.compile(r"(?<=\S)[⁺⁻]?[⁰¹²³⁴-⁹]+")
# Units that letter case tells apart: a milliwatt is no megawatt, a gigabit no gigabyte.
_CASED = {
    "mW": "milliwatt",
    "mHz": "millihertz",
    "Mg": "megagram",
    "Mm": "megametre",
    "ML": "megalitre",
    "Ml": "megalitre",
    **{f"{prefix}b": f"{prefix}bit" for prefix in "kMGT"},
}
_CASED_UNIT = re.compile(rf"(?<=\d)(\s?)({'|'.join(_CASED)})\b")
_VULGAR = re.compile(r"[¼-¾⅐-⅞]")
SAME_SIGNS = str.maketrans(
    {**dict.fromkeys("‐‑‒–—―−", "-"), **dict.fromkeys("‘’`´ʼ", "'"), **dict.fromkeys("“”„", '"')}
)
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad\u202a-\u202e\u2066-\u2069]")
_ITEM = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.)])\s+(?=\S)")  # "- red", "1. red"


def compatible(text: str) -> str:
    """Return the NFKC form of a text in which powers, fractions and units keep their value: 10² is not 102."""
    text = _CASED_UNIT.sub(lambda unit: unit[1] + _CASED[unit[2]], text)
    text = _POWER.sub(lambda power: "^" + power.group(), text)
    text = _VULGAR.sub(lambda fraction: f" {fraction.group()}", text)
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).replace("⁄", "/")


def folded(text: str) -> str:
    """Return the text without case, articles, outer punctuation and differences of Unicode form."""
    plain = " ".join(compatible(text).translate(SAME_SIGNS).casefold().split())
    words = _APART.sub(" ", _ARTICLES.sub(" ", plain.replace("'", "")))
    return " ".join(word for part in words.split() if (word := part.strip(_EDGES)))


def elements(text: str) -> list[str]:
    """Return the elements of a list that is written with commas, semicolons, line breaks or "and"."""
    inner = text.strip().strip("[](){}")
    separator = r";|\n" if ";" in inner or "\n" in inner else r",(?!\d{3}\b)|\band\b|&"
    parts = (_ITEM.sub("", part).strip() for part in re.split(separator, inner))
    return [part for part in parts if folded(part)]
