"""Names and phrases: what wording says of equality without a model.

Decided where wording is sure: the same words, a sentence that adds nothing to them but what the question says, names
without a word in common. Synonyms and other wordings of common words stay open.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from webscale_rl.rewards.dates import read_date
from webscale_rl.rewards.guards import OTHER_PERSONS, STOP, TITLES, guarded
from webscale_rl.rewards.names import NAME, VAGUE_TIME, is_pinned, measured, related, same_name
from webscale_rl.rewards.normalise import folded
from webscale_rl.rewards.numbers import NUMBER_WORDS
from webscale_rl.rewards.signs import foreign_signs, signs
from webscale_rl.rewards.verdict import Match

SHORT = 8  # words: a longer candidate is a sentence
SENTENCE = 20  # words: what a longer text means is not for rules to reject
_WORD = re.compile(r"[^\W_]+[#+]*")  # C# is not C
_COUNTS = {**NUMBER_WORDS, "once": 1, "twice": 2}
# Letters with a stroke and ligatures, which have no decomposition.
_STROKES = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "ı": "i"})
_IN_BRACKETS = re.compile(r"([^()]+)\(([^()]+)\)")
_REASON = re.compile(r"^\s*(?:because of|due to|owing to|in order to)\s+(?=\w)", re.IGNORECASE)
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ø": "oe", "å": "aa"}
)
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}")
_MARKS = re.compile(
    r"(?<!^)\bA\b(?!\.)|(?:^|\s)[-+~<>=≈≠±¬√!]\w"
)  # vitamin A; an option of a command; a bound
_SENTENCE_END = re.compile(r"(?<=[a-z\d\"”)]{2}[.!])\s+(?=[A-Z\"“])")
_LISTED = re.compile(r"[,;/|\n•]|\band\b")


def compare_words(
    wordings: Sequence[str], candidate: str, question: str | None = None, *, strict: bool = False
) -> Match:
    """Compare a name or a phrase with all wordings that are right.

    Args:
        wordings: at least one; hostile lengths were refused before.
        candidate: a few words or a sentence.
        question: lets a sentence repeat the question's words.
        strict: for rewards: the candidate may add nothing but titles and what the question says.
    """
    twice = _IN_BRACKETS.fullmatch(
        candidate.strip()
    )  # "World Health Organization (WHO)", where both are right
    if twice and all(compare_words(wordings, each) is Match.SAME for each in twice.groups()):
        return Match.SAME
    given = tokens(candidate)
    wordings = [wording for written in wordings for wording in _spellings(written) if tokens(wording)]
    wanted = [tokens(wording) for wording in wordings]
    if not wanted or not given:
        return Match.UNSURE
    candidate = _behind_colon(candidate, question or "")
    given = tokens(candidate)
    spelled = {(_bare(spelling), signs(spelling)) for spelling in _spellings(candidate)}
    alike = [
        (_bare(wording), signs(wording)) in spelled or _same_date(wording, candidate) for wording in wordings
    ]
    if any(alike) and not guarded(candidate, wordings):
        return Match.SAME
    foreign = foreign_signs(candidate, *(f"{wording} {question or ''}" for wording in wordings))
    foreign = foreign and (strict or len(given) <= SHORT)
    both = zip(wordings, wanted, strict=True)
    kept = [words for wording, words in both if _keeps_signs(wording, candidate, len(words) == len(given))]
    if found := [place for words in wanted if (place := _place(words, given)) is not None]:
        found = [place for words in kept if (place := _place(words, given)) is not None]
        clean = not (foreign or guarded(candidate, wordings, question or ""))
        said = _Said(candidate, given, frozenset(tokens(question or "")), strict)
        return Match.SAME if clean and any(said.nothing_but(*place) for place in found) else Match.UNSURE
    named = (
        not foreign
        and NAME.search(candidate)
        and not re.search(r"\s[a-z]\s", candidate)
        and any(map(NAME.search, wordings))
    )
    if named and any(same_name(words, given) for words in wanted) and not guarded(candidate, wordings):
        return Match.SAME
    if len(given) <= SENTENCE and all(map(is_pinned, wordings)) and not VAGUE_TIME.search(candidate):
        pairs = zip(wanted, wordings, strict=True)
        if not any(related(words, given) or measured(wording, candidate) for words, wording in pairs):
            return Match.DIFFERENT
    return Match.UNSURE


def _keeps_signs(wording: str, candidate: str, whole: bool) -> bool:
    """Say whether a text that holds the words of a wording holds its signs: x > 5 is not x 5."""
    wanted, given = signs(wording), signs(candidate)
    return wanted == given if whole else Counter(s for _, s in wanted) <= Counter(s for _, s in given)


def echoes(wordings: Sequence[str], candidate: str, question: str | None) -> bool:
    """Say whether a candidate is a right wording, sign by sign, within words of the question and nothing else."""
    if guarded(candidate, wordings, question or "") or foreign_signs(candidate, *wordings, question or ""):
        return False
    said, known = f" {folded(candidate)} ", STOP | frozenset(tokens(question or ""))
    for wording in filter(None, map(folded, wordings)):
        before, found, after = said.partition(f" {wording} ")
        rest = f"{before} {after}"
        if (
            found
            and not foreign_signs(candidate, f"{wording} {question or ''}")
            and not re.search(r"[^\w\s.,:'\"-]|\s-\s", rest)
            and known.issuperset(tokens(rest))
        ):
            return True
    return False


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[str, ...]:
    """Return the words of a text without case, accents, articles and plural endings; number words as digits."""
    plain = unicodedata.normalize("NFKD", folded(text).replace("&", " and ").translate(_STROKES))
    words = _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)).replace(",", ""))
    return tuple(_stem(str(_COUNTS.get(word, word))) for word in words if word != "the")


def _bare(text: str) -> tuple[str, ...]:
    """Return the words of a text without title and preposition in front; of an enumeration, in one order."""
    text = _REASON.sub("", text)
    words = tokens(text)
    while len(words) > 1 and words[0] in STOP and text.lstrip()[0].isalnum():  # "-a" is an option
        words = words[1:]
    if len(words) > 2 and words[0] in TITLES:
        words = words[1:]
    parts = [part for part in map(tokens, _LISTED.split(text)) if part]
    if len(parts) > 1 and all(len(part) <= 4 for part in parts):
        return ("&", *(word for part in sorted(parts) for word in part))
    return words


def _behind_colon(candidate: str, question: str) -> str:
    """Return the answer of "ingredients of a Moscow mule: vodka", where the words before are the question's."""
    topic, found, rest = candidate.partition(": ")
    named = [word for word in tokens(topic) if word not in STOP]
    known = set(tokens(question)).intersection(named)
    return rest if found and rest.strip() and named and len(known) >= len(named) / 2 else candidate


