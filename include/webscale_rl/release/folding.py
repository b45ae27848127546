"""How questions are folded before they are compared with benchmarks: to tokens that survive cosmetic changes.

Case, white space, punctuation, Unicode form, accents, invisible signs and letters of other scripts that look like
Latin ones do not count; numbers and the operators of formulas do. Everything is decided sign by sign, so that a token
can be traced back to the signs it came from.

Look-alikes are those of Unicode Technical Standard 39 (confusables) that one meets in English text: Cyrillic, Greek,
Armenian, Cherokee, small capitals and letters of the International Phonetic Alphabet. Full-width and mathematical
letters fall to Unicode's own compatibility forms.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_LOOK_ALIKES = {
    # Cyrillic
    **dict(zip("АВЕКМНОРСТУХЅІЈԚԜҮѴЬЗӀ", "abekmhopctyxsljqwyvb3l", strict=True)),
    **dict(zip("авекмнорстухѕіјԛԝүѵьзӏгпԁһҽґёєї", "abekmhopctyxsljqwyvb3lrndhereel", strict=True)),
    # Greek: capitals and small letters look like different Latin ones
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳ", "abezhlkmnoptyxcj", strict=True)),
    **dict(zip("αβγεηικνορτυχωϲ", "abyenlkvoptuxwc", strict=True)),
    # Armenian
    **dict(zip("ՕՍՏԼԱոսհցզօլաք", "ouslanuhgqolaf", strict=True)),
    # Cherokee
    **dict(zip("ᎪᏴᏟᎠᎬᎻᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᎩᏃᎥᎾᏀᏒ", "abcdehjklmprstvwyzvogr", strict=True)),
    # Lisu
    **dict(zip("ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ", "abcdefghljklmnoprstuvwxyz", strict=True)),
    # small capitals, phonetic letters, letters with strokes (those with marks fall to their decomposition)
    **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghljklmnopqrstuvwyz", strict=True)),
    **dict(zip("ɑɡıȷɩƖǀłøđħŧƒɓɗƙɾʋɛƅƄ", "agljllllodhtfbdkrvebb", strict=True)),
    # signs
    **{
        "−": "-",
        "‐": "-",
        "‑": "-",
        "–": "-",
        "—": " ",
        "×": "*",
        "·": "*",
        "⋅": "*",
        "∙": "*",
        "÷": "/",
        "⁄": "/",
    },
    **{"≤": "<=", "≥": ">=", "∗": "*", "∕": "/", "，": ",", "．": "."},
}
# What scripts look like "i", "I", "l" and "|" is one and the same sign.
_STROKES = str.maketrans({"i": "l"})
_DROPPED = frozenset({"Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn"})
_OPERATORS = "+*/=<>^%"
# Of text in ASCII the same, in half the time.
_PLAIN = re.compile(
    rf"[a-z]+|[0-9]+(?:,[0-9]{{3}}(?![0-9]))*(?:\.[0-9]+)?|[{_OPERATORS}]|-(?=[ \t\n\r\f\v\x1c-\x1f]*[0-9(])"
)
_TOKEN = re.compile(rf"\d+(?:,\d{{3}}(?!\d))*(?:\.\d+)?|[^\W\d_]+|[{_OPERATORS}]|-(?=\s*[\d(])")
_LEET = re.compile(r"(?<=[a-z])[01](?=[a-z])")
_LEET_SIGNS = {"0": "o", "1": "l"}


class _Folded(dict[int, str]):
    """What each sign becomes, found out when it is met first."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _folded(chr(code))
        return folded


_TABLE = _Folded()


class Token(NamedTuple):
    """A token of a text, and the signs ``text[start:end]`` it came from."""

    word: str
    start: int
    end: int
    capital: bool  # its first sign is a capital letter


def tokens(text: str) -> list[str]:
    """Return the tokens of a text: words, numbers without grouping commas, operators. About 10 µs for 12 words."""
    ascii_only = text.isascii()
    plain = text.lower().replace("i", "l") if ascii_only else text.translate(_TABLE)
    found = (_PLAIN if ascii_only else _TOKEN).findall(_without_leet(plain))
    if "," in plain:
        return [token.replace(",", "") for token in found]
    return found


def traced(text: str) -> list[Token]:
    """Return the same tokens with their places in the text."""
    if text.isascii():  # every sign stays one
        plain = _without_leet(text.lower().replace("i", "l"))
        return [
            Token(match[0].replace(",", ""), *match.span(), text[match.start()].isupper())
            for match in _PLAIN.finditer(plain)
        ]
    pieces = [_TABLE[ord(sign)] for sign in text]
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    found = []
    for match in _TOKEN.finditer(_without_leet("".join(pieces))):
        start, end = places[match.start()], places[match.end() - 1] + 1
        found.append(Token(match[0].replace(",", ""), start, end, text[start].isupper()))
    return found


def _without_leet(plain: str) -> str:
    """Return a text in which a digit between two letters is the letter that it looks like."""
    if "0" in plain or "1" in plain:
        return _LEET.sub(lambda sign: _LEET_SIGNS[sign[0]], plain)
    return plain


def _folded(sign: str) -> str:
    if sign.isascii():
        return sign.lower().translate(_STROKES)
    if sign in _LOOK_ALIKES:
        return _LOOK_ALIKES[sign].translate(_STROKES)
    if unicodedata.category(sign) in _DROPPED and sign not in "\x85":
        return ""
    if sign.isspace():
        return " "
    parts = unicodedata.normalize("NFKD", sign)
    raised = unicodedata.decomposition(sign).startswith("<super>")
    before = (
        "^"
        if raised and parts.isalnum()
        else " "
        if unicodedata.decomposition(sign).startswith("<fraction>")
        else ""
    )
    return before + "".join(_plain(part) for part in parts).translate(_STROKES)


def _plain(sign: str) -> str:
    """Return one sign of a decomposition; a digit of any script is that of ours."""
    if unicodedata.combining(sign):
        return ""
    digit = unicodedata.digit(sign, None)
    if digit is not None:
        return str(digit)
    small = sign.casefold()  # a capital that looks like no Latin letter is its small letter
    return _LOOK_ALIKES.get(sign, _LOOK_ALIKES.get(small, small))
