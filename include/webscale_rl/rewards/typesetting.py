"""What a text says without its typesetting: LaTeX as models box it, Markdown emphasis, code ticks.

A command that is not known stays as it is, backslash and all, and is a sign that no plain answer has.
"""

from __future__ import annotations

import re
import unicodedata

_COMMANDS = {
    "times": "×", "cdot": "·", "div": "÷", "pm": "±", "mp": "∓", "approx": "≈", "sim": "~", "ne": "≠", "neq": "≠",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "lt": "<", "gt": ">", "neg": "¬", "lnot": "¬", "sqrt": "√",
    "infty": "∞", "pi": "π", "mu": "µ", "Omega": "Ω", "degree": "°", "circ": "°", "pounds": "£", "euro": "€",
    "ldots": "…", "dots": "…", "cdots": "…", "log": " log ", "ln": " ln ", "quad": " ", "qquad": " ", "left": "",
    "right": "", "displaystyle": "", "lbrace": "{", "rbrace": "}", "textdegree": "°", "textdollar": "$",
    "langle": "(", "rangle": ")", "to": "→", "rightarrow": "→",
}  # fmt: skip
_COMMAND = re.compile(rf"\\({'|'.join(sorted(_COMMANDS, key=len, reverse=True))})(?![a-zA-Z])\s?")
_WRAPPER = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|sc|normal|up)?|math(?:rm|bf|it|sf|tt|cal)|emph|mbox|operatorname|ce|boldsymbol|bm)"
    r"\s*\{([^{}]*)\}"
)
_FRACTION = re.compile(r"(\d?)\s*\\[dtc]?frac\s*(?:\{\s*(\d+)\s*\}|(\d))\s*(?:\{\s*(\d+)\s*\}|(\d))")
_DEGREES = re.compile(
    r"\$?([-+]?\d[\d.,]*)\s*\$?\^\s*(?:\{\s*\\circ\s*\}|\\circ)\s*\$\s*(?=[CFK]\b)"
)  # $25^\circ$C
_ACCENTS = {
    '"': "\u0308",
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    "~": "\u0303",
    "c": "\u0327",
    "v": "\u030c",
}
_ACCENT = re.compile(r"\\(?:([\"'`^~])\s*(?:\{(\w)\}|([a-zA-Z]))|([cv])\s*\{(\w)\})")
_DEGREE = re.compile(r"\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z]))\s?")
_RAISED = re.compile(r"\^\s*\{\s*([-+]?\w+)\s*\}")
_LOWERED = re.compile(r"(?<=[^\W\d_])_(?:\{(\d+)\}|(\d))")  # H_2O
_ESCAPED = re.compile(r"\\([%$&#_{}])")
_EMPHASIS = re.compile(r"(\*\*|__|``|`|(?<!\w)\*)(?=\S)([^*`]+?)(?<=\S)\1(?![\w*`])")
_DOLLARS = re.compile(r"(?<![\\\w])\$((?:\\.|[^$\\])+)\$(?!\w)")


def plain_text(text: str) -> str:
    """Return a text without typesetting; what it cannot undo it leaves."""
    text = _DEGREES.sub(r"\1°", text.replace("{,}", ","))
    if not any(mark in text for mark in "\\$*`_"):
        return text
    text = _unset(_DOLLARS.sub(r"\1", text)) if "\\" in text or "_" in text else _DOLLARS.sub(r"\1", text)
    return _EMPHASIS.sub(r"\2", text)


def _unset(text: str) -> str:
    """Return LaTeX as plain text."""
    text = text.replace("\\!", "").replace("\\\\", "\n")
    if "\\" in text:
        text = re.sub(r"~(?!\d)", " ", text)
    text = _ACCENT.sub(_accented, re.sub(r"\\[()\[\]]", "", text))
    text = re.sub(r"\\[,:;> ]", "\u2009", text)
    text = _DEGREE.sub("°", text)
    for _ in range(3):  # \mathbf{\text{A}}
        text = _WRAPPER.sub(r"\1", text)
    text = _FRACTION.sub(_written_fraction, text)
    text = _LOWERED.sub(r"\1\2", _RAISED.sub(r"^\1", text))
    text = _COMMAND.sub(lambda command: _COMMANDS[command[1]], text)
    return _ESCAPED.sub(r"\1", text).strip()


def _accented(found: re.Match[str]) -> str:
    letter = found[2] or found[3] or found[5]
    return unicodedata.normalize("NFC", letter + _ACCENTS[found[1] or found[4]])


def _written_fraction(fraction: re.Match[str]) -> str:
    before, over, digit_over, under, digit_under = fraction.groups()
    return f"{before and before + ' '}{over or digit_over}/{under or digit_under}"


_FENCE = re.compile(r"^```(?:[a-z+#]{1,12}\n)?\s*?\n?(.*?)\n?```$", re.DOTALL)
_CODE_TEXT = re.compile(r"^\\(?:text(?:bf|tt)?|math(?:tt|rm))\s*\{(.*)\}$", re.DOTALL)
_PAIRS = tuple((mark, mark) for mark in ("**", "`", '"', "'")) + (("“", "”"), ("‘", "’"), ("$", "$"))


def verbatim(text: str) -> set[str]:
    """Return a text that is compared exactly, with and without each layer of what may be wrapped around it."""
    layers, inner = set(), text.strip()
    for _ in range(4):
        layers.add(inner)
        outer = inner
        if found := _FENCE.match(inner) or _CODE_TEXT.match(inner):
            inner = _ESCAPED.sub(r"\1", found[1]) if inner.startswith("\\") else found[1]
        for left, right in _PAIRS:
            wrapped = len(inner) > len(left + right) and inner.startswith(left) and inner.endswith(right)
            if inner == outer and wrapped and left not in inner[len(left) : -len(right)]:
                inner = inner[len(left) : -len(right)]
        if inner == outer:
            break
    return layers
