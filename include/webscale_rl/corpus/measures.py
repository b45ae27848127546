"""What the rules measure of a text: its words, lines, repetitions and phrases, each as one number."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

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


class Measured:
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

    def phrases_per_thousand(self, phrases: tuple[str, ...]) -> float:
        """How often phrases in small letters stand in a thousand words; 0 for fewer than three different ones."""
        found = [count for count in map(self.low.count, phrases) if count]
        return 1_000 * sum(found) / max(1, len(self.words)) if len(found) >= 3 else 0.0

    def share_of_lines(self, holds: Callable[[str], object]) -> float:
        """The share of lines for which something holds."""
        return sum(1 for line in self.lines if holds(line)) / max(1, len(self.lines))


def mean_word_length(text: Measured) -> float:
    return float(text.lengths.mean()) if text.words else 0.0


def symbols(text: Measured) -> float:
    hashes = sum(map(bool, _HASH.findall(text.text))) if "#" in text.text else 0
    return (text.text.count("...") + text.text.count("…") + hashes) / max(1, len(text.words))


def bullets(text: Measured) -> float:
    return text.share_of_lines(lambda line: line.startswith(_BULLET))


def ellipses(text: Measured) -> float:
    return text.share_of_lines(lambda line: line.endswith(("...", "…")))


def alphabetic(text: Measured) -> float:
    if not text.words:
        return 0.0
    spelled = np.array([word.isalpha() or _LETTER.search(word) is not None for word in text.vocabulary])
    return float(spelled[text.numbered - np.uint64(1)].mean())


def stop_words(text: Measured) -> float:
    return len(STOP_WORDS & text.vocabulary.keys())


def duplicate_line_chars(text: Measured) -> float:
    return _repeated_chars(text.lines)


def duplicate_paragraph_chars(text: Measured) -> float:
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


def top_gram(n: int) -> Callable[[Measured], float]:
    """Return the measure of the commonest n words in a row."""

    def measure(text: Measured) -> float:
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


def repeated_grams(n: int, bound: float) -> Callable[[Measured], float]:
    """Return the measure of repeated n words; where repeated five words already keep its bound, theirs."""

    def measure(text: Measured) -> float:
        fives = text.repeated_fives
        return fives if n == 5 or fives <= bound else text.repeated(n)

    return measure


def policy(text: Measured) -> float:
    """Return such phrases in a thousand words of a page; a long text on cookies or privacy is a document."""
    return text.phrases_per_thousand(_POLICY) if len(text.words) < 400 else 0.0


def sentences(text: Measured) -> float:
    """Return how many sentences end, wherever the lines break; no more than five are counted."""
    return sum(1 for _ in islice(_SENTENCE.finditer(text.text), 5))


def minified(text: Measured) -> float:
    dense = (line for line in text.lines if len(line) > 300 and line.count(" ") < 0.08 * len(line))
    return sum(map(len, dense)) / max(1, len(text.text))


def line_ends(text: Measured) -> float:
    return text.share_of_lines(lambda line: line.endswith(_SENTENCE_END))


def short_lines(text: Measured) -> float:
    return text.share_of_lines(lambda line: len(line) <= 30)


def list_of_lines(text: Measured) -> float:
    return text.text.count("\n") / max(1, len(text.words))


def links(text: Measured) -> float:
    if "http" not in text.low and "](" not in text.low:
        return 0.0
    return sum(map(len, _ADDRESS.findall(text.text))) / max(1, len(text.text))


def machine_lines(text: Measured) -> float:
    if int(text.lengths.max(initial=0)) < 32 and not any(
        map(text.low.__contains__, ("sha1", "sha2", "sha5", "integrity"))
    ):
        return 0.0
    return text.share_of_lines(lambda line: not line.strip(_BRACKETS) or _MACHINE.search(line))


def changes(text: Measured) -> float:
    return text.share_of_lines(lambda line: line[0] in "#=*-+[v0123456789" and _CHANGE.match(line))


def licence(text: Measured) -> float:
    return text.phrases_per_thousand(_LICENCE)


def community(text: Measured) -> float:
    return text.phrases_per_thousand(_COMMUNITY)


def placeholders(text: Measured) -> float:
    return len(_PLACEHOLDER.findall(text.low)) if len(text.words) < 150 else 0


def words_of_body(text: Measured) -> float:
    """Return the words after the front matter (settings between two lines of dashes) of a page."""
    if not text.text.startswith("---\n"):
        return len(text.words)
    found = _FRONT_MATTER.match(text.text)
    return len(text.text[found.end() :].split()) if found else len(text.words)


def comma_rows(text: Measured) -> float:
    """Return the share of lines like a row of values: five commas or more without a space, as in the line before."""
    commas = [line.count(",") - line.count(", ") for line in text.lines]
    return sum(1 for a, b in pairwise(commas) if a >= 5 and b >= 5) / max(1, len(commas))


def questions(text: Measured) -> float:
    return text.share_of_lines(lambda line: line.endswith("?"))
