"""Whether an answer is written for what the evidence says: its scale, sign, rounding, and its wording."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from webscale_rl.stages.arithmetic import is_ratio
from webscale_rl.stages.figures import SCALES, Figure, figures, numbers
from webscale_rl.stages.generate import GenerateAnswer
from webscale_rl.stages.text_match import locator, normalised

_SCALE = re.compile(rf"(?<!per )\b({'|'.join(SCALES)})s?\b")
_HEADINGS = {  # how a table says once what its numbers are counted in
    10**3: re.compile(r"\bthousands\b|['$£€]0{3}s?\b|\b0{3}s\b|\(0{3}\)"),
    10**6: re.compile(r"\bmillions\b|[$£€¥] ?mn?\b|[$£€¥] millions?\b"),
    10**9: re.compile(r"\bbillions\b|[$£€¥] ?bn\b|[$£€¥] billions?\b"),
}
# A question that asks how far something fell, or how far two things are apart, is answered without a sign;
# one about a change or an increase is not, whatever else it names: "the increase / (decrease) in revenue".
_UNSIGNED = re.compile(
    r"\b(?:apart|below|decline\w*|decrease\w*|deficit|differ\w*|drop\w*|fall\w*|fell|fewer|gap|how (?:far|long|many"
    r"|old)|less|los[est]\w*|lower|margin|reduc\w*|saving\w*|shortage|shorter|shortfall|shrank|shr[iu]nk|smaller"
    r"|under)\b"
)
_SIGNED = re.compile(r"\b(?:chang\w*|gain\w*|grew|grow\w*|increas\w*|ris(?:e|es|en|ing)|rose)\b")
_SMALL = frozenset({"a", "an", "and", "de", "for", "in", "la", "of", "on", "st", "the"})
_STEM = 4  # letters: "German" and "Germany", not "in" and "India"


def is_written_for(value: Fraction, answer: GenerateAnswer, stated: str, document: str) -> bool:
    """Say whether a computed value may be written as the answer writes it.

    ``stated`` is the text that the operands stand in. The scale of the operands is theirs there or that of a heading
    ("in thousands") of the document.
    """
    slack = max(Fraction(str(answer.tolerance)), rounding(answer.answer))  # as written: 0.3 is 3/10
    readings = list(_readings(value, answer, stated, document))
    unsigned = _without_sign(answer)
    for figure in figures(answer.answer):
        claimed = -figure.written if figure.negative else figure.written
        for reading in readings:
            if abs(reading - claimed) <= slack or (unsigned and abs(-reading - figure.written) <= slack):
                return True
    return False


def rounding(answer: str) -> Fraction:
    """Return half a unit of the last decimal that an answer shows."""
    shown = re.search(r"\.(\d+)", answer)
    return Fraction(1, 2 * 10 ** (len(shown.group(1)) if shown else 0))


def _readings(value: Fraction, answer: GenerateAnswer, stated: str, document: str) -> Iterator[Fraction]:
    """Yield the numbers that may be written for a value: 28,511 (of millions) as "$28.5 billion", 0.12 as "12%"."""
    ratio = is_ratio(answer.expression)
    if answer.answer_type == "percent" or re.search("%|percent", f"{answer.answer} {answer.unit}"):
        yield value * 100
        if not ratio:  # the sum or mean of percentages
            yield value
        return
    written = _scale(answer.answer) or _scale(answer.unit)
    # Where nothing says a scale, the answer is believed.
    told = _scales(answer, stated, document) or {written or 1}
    if ratio and answer.answer_type in ("integer", "decimal") and not written:
        told = set()
    for scale in {1, *told}:
        yield value * scale / (written or 1)


def _scale(text: str) -> int:
    found = _SCALE.search(normalised(text))
    return SCALES[found[1]] if found else 0


def _scales(answer: GenerateAnswer, stated: str, document: str) -> set[int]:
    """Return the scales said of the operands: behind them, or in a heading of the document."""
    operands = set(numbers(answer.expression))
    behind = {figure.scale for figure in figures(stated) if figure.written in operands} - {1}
    text = locator(document).normalised
    return behind | {scale for scale, heading in _HEADINGS.items() if heading.search(text)}


def _without_sign(answer: GenerateAnswer) -> bool:
    """Say whether words tell the direction, so that the number needs no sign."""
    said = normalised(answer.answer)
    if _UNSIGNED.search(said):
        return True
    asked = normalised(answer.question)
    return bool(_UNSIGNED.search(asked)) and not _SIGNED.search(asked)


def numbers_told(answer: GenerateAnswer, evidence: str) -> bool:
    """Say whether every number of an answer stands in the evidence, in whatever scale; True where it has none."""
    held = figures(evidence)
    # In 1979-12-09 the 12 may be written "December" there.
    in_digits = answer.answer_type == "date" and not re.search(r"[^\W\d]", answer.answer)
    months = range(1, 13) if in_digits else ()
    return all(
        figure.written in months or any(_is_same(figure, other) for other in held)
        for figure in figures(answer.answer)
    )


def _is_same(figure: Figure, other: Figure) -> bool:
    if 1 in (figure.scale, other.scale) and figure.written == other.written:
        return True  # the scale of one of them stands elsewhere: in a heading, in the unit
    return figure.value == other.value


def is_another_wording(alias: str, name: str) -> bool:
    """Say whether an alias is a name in other words: it shares a word, the stem of one, or is its initials."""
    mine, others = (
        [word for word in re.findall(r"\w+", normalised(text)) if word not in _SMALL]
        for text in (alias, name)
    )
    if any(
        word == other or (min(len(word), len(other)) >= _STEM and word[:_STEM] == other[:_STEM])
        for word in mine
        for other in others
    ):
        return True
    return any(_are_initials("".join(short), words) for short, words in ((mine, others), (others, mine)))


def _are_initials(short: str, words: list[str]) -> bool:
    """Say whether "us", "u.s." or "usa" stands for "united states"."""
    initials = "".join(word[0] for word in words)
    return len(words) > 1 and short.startswith(initials) and len(short) <= len(initials) + 1
