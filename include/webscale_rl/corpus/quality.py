"""Which documents are worth converting: the heuristics of the field, each with its reference and threshold.

Published thresholds were set on web pages. Where the documents of this project (textbooks with formulas, tables of
finance, law, code) need another one, the table says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from webscale_rl.corpus import measures
from webscale_rl.corpus.language import language_of
from webscale_rl.corpus.measures import Measured

GOPHER = "Gopher (Rae et al. 2021, table A1)"
C4 = "C4 (Raffel et al. 2020, section 2.2)"
FINEWEB = "FineWeb (Penedo et al. 2024, section 3.6)"
OURS = "this project"


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


@dataclass(frozen=True)
class Rule:
    """A measure of a text and the bound that it must keep."""

    name: str
    reference: str
    measure: Callable[[Measured], float]
    at_least: float | None
    at_most: float | None
    says: str
    published: str = ""  # where ours is another

    def broken_by(self, text: Measured) -> Rejection | None:
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
    measured = Measured(text)
    for rule in RULES:
        if found := rule.broken_by(measured):
            return found
    code, confidence = language_of(text)
    if rules.languages and (code not in rules.languages or confidence < rules.min_language_confidence):
        return Rejection("language", f"{code}, probability {confidence:.2f}")
    return STOP_WORDS.broken_by(measured) if code == "en" else None


_REPEATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}


def _repeated_bound(n: int) -> float:
    return _REPEATED[n] + 0.35


WEB = "web pages have longer lines than recipes, formulas and tables"
# name, reference, measure, at least, at most, what is measured, what was published where ours is another
_TABLE: tuple[tuple[str, str, Callable[[Measured], float], float | None, float | None, str, str], ...] = (
    (
        "gopher_word_count",
        GOPHER,
        lambda text: len(text.words),
        40,
        None,
        "words",
        "50 to 100,000; here the paper's floor and max_tokens bound the length",
    ),
    ("gopher_word_length", GOPHER, measures.mean_word_length, 3, 10, "mean length of a word", ""),
    (
        "gopher_symbols",
        GOPHER,
        measures.symbols,
        None,
        0.1,
        "hash signs and ellipses a word",
        "0.1, Markdown headings included",
    ),
    ("gopher_bullets", GOPHER, measures.bullets, None, 0.9, "share of lines that begin with a bullet", ""),
    ("gopher_ellipses", GOPHER, measures.ellipses, None, 0.3, "share of lines that end in an ellipsis", ""),
    (
        "gopher_letters",
        GOPHER,
        measures.alphabetic,
        0.35,
        None,
        "share of words with a letter",
        "0.8; tables and formulas have fewer",
    ),
    (
        "gopher_duplicate_lines",
        GOPHER,
        measures.duplicate_line_chars,
        None,
        0.3,
        "share of characters in repeated lines",
        "0.2; rules of tables and code repeat",
    ),
    (
        "gopher_duplicate_paragraphs",
        GOPHER,
        measures.duplicate_paragraph_chars,
        None,
        0.2,
        "share of characters in repeated paragraphs",
        "",
    ),
    *(
        (
            f"gopher_top_{n}_words",
            GOPHER,
            measures.top_gram(n),
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
            measures.repeated_grams(n, _repeated_bound(n)),
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
        measures.policy,
        None,
        10,
        "phrases on cookies, scripts, privacy, terms in a thousand words, three different ones, under 400 words",
        "such lines are removed; here a page of them is rejected",
    ),
    (
        "c4_minified_code",
        C4,
        measures.minified,
        None,
        0.3,
        "share of characters in long lines without spaces",
        "any curly bracket; here documents hold code and LaTeX",
    ),
    (
        "c4_sentences",
        C4,
        measures.sentences,
        1,
        None,
        "sentences",
        "5; other lines are removed, here they stay",
    ),
    (
        "fineweb_line_ends",
        FINEWEB,
        measures.line_ends,
        0.02,
        None,
        "share of lines that end in punctuation",
        f"0.12; {WEB}",
    ),
    (
        "fineweb_short_lines",
        FINEWEB,
        measures.short_lines,
        None,
        0.9,
        "share of lines of at most 30 characters",
        f"0.67; {WEB}",
    ),
    ("fineweb_list", FINEWEB, measures.list_of_lines, None, 0.45, "line breaks a word", f"0.3; {WEB}"),
    ("links", OURS, measures.links, None, 0.35, "share of characters in addresses", ""),
    (
        "machine_lines",
        OURS,
        measures.machine_lines,
        None,
        0.3,
        "share of lines of hashes, keys or brackets alone",
        "",
    ),
    ("changelog", OURS, measures.changes, None, 0.3, "share of lines of versions, issues and commits", ""),
    (
        "licence_text",
        OURS,
        measures.licence,
        None,
        8,
        "phrases of licences in a thousand words, three different ones",
        "",
    ),
    ("front_matter", OURS, measures.words_of_body, 40, None, "words after the front matter", ""),
    (
        "placeholder",
        OURS,
        measures.placeholders,
        None,
        0,
        "signs of a page without content, under 150 words",
        "",
    ),
    (
        "community_rules",
        OURS,
        measures.community,
        None,
        12,
        "words on contributing in a thousand words, three different ones",
        "",
    ),
    (
        "comma_rows",
        OURS,
        measures.comma_rows,
        None,
        0.6,
        "share of lines that are rows of values between commas",
        "",
    ),
    ("questions_alone", OURS, measures.questions, None, 0.5, "share of lines that ask", ""),
)
RULES = tuple(Rule(*row) for row in _TABLE)  # in the order in which they are tried, then the language
STOP_WORDS = Rule(
    "gopher_stop_words",
    GOPHER,
    measures.stop_words,
    2,
    None,
    "different words of the, be, to, of, and, that, have, with, in an English text",
    "any text; here texts in other languages may be kept, too",
)
