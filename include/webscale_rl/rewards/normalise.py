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


# In their place stand an invisible character, a look-alike letter or digit, or a stroke through the one before.
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Me"})
_FOREIGN_FORMS = ("<font>", "<wide>", "<narrow>", "<circle>", "<compat>")
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]")


def disguised(text: str, *known: str) -> bool:
    """Say whether a text has characters that are not what they seem, such as 𝟒 or ④, and that no known text has."""
    odd = {char for char in text if _is_odd(char)} | {*_MARKS.findall(unicodedata.normalize("NFC", text))}
    return bool(odd) and not odd.issubset("".join(known))


def _is_odd(char: str) -> bool:
    if char.isascii():
        return not (char.isprintable() or char in "\n\r\t")
    if unicodedata.category(char) in _HIDDEN or char.isdecimal():
        return True
    plain = unicodedata.normalize("NFKC", char)
    return (
        len(plain) == 1
        and plain.isascii()
        and plain.isalnum()
        and char != "ℓ"
        and unicodedata.decomposition(char).startswith(_FOREIGN_FORMS)
    )


def folded(text: str) -> str:
    """Return the text without case, articles, outer punctuation and differences of Unicode form."""
    plain = " ".join(compatible(text).translate(SAME_SIGNS).casefold().split())
    plain = plain.replace("metre", "meter").replace("litre", "liter")
    words = _APART.sub(" ", _ARTICLES.sub(" ", plain.replace("'", "")))
    return " ".join(word for part in words.split() if (word := part.strip(_EDGES)))


def elements(text: str) -> list[str]:
    """Return the elements of a list that is written with commas, semicolons, line breaks or "and"."""
    inner = text.strip().strip("[](){}")
    separator = r";|\n|→" if re.search("[;\n→]", inner) else r",(?!\d{3}\b)|\band\b|&"
    parts = (_ITEM.sub("", part).strip() for part in re.split(separator, inner))
    return [part for part in parts if folded(part)]
