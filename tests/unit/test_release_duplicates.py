"""What a release must not hold twice, and what only looks like it."""

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from webscale_rl.release.duplicates import Asked, Duplicate, alike_questions, find_duplicates
from webscale_rl.release.same_question import normalised, prepared, same
from webscale_rl.release.shingles import shingles

TRAIN = "A train travels at {} miles per hour for {} hours and then stops for a long break. How far does it travel?"


def found(*pairs: tuple[str, str]) -> dict[str, Duplicate]:
    return find_duplicates(Asked(str(number), *pair) for number, pair in enumerate(pairs))


@pytest.mark.parametrize(
    "question",
    [
        "what is  the capital of france",
        "What is the capital of France ?!",
        "Ｗhat is the capital\u00a0of France?",
        "WHAT IS THE CAPITAL OF FRANCE?",
    ],
)
def test_spelling_makes_no_other_question(question: str) -> None:
    assert found(("What is the capital of France?", "Paris"), (question, "paris")) == {
        "1": Duplicate("0", "exact", "the same question")
    }


def test_two_answers_to_one_question_are_reported() -> None:
    (duplicate,) = found(("Who won?", "Ann Lee"), ("who won", "Bob Ray")).values()
    assert duplicate.kind == "exact"
    assert "the answers differ: 'Bob Ray', 'Ann Lee'" in duplicate.detail


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("What is the capital city of France?", "Paris"), ("What is the capital city of Spain?", "Madrid")),
        ((TRAIN.format(60, 3), "180 miles"), (TRAIN.format(60, 4), "240 miles")),
        ((TRAIN.format(60, "three"), "180 miles"), (TRAIN.format(60, "four"), "240 miles")),
        (("Did Brazil beat Germany in the final?", "yes"), ("Did Germany beat Brazil in the final?", "no")),
        (("What does the keyword sealed do in C?", "x"), ("What does the keyword sealed do in C#?", "y")),
        (
            ("What was the first ship of the line called?", "A"),
            ("What was the last ship of the line called?", "B"),
        ),
        (
            ("Is the number 7 a prime number at all?", "yes"),
            ("Is the number 11 a prime number at all?", "yes"),
        ),
        (("What does f(x)[0] return here?", "1"), ("What does f(x){0} return here?", "2")),
    ],
)
def test_another_number_name_or_key_word_with_another_answer_is_another_question(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert found(one, other) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            ("What group can teachers in Wales register with?", "unions"),
            ("What group can teachers register with?", "Unions"),
        ),
        ((TRAIN.format(60, 3), "180 miles"), (TRAIN.format(60, 3).replace("then stops", "stops"), "180")),
        (("What is the capital of France?", "Paris"), ("Which is the capital of the France?", "Lyon")),
        (
            ("How high is the tower of the old church?", "1,040 m"),
            ("How high is the tower of the church?", "1040 m"),
        ),
    ],
)
def test_nearly_the_same_question_is_found(one: tuple[str, str], other: tuple[str, str]) -> None:
    duplicates = found(one, other)
    assert (duplicates["1"].of, duplicates["1"].kind) == ("0", "near")


def test_a_duplicate_refers_to_a_pair_that_stays() -> None:
    base = (
        "which of the many wooden bridges over the long and winding river that comes down from the northern hills "
        "was built first by the people of the old town"
    )
    words = base.split()
    pairs = [
        (" ".join([*words[:n], "very", *words[n:]]) if n else base, "the stone bridge") for n in range(6)
    ]
    duplicates = found(*pairs, *pairs)
    assert {duplicate.of for duplicate in duplicates.values()}.isdisjoint(duplicates)
    assert len(duplicates) >= 6


def test_similarity_decides() -> None:
    one, other = ("Which group headlined the show?", "Coldplay"), ("Who headlined the show?", "Coldplay")
    pairs = [Asked("0", *one), Asked("1", *other)]
    assert set(find_duplicates(pairs, similarity=0.5)) == {"1"}
    assert find_duplicates(pairs, similarity=0.9) == {}


