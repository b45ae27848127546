"""Benchmark questions do not get into a release, altered ones neither; clean questions stay."""

import gzip
import json
import random
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webscale_rl.errors import ConfigurationError, CorpusError
from webscale_rl.release.benchmarks import BenchmarkItem, known_benchmarks, read_benchmarks
from webscale_rl.release.decontamination import BenchmarkIndex
from webscale_rl.release.folding import keys, tokens, traced
from webscale_rl.release.spelling import Spelling

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.append(str(BENCH))

from altered_questions import KINDS, MORE_KINDS, SHARED, copies  # noqa: E402
from decontamination import altered, clean, controls, items_of, shares  # noqa: E402

needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared benchmarks are not on this machine")

LONG = (
    "Harriet keeps 14 bees in a wooden box. Every morning 3 bees fly to the orchard, and her brother Oswald feeds "
    "each of the others with 2 drops of syrup. How many drops of syrup does Oswald need in a week?"
)
SHORT = "Which enzyme unwinds the double helix before replication?"
FORMULA = "Find the sum of all values of $x$ such that $|x^2 - 5x| = 6$ and $x > 0$."
TEMPLATE = "Which of the following statements is true?"
CLEAN = [
    "Which of the following is not a property of metals?",
    "Harriet keeps bees. How many drops of honey does she sell in a week?",
    "Which enzyme digests starch in the mouth before it reaches the stomach?",
    "What is the sum of all the values in the table?",
    "In what year did the town build its first wooden bridge?",
    "How many bees fly to an orchard every morning, on average?",
]


def items() -> list[BenchmarkItem]:
    """Return three items among others that share their phrases, so that words have their weights."""
    dice = random.Random(0)
    things = [
        "apple",
        "river",
        "engine",
        "lawyer",
        "protein",
        "tariff",
        "planet",
        "poem",
        "magnet",
        "treaty",
        "enzyme",
    ]
    others = [
        f"Which of the following statements about the {dice.choice(things)} and the {dice.choice(things)} number "
        f"{number} is true?"
        for number in range(400)
    ]
    others += [f"How many {dice.choice(things)}s does {number} have in a week?" for number in range(100)]
    return [
        BenchmarkItem("bees", "long", LONG, "154"),
        BenchmarkItem("bio", "short", SHORT, "helicase"),
        BenchmarkItem("maths", "formula", FORMULA, "11"),
        *(BenchmarkItem("templates", f"t{number}", TEMPLATE, f"{number}) thing") for number in range(3)),
        *(BenchmarkItem("others", str(number), other, "B") for number, other in enumerate(others)),
    ]


@pytest.fixture(scope="module")
def index() -> BenchmarkIndex:
    return BenchmarkIndex(items())


@pytest.mark.parametrize("kind", KINDS | MORE_KINDS)
@pytest.mark.parametrize("item", items()[:3], ids=lambda item: item.id)
def test_an_altered_copy_is_found(index: BenchmarkIndex, item: BenchmarkItem, kind: str) -> None:
    text = (KINDS | MORE_KINDS)[kind](item.question, random.Random(4))
    contamination = index.find(text, item.answer)
    assert contamination is not None
    assert contamination.item == item.id
    assert contamination.overlap in text
    assert contamination.overlap.strip()


def test_renamed_people_and_other_numbers_are_found(index: BenchmarkIndex) -> None:
    text = (
        LONG.replace("Harriet", "Mary Ann")
        .replace("Oswald", "Tunde")
        .replace("14", "30")
        .replace("3", "four")
    )
    contamination = index.find(text)
    assert contamination is not None
    assert (contamination.item, contamination.benchmark) == ("long", "bees")


def test_thirteen_words_in_a_row_are_found_in_a_document_and_kept_as_evidence(index: BenchmarkIndex) -> None:
    inside = "her brother Oswald feeds each of the others with 2  drops of\nsyrup."
    filler = " ".join(f"word{number}" for number in range(400))
    contamination = index.find(f"{filler} {inside} {filler}")
    assert contamination is not None
    assert (contamination.kind, contamination.item) == ("overlap", "long")
    assert contamination.overlap == inside.removesuffix(".")
    assert 0.3 < contamination.share < 0.5
    assert index.find(f"{filler} her brother Oswald feeds each of the others with {filler}") is None


