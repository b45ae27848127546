"""Which documents are worth converting: the heuristics of the field, each with its reference and threshold.

Published thresholds were set on web pages. Where the documents of this project (textbooks with formulas, tables of
finance, law, code) need another one, the table says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from webscale_rl.corpus.language import language_of

GOPHER = "Gopher (Rae et al. 2021, table A1)"
C4 = "C4 (Raffel et al. 2020, section 2.2)"
FINEWEB = "FineWeb (Penedo et al. 2024, section 3.6)"
PAPER = "Webscale-RL (Cen et al. 2025)"
OURS = "this project"

STOP_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))
_SENTENCE_END = (".", "!", "?", ":", ";", "…", '"', "'", "”", "’", ")", "|", "。")
_BULLET = ("-", "*", "•", "‣", "●", "+ ")
# Phrases that only such pages use. One that prose uses too (a contribution to a pension, the redistribution of
# income, the holder of a copyright) would cost good documents, so that several different ones must come together.
_POLICY = (
    "cookie policy",
    "cookie settings",
    "accept cookies",
    "uses cookies",
    "use cookies",
    "use of cookies",
    "privacy policy",
    "privacy notice",
    "terms of use",
    "terms of service",
    "all rights reserved",
    "enable javascript",
    "javascript is disabled",
    "sign up for our",
    "subscribe to our",
)
_LICENCE = (
    "permission is hereby granted",
    "redistributions of source",
    "redistributions in binary",
    "without warrant",
    "software is provided",
    "licensed under the",
    "licensed material",
    "public license",
    "this license",
    "this licence",
    "licensor",
    "above copyright notice",
    "liable for any",
    "unencumbered software",
)
_COMMUNITY = (
    "code of conduct",
    "pull request",
    "our pledge",
    "contributor",
    "contributing",
    "maintainer",
    "bug report",
    "fork the",
    "signed-off",
    "open an issue",
    "commit message",
)
_PLACEHOLDER = re.compile(
    r"\b(?:page|site|website|content)\b.{0,40}\b(?:under (?:construction|maintenance)|has (?:been )?moved"
    r"|not found|unavailable|does not exist|coming soon)\b"
    r"|\b(?:404 not found|error 404|404 error|session (?:has )?expired|(?:will be|being) redirected)\b"
    r"|\bsite maintenance\b"
    r"|^coming soon\b",
    re.MULTILINE,
)
_FRONT_MATTER = re.compile(r"---\n(?:(?!---$).*+\n)*+---$", re.MULTILINE)
_CHANGE = re.compile(  # a line of a list of changes: a version as heading, an entry with an issue or a commit
    r"(?:[#=*\s]{0,6}\[?v?\d{1,4}\.\d{1,3}\.\d{1,5}\b|[-*+] .{0,300}(?:\(?\[?#\d{1,6}\b|\b[0-9a-f]{7,40}\]?\)?$))"
)
_MACHINE = re.compile(
    r"sha\d{1,3}[-:=]|integrity|(?<![0-9a-f])[0-9a-f]{32,}|(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{60,}"
)
_SENTENCE = re.compile(r"[^\W_)\]\"'”’][)\]\"'”’]{0,2}[.!?…](?=[)\]\"'”’*_]{0,3}(?:\s|$))")
_LETTER = re.compile(r"[^\W\d_]")
_ADDRESS = re.compile(r"https?://\S+|\]\([^)\s]{1,300}\)")
_HASH = re.compile(r"#++(\S?)")  # followed by a space it is a heading
_BRACKETS = "[]{}(),;\"' "


@dataclass(frozen=True, slots=True)
class Rejection:
    """The rule that rejects a document, and what it measured."""

    rule: str
    detail: str


@dataclass(frozen=True)
class QualityRules:
    """What a user sets. No languages keeps all."""

    languages: tuple[str, ...] = ("en",)
    min_language_confidence: float = 0.5
    min_tokens: int = 50
    max_tokens: int = 500_000


class _Text:
    """A document with what the rules share, each measured once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.low = text.lower()
        words = text.split()
        self.words = [word for word in words if word != "|"] if "|" in text else words  # columns of a table
        self.lines = [line for line in map(str.strip, text.split("\n")) if line]

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """The different words, numbered from 0."""
        return {word: number for number, word in enumerate(dict.fromkeys(self.words))}

    @cached_property
    def numbered(self) -> NDArray[np.uint64]:
        """The number of each word, from 1."""
        numbers = self.vocabulary
        count = len(self.words)
        return np.fromiter(map(numbers.__getitem__, self.words), dtype=np.int64, count=count).astype(
            np.uint64
        ) + np.uint64(1)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each word."""
        return np.fromiter(map(len, self.words), dtype=np.int64, count=len(self.words))

    @cached_property
    def repeated_fives(self) -> float:
        """The share of characters in repeated five words; in more words in a row it cannot be larger."""
        return self.repeated(5)

    def repeated(self, n: int) -> float:
        """The share of characters in n words in a row that stood in the text before."""
        grams = self.grams(n)
        in_order = np.sort(
            grams
        )  # several times faster than to ask for places as well, which most texts spare
        if not (in_order[1:] == in_order[:-1]).any():
            return 0.0
        _, first = np.unique(grams, return_index=True)
        again = np.ones(grams.size, dtype=np.int64)
        again[first] = 0
        covered = np.convolve(again, np.ones(n, dtype=np.int64)) > 0
        return float(self.lengths[covered].sum() / max(1, int(self.lengths.sum())))

    def grams(self, n: int) -> NDArray[np.uint64]:
        """A hash for every n words in a row."""
        count = len(self.words) - n + 1
        found = np.zeros(max(count, 0), dtype=np.uint64)
        for offset in range(n if count > 0 else 0):
            found = found * np.uint64(0x9E3779B97F4A7C15) + self.numbered[offset : offset + count]
        return found

    def phrases(self, phrases: tuple[str, ...]) -> int:
        """How often any of some phrases, in small letters, stands in the text; 0 for fewer than three of them."""
        found = [count for count in map(self.low.count, phrases) if count]
        return sum(found) if len(found) >= 3 else 0

    def share_of_lines(self, holds: Callable[[str], object]) -> float:
        """The share of lines for which something holds."""
        return sum(1 for line in self.lines if holds(line)) / max(1, len(self.lines))


@dataclass(frozen=True)
class Rule:
    """A measure of a text and the bound that it must keep."""

    name: str
    reference: str
    measure: Callable[[_Text], float]
    at_least: float | None
    at_most: float | None
    says: str
    published: str = ""  # where ours is another

    def broken_by(self, text: _Text) -> Rejection | None:
        """Return why the text is rejected, or None."""
        value = self.measure(text)
        if self.at_least is not None and value < self.at_least:
            return Rejection(self.name, f"{self.says}: {value:.3g}, at least {self.at_least:g}")
        if self.at_most is not None and value > self.at_most:
            return Rejection(self.name, f"{self.says}: {value:.3g}, at most {self.at_most:g}")
        return None


def judge(text: str, n_tokens: int, rules: QualityRules) -> Rejection | None:
    """Return the first rule that rejects a document, the cheap ones first; None keeps it.

    Args:
        text: cleaned.
        n_tokens: of the text.
        rules: what the user sets.
    """
    if n_tokens < rules.min_tokens:
        return Rejection("paper_min_tokens", f"{n_tokens} tokens, at least {rules.min_tokens}")
    if n_tokens > rules.max_tokens:
        return Rejection("max_tokens", f"{n_tokens} tokens, at most {rules.max_tokens}")
    measured = _Text(text)
    for rule in RULES:
        if found := rule.broken_by(measured):
            return found
    if rules.languages:
        code, confidence = language_of(text)
        if code not in rules.languages or confidence < rules.min_language_confidence:
            return Rejection("language", f"{code}, probability {confidence:.2f}")
    return None


def _mean_word_length(text: _Text) -> float:
    return float(text.lengths.mean()) if text.words else 0.0


def _symbols(text: _Text) -> float:
    hashes = sum(map(bool, _HASH.findall(text.text))) if "#" in text.text else 0
    return (text.text.count("...") + text.text.count("…") + hashes) / max(1, len(text.words))


def _bullets(text: _Text) -> float:
    return text.share_of_lines(lambda line: line.startswith(_BULLET))


def _ellipses(text: _Text) -> float:
    return text.share_of_lines(lambda line: line.endswith(("...", "…")))


def _alphabetic(text: _Text) -> float:
    if not text.words:
        return 0.0
    spelled = np.array([word.isalpha() or _LETTER.search(word) is not None for word in text.vocabulary])
    return float(spelled[text.numbered - np.uint64(1)].mean())


def _stop_words(text: _Text) -> float:
    return len(STOP_WORDS & text.vocabulary.keys())


def _duplicate_line_chars(text: _Text) -> float:
    return _repeated_chars(text.lines)


def _duplicate_paragraph_chars(text: _Text) -> float:
    return _repeated_chars([part.strip() for part in text.text.split("\n\n") if part.strip()])


def _repeated_chars(parts: list[str]) -> float:
    seen: set[str] = set()
    repeated = total = 0
    for part in parts:
        total += len(part)
        if part in seen:
            repeated += len(part)
        seen.add(part)
    return repeated / max(1, total)


def _top_gram(n: int) -> Callable[[_Text], float]:
    """Return the measure of the commonest n words in a row."""

    def measure(text: _Text) -> float:
        grams = text.grams(n)
        if not grams.size:
            return 0.0
        in_order = np.sort(grams)
        starts = np.flatnonzero(np.concatenate(([True], in_order[1:] != in_order[:-1])))
        counts = np.diff(starts, append=in_order.size)
        most = int(counts.argmax())
        if counts[most] < 2:
            return 0.0
        first = int((grams == in_order[starts[most]]).argmax())
        chars = int(text.lengths[first : first + n].sum())
        return float(chars * counts[most] / max(1, int(text.lengths.sum())))

    return measure


def _repeated_grams(n: int) -> Callable[[_Text], float]:
    """Return the measure of repeated n words; where repeated five words already keep its bound, theirs."""

    def measure(text: _Text) -> float:
        fives = text.repeated_fives
        return fives if n == 5 or fives <= _repeated_bound(n) else text.repeated(n)

    return measure


def _policy(text: _Text) -> float:
    """Return such phrases in a thousand words of a page; a long text on cookies or privacy is a document."""
    return _per_thousand(_POLICY)(text) if len(text.words) < 400 else 0.0


def _sentences(text: _Text) -> float:
    """Return how many sentences end, wherever the lines break; no more than five are counted."""
    return sum(1 for _ in islice(_SENTENCE.finditer(text.text), 5))


def _minified(text: _Text) -> float:
    dense = (line for line in text.lines if len(line) > 300 and line.count(" ") < 0.08 * len(line))
    return sum(map(len, dense)) / max(1, len(text.text))


def _line_ends(text: _Text) -> float:
    return text.share_of_lines(lambda line: line.endswith(_SENTENCE_END))


def _short_lines(text: _Text) -> float:
    return text.share_of_lines(lambda line: len(line) <= 30)


def _list_of_lines(text: _Text) -> float:
    return text.text.count("\n") / max(1, len(text.words))


def _links(text: _Text) -> float:
    if "http" not in text.low and "](" not in text.low:
        return 0.0
    return sum(map(len, _ADDRESS.findall(text.text))) / max(1, len(text.text))


def _machine_lines(text: _Text) -> float:
    if int(text.lengths.max(initial=0)) < 32 and not any(
        map(text.low.__contains__, ("sha1", "sha2", "sha5", "integrity"))
    ):
        return 0.0
    return text.share_of_lines(lambda line: not line.strip(_BRACKETS) or _MACHINE.search(line))


def _changes(text: _Text) -> float:
    return text.share_of_lines(lambda line: line[0] in "#=*-+[v0123456789" and _CHANGE.match(line))


def _per_thousand(phrases: tuple[str, ...]) -> Callable[[_Text], float]:
    return lambda text: 1_000 * text.phrases(phrases) / max(1, len(text.words))


def _placeholders(text: _Text) -> float:
    return len(_PLACEHOLDER.findall(text.low)) if len(text.words) < 150 else 0


def _words_of_body(text: _Text) -> float:
    """Return the words after the front matter (settings between two lines of dashes) of a page."""
    if not text.text.startswith("---\n"):
        return len(text.words)
    found = _FRONT_MATTER.match(text.text)
    return len(text.text[found.end() :].split()) if found else len(text.words)


def _comma_rows(text: _Text) -> float:
    """Return the share of lines like a row of values: five commas or more without a space, as in the line before."""
    commas = [line.count(",") - line.count(", ") for line in text.lines]
    return sum(1 for a, b in pairwise(commas) if a >= 5 and b >= 5) / max(1, len(commas))


def _questions(text: _Text) -> float:
    return text.share_of_lines(lambda line: line.endswith("?"))


_REPEATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}


def _repeated_bound(n: int) -> float:
    return _REPEATED[n] + 0.35


WEB = "web pages have longer lines than recipes, formulas and tables"
# name, reference, measure, at least, at most, what is measured, what was published where ours is another
_TABLE: tuple[tuple[str, str, Callable[[_Text], float], float | None, float | None, str, str], ...] = (
    (
        "gopher_word_count",
        GOPHER,
        lambda text: len(text.words),
        40,
        None,
        "words",
        "50 to 100,000; here the paper's floor and max_tokens bound the length",
    ),
    ("gopher_word_length", GOPHER, _mean_word_length, 3, 10, "mean length of a word", ""),
    (
        "gopher_symbols",
        GOPHER,
        _symbols,
        None,
        0.1,
        "hash signs and ellipses a word",
        "0.1, Markdown headings included",
    ),
    ("gopher_bullets", GOPHER, _bullets, None, 0.9, "share of lines that begin with a bullet", ""),
    ("gopher_ellipses", GOPHER, _ellipses, None, 0.3, "share of lines that end in an ellipsis", ""),
    (
        "gopher_letters",
        GOPHER,
        _alphabetic,
        0.35,
        None,
        "share of words with a letter",
        "0.8; tables and formulas have fewer",
    ),
    (
        "gopher_stop_words",
        GOPHER,
        _stop_words,
        2,
        None,
        "different words of the, be, to, of, and, that, have, with",
        "",
    ),
    (
        "gopher_duplicate_lines",
        GOPHER,
        _duplicate_line_chars,
        None,
        0.3,
        "share of characters in repeated lines",
        "0.2; rules of tables and code repeat",
    ),
    (
        "gopher_duplicate_paragraphs",
        GOPHER,
        _duplicate_paragraph_chars,
        None,
        0.2,
        "share of characters in repeated paragraphs",
        "",
    ),
    *(
        (
            f"gopher_top_{n}_words",
            GOPHER,
            _top_gram(n),
            None,
            most,
            f"share of characters in the commonest {n} words in a row",
            "",
        )
        for n, most in ((2, 0.20), (3, 0.18), (4, 0.16))
    ),
    *(
        (
            f"gopher_repeated_{n}_words",
            GOPHER,
            _repeated_grams(n),
            None,
            _repeated_bound(n),
            f"share of characters in repeated {n} words in a row",
            f"{most:g}; tables, law and formulas repeat",
        )
        for n, most in _REPEATED.items()
    ),
    ("c4_lorem_ipsum", C4, lambda text: text.low.count("lorem ipsum"), None, 0, "lorem ipsum", ""),
    (
        "c4_policy_lines",
        C4,
        _policy,
        None,
        10,
        "phrases on cookies, scripts, privacy, terms in a thousand words, three different ones, under 400 words",
        "such lines are removed; here a page of them is rejected",
    ),
    (
        "c4_minified_code",
        C4,
        _minified,
        None,
        0.3,
        "share of characters in long lines without spaces",
        "any curly bracket; here documents hold code and LaTeX",
    ),
    ("c4_sentences", C4, _sentences, 1, None, "sentences", "5; other lines are removed, here they stay"),
    (
        "fineweb_line_ends",
        FINEWEB,
        _line_ends,
        0.02,
        None,
        "share of lines that end in punctuation",
        f"0.12; {WEB}",
    ),
    (
        "fineweb_short_lines",
        FINEWEB,
        _short_lines,
        None,
        0.9,
        "share of lines of at most 30 characters",
        f"0.67; {WEB}",
    ),
    ("fineweb_list", FINEWEB, _list_of_lines, None, 0.45, "line breaks a word", f"0.3; {WEB}"),
    ("links", OURS, _links, None, 0.35, "share of characters in addresses", ""),
    (
        "machine_lines",
        OURS,
        _machine_lines,
        None,
        0.3,
        "share of lines of hashes, keys or brackets alone",
        "",
    ),
    ("changelog", OURS, _changes, None, 0.3, "share of lines of versions, issues and commits", ""),
    (
        "licence_text",
        OURS,
        _per_thousand(_LICENCE),
        None,
        8,
        "phrases of licences in a thousand words, three different ones",
        "",
    ),
    ("front_matter", OURS, _words_of_body, 40, None, "words after the front matter", ""),
    ("placeholder", OURS, _placeholders, None, 0, "signs of a page without content, under 150 words", ""),
    (
        "community_rules",
        OURS,
        _per_thousand(_COMMUNITY),
        None,
        12,
        "words on contributing in a thousand words, three different ones",
        "",
    ),
    ("comma_rows", OURS, _comma_rows, None, 0.6, "share of lines that are rows of values between commas", ""),
    ("questions_alone", OURS, _questions, None, 0.5, "share of lines that ask", ""),
)
RULES = tuple(Rule(*row) for row in _TABLE)  # in the order in which they are tried
