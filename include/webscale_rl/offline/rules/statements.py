"""Facts in single sentences: frequent patterns that a real wh-question can be made of."""

import re
from collections.abc import Callable, Iterator

from webscale_rl.offline.rules.fact import Fact
from webscale_rl.offline.rules.numbers import NUMBER_WORDS, YEAR
from webscale_rl.offline.rules.text import Sentence, normal, word_set

_SUBJECT = r"(?P<subject>[A-Z][^,;:()\"“”]{1,70}?)"
_PARTICIPLE = r"(?P<verb>\w{2,14}(?:ed|en|wn|lt|rn|ught|nown|ade|ut|old|eld|ound))"
_NAME = r"(?P<name>[A-Z][\w.'’-]+(?: (?:of |the |de |van |von )?[A-Z][\w.'’-]+){0,4})"
_END = r"(?=[.,;]|$)"

_ABBREVIATED = re.compile(
    r"\b(?P<full>[A-Z][\w’'-]+(?: (?:of|and|the|for|in|to|on|&|[A-Za-z][\w’'-]+)){1,7})"
    r" \((?P<short>[A-Z][A-Za-z]{0,1}[A-Z]{1,5})s?\)"
)
_IN_YEAR = re.compile(
    rf"{_SUBJECT} (?P<aux>was|were) {_PARTICIPLE}(?P<rest> [^.;]{{0,70}}?)? in (?P<year>{YEAR}){_END}"
)
_COUNT = re.compile(
    rf"{_SUBJECT} (?P<verb>has|have|had|contains?|contained|includes?|included|consists? of|comprises?)"
    rf" (?:about |over |more than |approximately )?(?P<number>{NUMBER_WORDS}|\d[\d,]*)"
    r" (?P<noun>(?:[a-z-]{2,20} ){0,2}[a-z]{2,20}s)(?=[.,;]| (?:that|which|in|of|on|and|with|to|for)\b)"
)
_BY = re.compile(
    rf"{_SUBJECT} (?P<aux>was|were|is|are) {_PARTICIPLE}(?P<rest> [^.,;]{{0,50}}?)? by (?:the )?{_NAME}{_END}"
)
_CALLED = re.compile(
    r"(?P<subject>[A-Z][^.;:()\"“”]{8,140}?) (?P<aux>is|are) (?:also |often |sometimes |commonly |usually )?"
    r"(?:called|known as|termed|referred to as) (?:an? |the )?(?P<term>[\w’'-]+(?: [\w’'-]+){0,3}?)"
    r"(?=[.,;]| (?:because|and|or|in|of|by|when|if|since)\b)"
)
_DEFINED = re.compile(
    r"(?:(?P<article>The|An?) )?(?P<term>[A-Z]?[\w’'-]+(?: [\w’'-]+){0,3}) (?:is|are|refers to|means)"
    r" (?P<definition>(?:an?|the) [^;:]{25,200})\.$"
)

_BASE = {
    "has": ("does", "have"),
    "have": ("do", "have"),
    "had": ("did", "have"),
    "contain": ("do", "contain"),
    "contains": ("does", "contain"),
    "contained": ("did", "contain"),
    "include": ("do", "include"),
    "includes": ("does", "include"),
    "included": ("did", "include"),
    "consist of": ("do", "consist of"),
    "consists of": ("does", "consist of"),
    "comprise": ("do", "comprise"),
    "comprises": ("does", "comprise"),
}
# First words of what only looks like a term that a definition explains.
_NO_TERM = word_set(
    "one there what which who it this that these those they he she we you i here such another each all "
    "some many most both part other in on at for from with by as if when while after before because "
    "although however its their his her our my your not also first second third result reason goal "
    "purpose point idea way example problem during under despite unlike within since according among "
    "like until answer only number same next last key main use question difference rest everything "
    "nothing someone people"
)


def statements(sentence: Sentence) -> Iterator[Fact]:
    """Yield the facts of one sentence, the surest first."""
    head = sentence.text.split(" ", 1)[0]
    if head.lower() in _NO_TERM or head.endswith(("ing", "ly", "ed")):
        return
    for read in _READERS:
        if (fact := read(sentence)) is not None:
            yield fact