def test_a_short_item_is_found_within_a_question(index: BenchmarkIndex) -> None:
    contamination = index.find(f"A student of biology wants to know this. {SHORT} Answer in one word.")
    assert contamination is not None
    assert (contamination.kind, contamination.item) == ("short", "short")


@pytest.mark.parametrize("question", CLEAN)
def test_what_only_shares_phrases_is_clean(index: BenchmarkIndex, question: str) -> None:
    assert index.find(question, "seven") is None
    assert index.find(f"{question} " * 60, "seven") is None


def test_a_template_alone_is_no_item_without_its_answer(index: BenchmarkIndex) -> None:
    assert index.find(TEMPLATE, "something else") is None
    contamination = index.find(TEMPLATE.upper(), "1) thing")
    assert contamination is not None
    assert contamination.item == "t1"


def test_many_at_once_are_judged_as_one_by_one(index: BenchmarkIndex) -> None:
    questions = [*CLEAN, LONG, "", "?", SHORT.lower(), FORMULA, "日本の首都はどこですか", TEMPLATE] * 3
    pairs = [(question, "helicase") for question in questions]
    assert list(index.find_all(pairs)) == [index.find(*pair) for pair in pairs]
    assert list(index.find_all([])) == []


def test_an_index_may_be_empty() -> None:
    empty = BenchmarkIndex([BenchmarkItem("none", "0", "?!")])
    assert (len(empty), empty.counts, empty.find(LONG)) == (0, {}, None)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Ｗhаt ｄіd Ꮃatt ad\u200bd?", "what did watt add"),
        ("naïve 𝐁𝐨𝐥𝐝 ﬁne Ωmega", "naive bold fine ωmega"),
        ("x² ≤ ½", "x^2 <= 1/2"),
        ("1,234 is 1234", "1234 is 1234"),
        ("٣ + ３", "3 + 3"),
    ],
)
def test_look_alikes_and_forms_fold_to_one(text: str, same: str) -> None:
    assert tokens(text) == tokens(same)


@pytest.mark.parametrize("text", [LONG, FORMULA, "Ｗhаt x² ½\u200b İstanbul ß ﬁ 1,234.5 th1s -5", ""])
def test_tokens_are_traced_to_where_they_stand(text: str) -> None:
    assert [token.word for token in traced(text)] == tokens(text)
    assert all(0 <= token.start < token.end <= len(text) for token in traced(text))


SPELLING = Spelling(dict.fromkeys(tokens("the train leaves of for a question apples has bees this i"), 3.0))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("thetrainleavesforaquestion", "the train leaves for a question"),
        ("t h e t r a i n l e a v e s", "the train leaves"),
        ("the tra in le aves", "the train leaves"),
        ("has3apples th1s qu3stion", "has 3 apples this question"),
        ("Thetrain Wanjiru xq", "the train wanjiru xq"),
        ("a b c x y z", "a b c x y z"),
        ("the tairn 0f aplpes", "the train of apples"),
        (r"\dfrac{1}{2} \left( x \leq 3 \right) \cdot \alpha", r"\frac 1 2 x \le 3 \times alpha"),
    ],
)
def test_known_words_are_put_right(text: str, words: str) -> None:
    assert tokens(text, SPELLING) == tokens(words)
    assert [token.word for token in traced(text, SPELLING)] == tokens(words)
    assert all(0 <= token.start < token.end <= len(text) for token in traced(text, SPELLING))


def test_a_word_of_several_tokens_is_traced_to_all_of_them() -> None:
    text = "Is thetrain a qu estion?"
    places = {token.word: text[token.start : token.end] for token in traced(text, SPELLING)}
    assert places["the"] == "the"
    assert places["traln"] == "train"  # as folded
    assert places["questlon"] == "qu estion"


def test_texts_that_differ_in_spaces_have_one_key() -> None:
    one, other = "Is 3.5 > $\\frac{1}{2}$, i.e. 10 o?", "I s 3 . 5 > $\\fr ac { 1 } {2}$,i.e.1 0 o ?"
    assert set(keys(one, tokens(one))) & set(keys(other, tokens(other)))


@pytest.mark.parametrize("text", ["a", "a1", "a ", "1,", "\\frac{1}", "1a", "@", "½", "\ud800", "日"])
def test_a_hostile_text_takes_no_long_time(index: BenchmarkIndex, text: str) -> None:
    started = time.monotonic()
    assert index.find(text * 50_000) is None
    assert time.monotonic() - started < 5


