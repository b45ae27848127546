"""How questions are folded before they are compared with benchmarks: to tokens that survive cosmetic changes.

Case, white space, punctuation, Unicode form, accents, invisible signs and letters of other scripts that look like
Latin ones do not count; numbers and the operators of formulas do. Everything is decided sign by sign, so that a token
can be traced back to the signs it came from. LaTeX commands count by what they show.

Look-alikes are those of Unicode Technical Standard 39 (confusables) that one meets in English text: Cyrillic, Greek,
Armenian, Cherokee, small capitals and letters of the International Phonetic Alphabet. Full-width and mathematical
letters fall to Unicode's own compatibility forms.

Where the words of the benchmarks are known (:class:`Spelling`), those that were run together, taken apart, jumbled
or written with digits for letters are put right too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
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
_MIXED = re.compile(
    r"(?<![a-z0134578@])(?=[a-z]*[0134578@])(?=[0134578]*[a-z@])[a-z0134578@]{2,}"
)  # from its beginning only: linear
_SMALL = frozenset(
    ["ls", "of", "lt", "at", "as", "lf", "or", "ln", "an", "to", "so", "do", "no", "on"]
)  # as folded
_LEET = str.maketrans("0134578@", "oleastba")
_KEY = str.maketrans({"0": "o", "1": "l", ".": None})  # which a copy without spaces cannot tell from letters


COST_OF_WORD, COST_OF_LETTER = 2.0, 9.0
LONGEST_WORD = 18
LEAST_GLUED = 5  # letters of an unknown word that may be several,
MOST_COST = 2.2  # of so much a letter: common ones
LEAST_COVERED = 0.5  # of the letters of a whole sentence without spaces: it may hold names
LEAST_SINGLE = 6  # single letters in a row that may be words,
LEAST_MEAN = 2.5  # of so many letters each
MOST_LETTERS = 6_000  # of one text that are cut


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


class Piece(NamedTuple):
    """A token put right: from sign ``start`` of the token ``first`` to sign ``end`` of the token ``last``."""

    word: str
    first: int
    start: int
    last: int
    end: int


class Spelling:
    """Puts right words that were run together, taken apart, jumbled or written with digits.

    Args:
        costs: known words, and the negative logarithm of how common each is.
    """

    def __init__(self, costs: Mapping[str, float]) -> None:
        self._known = frozenset(costs)  # which are never changed, single letters in a row excepted
        self._costs = {
            word: cost + COST_OF_WORD
            for word, cost in costs.items()
            if 1 < len(word) <= LONGEST_WORD or word in ("a", "l")
        }
        self._jumbled = {_jumble(word): word for word in self._costs if len(word) >= LEAST_GLUED}
        self._split = lru_cache(maxsize=65_536)(self._cut)

    def with_letters(self, plain: str) -> str:
        """Return a folded text in which words with digits for letters are the words that they look like."""
        return _MIXED.sub(self._letters, plain)

    def mend(self, words: Sequence[str]) -> list[Piece] | None:
        """Return the tokens of a text with words put together or cut; None where nothing is to be done."""
        known = self._known
        places = [place for place, word in enumerate(words) if word not in known and word.isalpha()]
        single = [place for place, word in enumerate(words) if len(word) == 1 and word.isalpha()]
        if len(single) >= LEAST_SINGLE:
            places = sorted({*places, *single})
        edits: list[tuple[int, int, list[Piece]]] = []  # tokens from, to (exclusive), and what they are
        done, left = 0, MOST_LETTERS
        for place in places:
            if place < done or left <= 0:
                continue
            first, end, pieces = self._edit(words, place, done)
            if pieces:
                edits.append((first, end, pieces))
            done = end
            left -= sum(map(len, words[place:end]))
        if not edits:
            return None
        mended: list[Piece] = []
        done = 0
        for first, end, pieces in [*edits, (len(words), len(words), [])]:
            mended += [Piece(words[at], at, 0, at, len(words[at])) for at in range(done, first)]
            mended += pieces
            done = end
        return mended

    def _edit(self, words: Sequence[str], place: int, done: int) -> tuple[int, int, list[Piece]]:
        """Return the tokens that a strange one stands in, and what they should be; no pieces: as they are."""
        word = words[place]
        if len(word) == 1 and (run := _single(words, place)) >= LEAST_SINGLE:
            return place, place + run, self._spelled(words, place, run)
        if word in self._known:
            return place, place + 1, []
        for before, behind in ((0, 1), (1, 0), (1, 1), (0, 2)):  # a known word with those beside it
            first, last = place - before, place + behind
            if first >= done and last < len(words):
                whole = "".join(words[first : last + 1])
                if len(whole) > 3 and whole in self._costs:
                    return first, last + 1, [Piece(whole, first, 0, last, len(words[last]))]
        if (known := self._jumbled.get(_jumble(word))) is not None:
            return place, place + 1, [Piece(known, place, 0, place, len(word))]
        pieces, offset = [], 0
        if LEAST_GLUED <= len(word) <= MOST_LETTERS:
            for part in self._split(word):
                pieces.append(Piece(part, place, offset, place, offset + len(part)))
                offset += len(part)
        return place, place + 1, pieces

    def _spelled(self, words: Sequence[str], place: int, run: int) -> list[Piece]:
        """Return the words that single letters in a row spell, if any."""
        parts = self._split("".join(words[place : place + run]))
        pieces = []
        for part in parts if len(parts) * LEAST_MEAN <= run else ():
            pieces.append(Piece(part, place, 0, place + len(part) - 1, 1))
            place += len(part)
        return pieces

    def _letters(self, match: re.Match[str]) -> str:
        word = match[0].translate(_LEET)
        return word if word in self._costs and (len(word) > 2 or word in _SMALL) else match[0]

    def _cut(self, glued: str) -> tuple[str, ...]:
        """Return the likeliest words of letters without spaces; nothing where too few of them are in words."""
        best = [0.0]
        start_of = [0]
        get = self._costs.get
        for end in range(1, len(glued) + 1):
            lowest, begin = best[end - 1] + COST_OF_LETTER, -1
            for start in range(max(0, end - LONGEST_WORD), end):
                cost = get(glued[start:end])
                if cost is not None and best[start] + cost < lowest:
                    lowest, begin = best[start] + cost, start
            best.append(lowest)
            start_of.append(begin)
        parts: list[str] = []
        unknown, end, open_ = 0, len(glued), False
        while end:
            start = start_of[end]
            if start < 0:
                unknown += 1
                if open_:
                    parts[-1] = glued[end - 1] + parts[-1]
                else:
                    parts.append(glued[end - 1])
                open_, end = True, end - 1
            else:
                parts.append(glued[start:end])
                open_, end = False, start
        if len(glued) <= LONGEST_WORD:
            likely = not unknown and best[-1] <= MOST_COST * len(glued)
        else:
            likely = len(glued) - unknown >= LEAST_COVERED * len(glued)
        return tuple(parts[::-1]) if likely else ()


def _jumble(word: str) -> str:
    """Return what a word has in common with those whose inner letters stand in another order."""
    return word[:1] + "".join(sorted(word[1:-1])) + word[-1:] if len(word) <= LONGEST_WORD else ""


def _single(words: Sequence[str], place: int) -> int:
    """Return how many single letters stand in a row."""
    end = place
    while end < len(words) and len(words[end]) == 1 and words[end].isalpha():
        end += 1
    return end - place


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
