"""Corrupted copies of drafts, by kind: what rules can know to be wrong without a model, and what they cannot.

Each maker takes a draft that the gate accepts and returns it with one thing made wrong, or None where the kind does
not apply: because there is nothing to change, or because the copy would be right, or as right as rules can see. What
applies is decided from the text alone, never by asking the gate.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from gold_rows import Draft, operands, sentences

from webscale_rl.rewards.spec import NUMERIC_TYPES
from webscale_rl.stages.arithmetic import CONSTANTS, evaluate
from webscale_rl.stages.figures import figures, numbers
from webscale_rl.stages.text_match import contains_words

Maker = Callable[[Draft, random.Random, list[str]], Draft | None]


@dataclass(frozen=True)
class Kind:
    """A kind of corruption: whom it is done to, how, and why rules can or cannot know it."""

    source: str  # "squad" or "tatqa"
    knowable: bool
    why: str
    make: Maker
    name: str


_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w'’-]+(?: (?:(?:of|the|and|de|von) )?[A-Z][\w'’-]+)*")
_SCALES = ("thousand", "million", "billion")
_SCALE_WORD = {
    "thousand": re.compile(r"thousand|\b000s?\b|'000|’000", re.IGNORECASE),
    "million": re.compile(r"million|[£$€]\s?m\b|\bmm\b", re.IGNORECASE),
    "billion": re.compile(r"billion|\bbn\b", re.IGNORECASE),
}
_CHANGE = re.compile(r"\b(?:change|increase|growth)\b", re.IGNORECASE)


def entities(text: str) -> list[str]:
    """Return what looks like a name in a text: capitalised words that begin no sentence."""
    return list(dict.fromkeys(_NAME.findall(text)))


def _with(draft: Draft, **changes: Any) -> Draft:
    return replace(draft, answer=draft.answer.model_copy(update=changes))


def _quoted(draft: Draft) -> str:
    return "\n".join(draft.answer.evidence)


def _other_number(written: str, dice: random.Random, taken: str = "") -> str | None:
    """Return a number with one digit changed, in the same form, that does not stand in a text."""
    places = [place for place, letter in enumerate(written) if letter.isdigit()]
    held = {figure.written for figure in figures(taken)} | {figure.value for figure in figures(taken)}
    for _ in range(20):
        place = dice.choice(places)
        digit = dice.choice("123456789".replace(written[place], ""))
        other = written[:place] + digit + written[place + 1 :]
        if not set(numbers(other)) & held:
            return other
    return None


def _replaced(text: str, match: re.Match[str], by: str) -> str:
    return text[: match.start()] + by + text[match.end() :]


# --- SQuAD: extracted answers


def _answer_number(draft: Draft, dice: random.Random) -> str | None:
    found = list(_NUMBER.finditer(draft.answer.answer))
    if not found:
        return None
    match = dice.choice(found)
    other = _other_number(match.group(), dice, f"{_quoted(draft)}\n{draft.answer.question}")
    return other and _replaced(draft.answer.answer, match, other)


def number_changed(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Change a number of the answer; other wordings are dropped."""
    changed = _answer_number(draft, dice)
    return _with(draft, answer=changed, aliases=[]) if changed else None


