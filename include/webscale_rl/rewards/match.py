"""Whether a short answer is the right one, by rules that are sure where they decide.

``match`` says ``same`` or ``different`` only where the kind of answer makes it certain; everything else is
``unsure`` and a matter for a model. Bounded in time and memory for any string; never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from webscale_rl.rewards.dates import read_date
from webscale_rl.rewards.expressions import compare_expressions
from webscale_rl.rewards.normalise import elements, folded, unquoted
from webscale_rl.rewards.numbers import Number, read_numbers
from webscale_rl.rewards.spec import NUMERIC_TYPES, AnswerSpec
from webscale_rl.rewards.verdict import Match
from webscale_rl.rewards.words import SHORT, STOP, compare_words, echoes, guarded, tokens

MAX_CANDIDATE = 1_000  # characters: a longer text is no short answer
MAX_EXPRESSION = 4_000  # characters of a text that marks its mathematics
LETTERS = "abcdefghij"
# "More than 5" is not 5, and "minus 5" neither.
_QUALIFIED = re.compile(
    r"\b(?:about|above|almost|approximately|around|at least|at most|below|between|circa|fewer|greater|less|minus|more"
    r"|nearly|negative|not|over|roughly|under|up to|without)\b|[<>≤≥~≈±√]"
)
_YES = frozenset({"yes", "true", "correct"})
_NO = frozenset({"no", "false", "incorrect"})


def match(spec: AnswerSpec, candidate: str, question: str | None = None, *, strict: bool = False) -> Match:
    """Compare an answer, such as a solver's, with the specification of the right one.

    Args:
        spec: what is right.
        candidate: a few words; a sentence is understood where it is plain.
        question: lets a sentence repeat words of the question.
        strict: for rewards, which people and models learn to exploit: nothing may stand beside the answer.
    """
    marks = spec.type == "expression" and ("$" in candidate or "\\" in candidate)
    longest = MAX_EXPRESSION if marks else MAX_CANDIDATE
    if len(candidate) > longest or not candidate.strip():
        return Match.DIFFERENT
    wordings = _wordings(spec)
    if spec.type == "string":
        return _decided(any(unquoted(candidate) == unquoted(wording) for wording in wordings))
    if spec.type == "expression":
        return compare_expressions(wordings, candidate, strict=strict)
    if folded(candidate) in {folded(wording) for wording in wordings} - {""}:
        return Match.SAME
    if spec.type in ("entity", "phrase"):
        return compare_words(wordings, candidate, question, strict=strict)
    if spec.type != "boolean" and guarded(candidate, (*wordings, *spec.options, question or "")):
        return Match.UNSURE
    found = _BY_TYPE[spec.type](spec, candidate)
    if found is Match.UNSURE and echoes(wordings, candidate, question):
        return Match.SAME
    return found


def _wordings(spec: AnswerSpec) -> tuple[str, ...]:
    return (spec.answer, *spec.aliases)


def _decided(equal: bool) -> Match:
    return Match.SAME if equal else Match.DIFFERENT


def _numeric(spec: AnswerSpec, candidate: str) -> Match:
    """Compare one number with one number; several different ones in the candidate are no answer."""
    wanted, given = read_numbers(spec.answer), read_numbers(candidate)
    if len(wanted) != 1 or not given or _qualified(spec.answer, candidate):
        return Match.UNSURE
    if len({number.value for number in given}) > 1:
        return Match.UNSURE
    return _same_measure(spec, wanted[0], given[0])


def _qualified(*texts: str) -> bool:
    return any(_QUALIFIED.search(text.casefold()) for text in texts)


def _same_measure(spec: AnswerSpec, wanted: Number, given: Number) -> Match:
    """Compare two measures: units that are written must be of one kind, values agree after conversion."""
    tolerance = _tolerance(spec)
    asked = wanted.unit or Number(wanted.value, "", spec.unit.casefold()).unit
    if given.unit is None or asked is None:
        if given.value == wanted.value or abs(given.value - wanted.value) <= tolerance:
            # "12 apples" for 12: a unit that is not known may be another one
            known = {"", folded(wanted.after), folded(spec.unit)}
            return Match.SAME if folded(given.after) in known else Match.UNSURE
        # a bare number may be meant in the unit asked for: 88 (million cubic metres), 0.12 for 12 %
        scaled = [number.value for number in read_numbers(f"1 {spec.unit}")] != [1] or (
            asked and asked[0] == "percent"
        )
        return Match.UNSURE if given.after or given.before or scaled else Match.DIFFERENT
    (kind, factor), (given_kind, given_factor) = asked, given.unit
    if kind != given_kind:
        return Match.UNSURE
    return _decided(abs(given.value * given_factor - wanted.value * factor) <= tolerance * factor)


def _date(spec: AnswerSpec, candidate: str) -> Match:
    wanted, given = read_date(spec.answer), read_date(candidate)
    if wanted is None or given is None:
        return Match.UNSURE
    if not wanted.agrees(given):
        return Match.DIFFERENT
    asked = {"year": 1, "month": 2, "day": 3}.get(spec.precision.casefold(), wanted.granularity)
    return Match.SAME if given.granularity >= asked else Match.UNSURE


def _choice(spec: AnswerSpec, candidate: str) -> Match:
    """Compare with every option; a letter, "B" or "B) text", names one as well."""
    options = [folded(option) for option in spec.options]
    plain = folded(candidate)
    letter = re.match(r"^\(?([a-j])\s*[).:]", candidate.strip().casefold())
    rest = folded(candidate.strip()[letter.end() :]) if letter else ""
    named = options.index(plain) if plain in options else -1
    if letter and (not rest or rest in options):
        position = LETTERS.index(letter[1])
        named = position if not rest or options.index(rest) == position else -1
    elif named < 0 and len(plain) == 1 and plain in LETTERS[: len(options)]:
        named = LETTERS.index(plain)
    if not 0 <= named < len(options):
        return Match.UNSURE
    return _decided(options[named] == folded(spec.answer))


def _boolean(spec: AnswerSpec, candidate: str) -> Match:
    wanted, given = (_truth(text) for text in (spec.answer, candidate))
    return Match.UNSURE if wanted is None or given is None else _decided(wanted == given)


def _truth(text: str) -> bool | None:
    """Read the first word, where no other one says the opposite, denies, doubts or stands for something else."""
    said = [word.strip(",.") for word in folded(text).split()]
    if not said or (_YES.intersection(said) and _NO.intersection(said)):
        return None
    first, rest = said[0], [word for word in said[1:] if word not in STOP | _YES | _NO]
    if guarded(" ".join(said[1:])) or (rest and len(said) <= SHORT and "," not in text):
        return None
    return True if first in _YES else False if first in _NO else None


_DASH = re.compile(r"(?<=[\w%°])(?:\s+[-–—]\s+|[-–—])(?=[\d.$€£¥])")  # but not that of "and -1"
_BETWEEN = re.compile(r"\bbetween\b", re.IGNORECASE)


def _range(spec: AnswerSpec, candidate: str) -> Match:
    wanted, given = (read_numbers(_DASH.sub(" to ", text)) for text in (spec.answer, candidate))
    if (
        len(wanted) != 2
        or len(given) != 2
        or _qualified(*(_BETWEEN.sub("", x) for x in (spec.answer, candidate)))
    ):
        return Match.UNSURE
    units = {folded(numbers[1].before + numbers[1].after) for numbers in (wanted, given)} - {""}
    if len(units) > 1:
        return Match.UNSURE
    pairs = zip(wanted, given, strict=True)
    return _decided(all(abs(mine.value - theirs.value) <= _tolerance(spec) for mine, theirs in pairs))


def _tolerance(spec: AnswerSpec) -> Fraction:
    return Fraction(str(spec.tolerance))  # as written: 0.3 is 3/10


def _elements(spec: AnswerSpec, candidate: str) -> Match:
    """Compare element by element; other elements than the right ones, fewer or more, are another answer."""
    wanted, given = ([_element(each) for each in elements(text)] for text in (spec.answer, candidate))
    if spec.type == "set" or not spec.order:
        wanted, given = sorted(wanted), sorted(given)
    if wanted == given:
        return Match.SAME
    if sorted(wanted) == sorted(given):
        return Match.DIFFERENT  # in another order
    few, many = sorted((set(wanted), set(given)), key=len)
    return Match.DIFFERENT if few < many and set(given) in (few, many) else Match.UNSURE


def _element(text: str) -> str:
    """Return an element such that equal ones are equal texts: numbers by value, words without endings."""
    read = read_numbers(text)
    if len(read) == 1 and not re.search(r"[^\W\d_]", text):
        return str(read[0].value)
    return " ".join(tokens(text)) or text


_BY_TYPE: dict[str, Callable[[AnswerSpec, str], Match]] = {
    **dict.fromkeys(NUMERIC_TYPES, _numeric),
    **dict.fromkeys(("list", "set", "tuple"), _elements),
    "date": _date,
    "choice": _choice,
    "boolean": _boolean,
    "range": _range,
}
