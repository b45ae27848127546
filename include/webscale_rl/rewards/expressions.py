"""Mathematics: equal letter for letter, by value of plain numbers, else by ``math-verify`` where it is installed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from webscale_rl.rewards.final_answer import boxes, final_answers
from webscale_rl.rewards.formula import says_more
from webscale_rl.rewards.guards import STOP, guarded
from webscale_rl.rewards.math_client import PROCESS
from webscale_rl.rewards.numbers import read_numbers
from webscale_rl.rewards.typesetting import plain_text
from webscale_rl.rewards.verdict import Match
from webscale_rl.rewards.words import SHORT, tokens

_SPACING = re.compile(r"[\s$]|(?<!\\)\\[,;:! ]|\\q?quad|\\(?:left|right|displaystyle)\b|\{,\}")
_WRAPPED = re.compile(r"\\(?:boxed|text|textbf|textnormal|mathrm|mbox|mathbf)\s*\{([^{}]*)\}")
_COMMAND = re.compile(r"\\(?:begin|end)\s*\{\w+\*?\}|_\s*\{[^{}]*\}|\\[a-zA-Z]+")
_DELIMITED = re.compile(r"\$\$?(.+?)(?<!\\)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DENIED = re.compile(r"\bnot\s+[\d.,]+")  # "is not 10, which is 9": what is denied is no result
STATEMENT = 200  # characters: a longer text works its result out
_ENDLESS = re.compile(r"\w{60}")
_MARKED = re.compile(r"\$|\\\(|\\\[|\\boxed|\\begin")
# What a short text may say around its result: "at best 5" and "5, rejected" do not state 5.
_TELLING = STOP | frozenset(
    re.findall(r"\w+", "so therefore thus hence we get have result solution value number equal final")
)
_LEADS = re.compile(r"(?:\b(?:is|are|be|that|equals?|get|have|answer)|[:=])\s*$", re.IGNORECASE)
_UNTOLD = re.compile(r"[^\w\s.,:;'\"()=*%€-]|\w-\w")
_VARIABLE = re.compile(r"\$(\w)\$")
_LAST_NUMBER = re.compile(r"\d[\d.,]*(?=\D*$)")
_POWER = re.compile(r"(?<=[\w)}])\*\*\s?(\d+|[a-z](?![a-z]))")
_END = re.compile(r"(?<![.\s\\])\.\s*$")
_PI = re.compile(r"(?<![\\a-zA-Z])pi(?![a-zA-Z])")
_SCALE = re.compile(r"\b(?:hundred|thousand|million|billion|trillion|dozen)s?\b")
_NO_NUMBER = re.compile(r"[^-+\w.,/\s{}\\]|\d\s+\d|[a-z]{3}\s*$")
_FUNCTIONS = frozenset(
    re.findall(
        r"\w+",
        """sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log exp sqrt lim max min mod gcd lcm abs
        det inf sup percent pct degrees deg and""",
    )
)
_TOWER = re.compile(
    r"(?:\^|\*\*)\s*[{(]?\s*[\w.]+\s*(?:\^|\*\*)|\d{5,}\s*(?:!|\^|\*\*)|(?:\^|\*\*)\s*[{(]?\s*\d{4,}|!\s*!"
)


def compare_expressions(wordings: Sequence[str], candidate: str, *, strict: bool = False) -> Match:
    """Compare an expression with all that are right.

    Args:
        wordings: LaTeX or plain mathematics, at least one.
        candidate: the same, or a text that marks its mathematics with ``$`` or ``\\boxed``.
        strict: for rewards: the candidate is mathematics alone.
    """
    wordings = [wording if is_mathematics(wording) else _mathematics(wording) for wording in wordings]
    wordings, candidate = [_ascii(wording) for wording in wordings], _END.sub("", _ascii(candidate))
    golds = [_mathematics(wording) for wording in wordings]
    given = _mathematics(candidate)
    beside = _outside(candidate)
    marked = bool(_DELIMITED.search(candidate))
    alone = (
        is_mathematics(beside)
        and not (marked and _unknown(beside))
        and not (guarded(beside) or _several(candidate))
    )
    if alone and (_written(given) in map(_written, golds) or _is_value(given, golds)):
        return Match.SAME
    readable = (alone and is_mathematics(given)) or (not strict and _is_plain_statement(candidate))
    if not readable or not all(map(is_mathematics, golds)):
        return Match.UNSURE
    if is_mathematics(given) and says_more(given, wordings, strict, alone and not _MARKED.search(candidate)):
        return Match.UNSURE
    if (
        len(candidate) <= STATEMENT
        and _SCALE.search(candidate.casefold())
        and not any(map(_SCALE.search, golds))
    ):
        return Match.UNSURE
    if _TOWER.search(candidate) or any(map(_TOWER.search, golds)):
        return Match.UNSURE
    found = PROCESS.ask([*map(_delimited, wordings)], _delimited(candidate), strict=strict)
    return Match.UNSURE if found is None else Match.SAME if found else Match.DIFFERENT


def _is_value(given: str, golds: Sequence[str]) -> bool:
    """Say whether both are plain numbers of one value, such as 1/2 and 0.5; that needs no ``math-verify``."""
    value = _value(given)
    return value is not None and value in map(_value, golds)


def _value(text: str) -> Fraction | None:
    read = [] if _NO_NUMBER.search(text) else read_numbers(plain_text(text))
    alone = len(read) == 1 and not (read[0].lead or read[0].before or read[0].after)
    return read[0].value if alone else None


def _ascii(text: str) -> str:
    """Return mathematics without what ``math-verify`` takes for something else: ``pi`` is p times i."""
    text = _PI.sub(r"\\pi ", text.replace("−", "-").replace("π", "\\pi "))
    return text if _TOWER.search(text) else _POWER.sub(r"^{\1}", text)


def _is_plain_statement(candidate: str) -> bool:
    """Say whether a text states one result, and does not deny or doubt it, nor lists several."""
    if not (_MARKED.search(candidate) or any(c.isdigit() for c in candidate)) or _ENDLESS.search(candidate):
        return False
    if boxes(candidate) or (len(candidate) > STATEMENT and _MARKED.search(candidate)):
        return True
    said = _DENIED.sub(" ", (final_answers(candidate).texts[-1:] or (candidate,))[0])
    return _tells(said) and not guarded(_outside(said)) and not _several(said)


def _tells(said: str) -> bool:
    """Say whether what a short text has around its result states it."""
    said = _VARIABLE.sub(r"\1", said)
    found = _DELIMITED.search(said) or _LAST_NUMBER.search(said)
    before, after = (said[: found.start()], said[found.end() :]) if found else (said, "")
    if len(tokens(f"{before} {after}")) >= SHORT or not _unknown(f"{before} {after}"):
        return True
    return bool(found) and bool(_LEADS.search(before)) and not after.strip(" .\n")


def _unknown(text: str) -> bool:
    """Say whether a text around a result has signs, or words other than those that state one."""
    words = [word for word in tokens(text) if len(word) > 1 and not word.isdigit()]
    return bool(_UNTOLD.search(text)) or not _TELLING.issuperset(words)


def _outside(text: str) -> str:
    """Return what stands around the marked mathematics of a text."""
    return _DELIMITED.sub(" ", text) if not boxes(text) else ""


def _several(text: str) -> bool:
    """Say whether a text has numbers beside the mathematics that it marks, or several marked pieces."""
    pieces = [piece for groups in _DELIMITED.findall(text) for piece in groups if len(piece.strip()) > 1]
    outside = _DELIMITED.sub(" ", text)
    numbers = re.findall(r"\d[\d.,]*", outside)
    if pieces:
        return (len(pieces) > 1 and len(text) <= STATEMENT) or bool(numbers)
    apart = re.search(r"\d\s+(?![-+*/=<>^\\])[\d$]", outside)
    return bool(apart) or (not is_mathematics(outside) and len(numbers) > 1)


def _mathematics(text: str) -> str:
    """Return what a text boxes, else what it puts between delimiters in its last statement, else the text."""
    if boxed := boxes(text):
        return ", ".join(boxed)
    stated = final_answers(text).texts[-1:] or (text,)
    marked = [next(filter(None, groups)) for groups in _DELIMITED.findall(stated[0])]
    return marked[0].strip() if len(marked) == 1 and "or" not in stated[0].split() else stated[0]


def is_mathematics(text: str) -> bool:
    """Say whether a text holds no words: ``math-verify`` reads words as products of letters."""
    plain = _COMMAND.sub(" ", _WRAPPED.sub(" ", text))
    return all(word.casefold() in _FUNCTIONS for word in re.findall(r"[^\W\d_]{3,}", plain))


def _written(text: str) -> str:
    """Return a text without spacing, delimiters and wrapping."""
    for _ in range(3):
        text = _WRAPPED.sub(r"\1", text)
    text = _SPACING.sub("", text.replace("\\(", "").replace("\\)", "").replace("\\[", "").replace("\\]", ""))
    text = text.replace("dfrac", "frac").replace("tfrac", "frac").rstrip(".")
    return text.replace(",", "") if _GROUPED.fullmatch(text) else text


def _delimited(text: str) -> str:
    """Return mathematics between dollar signs: without them ``math-verify`` reads plain numbers only."""
    if (
        re.search(r"\$|\\\(|\\\[|\\boxed", text)
        or not re.search(r"[\\^=<>_!]|[a-z]|[(\[{].*,", text)
        or not is_mathematics(text)
    ):
        return text
    return f"${text}$"
