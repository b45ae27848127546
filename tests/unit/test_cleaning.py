"""Cleaning must repair what was damaged and change nothing that an author wrote."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webscale_rl.corpus.cleaning import clean
from webscale_rl.corpus.language import language_of
from webscale_rl.corpus.personal_data import EMAIL, IP, PHONE, mask

# What a sign of damage consists of, and what stands between its parts until it is removed or composed.
HALVES = (
    "â",
    "€",
    "™",
    "Ã",
    "Â",
    "©",
    "ï»¿",
    "\x80",
    "\x99",
    "\xa0",
    "\xad",
    "\u200b",
    "\x00",
    "\x85",
    "\n",
    " ",
)
MARKS = ("A", "\u0303", "\u0344", "\u0301\u0327" * 40)


@settings(deadline=None)  # the first text that is repaired imports ftfy
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(HALVES + MARKS), max_size=14).map("".join)))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()  # no lone surrogate


@given(st.text(alphabet="ab@.+-: 0123456789()\n/", max_size=120))
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        ("It doesnâ€™t matter, the cafÃ© is open.", "It doesn’t matter, the café is open."),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("zero\u200bwidth, \ufeffmark, \u202edirection", "zerowidth, mark, direction"),
        ("bell\x07 and \x00nul", "bell and nul"),
        ("e\u0301t\u00e9", "\u00e9t\u00e9"),
        ("end of line   \nnext\n\n\n\n\n\nlast\n", "end of line\nnext\n\n\nlast"),
    ],
)
def test_damage_is_repaired(damaged: str, repaired: str) -> None:
    assert clean(damaged) == repaired


@pytest.mark.parametrize(
    "text",
    [
        "x² + y₁ ≤ ½, “quoted” — ﬁne … 10 µm",
        "    def f(x):\n\treturn {x: 'y'}",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "Ãngelo lives in São Paulo, Ærø and Åland.",
        "日本語のテキスト、한국어, العربية",
    ],
)
def test_what_an_author_wrote_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to jane.doe+x@mail.example.org now.", f"Write to {EMAIL} now."),
        ("Call +44 20 7946 0958 or (212) 555-1234.", f"Call {PHONE} or {PHONE}."),
        ("Phone: 202 555 0143", f"Phone: {PHONE}"),
        ("It came from 8.8.8.8 and 2001:4860:4860::8888.", f"It came from {IP} and {IP}."),
    ],
)
def test_personal_data_is_masked_where_that_is_asked_for(text: str, masked: str) -> None:
    assert clean(text, mask_personal_data=True) == masked
    assert clean(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "In 1998-2003 sales rose by 12.5 to 1,204,500 (see 3.2.1).",
        "| 2019 | 101 | 202 | 303 |\n| 2020 | 404 | 505 | 606 |",
        "ISBN 978-3-16-148410-0, DOI 10.1000/182, version 1.2.3.4.5",
        "Use 127.0.0.1 or 192.168.1.10; the meeting is at 10:30:15.",
        "2026-11-25 12:00:00, 12:34:56:78",
    ],
)
def test_numbers_that_name_no_person_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (
            "The treaty was signed in the old town hall, and the people of the valley were told of it a week later.",
            "en",
        ),
        (
            "Der Vertrag wurde im alten Rathaus unterzeichnet, und die Leute im Tal erfuhren es eine Woche danach.",
            "de",
        ),
        (
            "El tratado se firmó en el antiguo ayuntamiento y la gente del valle lo supo una semana después.",
            "es",
        ),
        ("条约在旧市政厅签署，山谷里的人们一周后才得知此事。这是一个很长的故事。", "zh"),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    assert language_of(text)[0] == language


@pytest.mark.parametrize(
    "text",
    [
        "a\n" * 500_000,
        "x" * 1_000_000,
        "@" * 500_000,
        "1.1." * 200_000,
        "+1 " * 200_000,
        "::" * 300_000,
        " \n" * 400_000,
        "a@" * 300_000,
        "a" + "\u0301\u0327" * 200_000,
    ],
    ids=["lines", "one word", "at", "dots", "plus", "colons", "blank", "half addresses", "marks"],
)
@pytest.mark.timeout(120)  # quadratic time would take hours
def test_hostile_texts_of_a_megabyte_are_cleaned(text: str) -> None:
    once = clean(text, mask_personal_data=True)
    assert clean(once, mask_personal_data=True) == once
