"""Whether a short answer is the right one, by rules that are sure where they decide.

``match`` says ``same`` or ``different`` only where the kind of answer makes it certain; everything else is
``unsure`` and a matter for a model. Bounded in time and memory for any string; never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from webscale_rl.rewards.dates import read_date
from webscale_rl.rewards.expressions import compare_expressions
from webscale_rl.rewards.guards import STOP, guarded
from webscale_rl.rewards.measures import compare_numbers, compare_ranges, qualified
from webscale_rl.rewards.normalise import disguised, elements, folded
from webscale_rl.rewards.numbers import read_numbers
from webscale_rl.rewards.signs import foreign_signs, same_text, signs
from webscale_rl.rewards.spec import NUMERIC_TYPES, AnswerSpec
from webscale_rl.rewards.typesetting import plain_text, verbatim
from webscale_rl.rewards.verdict import Match
from webscale_rl.rewards.words import SHORT, compare_words, echoes, tokens

MAX_CANDIDATE = 1_000  # characters: a longer text is no short answer
MAX_EXPRESSION = 4_000  # characters of a text that marks its mathematics
MAX_QUESTION = 4_000  # characters: only its words and numbers are looked up
LETTERS = "abcdefghij"
_YES = frozenset({"yes", "true"})
_NO = frozenset({"no", "false"})
_NESTED = re.compile(r"(?:[{(\[]\s*){4}")


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
    wordings = (spec.answer, *spec.aliases)
    if max(map(len, (spec.unit, *wordings, *spec.options))) > MAX_EXPRESSION:
        return Match.UNSURE
    question = question and question[:MAX_QUESTION]
    if spec.type == "string":
        return _decided(any(verbatim(candidate) & verbatim(wording) for wording in wordings))
    if strict and (disguised(candidate, *wordings, *spec.options) or _nested(candidate, *wordings)):
        return Match.UNSURE
    if spec.type == "expression":
        return compare_expressions(wordings, candidate, strict=strict)
    spec, candidate = _undressed(spec, candidate)
    wordings = (spec.answer, *spec.aliases)
    if spec.type not in _IN_PARTS and any(same_text(candidate, wording) for wording in wordings):
        return Match.SAME
    if spec.type in ("entity", "phrase"):
        return compare_words(wordings, candidate, question, strict=strict)
    if spec.type != "boolean" and guarded(candidate, (*wordings, *spec.options), question or ""):
        return Match.UNSURE
    found = _compared(spec, candidate, question, strict)
    if (
        found is Match.UNSURE
        and _may_echo(spec, candidate, question or "")
        and echoes(wordings, candidate, question)
    ):
        return Match.SAME
    return found


def _undressed(spec: AnswerSpec, candidate: str) -> tuple[AnswerSpec, str]:
    """Return both sides without typesetting, without "x =" in front of a value and "option" in front of a letter."""
    named = spec.type in _NAMED
    answer, candidate, *aliases = (
        _NAME.sub("", plain) if named else plain
        for plain in map(plain_text, (spec.answer, candidate, *spec.aliases))
    )
    if spec.type == "choice":
        candidate = _OPTION.sub("", candidate)
    options = tuple(map(plain_text, spec.options))
    return replace(spec, answer=answer or spec.answer, aliases=tuple(aliases), options=options), candidate


def _nested(text: str, *known: str) -> bool:
    return bool(_NESTED.search(text)) and not any(map(_NESTED.search, known))


# Separators and a leading "A" are no mere punctuation.
_IN_PARTS = frozenset({"list", "set", "tuple", "choice"})
_NAMED = NUMERIC_TYPES | {"list", "set", "tuple"}
_NAME = re.compile(
    r"^\s*(?:[A-Za-zα-ωΑ-Ω](?:_?\w)?|\([a-z](?:,\s*[a-z])+\))\s*=\s*"
)  # "x = 5", "(x, y) = (3, 4)"
_VALUES = NUMERIC_TYPES | {"date", "range"}


def _may_echo(spec: AnswerSpec, candidate: str, question: str) -> bool:
    """Say whether a wording within words of the question would say what the wording alone says."""
    if spec.type in _VALUES:
        named_by_the_question = set(tokens(spec.answer)) <= set(tokens(question))
        more = len(read_numbers(candidate)) > len(read_numbers(spec.answer))  # "x = 4, 5": the 4 was given
        return not (qualified(candidate) or named_by_the_question or more)
    if spec.type == "choice":  # neither a letter nor the text of another option beside it
        others = {f" {folded(option)} " for option in spec.options} - {f" {folded(spec.answer)} "}
        said = f" {folded(candidate)} "
        return not _SINGLE.search(candidate) and not any(other in said for other in others)
    if spec.type == "boolean":
        return folded(candidate).split()[:1] not in ([word] for word in _YES | _NO)
    return len(elements(candidate)) == len(elements(spec.answer)) and not _OPEN_END.search(candidate)


def _compared(spec: AnswerSpec, candidate: str, question: str | None, strict: bool) -> Match:
    if spec.type in NUMERIC_TYPES:
        return compare_numbers(spec, candidate, question, strict=strict)
    if spec.type == "boolean":
        return _boolean(spec, candidate, question if strict else None, strict)
    return _BY_TYPE[spec.type](spec, candidate)


def _decided(equal: bool) -> Match:
    return Match.SAME if equal else Match.DIFFERENT


def _date(spec: AnswerSpec, candidate: str) -> Match:
    wanted, given = read_date(spec.answer), read_date(candidate)
    if wanted is None or given is None:
        return Match.UNSURE
    if not wanted.agrees(given):
        return Match.DIFFERENT
    asked = {"year": 1, "month": 2, "day": 3}.get(spec.precision.casefold(), wanted.granularity)
    return Match.SAME if given.granularity >= asked else Match.UNSURE


_OPTION = re.compile(
    r"^\W*(?:the\s+)?(?:correct\s+)?(?:option|choice|answer)(?:\s+is)?:?\s+(?=\W?[a-j]\b)", re.IGNORECASE
)
_SINGLE = re.compile(r"(?<![\w'’])[a-j](?![\w'’])", re.IGNORECASE)
_LETTER = re.compile(r"^(?:[(\[]\s*([a-j])\s*[)\]]|([a-j])(?:\s*[).:]|\s+[-–—]\s)|([a-j])$)")


def _choice(spec: AnswerSpec, candidate: str) -> Match:
    """Compare with every option; a letter, "B" or "B) text", names one as well."""
    options = [folded(option) for option in spec.options]
    plain = candidate.strip().rstrip(".").casefold()
    if foreign_signs(candidate, spec.answer, *spec.options):
        return Match.UNSURE
    letter = _LETTER.match(plain)
    whole = [option.strip().casefold() for option in spec.options]
    if plain in whole:  # with its article: "A port" is no option A
        named = whole.index(plain)
    elif letter:
        rest = folded(plain[letter.end() :])
        named = LETTERS.index(letter[1] or letter[2] or letter[3])
        if rest and (rest not in options or options.index(rest) != named):
            return Match.UNSURE
    else:
        # "A B" are two letters, not an article in front of B
        said = folded(candidate)
        named = options.index(said) if said in options and (len(said) > 1 or len(plain) == 1) else -1
        if named > 0 and candidate.lstrip().startswith("A "):
            return Match.UNSURE  # an article, or the letter of another option
    if not 0 <= named < len(options):
        worded = any(same_text(candidate, wording) for wording in (spec.answer, *spec.aliases))
        return Match.SAME if worded and named < 0 else Match.UNSURE
    return _decided(options[named] == folded(spec.answer))


_ECHO = re.compile(r"\b(?:is|are|was|were|does|do|did|has|have|had|can|will|would)$")
_IT_IS = re.compile(r"^(?:it|that|this|statement|claim) is (?=(?:true|false)$)")
_DENIED = re.compile(
    r"^(?:it|he|she|they|that|this|there|we|you|i) (?:(?:is|was|are|were|does|do|did|has|have|had|can|will|would)"
    r" ?(?:not|nt)|cannot|cant|wont)\b"
)


def _boolean(spec: AnswerSpec, candidate: str, question: str | None, strict: bool) -> Match:
    known = STOP.union(tokens(question or "")) if strict else None
    wanted, given = _truth(spec.answer, None), _truth(candidate, known)
    return Match.UNSURE if wanted is None or given is None else _decided(wanted == given)


def _truth(text: str, known: frozenset[str] | None) -> bool | None:
    """Read the first word, where no other one says the opposite, denies, doubts or stands for something else.

    Args:
        text: the answer.
        known: for rewards: the only words that may follow.
    """
    said = [word.strip(",.") for word in _IT_IS.sub("", folded(text)).split()]
    if (
        not said
        or "answer" in said
        or "?" in text
        or foreign_signs(text)
        or (_YES.intersection(said) and _NO.intersection(said))
    ):
        return None
    first, rest = said[0], " ".join(said[1:])
    if first in _NO:  # "No, it is not" denies once; "No, it is" contradicts itself
        if _ECHO.search(rest):
            return None
        rest = _DENIED.sub("", rest, count=1)
    others = [word for word in rest.split() if word not in STOP | _YES | _NO]
    if guarded(rest) or (others and len(said) <= SHORT and "," not in text):
        return None
    if known is not None and not known.issuperset(tokens(" ".join(others))):
        return None
    return True if first in _YES else False if first in _NO else None


_OPEN_END = re.compile(r"\.\.\.|…|\betc\b")


def _elements(spec: AnswerSpec, candidate: str) -> Match:
    """Compare element by element; other elements than the right ones, fewer or more, are another answer."""
    if _OPEN_END.search(candidate) and not _OPEN_END.search(spec.answer):
        return Match.UNSURE
    wanted, given = _parts(spec, spec.answer), _parts(spec, candidate)
    for wording in (spec.answer, *spec.aliases):
        if _parts(spec, wording) == given and (given or folded(wording) == folded(candidate)):
            return Match.SAME
    if sorted(wanted) == sorted(given):
        return Match.DIFFERENT  # in another order
    few, many = sorted((set(wanted), set(given)), key=len)
    return Match.DIFFERENT if few < many and set(given) in (few, many) else Match.UNSURE


def _parts(spec: AnswerSpec, text: str) -> list[str]:
    parts = [_element(each) for each in elements(text)]
    return sorted(parts) if spec.type == "set" or not spec.order else parts


def _element(text: str) -> str:
    """Return an element such that equal ones are equal texts: numbers by value, words without endings."""
    read = read_numbers(text)
    if len(read) == 1 and not read[0].lead.strip("([{"):
        if not read[0].before + read[0].after.strip(" ()[]{}.,;"):
            return str(read[0].value)
        if read[0].unit and not read[0].rest.strip(" ()[]{}.,;"):
            kind, factor = read[0].unit
            return f"{read[0].value * factor} {kind}"
    return " ".join([*(tokens(text) or [text]), *(sign for _, sign in signs(text))])


_BY_TYPE: dict[str, Callable[[AnswerSpec, str], Match]] = {
    **dict.fromkeys(("list", "set", "tuple"), _elements),
    "date": _date,
    "choice": _choice,
    "range": compare_ranges,
}