def _same_date(wording: str, candidate: str) -> bool:
    """Say whether a candidate is the date of a wording or a finer one: November 1995 for 1995."""
    wanted, given = read_date(wording), read_date(candidate)
    if wanted is None or given is None or not re.search(r"\d{4}", wording):
        return False
    return wanted.agrees(given) and given.granularity >= wanted.granularity


def _stem(word: str) -> str:
    if (
        len(word) > 3
        and not word[0].isdigit()
        and word.endswith("s")
        and not word.endswith(("ss", "us", "is"))
    ):
        return word[:-1]
    return word


def _spellings(wording: str) -> set[str]:
    """Return a wording with and without its umlauts written out and its initials run on: Goedel, US."""
    written_out = unicodedata.normalize("NFC", wording).translate(_UMLAUTS)
    return {wording, written_out, _INITIALS.sub(lambda found: found[0].replace(".", ""), wording)}


def _place(words: tuple[str, ...], given: tuple[str, ...]) -> tuple[int, int] | None:
    """Return where a wording stands in a candidate, as a half-open range of words."""
    size = len(words)
    for start in range(len(given) - size + 1):
        if given[start : start + size] == words:
            return start, start + size
    return None


@dataclass(frozen=True)
class _Said:
    """A text that holds a right wording; does it offer anything else that could be meant?"""

    candidate: str
    given: tuple[str, ...]
    asked: frozenset[str]
    strict: bool

    def nothing_but(self, start: int, end: int) -> bool:
        """Say whether the words from ``start`` to ``end`` are all that the text offers as an answer."""
        given, answer = self.given, frozenset(self.given[start:end])
        if answer <= self.asked:  # it may stand there because the question names it
            return False
        if start and given[start - 1].isdigit() and given[start - 1] not in self.asked:
            return False  # "741 weeks" are not a week
        known = STOP | (TITLES if end - start > 1 else TITLES - OTHER_PERSONS) | self.asked
        rest = [word for word in (*given[:start], *given[end:]) if word not in known]
        if _MARKS.search(self.candidate):
            return False
        if not rest:
            return True
        if self.strict or len(given) <= SHORT:
            return False  # former, so-called, or C major
        if any(word.isdigit() for word in answer) and any(word.isdigit() for word in rest):
            return False
        return not _enumerates(self.candidate) and self._leads(end)

    def _leads(self, end: int) -> bool:
        """Say whether the answer of a longer text stands in its first sentence, which speaks of what is asked."""
        first = tokens(_SENTENCE_END.split(self.candidate, maxsplit=1)[0])
        said = self.asked - STOP
        return end <= len(first) and bool(said) and len(said & set(first)) / len(said) >= 1 / 3


def _enumerates(candidate: str) -> bool:
    """Say whether a text lists things: three or more short members between separators."""
    members = [part.split() for part in _LISTED.split(candidate)]
    return sum(1 <= len(words) <= 4 for words in members) >= 3
