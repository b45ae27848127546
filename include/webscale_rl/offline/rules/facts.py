"""All facts of a document, and the choice among them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from webscale_rl.llm.fence import ZERO_WIDTH_SPACE
from webscale_rl.offline.rules.arguments import argument_facts
from webscale_rl.offline.rules.fact import DANGLING, POINTING, Fact, anchor, is_sound
from webscale_rl.offline.rules.gaps import gaps, word_gap
from webscale_rl.offline.rules.quantities import quantity_facts
from webscale_rl.offline.rules.statements import statements
from webscale_rl.offline.rules.tables import table_facts
from webscale_rl.offline.rules.text import Page, Sentence, count_other, normal, read_page

MAX_ITEMS = 3
ENOUGH = 16  # facts to recall; the rules look no further

# Sentences that only send the reader elsewhere.
_POINTS_AWAY = re.compile(
    r"^(?:See|Refer|Click|Jump|Find|Assume|Suppose|Let|Consider|Watch|Read|Write|Solve|Recall|Note that)\b|"
    r"^For (?:more|further|details|information)\b|\b(?:following|above|below) (?:table|figure|chart|summary|section)|"
    r"\b(?:table|figure|chart|section)s? (?:above|below|presents|shows|sets)\b|"
    r"\bin (?:Note|Figure|Table|Item|Section) \d|\b(?:refer to|sets forth|see also|passage|described below)\b|"
    r"\bthis (?:article|document|paper|pep|post|text)\b",
    re.IGNORECASE,
)
_CODE = frozenset("{}<>|\\^$=;[]@#~/")


@lru_cache(maxsize=64)  # the calls of one document come close in time
def facts(document: str) -> tuple[Fact, ...]:
    """Return the facts of a document, each with its own target and question, the best of a form first."""
    page = read_page(document)
    found: dict[str, Fact] = {}
    asked: set[str] = set()
    recalls = 0
    for fact in _all(page):
        question = normal(fact.question)
        if is_sound(fact) and fact.target not in found and question not in asked:
            asked.add(question)
            found[fact.target] = fact
            recalls += fact.form == "recall"
        if recalls >= ENOUGH:
            break
    return tuple(sorted(found.values(), key=lambda fact: -fact.rank))


def choose(document: str) -> list[Fact]:
    """Return up to three facts for a plan: the best one of each form, then others that are nearly as good."""
    ordered = facts(document)
    chosen: dict[str, Fact] = {}
    for fact in ordered:
        chosen.setdefault(fact.form, fact)
    picked = list(chosen.values())[:MAX_ITEMS]
    used = {fact.evidence for fact in picked}
    for fact in ordered:
        if len(picked) < MAX_ITEMS and fact.form == "recall" and fact.evidence not in used and fact.rank > 20:
            used.add(fact.evidence)
            picked.append(fact)
    return picked


def _all(page: Page) -> Iterator[Fact]:
    yield from table_facts(page)
    yield from quantity_facts(page)
    yield from argument_facts(page)
    clear: list[Sentence] = []
    pointing: list[Sentence] = []
    for sentence in page.sentences:
        if _is_prose(sentence.text):
            (clear if _stands_alone(sentence.text) else pointing).append(sentence)
    for read in (statements, gaps):
        for sentence in clear:
            for fact in read(sentence):
                yield _anchored(fact, page.title)
    for read in (gaps, word_gap) if page.title else ():
        for sentence in pointing:
            for fact in read(sentence):
                yield _quoted(fact, page.title)


def _stands_alone(text: str) -> bool:
    """Return whether a sentence can be understood without those around it."""
    return text[0].isupper() and not POINTING.search(text) and not DANGLING.match(text)


def _is_prose(text: str) -> bool:
    if ZERO_WIDTH_SPACE in text or not _CODE.isdisjoint(text) or "http" in text:
        return False
    if _POINTS_AWAY.search(text):
        return False
    return count_other(text) < 0.15 * len(text) and text.count("(") == text.count(")")


def _anchored(fact: Fact, title: str) -> Fact:
    """Name the subject of a question that does not name it: `the company` is nobody in particular."""
    if not title or any(word in normal(fact.question) for word in normal(title).split() if len(word) > 3):
        return fact
    return _on(fact, f'On the subject of "{title}"', fact.rank - 5)


def _quoted(fact: Fact, title: str) -> Fact:
    """Ask for a word of a named source, where a sentence points at others around it."""
    return _on(fact, f'In "{title}"', fact.rank - 30)


def _on(fact: Fact, source: str, rank: int) -> Fact:
    question = f"{source}, {fact.question[0].lower()}{fact.question[1:]}"
    return replace(fact, question=question, rank=rank, scope_anchor=anchor(source))
