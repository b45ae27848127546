"""The rules must reject junk and keep documents; the table of the documentation must be the one in the code."""

import json
import re
from pathlib import Path

import pytest

from webscale_rl.corpus.cleaning import clean
from webscale_rl.corpus.quality import RULES, STOP_WORDS, QualityRules, Rule, judge
from webscale_rl.corpus.tokens import count
from webscale_rl.store.engine import REPOSITORY

CORPUS = REPOSITORY.parent / "shared" / "data" / "corpus"
PROSE = (
    "The harbour of the old town was built in the winter of 1684, when the council had the stones of the abbey "
    "brought down to the shore. For a century it held forty ships, and the tax on salt "
    "paid for the lamps on its walls. "
    "A storm broke the eastern mole in 1790. It was never repaired, because by then the "
    "river had moved the sand so far "
    "that only boats with a flat keel could enter. Today a museum of fishing stands "
    "there, and children learn to sail."
)


def judged(text: str, **rules: object) -> str:
    found = judge(text, count(text), QualityRules(**rules))  # type: ignore[arg-type]
    return found.rule if found else "kept"


def row(rule: Rule) -> str:
    bounds = [f"at least {rule.at_least:g}"] if rule.at_least is not None else []
    bounds += [f"at most {rule.at_most:g}"] if rule.at_most is not None else []
    return f"| `{rule.name}` | {rule.reference} | {rule.says} | {', '.join(bounds)} | {rule.published} |"


def test_the_documented_table_is_the_one_that_is_used() -> None:
    written = (REPOSITORY / "docs" / "cleaning-rules.md").read_text()
    assert [line for line in written.splitlines() if line.startswith("| `")] == [
        row(rule) for rule in (*RULES, STOP_WORDS)
    ]


def test_prose_is_kept() -> None:
    assert judged(PROSE) == "kept"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("paper_min_tokens", "A short note."),
        (
            "gopher_word_count",
            "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis " * 4,
        ),
        (
            "gopher_word_length",
            "incomprehensibilities counterrevolutionaries the and of uncharacteristically " * 20,
        ),
        ("gopher_symbols", PROSE.replace(" ", " ... ")),
        ("gopher_bullets", "\n".join(f"- {sentence}" for sentence in (PROSE + " ").split(". ") * 2)),
        ("gopher_ellipses", PROSE.replace(". ", ".\n").replace(".\n", "...\n") * 1),
        ("gopher_letters", PROSE + " " + " ".join(str(n) for n in range(4000))),
        (
            "gopher_stop_words",
            re.sub(r"\b(?:the|be|to|of|and|that|have|with)\b ?", "", PROSE),
        ),
        ("gopher_duplicate_lines", PROSE + "\n" + "Click here for the next page of this list.\n" * 20),
        ("gopher_top_2_words", PROSE + " red car" * 60),
        ("c4_lorem_ipsum", PROSE + " Lorem ipsum dolor sit amet."),
        ("c4_policy_lines", PROSE + " Accept cookies. Read our privacy policy and the terms of use."),
        ("links", PROSE + "\n" + " and ".join(f"http://a.io/{n}x" for n in range(60))),
        (
            "licence_text",
            PROSE + " Permission is hereby granted, without warranty; the software is provided as is. ",
        ),
        ("placeholder", PROSE + " This page is under construction."),
        ("front_matter", f"---\nsummary: {PROSE}\n---\n\nSee the other page."),
        ("questions_alone", PROSE.replace(". ", "?\n").replace(", ", "?\n")),
        (
            "language",
            "Der Hafen der alten Stadt wurde im Winter des Jahres 1684 gebaut, als der Rat die Steine der Abtei zum "
            "Ufer bringen ließ. Ein Jahrhundert lang lagen dort vierzig Schiffe. "
            "Die Steuer auf Salz bezahlte die "
            "Lampen auf den Mauern, und niemand fragte danach, woher das Geld im nächsten Jahr kommen sollte.",
        ),
    ],
)
def test_each_kind_of_junk_is_rejected_by_its_rule(rule: str, text: str) -> None:
    assert judged(clean(text)) == rule


@pytest.mark.parametrize(
    "text",
    [
        "Employees may make a contribution to the plan from each salary, and the employer adds a matching "
        "contribution. A contribution made before tax lowers the income that is taxed now; other contributions "
        "are not taxed again in retirement. Workers older than fifty can make a further contribution each year.",
        "Taxes and transfers are the chief means of redistribution in modern states. Economists ask how much "
        "redistribution voters want, and whether redistribution slows growth. Newer evidence suggests that "
        "moderate redistribution does no harm, and that the income of the poor may rise with it over time.",
        "A copyright holder has the sole right to copy a work and to prepare a derivative work from it, such as a "
        "film. A copyright notice was once needed for protection, and many works fell into the public domain "
        "because the copyright notice was missing. A derivative work still needs the consent of the holder.",
        "The emperor moved his court to Ravenna in the year 402, and by 404 the last fights of gladiators had been "
        "held in Rome. After that the roads to the south lay open, and the city was taken for three days. The "
        "general who had defended the north for years had fallen from favour before.",
        "The snow leopard lives at heights of three to five thousand metres. It hunts wild sheep and goats, and "
        "its prey has moved higher in warm years. The animal wraps its tail around its body to keep warm at "
        "night, and the tail helps it to keep its balance on narrow ledges.",
        "When a user tries to log in, the server compares a hash of the password with the stored one. A login that "
        "fails should not say which was wrong.\nThe session is kept in a cookie, and a cookie should be marked "
        "so that JavaScript cannot read it, and so that it is sent only to the same site.",
    ],
    ids=["pensions", "redistribution", "copyright", "404", "lives at", "log-in"],
)
def test_documents_with_words_of_junk_are_kept(text: str) -> None:
    assert judged(text) == "kept"


def test_no_languages_keep_all() -> None:
    text = "Le port de la vieille ville a été construit pendant l'hiver. " + (
        "Pendant un siècle quarante navires y trouvaient place, et la taxe sur le sel payait "
        "les lampes des murs. Une tempête "
        "a brisé la digue en 1790. Elle n'a jamais été réparée, parce que la rivière avait "
        "déplacé le sable depuis longtemps."
    )
    assert judged(text) == "language"
    assert judged(text, languages=()) == "kept"
    assert judged(text, languages=("fr", "en")) == "kept", "English stop words are asked of English only"


@pytest.mark.parametrize(
    "text", ["", " ", "\n" * 1000, "a\n" * 200_000, "x" * 500_000, "|" * 1000, "é " * 10_000]
)
def test_any_text_gets_a_verdict(text: str) -> None:
    assert judge(text, 1_000, QualityRules()) is not None


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpus is not there")
def test_documents_are_kept_and_junk_is_rejected() -> None:
    """Every fifth ordinary document, and all junk but copies of good documents, which are for the claims to find."""
    kept = read = 0
    for file in sorted(Path(CORPUS).glob("*.jsonl")):
        records = [json.loads(line) for line in file.read_text().split("\n") if line]
        if file.stem == "junk":
            junk = [record for record in records if not record["reason"].startswith("near_duplicate_of")]
            rejected = sum(judged(clean(record["text"])) != "kept" for record in junk)
            assert rejected >= 0.8 * len(junk), f"{rejected} of {len(junk)}"
        else:
            read += len(records[::5])
            kept += sum(judged(clean(record["text"])) == "kept" for record in records[::5])
    assert kept >= 0.97 * read, f"{kept} of {read}"
