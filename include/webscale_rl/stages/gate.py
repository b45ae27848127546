"""gate: what rules can know of a question without a model, by task form."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from webscale_rl.records import ClaimScope, Domain, PlanItem, Question, Span, TaskForm
from webscale_rl.rewards.spec import NUMERIC_TYPES, AnswerSpec
from webscale_rl.stages.arithmetic import CONSTANTS, ExpressionError, evaluate
from webscale_rl.stages.figures import figures, numbers
from webscale_rl.stages.generate import GenerateAnswer
from webscale_rl.stages.masked_span import mask_fault, without_passage
from webscale_rl.stages.options import letters_of, shuffled, with_options
from webscale_rl.stages.text_match import contains_words, locator, normalised
from webscale_rl.stages.written import is_another_wording, is_written_for, numbers_told, rounding


class GateReason(StrEnum):
    """Why the gate rejects."""

    CONTROL_CHARACTERS = "control_characters"
    QUESTION_LENGTH = "question_length"
    ANSWER_MISSING = "answer_missing"
    ANSWER_LENGTH = "answer_length"
    SPEC_INVALID = "spec_invalid"
    EVIDENCE_MISSING = "evidence_missing"
    EVIDENCE_NOT_IN_DOCUMENT = "evidence_not_in_document"
    REFERS_TO_SOURCE = "refers_to_source"
    PERSONA_VOICE = "persona_voice"
    SCOPE_ANCHOR_MISSING = "scope_anchor_missing"
    ANSWER_IN_QUESTION = "answer_in_question"
    ANSWER_NOT_IN_EVIDENCE = "answer_not_in_evidence"
    EXPRESSION_MISSING = "expression_missing"
    EXPRESSION_INVALID = "expression_invalid"
    OPERAND_NOT_IN_EVIDENCE = "operand_not_in_evidence"
    EXPRESSION_NOT_THE_ANSWER = "expression_not_the_answer"
    TOO_FEW_FACTS = "too_few_facts"
    OPTIONS_INVALID = "options_invalid"
    MASK_NOT_IN_DOCUMENT = "mask_not_in_document"
    CODE_MISSING = "code_missing"


@dataclass(frozen=True)
class GateRejection:
    """The first rule that a draft breaks, and what broke it."""

    reason: GateReason
    detail: str


@dataclass(frozen=True)
class _Draft:
    """A draft with what the rules look at."""

    answer: GenerateAnswer
    form: TaskForm
    spans: tuple[Span | None, ...]  # None where a quotation is not in the document
    document: str

    @property
    def evidence(self) -> str:
        return "\n".join(span.text for span in self.spans if span)


Finding = GateRejection | None
Rule = Callable[[_Draft], Finding]

QUESTION_CHARACTERS = (12, 1_200)
CODE_QUESTION_CHARACTERS = 2_000  # an execute question carries its code
ANSWER_WORDS = 20
TOLERANCE_SHARE = Fraction(1, 50)  # of the answer, if its rounding is finer
LONG_ANSWERS = frozenset({"list", "set", "tuple", "expression", "string", "choice"})
_EMPTY_CELL = re.compile(r"\|\s*[$£€¥]?\s*[-–—]\s*%?\s*(?:\||$)", re.MULTILINE)  # accounts write 0 as a dash

_PARTS = "(?:passage|text|document|article|excerpt|author|speaker|narrator|paragraph|writer)s?"
# What a word behind them makes another thing: "the text editor", "the document root". Verbs are none of these.
_COMPOUND = (
    r"(?<=text) (?:adventure|area|box|buffer|color|colour|corpus|cursor|editor|element|encoding|field|file|format"
    r"|formatter|generator|interface|layer|message|messaging|mining|mode|node|processing|processor|segment|size"
    r"|stream|string|widget)s?\b"
    r"|(?<=document) (?:class|database|element|format|fragment|id|library|management|node|object|processor|root"
    r"|scanner|store|tree|type|viewer)(?:e?s)?\b"
    r"|(?<=author) (?:element|field|function|index|metadata|tag)s?\b"
    r"|(?<=speaker) (?:cable|cone|driver|enclosure|recognition|system|wire)s?\b"
    r"|(?<=paragraph) (?:break|element|mark|style|tag)s?\b"
    r"|(?<=writer) (?:lock|process|task|thread)(?:e?s)?\b"
    r"|(?<=passage) (?:grave|tomb)s?\b"
)
_SOURCE = re.compile(
    rf"\b(?:(?:this|that|these|given|provided|following|above|preceding|accompanying) {_PARTS}"
    rf"|the {_PARTS}\b(?! of\b|{_COMPOUND})"  # "the author of Dune", "the text of the treaty" are known without it
    r"|according to (?:the|this) (?:author|information|section|description|source)"
    r"|according to (?:the|this) (?:study|survey|report|paper|table|figure)(?! (?:of|by|from|on|published)\b)"
    r"|(?:in|of|by|from) (?:the|this|the present) (?:study|survey|report|paper|trial)"
    r"(?! (?:of|by|from|on|in|published|that|which|titled|entitled)\b)"
    r"|(?:table|figure|fig\.|equation) \d+(?! of\b)"
    r"|(?:code|example|program|script|table) (?:above|below)"
    r"|(?:the|this) (?:figure|diagram|image|photo|picture|chart|graph|table) (?:above|below|shown)"
    r"|(?:mentioned|described|shown|listed|given|discussed) (?:above|below|earlier|here)"
    r"|as (?:mentioned|stated|described|noted) in the)\b"
)
_VOICE = re.compile(
    r"^as an? [\w\s,'-]{2,60}, (?:i|we|my|what should i|how (?:do|can|should|would|could) (?:i|we))\b"
    r"|\b(?:i am|i'm) an? "
    r"|\b(?:do|can|could|should|would|may|must|shall|will) (?:i|we|my)\b|\bwhile i\b"
)


def gate(answer: GenerateAnswer, item: PlanItem, domain: Domain, document: str) -> Question | GateRejection:
    """Return the question if it passes every rule, else the first rule that it breaks. Never raises."""
    source = locator(document)
    spans = tuple(source.locate(quotation) for quotation in answer.evidence)
    draft = _Draft(answer, item.task_form, spans, document)
    for rule in (*RULES, *FORM_RULES[item.task_form]):
        if broken := rule(draft):
            return broken
    options = shuffled(answer.question, answer.options) if item.task_form is TaskForm.CHOICE else ()
    return Question(
        item=item,
        domain=domain,
        evidence=tuple(span for span in spans if span),
        derivation=answer.derivation,
        expression=answer.expression.strip(),
        text=with_options(answer.question.strip(), options),
        spec=_spec(answer, options),
        claim_scope=answer.claim_scope,
        scope_anchor=answer.scope_anchor.strip(),
    )


def _reject(reason: GateReason, detail: str) -> GateRejection:
    return GateRejection(reason, detail[:300])


def _clean(draft: _Draft) -> Finding:
    answer = draft.answer
    for name in ("question", "answer", "unit", "precision", "scope_anchor"):
        text = getattr(answer, name)
        if found := re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text):
            return _reject(GateReason.CONTROL_CHARACTERS, f"{name} holds {found.group()!r}")
    return None


def _length(draft: _Draft) -> Finding:
    shortest, longest = QUESTION_CHARACTERS
    if draft.form is TaskForm.EXECUTE:
        longest = CODE_QUESTION_CHARACTERS
    length = len(draft.answer.question.strip())
    if not shortest <= length <= longest:
        return _reject(GateReason.QUESTION_LENGTH, f"{length} characters, not {shortest} to {longest}")
    words = len(draft.answer.answer.split())
    if not words:
        return _reject(GateReason.ANSWER_MISSING, "the answer is empty")
    if words > ANSWER_WORDS and draft.answer.answer_type not in LONG_ANSWERS:
        return _reject(GateReason.ANSWER_LENGTH, f"{words} words, more than {ANSWER_WORDS}")
    return None


def _specified(draft: _Draft) -> Finding:
    try:
        _spec(draft.answer, tuple(draft.answer.options))
    except ValueError as error:
        return _reject(GateReason.SPEC_INVALID, str(error))
    answer = draft.answer
    if answer.answer_type == "choice" and draft.form is not TaskForm.CHOICE:
        return _reject(GateReason.SPEC_INVALID, f"the type choice for the task form {draft.form.value}")
    if answer.answer_type not in NUMERIC_TYPES:
        return None
    held = [figure.written for figure in figures(answer.answer)]
    if not held:
        return _reject(GateReason.SPEC_INVALID, f"{answer.answer_type} without a number: {answer.answer!r}")
    allowed = max(max(held) * TOLERANCE_SHARE, rounding(answer.answer))
    if Fraction(str(answer.tolerance)) > allowed:
        return _reject(
            GateReason.SPEC_INVALID, f"a tolerance of {answer.tolerance:g} lets wrong answers pass"
        )
    return None


def _quoted(draft: _Draft) -> Finding:
    if not draft.spans:
        return _reject(GateReason.EVIDENCE_MISSING, "no quotation")
    for quotation, span in zip(draft.answer.evidence, draft.spans, strict=True):
        if span is None:
            return _reject(GateReason.EVIDENCE_NOT_IN_DOCUMENT, repr(quotation[:200]))
    return None


def _standalone(draft: _Draft) -> Finding:
    asked = normalised(without_passage(draft.answer.question))
    if found := _SOURCE.search(asked):
        return _reject(GateReason.REFERS_TO_SOURCE, repr(found.group()))
    if found := _VOICE.search(asked):
        return _reject(GateReason.PERSONA_VOICE, repr(found.group()))
    return None


def _anchored(draft: _Draft) -> Finding:
    answer = draft.answer
    if answer.claim_scope is ClaimScope.WORLD:
        return None
    if not contains_words(answer.scope_anchor, answer.question):
        return _reject(
            GateReason.SCOPE_ANCHOR_MISSING,
            f"{answer.claim_scope.value}: {answer.scope_anchor!r} is not in the question",
        )
    return None


def _hidden(draft: _Draft) -> Finding:
    answer = draft.answer
    if answer.answer_type == "boolean":
        return None
    premises = numbers(answer.expression)  # stated in the question; one may happen to equal the result
    for wording in (answer.answer, *answer.aliases):
        told = contains_words(wording, answer.question)
        if told and not (answer.answer_type in NUMERIC_TYPES and set(numbers(wording)) & set(premises)):
            return _reject(GateReason.ANSWER_IN_QUESTION, repr(wording))
    return None


def _stated(draft: _Draft) -> Finding:
    """The answer, or one of its aliases, stands in the evidence; numbers by value."""
    answer = draft.answer
    if normalised(draft.evidence) == normalised(answer.answer):
        return _reject(GateReason.EVIDENCE_MISSING, f"{answer.answer!r} alone proves nothing")
    if answer.answer_type == "boolean":
        return None
    if _spelled(answer, draft.evidence) or _parts_spelled(answer, draft.evidence):
        return None
    return _reject(GateReason.ANSWER_NOT_IN_EVIDENCE, repr(answer.answer))


def _no_guess(draft: _Draft) -> Finding:
    """A stated fact is asked for by its name or value; yes or no would be guessed half of the time."""
    yes_or_no = normalised(draft.answer.answer) in ("yes", "no", "true", "false")
    if (yes_or_no and draft.answer.answer_type != "string") or draft.answer.answer_type == "boolean":
        return _reject(GateReason.SPEC_INVALID, "yes or no where a name or value can be asked for")
    return None


def _spelled(answer: GenerateAnswer, evidence: str) -> bool:
    """An alias may stand for the answer where no number differs and, of a name, where it is that name reworded."""
    if contains_words(answer.answer, evidence):
        return True
    if not numbers_told(answer, evidence):
        return False
    if answer.answer_type in NUMERIC_TYPES:
        return True
    aliases = [alias for alias in answer.aliases if contains_words(alias, evidence)]
    if answer.answer_type == "entity":
        return any(is_another_wording(alias, answer.answer) for alias in aliases)
    return bool(aliases)


def _parts_spelled(answer: GenerateAnswer, evidence: str) -> bool:
    """Of a list every element must stand in the evidence, of a date or range every number and word."""
    if answer.answer_type in ("list", "set", "tuple"):
        parts = [part for part in re.split(r"[,;]|\band\b", answer.answer) if part.strip()]
    elif answer.answer_type in ("date", "range"):
        parts = re.findall(r"\w+", answer.answer)
    else:
        return False
    return bool(parts) and all(contains_words(part, evidence) for part in parts)


def _computed(draft: _Draft) -> Finding:
    answer = draft.answer
    if not answer.expression.strip():
        return _reject(GateReason.EXPRESSION_MISSING, "a computed answer needs its arithmetic")
    return _evaluates(draft, draft.evidence)


def _derived(draft: _Draft) -> Finding:
    """Arithmetic of a derivation may also use the premises that the question states."""
    if draft.answer.expression.strip():
        return _evaluates(draft, f"{draft.evidence}\n{draft.answer.question}")
    return None


def _evaluates(draft: _Draft, stated: str) -> Finding:
    answer = draft.answer
    try:
        values = [evaluate(answer.expression)]
        # "(4.1% + 4.6%) / 2" is 4.35 %; hundredths, of which people say percent, are multiplied by 100 first.
        if "%" in answer.expression and (
            answer.answer_type != "percent" or 100 in numbers(answer.expression)
        ):
            values.append(evaluate(answer.expression, hundredths=True))
    except ExpressionError as error:
        return _reject(GateReason.EXPRESSION_INVALID, f"{answer.expression!r}: {error}")
    known = _known(stated)
    for operand in numbers(answer.expression):
        if operand not in known:
            return _reject(GateReason.OPERAND_NOT_IN_EVIDENCE, f"{float(operand):g} in {answer.expression!r}")
    if not any(is_written_for(value, answer, stated, draft.document) for value in values):
        return _reject(
            GateReason.EXPRESSION_NOT_THE_ANSWER,
            f"{answer.expression!r} is {float(values[0]):g}, the answer {answer.answer!r}",
        )
    return None


def _known(stated: str) -> set[Fraction]:
    """Return the numbers that arithmetic may use: those of a text, and those that it brings along."""
    found = figures(stated)
    nought = {Fraction(0)} if _EMPTY_CELL.search(stated) else set()
    return {figure.written for figure in found} | {figure.value for figure in found} | CONSTANTS | nought


def _compared(draft: _Draft) -> Finding:
    if len(draft.spans) < 2 and len(numbers(draft.evidence)) < 2 and len(draft.evidence.split()) < 12:
        return _reject(GateReason.TOO_FEW_FACTS, "a comparison needs two facts")
    if draft.answer.expression.strip():  # a difference, which the question need not name
        return _hidden(draft) or _evaluates(draft, draft.evidence)
    return _stated(draft)


def _options(draft: _Draft) -> Finding:
    options = [normalised(option) for option in draft.answer.options]
    if not 3 <= len(options) <= 6 or len(set(options)) != len(options) or not all(options):
        return _reject(
            GateReason.OPTIONS_INVALID, f"not three to six different options: {draft.answer.options!r}"
        )
    if options.count(normalised(draft.answer.answer)) != 1:
        return _reject(GateReason.OPTIONS_INVALID, f"{draft.answer.answer!r} is not one of the options")
    told = [option for option in draft.answer.options if contains_words(option, draft.answer.question)]
    if len(told) == len(options):
        return _reject(GateReason.OPTIONS_INVALID, "the question repeats the options, which are put below it")
    if [normalised(option) for option in told] == [normalised(draft.answer.answer)]:
        return _reject(GateReason.ANSWER_IN_QUESTION, repr(told[0]))
    if fault := mask_fault(draft.answer.question, draft.answer.answer, draft.answer.options, draft.document):
        return _reject(GateReason.MASK_NOT_IN_DOCUMENT, fault)
    return None


def _code(draft: _Draft) -> Finding:
    """The question carries the code: a line of the evidence, or a code block out of the document."""
    asked, document = normalised(draft.answer.question), locator(draft.document).normalised
    lines = [line for span in draft.spans if span for line in span.text.splitlines() if len(line.strip()) > 3]
    blocks = re.findall(r"```\w*\n(.*?)```", draft.answer.question, re.DOTALL)
    in_question = any(normalised(line) in asked for line in lines)
    from_document = any(
        normalised(line) in document
        for block in blocks
        for line in block.splitlines()
        if len(line.strip()) > 3
    )
    if in_question or from_document:
        return None
    return _reject(GateReason.CODE_MISSING, "the question does not hold the code of the evidence")


RULES: tuple[Rule, ...] = (_clean, _length, _specified, _quoted, _standalone, _anchored)
FORM_RULES: dict[TaskForm, tuple[Rule, ...]] = {
    TaskForm.RECALL: (_no_guess, _hidden, _stated),
    TaskForm.DERIVE: (_hidden, _derived),
    TaskForm.COMPUTE: (_hidden, _computed),
    TaskForm.COMPARE: (_no_guess, _compared),
    TaskForm.EXECUTE: (_code,),
    TaskForm.CHOICE: (_options,),
}


def _spec(answer: GenerateAnswer, options: tuple[str, ...]) -> AnswerSpec:
    text = answer.answer.strip()
    return AnswerSpec(
        type="choice" if options else answer.answer_type,
        answer=text,
        unit=answer.unit.strip(),
        precision=answer.precision.strip(),
        tolerance=answer.tolerance if answer.answer_type in NUMERIC_TYPES else 0.0,
        aliases=tuple(alias.strip() for alias in answer.aliases if alias.strip())
        + letters_of(text, options),  # a choice may also be answered by its letter
        options=options,
        order=answer.answer_type != "set",
    )
