"""Numbers, measures and ranges, compared by value and unit."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from webscale_rl.rewards.guards import STOP
from webscale_rl.rewards.normalise import folded
from webscale_rl.rewards.numbers import NUMBER_WORDS, Number, read_numbers
from webscale_rl.rewards.signs import same_text
from webscale_rl.rewards.spec import AnswerSpec
from webscale_rl.rewards.verdict import Match
from webscale_rl.rewards.words import SHORT, tokens

# "More than 5" is not 5, nor is "twice 5"; "minus 5" in front is read as a sign.
_QUALIFIED = re.compile(
    r"\b(?:about|above|after|almost|approximately|around|at least|at most|before|below|between|by|circa|double"
    r"|fewer|greater|half|less|log|more|nearly|not|over|plus|post|pre|roughly|since|times|triple|twice|under|until"
    r"|up to|without)\b|(?<!^)\b(?:minus|negative)\b|\bca?\b\.?(?=\s*\d)|[<>≤≥~≈±∓√¬≠]"
)
_APPROXIMATE = re.compile(r"^\s*(?:[≈~]|(?:about|approximately|approx\.|around|roughly)\b)\s*", re.IGNORECASE)
_OPERATION = re.compile(r"[^\w\s.,:;'\"“”‘’()\[\]{}-]")
_OPERATED = re.compile(r"\w\($|-\W*$")  # log(5), -(5)


def qualified(*texts: str) -> bool:
    """Say whether a text bounds, doubts or changes the number that it names."""
    return any(_QUALIFIED.search(text.casefold().strip()) for text in texts)


def compare_numbers(spec: AnswerSpec, candidate: str, question: str | None, *, strict: bool) -> Match:
    """Compare one number with one number; several different ones in the candidate are no answer."""
    if spec.tolerance:
        candidate = _APPROXIMATE.sub("", candidate)
    wanted, given = _together(read_numbers(spec.answer)), _together(read_numbers(candidate))
    if len(wanted) != 1 or not given or qualified(spec.answer, candidate):
        return Match.UNSURE
    if len({number.value for number in given}) > 1 or (strict and len(given) > 1):
        return Match.UNSURE
    found = _same_measure(spec, wanted[0], given[0])
    return Match.UNSURE if found is Match.SAME and _beside(spec, given[0], question, strict) else found


def _together(numbers: list[Number]) -> list[Number]:
    """Return "3 hours 30 minutes" as one number, in the smaller unit; others as they are."""
    if len(numbers) != 2 or not (numbers[0].unit and numbers[1].unit):
        return numbers
    (kind, large), (other, small) = numbers[0].unit, numbers[1].unit
    first, second = numbers[0].value, numbers[1].value
    whole = first.denominator == 1 and first > 0 and 0 <= second * small < large
    if kind != other or large <= small or not whole or numbers[0].rest.strip(" ,") not in {"", "and"}:
        return numbers
    return [replace(numbers[1], value=second + first * large / small, lead=numbers[0].lead)]


def _beside(spec: AnswerSpec, given: Number, question: str | None, strict: bool) -> bool:
    """Say whether something beside a number changes what it says, or, for rewards, might."""
    behind = "" if _is_wanted(spec, given.after) else given.rest
    if _OPERATION.search(given.lead + behind) or _OPERATED.search(given.lead):
        return True
    if behind[:1] == "-" or (
        behind[:1] in {"'", '"'} and behind[0] not in given.lead
    ):  # feet, inches, minutes
        return True
    known = STOP.union(*map(tokens, (spec.answer, spec.unit, question or "")))
    beside = tokens(f"{given.lead} {behind}")
    return (strict or len(beside) < SHORT) and not known.issuperset(beside)


def _is_wanted(spec: AnswerSpec, after: str) -> bool:
    """Say whether what stands behind a number is what stands behind the right one: m/s²."""
    wanted = [*(number.after for number in read_numbers(spec.answer)), spec.unit]
    return any(same_text(after, text) for text in wanted)


def _same_measure(spec: AnswerSpec, wanted: Number, given: Number) -> Match:
    """Compare two measures: units that are written must be of one kind, values agree after conversion."""
    tolerance = _tolerance(spec)
    asked = wanted.unit or Number(wanted.value, "", spec.unit.casefold()).unit
    if given.unit is None or asked is None:
        if given.value == wanted.value or abs(given.value - wanted.value) <= tolerance:
            # "12 apples" for 12: a unit that is not known may be another one
            known = {"", folded(wanted.after), folded(spec.unit)}
            same = folded(given.after) in known and given.before in {"", wanted.before}
            return Match.SAME if same else Match.UNSURE
        # a bare number may be meant in the unit asked for: 88 (million cubic metres), 0.12 for 12 %
        scale = next((number.value for number in read_numbers(f"1 {spec.unit}")), Fraction(1))
        if given.value * scale == wanted.value and not given.after + given.before:
            return Match.SAME
        scaled = scale != 1 or (asked and asked[0] == "percent")
        return Match.UNSURE if given.after or given.before or scaled else Match.DIFFERENT
    (kind, factor), (given_kind, given_factor) = asked, given.unit
    if kind != given_kind:
        return Match.UNSURE
    equal = abs(given.value * given_factor - wanted.value * factor) <= tolerance * factor
    return Match.SAME if equal else Match.DIFFERENT


def _tolerance(spec: AnswerSpec) -> Fraction:
    return Fraction(str(spec.tolerance))  # as written: 0.3 is 3/10


_YEARS = re.compile(r"\b(\d\d)(\d\d)\s?[-–]\s?(?=\d\d(?!\d))(?!\d\d[.,]\d)")  # 1914–18
_WORDED = re.compile(rf"(?<![\w-])(?:{'|'.join(NUMBER_WORDS)})(?![\w-])", re.IGNORECASE)
_DASH = re.compile(r"(?<=[\w%°])(?:\s+[-–—]\s+|[-–—]{1,3})(?=[\d.$€£¥])")  # but not that of "and -1"
_BETWEEN = re.compile(r"^\W*(?:between|from)\b", re.IGNORECASE)
_UNTIL = re.compile(r"\b(?:until|till|through|thru)\b", re.IGNORECASE)
_BRIDGE = re.compile(r"\bto$|\.\.+$")
_LISTED = re.compile(r"\b(?:and|to)$")


def compare_ranges(spec: AnswerSpec, candidate: str) -> Match:
    """Compare both ends; what stands between the two numbers must say that they are the ends of a range."""
    wanted, given = (_ends(text) for text in (spec.answer, candidate))
    if wanted is None or given is None:
        return Match.UNSURE
    ends = zip(wanted, given, strict=True)
    if not all(abs(mine.value - theirs.value) <= _tolerance(spec) for mine, theirs in ends):
        return Match.UNSURE if _unit(wanted) != _unit(given) else Match.DIFFERENT
    return (
        Match.SAME
        if _unit(given) in {_unit(wanted), ""} or (_unit(given) == folded(spec.unit))
        else Match.UNSURE
    )


def _ends(text: str) -> list[Number] | None:
    """Return the two numbers of a range, or None where a text is none."""
    between = _BETWEEN.match(text)
    text = _YEARS.sub(_written_out, _WORDED.sub(lambda word: str(NUMBER_WORDS[word[0].casefold()]), text))
    plain = _UNTIL.sub("to", _DASH.sub(" to ", _BETWEEN.sub("", text)))
    numbers = read_numbers(plain)
    if len(numbers) != 2 or qualified(plain) or numbers[0].lead.strip("([ "):
        return None
    first, bridge = numbers[0], (_LISTED if between else _BRIDGE).search(numbers[0].after)
    if re.fullmatch(r"\[[^\[\]]*\]", text.strip()) and first.after == ",":
        return numbers
    alone = bridge and _unit([first, replace(first, after=first.after[: bridge.start()].strip())])
    return numbers if bridge and alone in {"", _unit(numbers)} else None


def _written_out(span: re.Match[str]) -> str:
    """Return the start of a span of years whose end has two digits, with the century of that end."""
    later = span.string[span.end() : span.end() + 2] > span[2]
    return f"{span[1]}{span[2]}–{span[1]}" if later else span[0]


def _unit(numbers: list[Number]) -> str:
    """Return the unit of a range, which stands behind its second end."""
    last = numbers[1]
    if last.unit and not last.rest.strip(" .,;:()[]"):
        return f"{last.unit[0]} {last.unit[1]}"
    return folded(last.before + last.after)