def lower_first(text: str) -> str:
    """Return ``text`` as it stands inside a sentence: an article loses its capital, a name keeps it."""
    head, _, rest = text.partition(" ")
    return f"{head.lower()} {rest}" if head in _ARTICLES else text


_ARTICLES = word_set("The A An Some Most Many All Each Every In Any Several")


def _recall(
    sentence: Sentence, question: str, answer: str, kind: str, asked: str, rank: int, **more: str
) -> Fact:
    return Fact(
        form="recall",
        target=asked,
        question=question,
        answer=answer,
        answer_type=kind,
        evidence=(sentence.raw,),
        derivation=f"The statement gives {asked}: {answer}.",
        rank=rank,
        **more,  # type: ignore[arg-type]
    )


def _abbreviated(sentence: Sentence) -> Fact | None:
    found = _ABBREVIATED.search(sentence.text)
    if found is None:
        return None
    full = _spelled_out(found["full"].split(), found["short"].upper())
    if not full:
        return None
    question = f"What does the abbreviation {found['short']} stand for?"
    return _recall(sentence, question, full, "phrase", f"the full form of {found['short']}", 60)


def _spelled_out(words: list[str], letters: str) -> str:
    """Return the shortest tail of ``words`` whose initials are ``letters``, small words left out or not."""
    for start in range(len(words) - 1, -1, -1):
        tail = words[start:]
        initials = "".join(word[0].upper() for word in tail)
        main = "".join(word[0].upper() for word in tail if word[0].isupper() or len(word) > 3)
        if letters in (initials, main) and tail[0][0].upper() == letters[0]:
            return " ".join(tail)
    return ""


def _in_year(sentence: Sentence) -> Fact | None:
    found = _IN_YEAR.match(sentence.text)
    if found is None:
        return None
    event = f"{lower_first(found['subject'])} {found['verb']}{found['rest'] or ''}"
    question = f"In what year {found['aux']} {event}?"
    asked = f"the year in which {lower_first(found['subject'])} {found['aux']} {found['verb']}"
    return _recall(sentence, question, found["year"], "date", asked, 100, precision="year")


def _count(sentence: Sentence) -> Fact | None:
    found = _COUNT.match(sentence.text)
    if found is None:
        return None
    auxiliary, verb = _BASE[found["verb"]]
    subject = lower_first(found["subject"])
    question = f"How many {found['noun']} {auxiliary} {subject} {verb}?"
    asked = f"the number of {found['noun']} of {subject}"
    digits = found["number"].replace(",", "").isdigit()
    kind = "integer" if digits else "phrase"
    return _recall(sentence, question, found["number"].rstrip(","), kind, asked, 90)


def _by(sentence: Sentence) -> Fact | None:
    found = _BY.match(sentence.text)
    if found is None:
        return None
    event = f"{lower_first(found['subject'])} {found['verb']}{found['rest'] or ''}"
    question = f"By whom or by what {found['aux']} {event}?"
    asked = f"by whom {lower_first(found['subject'])} {found['aux']} {found['verb']}"
    return _recall(sentence, question, found["name"].rstrip("."), "entity", asked, 85)


def _called(sentence: Sentence) -> Fact | None:
    found = _CALLED.match(sentence.text)
    if found is None:
        return None
    subject = lower_first(found["subject"])
    question = f"What {found['aux']} {subject} called?"
    asked = f"the term for {' '.join(subject.split()[:8])}"
    return _recall(sentence, question, found["term"], "phrase", asked, 80)


def _defined(sentence: Sentence) -> Fact | None:
    found = _DEFINED.match(sentence.text)
    if found is None:
        return None
    term, definition = found["term"], found["definition"]
    words = normal(term).split()
    is_name = all(word[0].isupper() or len(word) < 4 for word in term.split())
    if not words or any(word in _NO_TERM for word in words) or (found["article"] == "The" and not is_name):
        return None
    if any(word[:5] in normal(definition) for word in words if len(word) > 3):
        return None
    question = f'Which term or name is described as "{definition}"?'
    kind = "entity" if is_name and len(words) > 1 else "phrase"
    beginning = " ".join(definition.split()[:9])
    return _recall(sentence, question, term, kind, f'what is described as "{beginning} ..."', 70)


_READERS: tuple[Callable[[Sentence], Fact | None], ...] = (
    _in_year,
    _count,
    _by,
    _called,
    _defined,
    _abbreviated,
)
