"""The gate on human questions: right pairs that it would throw away, wrong ones that it would let into a data set."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
GOLD = BENCH.parent.parent / "shared" / "data" / "gold"
sys.path.append(str(BENCH))

from gold_corruptions import KINDS, Kind  # noqa: E402
from gold_regression import Tally, judged, measure  # noqa: E402
from gold_rows import Draft, guessed_type, read_rows, sentences, shown, squad_drafts, tatqa_drafts  # noqa: E402

WANTED = 0.95
needs_gold = pytest.mark.skipif(not GOLD.is_dir(), reason="the human questions are not on this machine")

TABLE = """Marlow Ferries plc, notes to the accounts

(in thousands)
|  | 2021 | 2020 | 2019 |
| Fares | $9,187 | $9,866 | $8,410 |
| Charters | 1,452.4 | 1,146.2 | — |
| Interest | (2,085) | (3,343) | (1,120) |
| Tax rate | 21.5% | 23.0% | 20.0% |
| Crew in service | 412 | 398 | 377 |

Fares fell because two ships were laid up. The company employs 412 people, 11% of them ashore."""
PROSE = (
    "Marlow Bridge crosses the river at the town of Marlow. It was designed by William Tierney Clark and "
    "completed in 1832. The Hungarian count Széchenyi admired it and asked Clark to build the Chain Bridge in "
    "Budapest. That one opened in 1849, three years after the death of John Rennie. Repairs of 1965 cost "
    "$2.5 million and took four years."
)


def asked(question: str, answer: float, derivation: str, scale: str = "") -> dict[str, Any]:
    """Return a question as TAT-QA holds it."""
    return {
        "question": question,
        "answers": [answer],
        "answer_type": "arithmetic",
        "scale": scale,
        "derivation": derivation,
    }


COMPUTED = [
    asked("What was the change in fares from 2020 to 2021?", -679, "$9,187-$9,866", "thousand"),
    asked("What was the percentage change in fares in 2021?", -6.88, "(9,187-9,866)/9,866", "percent"),
    asked("What was the percentage change in charters?", 26.71, "1,452.4 / 1,146.2 - 1", "percent"),
    asked("What was the share of charters in fares in 2021?", 15.81, "((1,452.4/9,187)) * 100", "percent"),
    asked(
        "What were average fares between 2019 and 2021?",
        9154.33,
        "($9,187 + $9,866 + $8,410) / 3",
        "thousand",
    ),
    asked(
        "What was the change of average fares?",
        388.5,
        "[(9,187+9,866)/2] - [(9,866+8,410)/2]",
        "thousand",
    ),
    asked("What was the change in charters from 2019 to 2020?", 1146.2, "1,146.2 - 0", "thousand"),
    asked("What was the change in interest?", 1258, "-2,085-(-3,343)", "thousand"),
    asked("What was average interest in 2020 and 2021?", -2714, "-(2,085 + 3,343) / 2", "thousand"),
    asked("What was the average tax rate in 2021 and 2020?", 22.25, "(21.5% + 23.0%)/2", "percent"),
    asked("What was the change in the tax rate in 2021?", -1.5, "((21.5%-23.0%)) * 100", "percent"),
    asked("How many members has a crew of which 412 are 11 %?", 3745.45, "412/11%"),
    asked("What was the ratio of crews in 2021 and 2020?", 1.04, "412 / 398"),
    asked("What were fares and charters in 2021?", 10639.4, "9,187 thousand + 1,452.4 thousand", "thousand"),
]
EXTRACTED = [
    ("Who designed Marlow Bridge?", ["William Tierney Clark", "Tierney Clark"]),
    ("In which year was Marlow Bridge completed?", ["1832", "in 1832"]),
    ("How many years did the repairs of Marlow Bridge take?", ["four", "four years"]),
    ("What did repairs of Marlow Bridge cost in 1965?", ["$2.5 million"]),
    ("Which bridge of Budapest did the same engineer build?", ["Chain Bridge", "the Chain Bridge"]),
    ("How long after the death of Rennie did the bridge of Budapest open?", ["three years"]),
]


def computed() -> list[Draft]:
    return list(tatqa_drafts([{"id": "ferries", "text": TABLE, "qas": COMPUTED}]))


def extracted() -> list[Draft]:
    qas = [
        {"question": question, "answers": answers, "is_impossible": False} for question, answers in EXTRACTED
    ]
    unanswerable = {"question": "Who owns Marlow Bridge?", "answers": [], "is_impossible": True}
    return list(squad_drafts([{"id": "bridge", "text": PROSE, "qas": [*qas, unanswerable]}]))


@pytest.mark.parametrize("draft", [*computed(), *extracted()], ids=lambda draft: draft.answer.question)
def test_what_people_ask_and_answer_passes(draft: Draft) -> None:
    assert judged(draft) is None


def test_a_draft_is_what_a_generator_would_write() -> None:
    change = computed()[0].answer
    assert (change.answer, change.answer_type, change.unit) == ("-679 thousand", "quantity", "thousand")
    assert change.evidence == ["| Fares | $9,187 | $9,866 | $8,410 |"]
    built = extracted()[4].answer
    assert (built.answer, built.answer_type, built.aliases) == (
        "Chain Bridge",
        "entity",
        ["the Chain Bridge"],
    )
    assert built.evidence == [
        "The Hungarian count Széchenyi admired it and asked Clark to build the Chain Bridge in Budapest."
    ]
    assert [draft.answer.answer_type for draft in extracted()] == [
        *("entity", "date", "integer", "currency", "entity", "quantity")
    ]
    assert (guessed_type("40.5%"), guessed_type("to build a bridge")) == ("percent", "phrase")
    assert [shown(value) for value in (1040, 0.5, -22772.0, 399.333)] == ["1,040", "0.5", "-22,772", "399.33"]
    assert sentences('It rose. "Why?" asked Dr. J. Smith.\nNo one knew.') == [
        "It rose.",
        '"Why?" asked Dr. J. Smith.',
        "No one knew.",
    ]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.source}: {kind.name}")
def test_corrupted_copies_of_own_rows_are_turned_down(kind: Kind) -> None:
    other = extracted()[0]
    drafts = computed() if kind.source == "tatqa" else extracted()
    if kind.source == "squad":  # entities are drawn from a second document
        text = "In the north, the painter Edvard Munch lived at the farm of Ekely near Oslo. He was born at Løten."
        drafts += squad_drafts(
            [
                {
                    "id": "munch",
                    "text": text,
                    "qas": [
                        {"question": "Where was Munch born?", "answers": ["Løten"], "is_impossible": False}
                    ],
                }
            ]
        )
    assert judged(other) is None
    tally = measure(drafts)[1][kind]
    if kind.knowable:
        assert tally.total > 0
        assert tally.examples.get("passed", []) == []


def test_the_same_seed_makes_the_same_copies() -> None:
    first, again, other = (measure(computed(), seed)[1] for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.fixture(scope="module")
def measured() -> dict[str, tuple[Tally, dict[Kind, Tally]]]:
    """Measure all of TAT-QA and a third of SQuAD, which is ten times as large."""
    return {
        "squad": measure(squad_drafts(read_rows(GOLD / "squad_gold.jsonl")[::3])),
        "tatqa": measure(tatqa_drafts(read_rows(GOLD / "tatqa_gold.jsonl"))),
    }


@needs_gold
@pytest.mark.parametrize(("source", "least"), [("squad", 900), ("tatqa", 300)])
def test_human_questions_pass(measured: dict[str, tuple[Tally, Any]], source: str, least: int) -> None:
    whole, _ = measured[source]
    assert whole.total >= least
    assert 1 - whole.rejection >= WANTED, whole.examples


@needs_gold
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.source}: {kind.name}")
def test_corrupted_copies_are_turned_down(
    measured: dict[str, tuple[Any, dict[Kind, Tally]]], kind: Kind
) -> None:
    tally = measured[kind.source][1][kind]
    assert tally.total > 0
    if kind.knowable:
        assert tally.rejection >= WANTED, tally.examples["passed"]


def test_the_script_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    (tmp_path / "tatqa_gold.jsonl").write_text(json.dumps({"id": "f", "text": TABLE, "qas": COMPUTED}))
    qas = [{"question": asks, "answers": answers, "is_impossible": False} for asks, answers in EXTRACTED]
    (tmp_path / "squad_gold.jsonl").write_text(json.dumps({"id": "b", "text": PROSE, "qas": qas}))
    command = [
        sys.executable,
        BENCH / "gold_regression.py",
        "--gold",
        tmp_path,
        "--json",
        tmp_path / "out.json",
    ]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert f"tatqa: {len(COMPUTED)} of {len(COMPUTED)} pass" in run.stdout
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["squad"]["questions"]["total"] == len(EXTRACTED)
    assert {kind["kind"] for kind in found["tatqa"]["corrupted"]} == {
        kind.name for kind in KINDS if kind.source == "tatqa"
    }
