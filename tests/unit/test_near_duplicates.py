"""Sketches must find copies that were changed a little, and nothing else."""

import hashlib
import json
import random
import subprocess
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest

from webscale_rl.corpus.near_duplicates import THRESHOLD, similarities, sketch
from webscale_rl.store.engine import REPOSITORY

SAMPLE = [
    json.loads(line)["text"]
    for file in sorted((REPOSITORY / "include" / "sample_corpus").glob("*.jsonl"))
    if file.name != "junk.jsonl"
    for line in file.read_text().splitlines()
]
LONG = [text for text in SAMPLE if len(text.split()) > 120]


def similarity(a: str, b: str) -> float:
    return float(similarities(sketch(a).low, [sketch(b).low])[0])


def share_a_band(a: str, b: str) -> bool:
    return bool(set(sketch(a).bands) & set(sketch(b).bands))


def shingles(text: str) -> set[tuple[str, ...]]:
    words = "".join(sign if sign.isalnum() else " " for sign in text.casefold()).split()
    return set(zip(*(words[n:] for n in range(5)), strict=False))


def test_case_punctuation_and_white_space_do_not_count() -> None:
    text = LONG[0]
    assert sketch(text) == sketch("  " + text.upper().replace(". ", " -- ").replace(" ", " \n ") + "!")
    assert sketch(text).text_hash != sketch(text + " more").text_hash


@pytest.mark.parametrize(
    "text",
    [
        "Ein Straßenname, “quoted” — “twice”… naïve café ½ ② ﬁne İstanbul _under_score_",
        "\x1c\x1f\x00 a\x85b c \ud800 d \u200b e",
        "".join(map(chr, range(0x2000, 0x2400))) + " many kinds of punctuation",
        "知识，问题。答案 один два трi",
    ],
)
def test_words_are_letters_and_digits_of_any_script(text: str) -> None:
    """Stored sketches stay comparable: the quick way over bytes finds the words that the definition says."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(sign if sign.isalnum() else " " for sign in folded).split()
    assert sketch(text).text_hash == hashlib.sha256(" ".join(words).encode()).digest()[:16]


def test_it_is_the_same_in_every_process() -> None:
    code = "import sys; from webscale_rl.corpus.near_duplicates import sketch; print(sketch(sys.argv[1]))"
    command = [sys.executable, "-c", code, LONG[0]]
    environment = {"PYTHONPATH": str(REPOSITORY / "include"), "PYTHONHASHSEED": "77"}
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert printed.strip() == str(sketch(LONG[0]))


def test_the_estimate_is_near_the_true_similarity() -> None:
    dice = random.Random(1)
    errors = []
    for text in LONG * 3:
        words = text.split()
        for _ in range(dice.randrange(1, 6)):
            words[dice.randrange(len(words))] = "replaced"
        other = " ".join(words)
        a, b = shingles(text), shingles(other)
        errors.append(similarity(text, other) - len(a & b) / len(a | b))
    assert abs(sum(errors) / len(errors)) < 0.01, "biased"
    assert sum(error**2 for error in errors) / len(errors) < 0.05**2


def test_altered_copies_are_found_and_different_documents_are_not() -> None:
    for text in LONG:
        sentences = text.split(". ")
        dropped = ". ".join(sentences[:-1]) if len(sentences) > 12 else text + " A closing remark was added."
        assert share_a_band(text, dropped)
        assert similarity(text, dropped) >= THRESHOLD
    for first, second in pairwise(LONG):
        assert similarity(first, second) < 0.1


@pytest.mark.parametrize(
    "text", ["", "one", "only four words here", "\ud800", "\x00" * 9, "。" * 50, "é" * 10_000]
)
def test_any_text_has_a_sketch(text: str) -> None:
    found = sketch(text)
    assert len(found.text_hash) == 16
    assert (len(found.bands), len(found.low)) in ((0, 0), (24, 120))


def test_a_text_of_megabytes_takes_no_longer_than_its_size() -> None:
    assert len(sketch("a " * 1_000_000).bands) == 24


@pytest.mark.skipif(
    not (REPOSITORY.parent / "shared" / "data").exists(), reason="the shared corpus is not there"
)
def test_copies_in_the_shared_corpus_are_found() -> None:
    folder = Path(REPOSITORY.parent / "shared" / "data" / "corpus")
    records = {}
    for file in folder.glob("*.jsonl"):
        for line in file.read_text().split("\n"):
            if line:
                record = json.loads(line)
                records[record["id"]] = record
    copies = [
        record for record in records.values() if str(record.get("reason")).startswith("near_duplicate_of")
    ]
    found = 0
    for copy in copies:
        first = records[copy["reason"].partition(":")[2]]["text"]
        exact = sketch(copy["text"]).text_hash == sketch(first).text_hash
        found += exact or (share_a_band(copy["text"], first) and similarity(copy["text"], first) >= THRESHOLD)
    assert found >= 0.9 * len(copies) > 0
