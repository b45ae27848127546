r"""LaTeX in JSON strings: ``"\frac"`` is valid JSON for a form feed and ``rac``; models write it for ``"\\frac"``.

The repair works on the JSON text, before it is decoded. It doubles a single backslash where that is certain:

- before a character that JSON knows no escape for (``\alpha``, ``\{``);
- before the name of a LaTeX command that begins with one of JSON's escapes (``\frac``, ``\nabla``, ``\times``);
- for the few names that are also a line break or tab before a likely word (``\nu``, ``\ne``, ``\to``), only between
  two dollar signs that enclose mathematics beyond doubt.

Models mix both ways of writing in one answer, so every backslash is judged by itself.
"""

from __future__ import annotations

import re

# Commands that begin with b, f, n, r, t or u, without those below.
_NAMES = """
    backslash bar bbox because beta begin bf bgroup big bigcap bigcup bigg bigl bigr bigoplus bigotimes bigvee
    bigwedge binom bmatrix bmod boldsymbol boldmath bot bowtie box boxed breve brace brack bullet bumpeq
    fbox fcolorbox flat flushleft footnote footnotesize forall frac frak frown
    nabla natural ncong nearrow newcommand newline ngeq nleq nolimits nonumber normalsize
    notag notin nprec nsubseteq nsucc nsupseteq nwarrow
    raise rangle rbrace rbrack rceil renewcommand restriction rfloor rfrac rgroup rho right rightarrow
    rightharpoonup rightleftharpoons rlap root rotatebox rvert
    tableofcontents tbinom textbf textcolor textit textnormal textrm textsf textstyle textsuperscript
    texttt textup tfrac therefore theta thickapprox thicksim thinspace tilde times tiny triangle triangledown
    triangleleft triangleq triangleright twoheadrightarrow
    ulcorner underbrace underline underset unlhd unrhd uparrow updownarrow uplus upsilon upuparrows urcorner
"""
_COMMANDS = frozenset(_NAMES.split())
# A line break or tab before a word or variable reads the same.
_AMBIGUOUS = frozenset(
    {
        "be",
        "nexists",
        "nmid",
        "nparallel",
        "nsim",
        "ne",
        "neg",
        "neq",
        "ni",
        "not",
        "nu",
        "tan",
        "tanh",
        "tau",
        "to",
        "top",
    }
)
_BRACED = frozenset({"ref", "rm", "tag", "text", "tt"})  # with their argument behind them

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BACKSLASHES = re.compile(r"\\(?:\\|u[0-9a-fA-F]{4}|([A-Za-z]+)(?=(\{)?)|(.))", re.DOTALL)
_FORMULA = re.compile(r"(?<!\$)\$(?!\$)[^$`]{1,300}\$")
_MATHEMATICS = re.compile(r"\\\\[A-Za-z]|[_^{}=<>]|^\$\s*\\[A-Za-z]+\s*\$$")


def repair_escapes(text: str) -> tuple[str, int]:
    """Return a JSON text with the backslashes of LaTeX doubled, and how many there were."""
    if "\\" not in text:
        return text, 0
    count = 0

    def repaired(string: re.Match[str]) -> str:
        nonlocal count
        fixed, certain = _doubled(string.group(), _COMMANDS)
        count += certain
        return _FORMULA.sub(formula, fixed)

    def formula(found: re.Match[str]) -> str:
        nonlocal count
        if not _MATHEMATICS.search(found.group()):
            return found.group()
        fixed, likely = _doubled(found.group(), _AMBIGUOUS)
        count += likely
        return fixed

    fixed = _STRING.sub(repaired, text)
    return fixed, count


def _doubled(string: str, commands: frozenset[str]) -> tuple[str, int]:
    count = 0

    def judge(found: re.Match[str]) -> str:
        nonlocal count
        letters, brace, other = found.groups()
        if letters:
            known = letters in commands or (brace is not None and letters in _BRACED)
            wrong = known or letters[0] not in "bfnrt"
        else:
            wrong = other is not None and other not in '"/'
        count += wrong
        return "\\" + found.group() if wrong else found.group()

    return _BACKSLASHES.sub(judge, string), count