def test_benchmark_files_of_all_kinds_are_read(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "question": "How many?", "answer": "7", "benchmark": "counts"},
        {"problem": "What is left?", "solution": "nothing"},
        {"question": "Pick one", "choices": ["red", "blue"], "answer": 1},
        {"question": "Pick a letter", "options": ["red", "blue"], "answer": "A"},
        {"question": "Who?", "answers": {"text": ["Ann", "Ann Lee"], "answer_start": [0, 0]}},
        {"prompt": "Say it", "answer": {"value": "it", "aliases": []}},
        {"answer": "a question is missing"},
    ]
    lines = [json.dumps(row) for row in rows] + ["{broken", ""]
    (tmp_path / "plain.jsonl").write_text("\n".join(lines))
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(json.dumps(rows[1]).encode()))
    pq.write_table(pa.table({"question": ["In Parquet?"], "answer": ["yes"]}), tmp_path / "table.parquet")
    read = read_benchmarks([str(tmp_path)])
    assert [(item.benchmark, item.question, item.answer) for item in read.items] == [
        ("packed", "What is left?", "nothing"),
        ("counts", "How many?", "7"),
        ("plain", "What is left?", "nothing"),
        ("plain", "Pick one", "blue"),
        ("plain", "Pick a letter", "red"),
        ("plain", "Who?", "Ann"),
        ("plain", "Say it", "it"),
        ("table", "In Parquet?", "yes"),
    ]
    assert read.items[1].id == "a"
    assert read.counts == {"packed": 1, "counts": 1, "plain": 5, "table": 1}
    assert read.faults == {"missing_question": 1, "invalid_json": 1}
    assert any("plain.jsonl, record 7: missing_question" in example for example in read.examples)


def test_files_without_items_say_why(tmp_path: Path) -> None:
    (tmp_path / "odd.jsonl").write_text('{"stem": "Why?", "key": "so"}\n')
    with pytest.raises(ConfigurationError, match="missing_question"):
        read_benchmarks([str(tmp_path)])
    named = read_benchmarks([str(tmp_path)], {"question": "stem", "answer": "key"})
    assert named.items == [BenchmarkItem("odd", "1", "Why?", "so")]
    with pytest.raises(ConfigurationError, match="stem"):
        read_benchmarks([str(tmp_path)], {"stem": "question"})
    with pytest.raises(CorpusError):
        read_benchmarks([str(tmp_path / "none.jsonl")])


def test_the_usual_benchmarks_are_listed() -> None:
    known = known_benchmarks()
    assert {"gsm8k", "math_500", "mmlu", "mmlu_pro", "gpqa", "squad", "humaneval", "ifeval"} <= known.keys()
    assert all("/" in each.hub and each.split and each.question for each in known.values())


@pytest.fixture(scope="module")
def measured() -> dict[tuple[str, str], float]:
    """Measure some of the altered copies, all controls, every clean document and some clean questions."""
    items = items_of()
    index = BenchmarkIndex(items)
    rows = altered(items, 1, 1 / 60) + clean(share=1 / 20)[::2]
    rows += [row for place, row in enumerate(controls(items)) if "squad" in row["group"] or place % 8 == 0]
    found = index.find_all((row["question"], row["answer"]) for row in rows)
    return {key: hits / total for key, (hits, total) in shares(rows, found).items()}


@needs_data
def test_the_shares_on_real_benchmarks(measured: dict[tuple[str, str], float]) -> None:
    least = dict.fromkeys(
        ("numbers", "symbolic", "reordered", "connected", "glued_numbers", "script_and_numbers"), 0.8
    ) | dict.fromkeys(("names_and_order", "by_role", "transposed", "written_numbers"), 0.7)
    low = {
        key: share
        for key, share in measured.items()
        if key[0] != "clean" and key[1] != "squad gold, v2.0 only" and share < least.get(key[0], 0.95)
    }
    assert low == {}
    assert measured["unchanged", "squad"] == 1
    assert measured["unchanged", "squad gold, in v1.1 dev"] == 1
    assert {key: share for key, share in measured.items() if key[0] == "clean" and share >= 0.001} == {}


def test_copies_are_the_same_for_a_seed() -> None:
    some = items()[:3]
    assert list(copies(some, "numbers", 1)) == list(copies(some, "numbers", 1))
    assert list(copies(some, "numbers", 1)) != list(copies(some, "numbers", 2))
