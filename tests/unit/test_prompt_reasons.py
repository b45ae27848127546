"""A sentence of a prompt costs tokens in every call: docs/prompts.md says for each of them why it is there.

How a prompt is split: a line at a time, without its mark of a list (``- `` or ``1. ``); a line of a template further
behind every full stop, question or exclamation mark (and the quotation mark or parenthesis that closes with it) that
white space follows. A heading or a line without a stop is a sentence as well. A line of a card stays whole.

In the document a sentence stands in the left cell of a table below a heading with the name of its prompt: whole, or
its first 6 to 12 words and an ellipsis. White space and the escapes of Markdown do not count.
"""

import re
from pathlib import Path

import pytest

from webscale_rl.corpus.parts import Part
from webscale_rl.errors import InvalidAnswer
from webscale_rl.llm import ledger, prompts
from webscale_rl.stages.instructions import SYSTEM
from webscale_rl.stages.parts import position

REPOSITORY = Path(__file__).parents[2]
DOCUMENT = (REPOSITORY / "docs" / "prompts.md").read_text(encoding="utf-8")
FOLDER = REPOSITORY / "include" / "webscale_rl" / "prompts"
SAMPLE = "token_sample"  # measures a tokenizer, asks nothing
TEMPLATES = sorted({path.stem for path in FOLDER.glob("*.md")} - {SAMPLE})
CARDS = sorted(path.stem for path in (FOLDER / "cards").glob("*.md"))
CODE = "What the code writes"
SHORTEST, LONGEST = 6, 12  # words of a shortened quotation
ELLIPSIS = "…"


def sentences(text: str, *, split_lines: bool = True) -> list[str]:
    """Return the sentences of a prompt by the rule above."""
    found = []
    for line in text.splitlines():
        plain = re.sub(r"^(?:- |\d+\. )", "", line.strip())
        found += re.split(r"(?<=[.?!])\s+|(?<=[.?!][\")'])\s+", plain) if split_lines else [plain]
    return [" ".join(sentence.split()) for sentence in found if sentence.strip()]


def rows(heading: str, document: str = DOCUMENT) -> list[tuple[str, str]]:
    """Return the rows of the table below a heading: quotation and reason, without the escapes of Markdown."""
    below = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", document, re.MULTILINE | re.DOTALL)
    assert below, f"docs/prompts.md has no heading {heading!r}"
    found = []
    for line in below[1].splitlines():
        if line.startswith("| ") and not line.startswith("| sentence |"):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            assert len(cells) == 2, line
            quotation, reason = (
                " ".join(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell).split()) for cell in cells
            )
            found.append((quotation, reason))
    return found


def is_about(quotation: str, sentence: str) -> bool:
    """Say whether a left cell quotes a sentence."""
    beginning = quotation.removesuffix(ELLIPSIS).rstrip()
    if beginning == quotation:
        return quotation == sentence
    return SHORTEST <= len(beginning.split()) <= LONGEST and sentence.startswith(beginning)


def without_reason(said: list[str], explained: list[tuple[str, str]]) -> list[str]:
    return [
        sentence for sentence in said if not any(is_about(quotation, sentence) for quotation, _ in explained)
    ]


def without_sentence(said: list[str], explained: list[tuple[str, str]]) -> list[str]:
    return [quotation for quotation, _ in explained if not any(is_about(quotation, each) for each in said)]


def written_by_code() -> list[str]:
    """Return the sentences that no template holds, with the names and numbers that the document takes as examples."""
    part = Part(
        index=1,
        total=5,
        start=0,
        end=1,
        text="x",
        title_path=("Bridges", "Arches"),
        before="Beams",
        after="Cables",
    )
    user = prompts.build_messages(SYSTEM, document="", guides=(), fields={}, task="generate")[1]["content"]
    again = ledger._second_request(InvalidAnswer("not_json", "reason"))[-1]["content"]
    assert "Examples for this task:" in SYSTEM
    return sentences("\n".join(["Examples for this task:", user, position(part), again]))


PROMPTS = {
    **{name: sentences(prompts.load_template(name)) for name in TEMPLATES},
    **{name: sentences(prompts.load_card(name), split_lines=False) for name in CARDS},
    CODE: written_by_code(),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_every_sentence_of_a_prompt_has_its_reason(name: str) -> None:
    assert without_reason(PROMPTS[name], rows(name)) == [], (
        "add a row with the reason, or take the sentence out"
    )


@pytest.mark.parametrize("name", PROMPTS)
def test_no_reason_is_given_for_a_sentence_that_is_gone(name: str) -> None:
    assert without_sentence(PROMPTS[name], rows(name)) == [], (
        "quote the sentence as it is now, or drop the row"
    )


@pytest.mark.parametrize("name", PROMPTS)
def test_a_reason_says_something(name: str) -> None:
    explained = rows(name)
    assert len(explained) == len(PROMPTS[name]), "one row a sentence"
    for quotation, reason in explained:
        assert 8 <= len(reason.split()) <= 25, (quotation, reason)
        assert "for clarity" not in reason.lower(), (quotation, reason)


def test_a_changed_an_added_and_a_removed_sentence_are_found() -> None:
    document = (
        "## x\n\n| sentence | reason |\n|---|---|\n"
        "| Write a \\| b. | r |\n| One two three four five six … | r |\n\n## y\n"
    )
    explained = rows("x", document)
    told = sentences('- Write a | b. One two three four five six seven ("so" or not).')
    assert told == ["Write a | b.", 'One two three four five six seven ("so" or not).']
    assert without_reason(told, explained) == without_sentence(told, explained) == []
    changed = sentences("Write a | c. One two three four five six seven.\n2. Added")
    assert without_reason(changed, explained) == ["Write a | c.", "Added"]
    assert without_sentence(told[1:], explained) == ["Write a | b."]
