"""The rules: documents become pairs that the pipeline's own schemas accept, junk is turned away for what it is."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypeVar

import pytest

from webscale_rl.llm.fence import fence
from webscale_rl.llm.prompts import build_messages, show_document
from webscale_rl.offline import MODEL, REVISION
from webscale_rl.offline.rules.answer import answer
from webscale_rl.offline.rules.minimal import minimal
from webscale_rl.stages.assess import AssessAnswer, Flag
from webscale_rl.stages.check import BlindAnswer, JudgeAnswer, MatchAnswer, SolveAnswer
from webscale_rl.stages.generate import GenerateAnswer
from webscale_rl.stages.stage import StageAnswer

A = TypeVar("A", bound=StageAnswer)

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "corpus"

BRIDGE = """# Marlow Bridge

Marlow Bridge is a suspension crossing over a river in the south of England, with a span of stone and iron.
The Marlow Bridge was completed in 1832, after the wooden predecessor had been damaged by a collision.
Marlow Bridge was designed by William Tierney Clark, who came from Bristol. The bridge has 2 towers of stone.
It is often admired. The Bridge Preservation Trust (BPT) spent $120,000 on paint in the spring of the year.
"""

REPORT = """# Sales by Region

The company sells to three regions and closes its books in September of each year.

|  | 2019 | 2018 |
| North | $ 1,452.4 | $ 1,146.2 |
| South | 44.1 | 56.7 |
| Total sales | 1,496.5 | 1,202.9 |
"""

RECIPE = """# Barley Soup

- Prep time: 15 min
- Cook time: 90 min

## Ingredients

- 300 g barley
- 100 g carrots, peeled

## Directions