def number_changed_beside_aliases(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Change a number of the answer and keep a right wording as an alias."""
    changed = _answer_number(draft, dice)
    aliases = [draft.answer.answer, *draft.answer.aliases][:6]
    return _with(draft, answer=changed, aliases=aliases) if changed and len(aliases[0]) <= 100 else None


def number_of_the_sentence(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Answer with another number of the quotation."""
    if not _NUMBER.fullmatch(draft.answer.answer):
        return None
    others = [
        number
        for number in _NUMBER.findall(_quoted(draft))
        if number != draft.answer.answer and not contains_words(number, draft.answer.question)
    ]
    return _with(draft, answer=dice.choice(others), aliases=[]) if others else None


def quotation_changed(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Change a number inside a quotation."""
    places = [
        (index, match)
        for index, quotation in enumerate(draft.answer.evidence)
        for match in _NUMBER.finditer(quotation)
    ]
    if not places:
        return None
    index, match = dice.choice(places)
    other = _other_number(match.group(), dice, draft.document)
    if other is None:
        return None
    evidence = list(draft.answer.evidence)
    evidence[index] = _replaced(evidence[index], match, other)
    return _with(draft, evidence=evidence)


def _entity(draft: Draft, dice: random.Random, names: list[str]) -> str | None:
    """Draw a name that is no part of the answer or the other way round, and not told by the question."""
    if draft.answer.answer_type != "entity":
        return None
    wordings = (draft.answer.answer, *draft.answer.aliases)
    fitting = [
        name
        for name in names
        if not contains_words(name, draft.answer.question)
        and not any(contains_words(name, wording) or contains_words(wording, name) for wording in wordings)
    ]
    return dice.choice(fitting) if fitting else None


def entity_of_the_document(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Answer with a name that the document holds outside the quotation."""
    names = [name for name in entities(draft.document) if not contains_words(name, _quoted(draft))]
    name = _entity(draft, dice, names)
    return _with(draft, answer=name, aliases=[]) if name else None


def entity_of_another_document(draft: Draft, dice: random.Random, pool: list[str]) -> Draft | None:
    """Answer with a name of another document."""
    names = [name for name in entities(dice.choice(pool)) if not contains_words(name, draft.document)]
    name = _entity(draft, dice, names)
    return _with(draft, answer=name, aliases=[]) if name else None


def entity_beside_aliases(draft: Draft, dice: random.Random, pool: list[str]) -> Draft | None:
    """Answer with a name of another document and keep a right name as an alias."""
    found = entity_of_another_document(draft, dice, pool)
    aliases = [draft.answer.answer, *draft.answer.aliases][:6]
    return _with(found, aliases=aliases) if found and len(aliases[0]) <= 100 else None


def entity_of_the_sentence(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Answer with another name of the quotation."""
    name = _entity(draft, dice, entities(_quoted(draft)))
    return _with(draft, answer=name, aliases=[]) if name else None


def _holds(text: str, draft: Draft) -> bool:
    """Say whether a text holds a wording of the answer, or for a numeric answer its number."""
    if any(contains_words(wording, text) for wording in (draft.answer.answer, *draft.answer.aliases)):
        return True
    if draft.answer.answer_type in NUMERIC_TYPES:
        wanted = {figure.written for figure in figures(draft.answer.answer)}
        return wanted <= {figure.written for figure in figures(text)}
    return False


def sentence_cut(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Quote another sentence of the document, which does not hold the answer."""
    others = [
        sentence
        for sentence in sentences(draft.document)
        if 30 <= len(sentence) <= 600 and not _holds(sentence, draft)
    ]
    return _with(draft, evidence=[dice.choice(others)]) if others else None


def quotation_cut_off(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Cut a quotation off before the answer, or behind it."""
    whole, answer = draft.answer.evidence[0], draft.answer.answer
    at = whole.find(answer)
    pieces = [whole[:at].strip(), whole[at + len(answer) :].strip()] if at >= 0 else []
    pieces = [piece for piece in pieces if len(piece) >= 20 and not _holds(piece, draft)]
    return _with(draft, evidence=[dice.choice(pieces)]) if pieces else None


# --- TAT-QA: computed answers


def last_digit_changed(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Change the last digit of the answer."""
    return _digit_changed(draft, dice, -1)


def first_digit_changed(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Change the first digit of the answer."""
    return _digit_changed(draft, dice, 0)


def _digit_changed(draft: Draft, dice: random.Random, index: int) -> Draft:
    places = [place for place, letter in enumerate(draft.answer.answer) if letter.isdigit()]
    place = places[index]
    digit = dice.choice("123456789".replace(draft.answer.answer[place], ""))
    return _with(draft, answer=draft.answer.answer[:place] + digit + draft.answer.answer[place + 1 :])


def hundredfold(draft: Draft, _: random.Random, __: list[str]) -> Draft | None:
    """Write a percentage as the share that it is: "0.14%" for 14.07 %."""
    if draft.answer.answer_type != "percent" or "/" not in draft.answer.expression:
        return None
    value = float(draft.answer.answer.replace(",", "").rstrip("%")) / 100
    return _with(draft, answer=f"{value:.2f}%") if abs(value) >= 0.01 else None


def sign_added(draft: Draft, _: random.Random, __: list[str]) -> Draft | None:
    """Write a positive answer with a minus."""
    written = draft.answer.answer
    return None if written.startswith("-") or _is_zero(written) else _with(draft, answer=f"-{written}")


def sign_dropped(draft: Draft, _: random.Random, __: list[str]) -> Draft | None:
    """Write a negative answer without its minus where a change or an increase is asked for."""
    return _unsigned(draft) if _CHANGE.search(draft.answer.question) else None


def sign_dropped_elsewhere(draft: Draft, _: random.Random, __: list[str]) -> Draft | None:
    """Write a negative answer without its minus where no change is asked for: a difference, a loss, an average."""
    return None if _CHANGE.search(draft.answer.question) else _unsigned(draft)


def _unsigned(draft: Draft) -> Draft | None:
    written = draft.answer.answer
    return _with(draft, answer=written[1:]) if written.startswith("-") and not _is_zero(written) else None


def _is_zero(written: str) -> bool:
    return not any(numbers(written))


def scale_changed(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Write another scale where the document speaks of one alone, in a heading such as "in thousands"."""
    told = _scales_told(draft.document)
    headed = re.search(r"\b(?:thousands|millions|billions)\b", draft.document, re.IGNORECASE)
    return _rescaled(draft, dice) if told == [draft.answer.unit] and headed else None


def scale_changed_elsewhere(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Write another scale where the document speaks of several, or of none in a heading."""
    return None if scale_changed(draft, dice, []) else _rescaled(draft, dice)


def _scales_told(document: str) -> list[str]:
    return [scale for scale in _SCALES if _SCALE_WORD[scale].search(document)]


def _rescaled(draft: Draft, dice: random.Random) -> Draft | None:
    if draft.answer.unit not in _SCALES or _is_zero(draft.answer.answer):
        return None
    other = dice.choice([scale for scale in _SCALES if scale != draft.answer.unit])
    return _with(draft, answer=draft.answer.answer.replace(draft.answer.unit, other), unit=other)


def _operand(draft: Draft, dice: random.Random) -> re.Match[str] | None:
    """Draw an operand that the document must have given: no constant of arithmetic, no nought."""
    expression = draft.answer.expression
    given = set(numbers(operands(expression))) - CONSTANTS - {Fraction(0)}
    found = [match for match in _NUMBER.finditer(expression) if numbers(match.group())[0] in given]
    return dice.choice(found) if found else None


def operand_changed(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Change a number of the expression and keep the answer."""
    match = _operand(draft, dice)
    other = match and _other_number(match.group(), dice, _quoted(draft))
    return (
        _with(draft, expression=_replaced(draft.answer.expression, match, other)) if match and other else None
    )


def operand_and_answer_changed(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Change a number of the expression and compute the answer anew."""
    changed = operand_changed(draft, dice, [])
    return changed and _recomputed(draft, changed.answer.expression)


def operand_of_the_rows(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Compute with another number of the quoted rows: that of another year, say."""
    match = _operand(draft, dice)
    used = set(numbers(draft.answer.expression))
    others = [
        each for each in _NUMBER.findall(_quoted(draft)) if numbers(each)[0] not in used | {Fraction(0)}
    ]
    if not match or not others:
        return None
    return _recomputed(draft, _replaced(draft.answer.expression, match, dice.choice(others)))


def _recomputed(draft: Draft, expression: str) -> Draft | None:
    """Write the value of another expression as the answer, in the form of the old one."""
    try:
        before, after = evaluate(draft.answer.expression), evaluate(expression)
    except ValueError:
        return None
    old = draft.answer.answer
    value = Fraction(re.sub(r"[^\d.-]", "", old).rstrip("."))
    if not before or not value or before == after:
        return None
    written = re.sub(r"\D*[\d,.]*\d", f"{float(after * value / before):,.2f}", old, count=1)
    return _with(draft, expression=expression, answer=written)


def row_removed(draft: Draft, dice: random.Random, _: list[str]) -> Draft | None:
    """Take away what quotes one operand; where that is all, another line of the document is quoted."""
    match = _operand(draft, dice)
    if not match:
        return None
    wanted = numbers(match.group())[0]

    def lacks(line: str) -> bool:
        return not any(wanted in (figure.written, figure.value) for figure in figures(line))

    kept = [quotation for quotation in draft.answer.evidence if lacks(quotation)]
    others = [line for line in sentences(draft.document) if 10 <= len(line) <= 600 and lacks(line)]
    if not kept and not others:
        return None
    return _with(draft, evidence=kept or [dice.choice(others)])


_IN = "the answer must stand in the quotations"
_SUM = "the expression must give the answer"
_OPERANDS = "operands must stand in the quotations"
_VERBATIM = "quotations are verbatim"
_BOTH = "both stand in the quotation"
KINDS = (
    Kind("squad", True, _IN, number_changed, "number of the answer changed"),
    Kind(
        "squad",
        True,
        "numbers must stand there whatever the aliases say",
        number_changed_beside_aliases,
        "number of the answer changed, a right alias kept",
    ),
    Kind("squad", True, _VERBATIM, quotation_changed, "number in a quotation changed"),
    Kind("squad", True, _IN, entity_of_the_document, "entity of elsewhere in the document"),
    Kind("squad", True, _IN, entity_of_another_document, "entity of another document"),
    Kind(
        "squad",
        True,
        "an alias of a name must be related to it",
        entity_beside_aliases,
        "entity of another document, a right alias kept",
    ),
    Kind("squad", True, _IN, sentence_cut, "sentence with the answer removed"),
    Kind("squad", True, _IN, quotation_cut_off, "quotation cut off at the answer"),
    Kind("squad", False, _BOTH, number_of_the_sentence, "another number of the sentence"),
    Kind("squad", False, _BOTH, entity_of_the_sentence, "another entity of the sentence"),
    Kind("tatqa", True, _SUM, last_digit_changed, "last digit of the answer changed"),
    Kind("tatqa", True, _SUM, first_digit_changed, "first digit of the answer changed"),
    Kind("tatqa", True, "a ratio of amounts is no percentage", hundredfold, "percentage written as a share"),
    Kind("tatqa", True, _SUM, sign_added, "minus added"),
    Kind("tatqa", True, _SUM, sign_dropped, "minus dropped, a change asked for"),
    Kind("tatqa", True, "a heading says the scale", scale_changed, "scale changed, the document has one"),
    Kind("tatqa", True, _OPERANDS, operand_changed, "operand changed"),
    Kind("tatqa", True, _OPERANDS, operand_and_answer_changed, "operand changed, answer recomputed"),
    Kind("tatqa", True, _VERBATIM, quotation_changed, "number in a quotation changed"),
    Kind("tatqa", True, _OPERANDS, row_removed, "row of an operand removed"),
    Kind(
        "tatqa",
        False,
        "a difference or loss may be told without sign",
        sign_dropped_elsewhere,
        "minus dropped, no change asked for",
    ),
    Kind(
        "tatqa",
        False,
        "no rule knows which one counts",
        scale_changed_elsewhere,
        "scale changed, the document has several or none",
    ),
    Kind(
        "tatqa",
        False,
        "no rule reads which year is asked for",
        operand_of_the_rows,
        "another operand of the rows, recomputed",
    ),
)
