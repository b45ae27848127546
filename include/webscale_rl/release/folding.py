"""How questions are folded before they are compared with benchmarks: to tokens that survive cosmetic changes.

Case, white space, punctuation, Unicode form, accents, invisible signs and letters of other scripts that look like
Latin ones do not count; numbers and the operators of formulas do. Everything is decided sign by sign, so that a token
can be traced back to the signs it came from. LaTeX commands count by what they show.

Look-alikes are those of Unicode Technical Standard 39 (confusables) that one meets in English text: Cyrillic, Greek,
Armenian, Cherokee, small capitals and letters of the International Phonetic Alphabet. Full-width and mathematical
letters fall to Unicode's own compatibility forms.

Where the words of the benchmarks are known, those that are disguised are put right too (:mod:`.spelling`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from webscale_rl.release.spelling import Spelling

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
    **{"π": " pi ", "θ": " theta ", "λ": " lambda ", "∞": " infty ", "√": " sqrt ", "°": " ^circ "},
    # blank, but no white space or control signs to Unicode
    **{"\u2800": " ", "\u115f": "", "\u1160": "", "\u3164": "", "\uffa0": ""},
}
# What scripts look like "i", "I", "l" and "|" is one and the same sign.
_STROKES = str.maketrans({"i": "l"})
_DROPPED = frozenset({"Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn"})
_OPERATORS = "+*/=<>^%"
# Of text in ASCII the same, in half the time.
_PLAIN = re.compile(
    rf"\\?[a-z]+|[0-9]+(?:,[0-9]{{3}}(?![0-9]))*(?:\.[0-9]+)?|[{_OPERATORS}]|-(?=[ \t\n\r\f\v\x1c-\x1f]*[0-9(])"
)
_TOKEN = re.compile(rf"\d+(?:,\d{{3}}(?!\d))*(?:\.\d+)?|\\?[^\W\d_]+|[{_OPERATORS}]|-(?=\s*[\d(])")
# What LaTeX commands show, as folded; those of layout show nothing.
_COMMANDS = {
    **dict.fromkeys(("\\frac", "\\dfrac", "\\tfrac", "\\cfrac"), "frac"),
    "\\dlv": "/",
    **dict.fromkeys(("\\cdot", "\\tlmes", "\\ast"), "*"),
    **dict.fromkeys(
        ("\\left", "\\rlght", "\\blg", "\\quad", "\\qquad", "\\text", "\\textbf", "\\mathrm"), ""
    ),
    **dict.fromkeys(
        ("\\mbox", "\\mathbf", "\\dlsplaystyle", "\\textstyle", "\\llmlts", "\\textlt", "\\mathlt"), ""
    ),
}
_RELATIONS = {
    "\\le": ("<", "="),
    "\\leq": ("<", "="),
    "\\leqslant": ("<", "="),
    "\\lt": ("<",),
    "\\gt": (">",),
}
_RELATIONS |= {"\\ge": (">", "="), "\\geq": (">", "="), "\\geqslant": (">", "=")}
_KEY = str.maketrans({"0": "o", "1": "l", ".": None})  # which a copy without spaces cannot tell from letters


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


def tokens(text: str, spelling: Spelling | None = None) -> list[str]:
    """Return the tokens of a text: words, numbers without grouping commas, operators. About 10 µs for 12 words."""
    ascii_only = text.isascii()
    plain = text.lower().replace("i", "l") if ascii_only else text.translate(_TABLE)
    if spelling is not None:
        plain = spelling.with_letters(plain)
    found = (_PLAIN if ascii_only else _TOKEN).findall(plain)
    if "," in plain:
        found = [token.replace(",", "") for token in found]
    if "\\" in plain:
        found = [shown for token in found for shown in _shown(token)]
    pieces = spelling.mend(found) if spelling is not None else None
    return found if pieces is None else [piece.word for piece in pieces]


def traced(text: str, spelling: Spelling | None = None) -> list[Token]:
    """Return the same tokens with their places in the text."""
    ascii_only = text.isascii()
    if ascii_only:  # every sign stays one
        plain = text.lower().replace("i", "l")
        places: Sequence[int] = range(len(text))
    else:
        folded = [_TABLE[ord(sign)] for sign in text]
        places = [place for place, piece in enumerate(folded) for _ in piece]
        plain = "".join(folded)
    if spelling is not None:
        plain = spelling.with_letters(plain)
    matches = (_PLAIN if ascii_only else _TOKEN).finditer(plain)
    if "\\" in plain:
        found = [(word, *match.span()) for match in matches for word in _shown(match[0].replace(",", ""))]
    else:
        found = [(match[0].replace(",", ""), *match.span()) for match in matches]
    pieces = spelling.mend([word for word, _, _ in found]) if spelling is not None else None
    if pieces is not None:
        found = [
            (piece.word, found[piece.first][1] + piece.start, _end_of(found[piece.last], piece.end))
            for piece in pieces
        ]
    if ascii_only:
        return [Token(word, start, end, text[start].isupper()) for word, start, end in found]
    return [
        Token(word, (at := places[start]), places[end - 1] + 1, text[at].isupper())
        for word, start, end in found
    ]


def keys(text: str, words: Sequence[str]) -> list[str]:
    """Return what is equal for texts that differ in spaces only, and in what cannot be told without them.

    Two where there is LaTeX: of what it shows, and of how it is written, since a command may be cut too.
    """
    if "\\" not in text:
        return ["".join(words).translate(_KEY)]
    written = tokens(text.replace("\\", " "))
    return ["".join(some).translate(_KEY) for some in (words, written)]


def _end_of(found: tuple[str, int, int], sign: int) -> int:
    """Return where a sign of a token ends; a number's last one ends where it does, commas and all."""
    word, start, end = found
    return end if sign == len(word) else start + sign


def _shown(token: str) -> Sequence[str]:
    """Return what a LaTeX command shows; every other token shows itself."""
    if token[0] != "\\":
        return (token,)
    if token in _RELATIONS:
        return _RELATIONS[token]
    shown = _COMMANDS.get(token, token[1:])
    return (shown,) if shown else ()


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