1. Bring water and barley to the boil, and let them simmer for an hour.
"""

# Junk of each kind, with the flag that says why.
JUNK = {
    "licence": (
        "Copyright (c) 2020 Someone\n\nPermission is hereby granted, free of charge, to any person obtaining a copy "
        'of this software, to deal in it. The software is provided "as is", without warranty of any kind.',
        Flag.BOILERPLATE,
    ),
    "front matter": ("---\ntitle: My page\nlayout: page.html\nslug: my-page\n---\n", Flag.BOILERPLATE),
    "minified": (
        "!function(e,t){var n,r=0;if(T(e)){for(n=e.length;r<n;r++)if(!1===t.call(e[r],r,e[r]))break}}" * 6,
        Flag.MACHINE_DATA,
    ),
    "markup": (
        '<svg xmlns="http://www.w3.org/2000/svg"><g id="a"><path d="M0 0"/><path d="M1 1"/></g></svg>\n' * 8,
        Flag.MACHINE_DATA,
    ),
    "rows": (
        "id,name,kind,value\n" + "".join(f"{n},item {n},x,{n * 7}\n" for n in range(40)),
        Flag.MACHINE_DATA,
    ),
    "changelog": (
        "# Changelog\n\n"
        + "".join(f"- Fix crash in part {n} by @someone in #{n + 100}\n" for n in range(20)),
        Flag.NO_FACTS,
    ),
    "links": (
        "# Index\n\n" + "".join(f"- [Page {n}](https://example.org/pages/{n}.html)\n" for n in range(30)),
        Flag.NAVIGATION,
    ),
    "menu": ("\n".join(["Home", "About us", "Contact", "Explore", "Help", "Sign in"] * 6), Flag.NAVIGATION),
    "references": (
        "References\n\n"
        + "".join(f".. [{n}] A message on the list\n   (https://example.org/m/{n})\n" for n in range(9)),
        Flag.NAVIGATION,
    ),
    "questions": (
        "Hepatitis\n\n" + "What causes Hepatitis ?\nAnswer:\nHow is it treated ?\nAnswer:\n" * 4,
        Flag.QUESTIONS_ONLY,
    ),
    "German": (
        "Die Brücke über den Fluss wurde im neunzehnten Jahrhundert gebaut und später mehrfach erneuert. "
        * 6,
        Flag.NOT_ENGLISH,
    ),
    "Russian": ("Тесла был известен своими достижениями и умением представить товар. " * 6, Flag.NOT_ENGLISH),
    "stub": ("../CODE.md", Flag.BOILERPLATE),
}


def ask(stage: str, schema: type[A], document: str | None = None, **fields: str) -> A:
    """Ask the rules as the pipeline does and validate as strictly."""
    guides = (fence("demonstration", "Question: What is shown?\nAnswer: another document"),)
    shown = "" if document is None else show_document(document)
    messages = build_messages("rules", document=shown, guides=guides, fields=fields, task=stage)
    properties = {"properties": dict.fromkeys(schema.model_fields)}
    return schema.model_validate_json(
        json.dumps(answer(stage, messages[1]["content"], properties)), strict=True
    )


def pairs(document: str) -> dict[str, list[GenerateAnswer]]:
    """Return what the rules generate for their own plan, by task form."""
    assessed = ask("assess", AssessAnswer, document)
    found: dict[str, list[GenerateAnswer]] = {}
    for item in assessed.plan:
        form = item.task_form.value
        drafted = ask(
            "generate", GenerateAnswer, document, domain="Other", task_form=form, target=item.target
        )
        found.setdefault(form, []).append(drafted)
    return found


def test_the_name_says_that_it_is_no_model() -> None:
    assert "not-a-language-model" in MODEL
    assert len(REVISION) == 12


def test_statements_become_questions_with_evidence() -> None:
    found = pairs(BRIDGE)["recall"]
    assert len(found) == 3
    assert len({draft.question for draft in found}) == 3
    assert found[0].question == "In what year was the Marlow Bridge completed?"
    assert (found[0].answer, found[0].answer_type, found[0].precision) == ("1832", "date", "year")
    for draft in found:
        assert all(span in BRIDGE for span in draft.evidence)
        assert draft.answer in draft.evidence[0]
        assert draft.answer not in draft.question


def test_the_target_does_not_give_the_answer_away() -> None:
    for item in ask("assess", AssessAnswer, BRIDGE).plan:
        draft = ask("generate", GenerateAnswer, BRIDGE, task_form="recall", target=item.target)
        assert draft.answer not in item.target


def test_a_table_is_computed_with_and_compared() -> None:
    found = pairs(REPORT)
    computed, compared = found["compute"][0], found["compare"][0]
    assert computed.expression == "1452.4 - 1146.2"
    assert computed.answer == "306.2"
    assert computed.evidence == ["| North | $ 1,452.4 | $ 1,146.2 |"]
    assert computed.scope_anchor in computed.question
    assert compared.answer == "North"
    assert len(compared.evidence) == 2
    assert "recall" in found


def test_quantities_of_a_recipe_add_up() -> None:
    found = pairs(RECIPE)
    assert found["compute"][0].answer == "105"
    assert found["compute"][0].expression == "15 + 90"
    assert found["derive"][0].answer == "105"
    assert found["recall"][0].answer == "15 min"


@pytest.mark.parametrize("document", [BRIDGE, REPORT, RECIPE], ids=["prose", "table", "recipe"])
def test_the_solver_finds_what_the_generator_asks(document: str) -> None:
    for drafts in pairs(document).values():
        for draft in drafts:
            solved = ask("solve", SolveAnswer, document, question=draft.question)
            assert (solved.sufficient, solved.answer) == (True, draft.answer)
            assert ask("blind", BlindAnswer, question=draft.question).self_contained
            judged = ask("judge", JudgeAnswer, document, question=draft.question, answer=draft.answer)
            assert judged.supported
            assert not judged.answer_revealed


def test_a_question_in_other_words_is_searched_for() -> None:
    solved = ask("solve", SolveAnswer, BRIDGE, question="Which year saw the Marlow Bridge completed?")
    assert solved.answer == "1832"


def test_a_question_about_something_else_is_not_answered() -> None:
    solved = ask("solve", SolveAnswer, BRIDGE, question="In what year was the Suez Canal opened to ships?")
    assert (solved.sufficient, solved.answer) == (False, "")


def test_what_was_not_planned_is_abstained_from() -> None:
    draft = ask("generate", GenerateAnswer, BRIDGE, task_form="execute", target="the output of the program")
    assert draft.abstain
    assert draft.abstain_reason


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("William Clark", "william  clark.", "same"),
        ("1,496.5", "1496.50", "same"),
        ("1832", "1833", "different"),
    ],
)
def test_answers_are_compared_by_words_and_value(one: str, other: str, verdict: str) -> None:
    found = ask("match", MatchAnswer, question="Which?", answer_one=one, answer_two=other)
    assert found.verdict == verdict


@pytest.mark.parametrize(
    "question",
    ["When was it built?", "What does the passage say?", "How did the company fare in 2019?", "  "],
)
def test_a_question_that_needs_context_is_flagged(question: str) -> None:
    judged = ask("blind", BlindAnswer, question=question)
    assert not judged.self_contained
    assert judged.missing


def test_a_wrong_answer_is_not_supported() -> None:
    question = "In what year was the Marlow Bridge completed?"
    assert not ask("judge", JudgeAnswer, BRIDGE, question=question, answer="1901").supported


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_rejected_for_what_it_is(name: str) -> None:
    document, flag = JUNK[name]
    found = ask("assess", AssessAnswer, document)
    assert (found.decision, found.flags, found.plan) == ("unsuitable", [flag], [])


def test_an_unknown_schema_gets_its_smallest_value() -> None:
    schema = {
        "type": "object",
        "properties": {
            "word": {"type": "string", "enum": ["tamarind", "b"]},
            "text": {"type": "string", "maxLength": 4},
            "sure": {"type": "boolean"},
            "count": {"type": "integer"},
            "items": {"type": "array", "minItems": 2, "items": {"type": "object", "properties": {}}},
        },
    }
    expected = {"word": "tamarind", "text": "offl", "sure": False, "count": 0, "items": [{}, {}]}
    assert answer("probe", "Greet me.", schema) == expected


def test_a_schema_without_an_end_does_no_harm() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    schema["properties"]["again"] = schema
    assert isinstance(minimal(schema), dict)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        " ",
        "\n",
        "“",
        '"',
        "(",
        "| 1 ",
        "A. ",
        "<a ",
        "- [ ",
        "x,",
        "1 + ",
        "$1",
        "`",
        "_",
        "\x00",
        "\u200b",
        "Ä",
    ],
)
def test_hostile_text_takes_no_time(unit: str) -> None:
    document = unit * (1_000_000 // len(unit))
    started = time.process_time()
    ask("assess", AssessAnswer, document)
    ask("solve", SolveAnswer, document, question=unit * 1000)
    ask("blind", BlindAnswer, question=unit * 50_000)
    assert time.process_time() - started < 5


def test_the_answers_are_the_same_in_every_process() -> None:
    program = (
        "import json, sys; from webscale_rl.offline.rules.answer import answer; "
        "print(json.dumps(answer('assess', sys.stdin.read(), {'properties': dict.fromkeys("
        "['analysis', 'flags', 'decision', 'domain', 'plan'], {})})))"
    )

    def run(seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        prompt = fence("document", BRIDGE + RECIPE + REPORT)
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, input=prompt, env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert run("1") == run("2")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not on this machine")
def test_real_documents_are_kept_and_real_junk_is_not() -> None:
    kept = total = 0
    for path in sorted(CORPUS.glob("*.jsonl")):
        if path.name == "junk.jsonl":
            continue
        for line in path.read_text(encoding="utf-8").splitlines()[::20]:
            total += 1
            kept += ask("assess", AssessAnswer, json.loads(line)["text"]).decision == "suitable"
    assert kept > 0.9 * total
    junk = [json.loads(line) for line in (CORPUS / "junk.jsonl").read_text(encoding="utf-8").splitlines()]
    junk = [record for record in junk if not record["reason"].startswith("near_duplicate")]
    rejected = [ask("assess", AssessAnswer, record["text"]).decision == "unsuitable" for record in junk]
    assert sum(rejected) > 0.9 * len(junk)


def test_every_piece_of_the_sample_corpus_is_taken_for_what_it_is() -> None:
    folder = Path(__file__).resolve().parents[2] / "include" / "sample_corpus"
    found = {}
    for path in sorted(folder.glob("*.jsonl")):
        for record in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            answer = ask("assess", AssessAnswer, record["text"])
            found[record["id"]] = answer.flags[0].value if answer.flags else ""
    assert {name: flag for name, flag in found.items() if flag} == {
        "coding-01": "no_facts",  # code and formulas, of which the rules make nothing
        "math-02": "no_facts",
        "junk-01": "boilerplate",
        "junk-02": "advertisement",
        "junk-03": "missing_referent",
        "junk-04": "not_english",
        "junk-05": "machine_data",
        "junk-06": "no_facts",
        "junk-07": "questions_only",
        "junk-08": "not_english",
        "junk-09": "boilerplate",
    }
