"""Long documents in parts: nothing lost, nothing over the limit, cut where a reader would cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webscale_rl.corpus.parts import Part, split


def words(text: str) -> int:
    return len(text.split())


def prose(sentences: int, size: int = 10) -> str:
    return " ".join("Word" + " word" * (size - 2) + " end." for _ in range(sentences))


def section(heading: str, paragraphs: int = 3) -> str:
    return heading + "\n\n" + "".join(prose(2) + "\n\n" for _ in range(paragraphs))


def sound(text: str, limit: int) -> list[Part]:
    parts = split(text, limit, words)
    assert "".join(part.text for part in parts) == text
    for k, part in enumerate(parts):
        assert (part.index, part.total, part.text) == (k, len(parts), text[part.start : part.end])
        assert words(part.text) <= limit
    return parts


LINES = st.sampled_from(
    [
        "# One",
        "## Two words",
        "Title\n=====",
        "Sub\n---",
        "---",
        "```",
        "~~~ python",
        "- item",
        "1. item",
        "| a | b |",
    ]
    + [
        "|---|---|",
        "    code",
        "code::",
        "",
        " ",
        "\t",
        "Word word. Word!",
        "a" * 30,
        "é\u0301",
        "👩\u200d👩",
        "\0",
        "\ud800",
    ]
)
TEXTS = st.lists(LINES | st.text(max_size=12), max_size=40).flatmap(
    lambda lines: st.sampled_from(["\n", "\n\n", "\r\n"]).map(lambda end: end.join(lines))
)


@given(TEXTS, st.integers(1, 40))
def test_nothing_is_lost_and_no_part_is_over_the_limit_or_empty(text: str, limit: int) -> None:
    parts = sound(text, limit)
    assert len(parts) == 1 or all(part.text.strip() for part in parts)


@given(TEXTS, st.integers(1, 40))
def test_a_counter_of_characters_is_obeyed_too(text: str, limit: int) -> None:
    parts = split(text, limit, len)
    assert "".join(part.text for part in parts) == text
    assert all(0 < len(part.text) <= limit for part in parts) or not text


@given(TEXTS, st.integers(1, 40))
def test_the_same_document_is_always_cut_the_same_way(text: str, limit: int) -> None:
    assert split(text, limit, words) == split(text, limit, words)


def test_a_document_within_the_limit_stays_whole() -> None:
    text = "# Title\n\nA few words."
    assert split(text, 5, words) == [Part(0, 1, 0, len(text), text, ("Title",), "", "")]
    assert split("", 5, words) == [Part(0, 1, 0, 0, "", (), "", "")]


def test_a_limit_below_one_is_said_to_be_wrong() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        split("text", 0, words)


def test_a_chapter_is_not_torn_when_a_heading_is_near() -> None:
    text = section("# A", 4) + section("## B", 4) + section("# C", 4) + section("## D", 4)
    assert [part.text[:3] for part in sound(text, 200)] == ["# A", "# C"]


def test_without_headings_paragraphs_stay_whole() -> None:
    text = "".join(prose(3) + "\n\n" for _ in range(40))
    assert all(part.text.endswith("\n\n") for part in sound(text, 200))


def test_a_long_paragraph_is_cut_between_sentences_and_not_after_an_abbreviation() -> None:
    text = " ".join("Then Mr. Holmes spoke to Dr. Watson of it." for _ in range(200))
    assert all(part.text.startswith("Then Mr.") for part in sound(text, 50))


def test_lines_stay_whole_where_there_are_no_sentences() -> None:
    text = "".join(f"alpha beta gamma {k}\n" for k in range(500))
    assert all(part.text.startswith("alpha") for part in sound(text, 100))


def test_a_heading_never_ends_a_part() -> None:
    text = "".join(section(f"## H{k}\n\n### Deeper {k}", 1 + k % 4) for k in range(40))
    for limit in (50, 60, 90, 150):
        assert not any(re.search(r"(^|\n)#[^\n]*\s*$", part.text) for part in sound(text, limit))


def test_a_comment_in_code_is_no_heading() -> None:
    code = "# comment here\n\nx = 1\n\n"
    for start, end in (
        ("```python\n", "```\n\n"),
        ("~~~\n", "~~~\n\n"),
        ("````\n```\n", "````\n\n"),
        ("- ```\n", "  ```\n\n"),
    ):
        text = "# Title\n\n" + (prose(2) + "\n\n" + start + code + end) * 10
        assert {part.title_path for part in sound(text, 60)} == {("Title",)}
    text = "Title\n=====\n\n" + (prose(2) + " Code::\n\n  # comment here\n\n  x = 1\n\n") * 10
    assert {part.title_path for part in sound(text, 60)} == {("Title",)}


@pytest.mark.parametrize(
    ("first", "line", "last"),
    [
        ("```\n", "a = 1 # one\n\n", "```\n\n"),
        ("", "    a = 1 # one\n\n", ""),
        ("| a | b | c |\n|---|---|---|\n", "| 1 | 2 |\n", "\n"),
    ],
    ids=["fenced", "indented", "table"],
)
def test_code_and_tables_that_fit_are_not_cut(first: str, line: str, last: str) -> None:
    block = first + line * 8 + last
    text = "".join(prose(k % 5 + 1) + "\n\n" + block for k in range(30))
    parts = sound(text, words(block) + 5)
    assert len(parts) > 20
    assert sum(part.text.count(block) for part in parts) == 30


def test_fenced_code_in_a_long_indented_note_is_not_cut() -> None:
    block = "    ```py\n" + "    a = 1 # one\n" * 8 + "    ```\n\n"
    text = '!!! note "Solution"\n\n' + "".join("    " + prose(k % 3 + 1) + "\n\n" + block for k in range(10))
    assert sum(part.text.count(block) for part in sound(text, words(block) + 5)) == 10


def test_a_table_that_does_not_fit_is_cut_between_rows() -> None:
    text = "| name | value |\n|---|---|\n" + "| some name | some value |\n" * 100
    assert all(re.fullmatch(r"(\|.*\|\n)+", part.text) for part in sound(text, 70))
    assert sound(text, 70)[0].text.count("\n") > 2


def test_parts_are_balanced_and_have_no_tiny_tail() -> None:
    text = "".join(prose(2) + "\n\n" for _ in range(51))  # 1,020 words
    sizes = [words(part.text) for part in sound(text, 500)]
    assert len(sizes) == 3
    assert min(sizes) >= 320


@pytest.mark.parametrize(
    "text",
    [
        "Fact\n\n---\n\n",
        "---\nkey: value\n# note\n\nother: value\n---\n\n",
        "Name   Age\n----------\nBob    7\n\n",
    ]
    + [
        "| a |\n|---|\n| b |\n\n",
        "- item\n---\n\n",
        "==== ====\nName Age\n==== ====\nBob  7\n==== ====\n\n",
        "#tag\n\n",
    ],
    ids=["rule", "front matter", "columns", "table", "list", "simple table", "hash tag"],
)
def test_rules_tables_and_front_matter_are_no_headings(text: str) -> None:
    assert {part.title_path for part in sound(text + (prose(2) + "\n\n") * 9, 60)} == {()}


def test_levels_of_underlines_are_those_of_the_document() -> None:
    text = (
        section("=====\nTitle\n=====")
        + section("One\n~~~~")
        + section('Two\n""""')
        + section("Three\n~~~~~", 6)
    )
    assert sound(text, 70)[-1].title_path == ("Title", "Three")
    assert ("Title", "One", "Two") in {part.title_path for part in sound(text, 70)}