def vectors(questions: Sequence[str]) -> np.ndarray:
    kinds = ("paint", "climb", "bridge")
    return np.array(
        [[question.count(kind) + 0.001 for kind in kinds] for question in questions], dtype=np.float32
    )


def test_other_words_with_one_answer_are_found_by_embeddings() -> None:
    pairs = [
        Asked("0", "Who painted the ceiling?", "Michelangelo"),
        Asked("1", "By whom was that roof's inside given its paint?", "michelangelo."),
        Asked("2", "Who climbed the mountain first?", "Michelangelo"),
        Asked("3", "Name the artist whose paint covers it", "Raphael"),
        Asked(
            "4", "In 1512, who had finished to paint it?", "Michelangelo"
        ),  # a number that the first has not
    ]
    duplicates = find_duplicates(pairs, embed=vectors)
    assert {name: (each.of, each.kind) for name, each in duplicates.items()} == {"1": ("0", "semantic")}
    assert find_duplicates(pairs) == {}
    with pytest.raises(ValueError, match="0 vectors for"):
        find_duplicates(pairs, embed=lambda questions: np.empty((0, 3), dtype=np.float32))


def test_no_questions_and_questions_without_words() -> None:
    assert find_duplicates([]) == {}
    assert found(("?", "a"), ("", "b"), ("...", "c"), ("日本の首都は", "東京")).keys() <= {"1", "2"}


def test_what_is_found_is_the_same_in_every_process() -> None:
    code = (
        "import random\n"
        "from webscale_rl.release.duplicates import *\n"
        "dice = random.Random(1)\n"
        "words = [chr(97 + n) * 3 for n in range(26)]\n"
        "texts = [' '.join(dice.choices(words, k=4)) + ' x y z u v' for _ in range(2000)]\n"
        "pairs = [Asked(str(n), text, 'green light') for n, text in enumerate(texts)]\n"
        "print(sorted(find_duplicates(pairs).items()))\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": "include", "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (1, 2)
    }
    assert len(runs) == 1
    assert "near" in runs.pop()


def test_shingles_are_words_of_short_and_runs_of_long_questions() -> None:
    short, long = "a b a", " ".join(f"w{n}" for n in range(14))
    hashes, offsets = shingles([short, long, "b"])
    assert offsets.tolist() == [0, 3, 15, 16]
    assert hashes[0] == hashes[2] != hashes[1] == hashes[15]
    assert len(set(hashes[3:15].tolist())) == 12


def test_signs_of_formulas_stay() -> None:
    assert normalised("What's $-x^2 + 1,000.5$, in C++?") == "whats - x ^ 2 + 1000.5 in c++"
    one, other = prepared("1", "What is x + 2?", "a"), prepared("2", "What is x - 2?", "b")
    assert same(one, other, 0.5) is None


def test_questions_of_two_years_are_two_and_still_alike() -> None:
    """One may not stand in the test split while the other is trained on."""
    asked = [
        Asked("1", "What was the revenue of Alder Mills in the year 2018, in thousand euros?", "10"),
        Asked("2", "What was the revenue of Alder Mills in the year 2019, in thousand euros?", "12"),
        Asked("3", "WHAT was the revenue of Alder Mills, in the year 2018 in thousand euros", "10"),
        Asked("4", "Who built the lighthouse of Brackwater?", "Ann Lee"),
        Asked("5", "Who built the old lighthouse of Brackwater?", "Bob Ray"),
        Asked("6", "?!\n?", "x"),
        Asked("7", "", "x"),
    ]
    assert set(find_duplicates(asked)) == {"3"}
    assert sorted(alike_questions(asked)) == [("2", "1"), ("3", "1"), ("5", "4")]
    assert list(alike_questions([])) == []
