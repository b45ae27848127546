"""Facts by leaving out: where no pattern makes a real question, a statement with a gap is asked to be completed."""

import re
from collections.abc import Iterator

from webscale_rl.offline.rules.fact import Fact, first_words
from webscale_rl.offline.rules.numbers import MONTH, NUMBER_WORDS, YEAR
from webscale_rl.offline.rules.text import Sentence, word_set

GAP = "____"
SHORTEST = 60  # characters: below that, a gap leaves nothing to go by

# What may be left out: words for it, answer type, how good a question it makes, pattern.
_KINDS: tuple[tuple[str, str, int, re.Pattern[str]], ...] = (
    ("date", "date", 46, re.compile(rf"\b(?:{MONTH}) \d{{1,2}}, {YEAR}\b|\b\d{{1,2}} (?:{MONTH}) {YEAR}\b")),
    ("percentage", "percent", 45, re.compile(r"\b\d{1,3}(?:\.\d+)?(?:%| percent\b| per cent\b)")),
    (
        "amount of money",
        "currency",
        44,
        re.compile(r"(?:US)?[$£€]\d[\d,]*(?:\.\d+)?(?: (?:thousand|million|billion|trillion)\b)?"),
    ),
    ("year", "date", 43, re.compile(rf"(?:(?<=[Ii]n )|(?<=[Oo]f )|(?<=[Ss]ince )){YEAR}\b(?![-–]\d)")),
    (
        "number",
        "integer",
        40,
        re.compile(
            rf"(?<![\w.,$£€§/–-])\d{{1,3}}(?:,\d{{3}})+(?![\w.,%/–-]?\d)"
            rf"|(?<![\w.,$£€§/–(-])(?!{YEAR}\b)\d{{2,6}}(?= [a-z]{{3,}})"
        ),
    ),
    ("number", "phrase", 22, re.compile(rf"\b(?:{NUMBER_WORDS})\b(?= [a-z]{{3,}})")),
    (
        "name",
        "entity",
        34,
        re.compile(r"(?<=[a-z,] )[A-Z][a-z][\w’'-]+(?: (?:of )?[A-Z][\w’'-]+){1,4}(?=[ ,.;])(?!’s|'s)"),
    ),
    ("name", "entity", 26, re.compile(r"(?<=[a-z] )[A-Z][a-z][\w-]{2,20}(?=[ ,.;])")),
    ("abbreviation", "string", 24, re.compile(r"(?<=[a-z] )[A-Z]{2,7}(?=[ ,.;])")),
)
# Words with a capital that begin a sentence and are no part of a name.
_OPENERS = word_set(
    "The A An In At On For By From With As To Of And After Before During Under When While Since Unlike "
    "Although"
)
# What is numbered: `article 294` is no quantity.
_NUMBERED = word_set(
    "article section page pages version chapter title part paragraph form pep rule no. number"
)
_NO_NAMES = word_set(
    "Note Notes Figure Table Section Chapter Item Part Appendix Step Problem Solution Example"
)
# Where a document has no such thing, a long word in the second half of a sentence has to do.
_WORD = re.compile(r"(?<=[a-z] )[a-z]{5,16}(?=[,.])")


def gaps(sentence: Sentence) -> Iterator[Fact]:
    """Yield a fact for the best thing that can be left out of a sentence."""
    if len(sentence.text) < SHORTEST:
        return
    for words, kind, rank, pattern in _KINDS:
        found = next((hit for hit in pattern.finditer(sentence.text) if _is_whole(sentence.text, hit)), None)
        if found is not None:
            yield _gap(sentence, found, words, kind, rank)
            return


def word_gap(sentence: Sentence) -> Iterator[Fact]:
    """Yield a fact that leaves out a plain word: the last resort."""
    found = _WORD.search(sentence.text, len(sentence.text) // 2)
    if found is not None and _is_whole(sentence.text, found):
        yield _gap(sentence, found, "word", "phrase", 10)


def _is_whole(text: str, found: re.Match[str]) -> bool:
    """Return whether the match occurs once and is no part of a longer name, such as `First` in `Depth First`."""
    if text.count(found.group()) > 1:
        return False
    before = text[: found.start()].split()
    if found.group()[0].isdigit():
        return not before or before[-1].lower() not in _NUMBERED
    if not found.group()[0].isupper():
        return True
    after = text[found.end() :].lstrip(" (")[:1]
    inside = bool(before) and before[-1][0].isupper() and before[-1] not in _OPENERS
    return not inside and not (after.isdigit() or after.isupper()) and found.group() not in _NO_NAMES


def _gap(sentence: Sentence, found: re.Match[str], words: str, kind: str, rank: int) -> Fact:
    answer = found.group()
    statement = f"{sentence.text[: found.start()]}{GAP}{sentence.text[found.end() :]}"
    quoted = statement.replace('"', "'")
    beginning = first_words(sentence.text, answer)
    after = "" if len(beginning.split()) > 2 else f' and goes on "{" ".join(_tail(sentence.text, found))}"'
    return Fact(
        form="recall",
        target=f'the {words} in the statement that begins "{beginning}"{after}',
        question=f'Which {words} completes this statement: "{quoted}"?',
        answer=answer,
        answer_type=kind,
        evidence=(sentence.raw,),
        derivation=f"The statement is complete with the {words} {answer}.",
        rank=rank,
        precision="year" if words == "year" else "",
    )


def _tail(text: str, found: re.Match[str]) -> list[str]:
    return text[found.end() :].strip(" ,.;").split()[:5]