def test_a_title_path_stays_short_and_on_one_line() -> None:
    parts = sound("# " + "long\u2028title " * 100 + "\n\n" + (prose(2) + "\n\n") * 30, 210)
    assert {len(title) for part in parts for title in part.title_path} == {120}
    assert all(len(title.splitlines()) == 1 for part in parts for title in part.title_path)


@pytest.mark.parametrize("kept", ["e\u0301", "\r\n", "👩\u200d🔬", "👍🏽", "\ud83d\ude00"])
def test_what_is_read_as_one_character_is_not_torn(kept: str) -> None:
    assert all(len(part.text) % len(kept) == 0 for part in split("x" * len(kept) + kept * 200, 23, len)[1:-1])


HOSTILE = [
    "#",
    "\n",
    "a",
    "```\n",
    "~~~\n```a\n",
    "\0",
    "\ud800",
    "a\u0301",
    "# a\n",
    "|",
    "| a\n",
    "- a\n",
    "    a\n\n",
    "x" + " " * 99,
]
HOSTILE += ["a\n---\n\n", "===\n", ". ", "\r", "-", "> ", "a\u0301" * 99, "\u0301", "\n # a", "a::\n\n  b\n"]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_documents_end_and_the_tokenizer_reads_each_character_a_few_times(unit: str) -> None:
    shares = []
    for size in (20_000, 80_000):
        text, read = (unit * size)[:size], 0

        def count(piece: str) -> int:
            nonlocal read
            read += len(piece)
            return len(piece)

        parts = split(text, 500, count)
        assert "".join(part.text for part in parts) == text
        assert all(len(part.text) <= 500 for part in parts)
        shares.append(read / size)
    assert max(shares) < 8
    assert shares[1] < shares[0] * 1.1


def test_a_counter_that_counts_a_whole_higher_than_its_pieces_is_obeyed() -> None:
    def count(text: str) -> int:
        return words(text) + words(text) ** 2 // 1000

    assert all(count(part.text) <= 300 for part in split((prose(3) + "\n\n") * 60, 300, count))


def test_a_reader_of_one_part_learns_where_it_stands() -> None:
    text = section("# Book") + section("## One\n\n### Deep", 8) + section("## Two", 8)
    parts = sound(text, 120)
    assert [part.title_path for part in parts] == [
        ("Book",),
        ("Book", "One", "Deep"),
        ("Book", "Two"),
        ("Book", "Two"),
    ]
    assert [(part.before, part.after) for part in parts] == [
        ("", "Deep"),
        ("Book", "Two"),
        ("Deep", "Two"),
        ("Two", ""),
    ]
