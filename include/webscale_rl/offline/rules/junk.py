"""What makes a document unfit, by the shape of its text. Every rule looks at the document once."""

import re
from collections.abc import Callable

from webscale_rl.offline.rules.text import count_other, word_set

LOOKED_AT = 40_000  # characters

_ENGLISH = word_set(
    "the of and to in a is that for it as was with on by at are be this from or have an not he his were "
    "which but you they one had all their can has been will we if when your more there"
)
_LICENCE = (
    "permission is hereby granted",
    "creative commons corporation",
    "creative commons public licens",
    "released into the public domain",
    "licensor",
    "warranty of any kind",
    "without warranties",
    "terms and conditions of use",
    "cookie policy",
    "code of conduct",
    "pull request",
    "your contribution",
    "contributing to",
    "contributors and maintainers",
    "all rights reserved",
    "how to contribute",
    "session expired",
    "signed you out",
)
_GRANT = re.compile(
    r"permission is hereby granted,? free of charge|free and unencumbered software", re.IGNORECASE
)
_MAINTENANCE = re.compile(
    r"<h1>[^<]{0,60}(?:maintenance|not found|expired|error)[^<]{0,40}</h1>", re.IGNORECASE
)
_FRONT_MATTER = re.compile(r"\s*---\s*\n")
_CHANGE = re.compile(
    r"\s*[-*]\s.*(?:#\d{2,}|\bby @)|\s*(?:#+\s*)?v?\d+\.\d+(?:\.\d+)?[a-z0-9]*\s*\(\d{4}-\d\d-\d\d\).*|"
    r"\s*[-*]\s+\**(?:Add|Added|Fix|Fixed|Remove|Removed|Update|Updated|Bump|Improve|Deprecate|Replaced?|New|Created?)\b.*"
)
_LINK = re.compile(r"\]\([^()\s]{1,200}\)|https?://\S{3,200}")
_TAG = re.compile(r"<[/!?]?[a-zA-Z][^<>]{0,400}>|[\w:-]{1,40}=\"[^\"]{0,200}\"")
_QUESTION_LINE = re.compile(
    r".*\?\s*|\s*Answer:\s*|"
    r"\s*\d{1,2}[.)]\s+(?:Explain|Give|Describe|Compare|Discuss|Look|Complete|Fill|Write|Choose|Match|Find|Name)\b.*"
)
_LOGGED = re.compile(r"\s*\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
_CRY = re.compile(r"\w!+(?=\s|$)")
_MISSING = re.compile(
    r"\b(?:shown|seen) in (?:figure|table) \d+ above|\btable on the previous page", re.IGNORECASE
)
_CITED = re.compile(r"\s*\.\. \[|\s*\[\d+\]\s|\s*\(?https?://")


def flag_of(document: str) -> str:
    """Return what is wrong with a document, as a flag of `assess`, or an empty string."""
    text = document[:LOOKED_AT]
    lines = [line for line in text.split("\n") if line.strip()]
    for rule in _RULES:
        if flag := rule(text, lines):
            return flag
    return ""


def _questions(text: str, lines: list[str]) -> str:
    asked = sum(len(line) < 400 and _QUESTION_LINE.fullmatch(line) is not None for line in lines)
    return "questions_only" if asked >= 2 and asked > 0.6 * len(lines) else ""


def _boilerplate(text: str, lines: list[str]) -> str:
    """Licences, rules for contributors, pages of a site under maintenance, stubs."""
    head = text[:12_000].lower()
    phrases = sum(head.count(phrase) for phrase in _LICENCE)
    if phrases >= 2 and phrases * 1500 > len(head):
        return "boilerplate"
    if _MAINTENANCE.search(text) or _GRANT.search(text[:2000]):
        return "boilerplate"
    if "uses cookies" in head and "accept all" in head:
        return "boilerplate"
    return "boilerplate" if len(text) < 200 and len(text.split()) < 8 else ""


def _missing_referent(text: str, lines: list[str]) -> str:
    """A piece out of the middle that points at what is not there."""
    return "missing_referent" if text[:1].islower() and _MISSING.search(text) else ""


def _advertisement(text: str, lines: list[str]) -> str:
    cries = len(_CRY.findall(text))
    return "advertisement" if cries > 4 and cries * 30 > len(text.split()) else ""


def _front_matter(text: str, lines: list[str]) -> str:
    """Pages that consist of settings: nothing of substance follows them."""
    opening = _FRONT_MATTER.match(text)
    if opening is None:
        return ""
    end = text.find("\n---", opening.end())
    body = text[end + 4 :] if end >= 0 else ""
    return "boilerplate" if len(_TAG.sub("", body).split()) < 120 else ""


def _machine_data(text: str, lines: list[str]) -> str:
    """Pointers, markup, lock files, logs, rows of comma-separated values."""
    if text.startswith("version https://git-lfs"):
        return "machine_data"
    if text.count("<") > 3 and sum(len(found.group()) for found in _TAG.finditer(text)) > 0.35 * len(text):
        return "machine_data"
    commas = lines[0].count(",") if lines else 0
    rows = sum(line.count(",") >= commas for line in lines)
    if commas >= 3 and len(lines) >= 5 and rows > 0.8 * len(lines) and "." not in lines[0]:
        return "machine_data"
    if len(lines) > 3 and sum(_LOGGED.match(line) is not None for line in lines) > 0.5 * len(lines):
        return "machine_data"
    hashes = sum("sha256:" in line or "sha512-" in line or '"integrity"' in line for line in lines)
    return "machine_data" if hashes > 0.2 * len(lines) else ""


def _not_english(text: str, lines: list[str]) -> str:
    """Other scripts by their letters, other languages by the rarity of the commonest English words."""
    head = text[:4000]
    ascii_letters = len(head) - count_other(head) - head.count(" ")
    other = sum(
        head.count(character) for character in set(head) if character.isalpha() and not character.isascii()
    )
    if ascii_letters + other < 40:
        return ""
    if other > 0.7 * ascii_letters:
        return "not_english"
    words = re.findall(r"[^\W\d_]+", text[:6000].lower())
    english = sum(word in _ENGLISH for word in words)
    foreign = english < 0.1 * len(words) and (other > 0.01 * ascii_letters or english < 0.02 * len(words))
    # Code and tables have few English words too.
    prose = len(words) > 40 and count_other(head) - other < 0.12 * len(head)
    return "not_english" if foreign and prose else ""


def _changes(text: str, lines: list[str]) -> str:
    changes = sum(len(line) < 1000 and _CHANGE.match(line) is not None for line in lines)
    summary = "summary of changes" in text[:200].lower() or "changelog" in text[:200].lower()
    return "no_facts" if len(lines) > 5 and (changes > 0.3 * len(lines) or summary) else ""


def _navigation(text: str, lines: list[str]) -> str:
    """Indexes, lists of links or of references, menus."""
    linked = sum(len(found.group()) for found in _LINK.finditer(text))
    if linked > 0.35 * len(text):
        return "navigation"
    cited = sum(_CITED.match(line) is not None for line in lines)
    if len(lines) >= 4 and cited > 0.45 * len(lines):
        return "navigation"
    short = sum(_is_menu_entry(line) for line in lines)
    return "navigation" if len(lines) >= 25 and short > 0.7 * len(lines) else ""


def _is_menu_entry(line: str) -> bool:
    return (
        len(line) < 80 and len(line.split()) <= 4 and line[-1] not in ".!?:;,|)}>" and line[0] not in "-*|# "
    )


def _minified(text: str, lines: list[str]) -> str:
    symbols = sum(text.count(symbol) for symbol in "{}();=,:&|.-#")
    spaces = sum(text.count(space) for space in " \n\t")
    dense = symbols > 0.1 * len(text) and spaces < 0.1 * len(text)
    return "machine_data" if dense and len(text) > 200 else ""


_RULES: tuple[Callable[[str, list[str]], str], ...] = (
    _questions,
    _boilerplate,
    _front_matter,
    _machine_data,
    _missing_referent,
    _advertisement,
    _not_english,
    _changes,
    _navigation,
    _minified,  # after the lists of links, which have few spaces too
)
