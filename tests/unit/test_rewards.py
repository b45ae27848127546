"""What a trainer would lose: a reward for a wrong answer, or none for a right one written otherwise."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webscale_rl.rewards import ANSWER_TYPES, AnswerSpec, Match, match
from webscale_rl.rewards.dates import CalendarDate, read_date
from webscale_rl.rewards.normalise import elements, folded
from webscale_rl.rewards.numbers import read_numbers
from webscale_rl.rewards.spec import SPEC_VERSION

SAME, DIFFERENT, UNSURE = Match.SAME, Match.DIFFERENT, Match.UNSURE

# Of one kind, without a unit or tolerance in the specification: the verdict must be the same both ways round.
PAIRS: list[tuple[str, str, str, Match]] = [
    ("integer", "1937", "1,937", SAME),
    ("integer", "1234567", "1 234 567".replace(" ", "\u202f"), SAME),
    ("integer", "1937", "1938", DIFFERENT),
    ("integer", "5", "five", SAME),
    ("integer", "21", "Twenty-one", SAME),
    ("integer", "200", "two hundred", SAME),
    ("integer", "1500", "one thousand five hundred", SAME),
    ("integer", "5", "six", DIFFERENT),
    ("integer", "-5", "−5", SAME),
    ("integer", "-5", "5", DIFFERENT),
    ("integer", "-5", "minus 5", SAME),
    ("integer", "5", "negative 5", DIFFERENT),
    ("integer", "50", "more than 50", UNSURE),
    ("integer", "50", "about 50", UNSURE),
    ("integer", "50", "<50", UNSURE),
    ("integer", "50", "not 50", UNSURE),
    ("integer", "5", "5 or 6", UNSURE),
    ("integer", "5", "5 and 6", UNSURE),
    ("integer", "12", "12.0", SAME),
    ("integer", "100", "10²", UNSURE),
    ("integer", "102", "10²", UNSURE),
    ("integer", "10", "10^2", UNSURE),
    ("integer", "5000000", "5 million", SAME),
    ("integer", "5", "5 million", DIFFERENT),
    ("integer", "5", "none", UNSURE),
    ("decimal", "0.5", ".5", SAME),
    ("decimal", "0.5", "1/2", SAME),
    ("decimal", "0.5", "½", SAME),
    ("decimal", "2.5", "2½", SAME),
    ("decimal", "0.5", "0.05", DIFFERENT),
    ("decimal", "6.022e23", "6.022 × 10^23", SAME),
    ("decimal", "6.022e23", "6.022 × 10²³", SAME),
    ("decimal", "0.0015", "1.5 x 10⁻³", SAME),
    ("decimal", "6.022e23", "6.022e22", DIFFERENT),
    ("decimal", "√2", "2", UNSURE),
    ("decimal", "5.5", "5 1/2", SAME),
    ("decimal", "25.5", "51/2", SAME),
    ("decimal", "51/2", "5 1/2", DIFFERENT),
    ("decimal", "35", "3,5", UNSURE),
    ("integer", "1200000", "1 200 000", SAME),
    ("integer", "1200000", r"1{,}200{,}000", SAME),
    ("integer", "1200000", r"1.2 \times 10^{6}", SAME),
    ("integer", "2003000", "two million three thousand", SAME),
    ("integer", "5", "minus minus 5", UNSURE),
    ("integer", "5", "log 5", UNSURE),
    ("integer", "5", "twice 5", UNSURE),
    ("integer", "5", r"\sqrt{5}", UNSURE),
    ("integer", "5", r"\neq 5", UNSURE),
    ("integer", "5", r"\pm 5", UNSURE),
    ("decimal", "3.14", "3.1", DIFFERENT),
    ("quantity", "5 km", "5000 m", SAME),
    ("quantity", "5 km", "5 kilometres", SAME),
    ("quantity", "5km", "5 KM", SAME),
    ("quantity", "5 km", "5 m", DIFFERENT),
    ("quantity", "2 hours", "120 min", SAME),
    ("quantity", "2 years", "24 months", SAME),
    ("quantity", "5 kg", "5 km", UNSURE),
    ("quantity", "5 mol", "5 m", UNSURE),
    ("quantity", "5 gigabytes", "5 g", UNSURE),
    ("quantity", "5 m", "5 m per second", UNSURE),
    ("quantity", "5 km", "5 km/h", UNSURE),
    ("quantity", "5 m", "5 m²", UNSURE),
    ("quantity", "5 m", "5 metres squared", UNSURE),
    ("quantity", "5 km²", "5.0 km²", SAME),
    ("quantity", "5 km²", "5 km^2", SAME),
    ("quantity", "5 MW", "5 mW", DIFFERENT),
    ("quantity", "5 MW", "5000 kW", SAME),
    ("quantity", "5 ML", "5 ml", DIFFERENT),
    ("quantity", "5 Gb", "5 GB", UNSURE),
    ("quantity", "5 Mg", "5 t", SAME),
    ("quantity", "20 °C", "20°C", SAME),
    ("quantity", "20 °C", "20 °F", UNSURE),
    ("quantity", "12 apples", "12 pears", UNSURE),
    ("quantity", "5 km", r"5\,\mathrm{km}", SAME),
    ("quantity", "5 km", r"5\text{ km}", SAME),
    ("quantity", "9.8 m/s^2", r"9.8\ \text{m/s}^2", SAME),
    ("quantity", "20 °C", r"20^\circ\text{C}", SAME),
    ("quantity", "20 °C", "20 degrees Celsius", SAME),
    ("percent", "12%", r"12\,\%", SAME),
    ("currency", "$5", "5 US dollars", SAME),
    ("currency", "$5", "USD 5", SAME),
    ("currency", "$5", "A$5", UNSURE),
    ("currency", "$5", "CAD 5", UNSURE),
    ("currency", "$1.2 million", r"\$1.2\text{ million}", SAME),
    ("percent", "12%", "12 percent", SAME),
    ("percent", "12 %", "12 per cent", SAME),
    ("percent", "12%", "13%", DIFFERENT),
    ("percent", "12%", "12 percentage points", UNSURE),
    ("currency", "$1,200", "1200 dollars", SAME),
    ("currency", "$1.2 million", "$1,200,000", SAME),
    ("currency", "$1.2M", "$1,200,000", SAME),
    ("currency", "$5k", "$5", DIFFERENT),
    ("currency", "$1200", "€1200", UNSURE),
    ("currency", "$1200", "$1300", DIFFERENT),
    ("date", "12 March 1910", "March 12, 1910", SAME),
    ("date", "12 March 1910", "1910-03-12", SAME),
    ("date", "12th of March, 1910", "Mar 12 1910", SAME),
    ("date", "12 March 1910", "13 March 1910", DIFFERENT),
    ("date", "March 1910", "April 1910", DIFFERENT),
    ("date", "1910-03-12", "03/12/1910", UNSURE),
    ("date", "12 March 1910", "12 March", UNSURE),
    ("date", "44 BC", "44 AD", DIFFERENT),
    ("date", "44 BC", "44 BCE", SAME),
    ("date", "19th century", "1850", UNSURE),
    ("date", "1937", "before 1937", UNSURE),
    ("date", "1937", "1937 or 1938", UNSURE),
    ("date", "1937", "1930s", UNSURE),
    ("date", "1937", "by 1937", UNSURE),
    ("date", "44 BC", "44 B.C.", SAME),
    ("date", "12 March 1910", "Saturday, 12-Mar-1910", SAME),
    ("date", "12 March 1910", "1910/03/12", SAME),
    ("range", "1914-1918", "1914 to 1918", SAME),
    ("range", "1914–1918", "from 1914 until 1918", SAME),
    ("range", "between 5 and 10", "5-10", SAME),
    ("range", "10%-20%", "10% to 20%", SAME),
    ("range", "10 km - 20 km", "10 km to 20 km", SAME),
    ("range", "-5 to -1", "between -5 and -1", SAME),
    ("range", "5-10 km", "5-10 m", UNSURE),
    ("range", "5-10", "5-11", DIFFERENT),
    ("range", "5-10", "7", UNSURE),
    ("range", "5-10", "5--10", SAME),
    ("range", "5-10", "[5, 10]", SAME),
    ("range", "5-10 km", "5 to 10 kilometres", SAME),
    ("range", "5-10", "5, 10", UNSURE),
    ("range", "5-10", "5 x 10", UNSURE),
    ("range", "5-10", "5:10", UNSURE),
    ("entity", "The Aldermere reservoir", "aldermere Reservoir.", SAME),
    ("entity", "Kurt Gödel", "Kurt Go\u0308del", SAME),
    ("entity", "Kurt Gödel", "Kurt Goedel", SAME),
    ("entity", "Marie Curie", "Dr. Marie Curie", SAME),
    ("entity", "O’Brien", "O'Brien", SAME),
    ("entity", "Jean-Paul", "Jean‑Paul", SAME),
    ("entity", "**Paris**", "Paris", SAME),
    ("entity", "CO₂", "CO2", SAME),
    ("entity", "Paris", "Paris or London", UNSURE),
    ("entity", "vitamin A", "vitamin", UNSURE),
    ("entity", "hepatitis A virus", "hepatitis virus", UNSURE),
    ("entity", "C#", "C", DIFFERENT),
    ("entity", "C++", "C", DIFFERENT),
    ("entity", "1984", "1985", DIFFERENT),
    ("entity", "version 1.2", "version 1.2.3", UNSURE),
    ("entity", "1.2", "1.2.3", UNSURE),
    ("entity", "1.2", "1.20", UNSURE),
    ("entity", "1.2.3", "1.2.3.4", UNSURE),
    ("phrase", "the soil dries out", "Soil dries out!", SAME),
    ("phrase", "it rises", "it falls", UNSURE),
    ("entity", "Marie Curie", r"\text{Marie }\text{Curie}", SAME),
    ("entity", "Marie Curie", "!Marie Curie", UNSURE),
    ("entity", "Marie Curie", "~~Marie Curie~~", UNSURE),
    ("entity", "Marie Curie", "Marie / Curie", UNSURE),
    ("entity", "Marie Curie", "Marie Curie's husband", UNSURE),
    ("entity", "Marie Curie", "so-called Marie Curie", UNSURE),
    ("entity", "Marie Curie", "Marie Curie (rejected)", UNSURE),
    ("entity", "H2O", r"\mathrm{H_2O}", SAME),
    ("entity", "A", "A-", UNSURE),
    ("entity", "A", "A*", UNSURE),
    ("entity", "A", "¬A", UNSURE),
    ("entity", "the 1990s", "1990", UNSURE),
    ("phrase", "nothing", "not nothing", UNSURE),
    ("phrase", "not guilty", "not not guilty", UNSURE),
    ("phrase", "O(n log n)", r"$O(n \log n)$", SAME),
    ("phrase", "O(n log n)", "O(n) log n", UNSURE),
    ("phrase", "O(n log n)", "o(n log n)", UNSURE),
    ("phrase", "E=mc^2", "E≠mc^2", UNSURE),
    ("phrase", "x > 5", "x < 5", UNSURE),
    ("phrase", "-5", "5", UNSURE),
    ("phrase", "a dam", '"A dam"', SAME),
    ("phrase", "-a b", "b", UNSURE),
    ("phrase", "guilty", "not guilty", UNSURE),
    ("phrase", "O(2^n)", "O(2n)", UNSURE),
    ("boolean", "yes", "Yes.", SAME),
    ("boolean", "yes", "true", SAME),
    ("boolean", "yes", "Yes, it is closed", SAME),
    ("boolean", "yes", "no", DIFFERENT),
    ("boolean", "yes", "False", DIFFERENT),
    ("boolean", "yes", "yes and no", UNSURE),
    ("boolean", "yes", "perhaps", UNSURE),
    ("boolean", "no", "not clear", UNSURE),
    ("boolean", "no", "No, it is not.", SAME),
    ("boolean", "no", "No, it is", UNSURE),
    ("boolean", "yes", "yes?", UNSURE),
    ("boolean", "yes", "!yes", UNSURE),
    ("list", "salt, pepper and oil", "salt; pepper; oil", SAME),
    ("list", "[a, b, c]", "a, b, c", SAME),
    ("list", "A, B", "B", DIFFERENT),
    ("list", "salt, pepper", "pepper, salt", DIFFERENT),
    ("list", "1,000, 2,000", "1,000; 2,000", SAME),
    ("set", "salt, pepper", "pepper and salt", SAME),
    ("set", "{1, 2}", "2, 1", SAME),
    ("set", "1, 2", "1, 2, 3", DIFFERENT),
    ("list", "a1, b1, c1", "a1 b1 c1", UNSURE),
    ("list", "a1, b1, c1", "1. a1\n2. b1\n3. c1", SAME),
    ("list", "1, 2", "1, 2%", UNSURE),
    ("set", "a1, b1", r"\{\text{b1}, \text{a1}\}", SAME),
    ("set", "1, 2", r"\left\{2,\,1\right\}", SAME),
    ("tuple", "(1/2, 3)", r"\left(\frac{1}{2}, 3\right)", SAME),
    ("tuple", "(1, 2)", "1, 2", SAME),
    ("tuple", "(1, 2)", "(2, 1)", DIFFERENT),
    ("string", "Co", "Co", SAME),
    ("string", "Co", "CO", DIFFERENT),
    ("string", "a  b", "a b", DIFFERENT),
    ("string", "`x_1`", "x_1", SAME),
    ("string", r"\texttt{x\_1}", "x_1", SAME),
    ("string", "```python\nf(1)\n```", "f(1)", SAME),
    ("string", "__init__", "init", DIFFERENT),
    ("string", "'a", "a", DIFFERENT),
    ("expression", "x^2 + 1", "x^2+1", SAME),
    ("expression", "$x^2$", "x^2", SAME),
    ("expression", "x^2", "x*2", DIFFERENT),
    ("expression", "a(b+c)", "ab+c", DIFFERENT),
    ("expression", "√2", "2", UNSURE),
    ("expression", "-5", "−5", SAME),
    (
        "expression",
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        SAME,
    ),
    ("expression", "5", "5 million", UNSURE),
    ("expression", "5", "at best 5", UNSURE),
    ("expression", "V", "v", UNSURE),
]


@pytest.mark.parametrize(("kind", "one", "other", "verdict"), PAIRS)
def test_two_answers_of_a_kind_are_compared_alike_both_ways(
    kind: Any, one: str, other: str, verdict: Match
) -> None:
    assert match(AnswerSpec(type=kind, answer=one), other) is verdict
    assert match(AnswerSpec(type=kind, answer=other), one) is verdict


def test_every_kind_of_answer_is_in_the_table() -> None:
    assert {pair[0] for pair in PAIRS} == set(ANSWER_TYPES) - {"choice"}


@pytest.mark.parametrize(
    ("kind", "answer", "candidate"),
    [
        ("integer", "-3", "-(-3)"),
        ("integer", "5", "5!"),
        ("integer", "5", "5'"),
        ("integer", "5", "$5"),
        ("integer", "5", "the opposite of 5"),
        ("date", "1937", "1937?"),
        ("set", "a1, b1", "a1, b1, ..."),
        ("set", "a1, b1", "a1, b1?"),
        ("expression", "5", "5!"),
        ("expression", "5", "> 5"),
        ("expression", "5", r"\neq 5"),
        ("expression", "5", "6=5"),
        ("expression", "5", r"5\%"),
    ],
)
def test_what_changes_an_answer_is_not_dropped(kind: Any, answer: str, candidate: str) -> None:
    assert match(AnswerSpec(type=kind, answer=answer), candidate) is not SAME


OPTIONS = ("Paris", "Lyon", "Marseille", "A port")


@pytest.mark.parametrize(
    ("answer", "candidate", "verdict"),
    [
        ("Lyon", "lyon.", SAME),
        ("Lyon", "B", SAME),
        ("Lyon", "b)", SAME),
        ("Lyon", "(B) Lyon", SAME),
        ("Lyon", "B. Lyon", SAME),
        ("Lyon", "A", DIFFERENT),
        ("Lyon", "Paris", DIFFERENT),
        ("Lyon", "C) Marseille", DIFFERENT),
        ("Lyon", "B) Paris", UNSURE),
        ("Lyon", "E", UNSURE),
        ("Lyon", "Option B", SAME),
        ("Lyon", "[B]", SAME),
        ("Lyon", "B - Lyon", SAME),
        ("Lyon", r"\mathbf{B}", SAME),
        ("Lyon", "A) Lyon", UNSURE),
        ("Lyon", "A B", UNSURE),
        ("Lyon", "!B", UNSURE),
        ("Lyon", "Lyon or Paris", UNSURE),
        ("Lyon", "the city in the middle", UNSURE),
        ("Paris", "A", SAME),
        ("Paris", "a", SAME),
        ("Paris", "D", DIFFERENT),
        ("A port", "a port", SAME),
    ],
)
def test_an_option_is_named_by_its_text_or_its_letter(answer: str, candidate: str, verdict: Match) -> None:
    assert match(AnswerSpec(type="choice", answer=answer, options=OPTIONS), candidate) is verdict


@pytest.mark.parametrize("letters", [("C", "B", "A"), ("B", "A", "C")])
def test_options_that_are_letters_themselves_are_meant_by_their_text(letters: tuple[str, ...]) -> None:
    spec = AnswerSpec(type="choice", answer="A", options=letters)
    assert [match(spec, letter) for letter in "ABC"] == [SAME, DIFFERENT, DIFFERENT]


@pytest.mark.parametrize(
    ("fields", "candidate", "verdict"),
    [
        ({"type": "integer", "answer": "12", "unit": "apples"}, "12 apples", SAME),
        ({"type": "quantity", "answer": "5", "unit": "km"}, "5000 m", SAME),
        ({"type": "quantity", "answer": "5", "unit": "km"}, "5", SAME),
        ({"type": "quantity", "answer": "5", "unit": "km"}, "6", DIFFERENT),
        ({"type": "quantity", "answer": "88 million litres", "unit": "million litres"}, "88", SAME),
        ({"type": "quantity", "answer": "88 million litres", "unit": "million litres"}, "89", UNSURE),
        ({"type": "percent", "answer": "12%"}, "12", SAME),
        ({"type": "percent", "answer": "12%"}, "0.12", UNSURE),
        ({"type": "decimal", "answer": "1.0", "tolerance": 0.3}, "1.3", SAME),
        ({"type": "decimal", "answer": "1.0", "tolerance": 0.3}, "1.31", DIFFERENT),
        ({"type": "decimal", "answer": "1.0", "tolerance": 0.3}, "≈1.1", SAME),
        ({"type": "quantity", "answer": "5 km", "tolerance": 0.1}, "5100 m", SAME),
        ({"type": "quantity", "answer": "5 km", "tolerance": 0.1}, "5101 m", DIFFERENT),
        ({"type": "range", "answer": "5-10", "tolerance": 1}, "6 to 9", SAME),
        ({"type": "date", "answer": "12 March 1910", "precision": "year"}, "1910", SAME),
        ({"type": "date", "answer": "12 March 1910"}, "1910", UNSURE),
        ({"type": "date", "answer": "1910"}, "12 March 1910", SAME),
        ({"type": "list", "answer": "a1, b1", "order": False}, "b1, a1", SAME),
        ({"type": "entity", "answer": "Gödel", "aliases": ("Kurt Goedel",)}, "kurt goedel", SAME),
        ({"type": "string", "answer": "x", "aliases": ("y",)}, "y", SAME),
        ({"type": "expression", "answer": "2x", "aliases": ("x*2",)}, "x * 2", SAME),
    ],
)
def test_unit_tolerance_precision_order_and_aliases_count(
    fields: dict[str, Any], candidate: str, verdict: Match
) -> None:
    assert match(AnswerSpec(**fields), candidate) is verdict


@pytest.mark.parametrize("kind", ANSWER_TYPES)
@pytest.mark.parametrize("candidate", ["", " \n", "1 " * 1000, "x" * 1_000_000])
def test_nothing_and_an_essay_are_no_answers(kind: Any, candidate: str) -> None:
    assert match(AnswerSpec(type=kind, answer="1"), candidate) is DIFFERENT


SPECS = st.builds(
    AnswerSpec,
    type=st.sampled_from(ANSWER_TYPES),
    answer=st.text(min_size=1, max_size=40).filter(str.strip),
    unit=st.text(max_size=9) | st.sampled_from(["km", "million", "e999", "/0"]),
    precision=st.text(max_size=9),
    tolerance=st.floats(min_value=0, allow_nan=False, allow_infinity=False),
    aliases=st.tuples(st.text(max_size=9)),
    options=st.lists(st.text(max_size=9), max_size=12).map(tuple),
    order=st.booleans(),
)
NUMBERISH = st.text("0123456789.,-–+/^eE%$€ kmbnto()²½×", max_size=40)


@settings(deadline=None)
@given(spec=SPECS, candidate=st.text(max_size=60) | NUMBERISH, kind=st.sampled_from(ANSWER_TYPES))
def test_no_text_raises(spec: AnswerSpec, candidate: str, kind: Any) -> None:
    assert match(spec, candidate) in Match
    if candidate.strip():
        assert match(AnswerSpec(type=kind, answer=candidate), spec.answer) in Match
        assert match(AnswerSpec(type=kind, answer=candidate, unit=spec.unit), "7") in Match


@settings(deadline=None)
@given(spec=SPECS)
def test_an_answer_is_never_different_from_itself(spec: AnswerSpec) -> None:
    if spec.type != "choice":
        assert match(spec, spec.answer) is not DIFFERENT


@settings(deadline=None)
@given(
    kind=st.sampled_from([kind for kind in ANSWER_TYPES if kind != "choice"]),
    one=st.integers(-(10**80), 10**80) | st.integers(-100, 3000),
    other=st.integers(-(10**80), 10**80) | st.integers(-100, 3000),
    form=st.sampled_from(["{}", "{:,}", " {}.", "The answer is {}", "{} km", "${}"]),
)
def test_different_plain_integers_are_never_the_same(kind: Any, one: int, other: int, form: str) -> None:
    verdict = match(AnswerSpec(type=kind, answer=str(one)), form.format(other))
    if one != other:
        assert verdict is not SAME
    elif form == "{}":
        assert verdict is SAME


@settings(deadline=None)
@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_that_matters(text: str) -> None:
    assert len(folded(text)) <= 20 * len(text)
    assert all(element == element.strip() for element in elements(text))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["1", "1,", "1 ", "1/", "1e", "-", "a ", "(", ", and ", "1-", "^", "²", "$ "]
)
def test_hostile_answers_are_compared_in_bounded_time(piece: str) -> None:
    text = (piece * 1000)[:999]
    for kind in ANSWER_TYPES:
        match(AnswerSpec(type=kind, answer=text + "1", options=(text,) * 6), text)
        match(AnswerSpec(type=kind, answer="1"), text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1910", CalendarDate(1910)),
        ("in the year 1910", CalendarDate(1910)),
        ("May 1910", CalendarDate(1910, 5)),
        ("1910-5", CalendarDate(1910, 5)),
        ("3rd of May 1910", CalendarDate(1910, 5, 3)),
        ("500 BCE", CalendarDate(-500)),
        ("3 May", None),
        ("32 May 1910", None),
        ("1910-13", None),
        ("1 2 1910", None),
        ("May June 1910", None),
        ("1910 " + "of the year " * 9, None),
        ("", None),
    ],
)
def test_dates_are_read_as_precisely_as_they_are_written(text: str, expected: CalendarDate | None) -> None:
    assert read_date(text) == expected


def test_numbers_that_are_too_long_are_not_read() -> None:
    assert read_numbers("9" * 61) == read_numbers("1e99") == read_numbers("1/0") == []


@settings(deadline=None)
@given(spec=SPECS)
def test_a_specification_survives_json(spec: AnswerSpec) -> None:
    written = spec.to_json()
    assert AnswerSpec.from_json(written) == spec
    assert AnswerSpec.from_json(written).to_json() == written
    assert json.loads(written)["version"] == SPEC_VERSION


def test_a_specification_of_an_older_version_is_read() -> None:
    assert AnswerSpec.from_json('{"type": "integer", "answer": "5"}') == AnswerSpec("integer", "5")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "5",
        "{}",
        '{"type": "integer"}',
        '{"type": "number", "answer": "5"}',
        '{"type": "integer", "answer": ""}',
        '{"type": "integer", "answer": 5}',
        '{"type": "integer", "answer": "5", "tolerance": -1}',
        '{"type": "integer", "answer": "5", "tolerance": "1"}',
        '{"type": "integer", "answer": "5", "tolerance": NaN}',
        '{"type": "integer", "answer": "5", "aliases": "12"}',
        '{"type": "integer", "answer": "5", "aliases": null}',
        '{"type": "integer", "answer": "5", "aliases": [1]}',
        '{"type": "integer", "answer": "5", "surprise": 1}',
        '{"type": "integer", "answer": "5", "unit": null}',
        '{"type": "integer", "answer": "5", "precision": 7}',
        '{"type": "list", "answer": "5", "order": "no"}',
        '{"type": "integer", "answer": "5", "version": true}',
        '{"type": "integer", "answer": "5", "version": "1"}',
        f'{{"type": "integer", "answer": "5", "version": {SPEC_VERSION + 1}}}',
        "[" * 100_000,
    ],
)
def test_what_is_no_specification_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        AnswerSpec.from_json(text)


def test_the_package_needs_nothing_but_the_standard_library() -> None:
    include = Path(__file__).resolve().parents[2] / "include"
    code = f"""
import sys
sys.path.append({str(include)!r})
from webscale_rl.rewards import AnswerSpec, match
print(match(AnswerSpec("integer", "5"), "five"))
roots = {{name.split(".")[0] for name in sys.modules}} - set(sys.stdlib_module_names) - {{"__main__"}}
ours = sorted(name for name in sys.modules if name.startswith("webscale_rl."))
print(sorted(roots), [name for name in ours if not name.startswith("webscale_rl.rewards")])
"""
    found = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("same\n['webscale_rl'] []\n", "")


@pytest.mark.parametrize("text", [None, 5, ["x"]])
def test_what_is_no_text_is_a_value_error(text: Any) -> None:
    with pytest.raises(ValueError):
        AnswerSpec.from_json(text)


@pytest.mark.parametrize(
    ("fields", "candidate"),
    [
        ({"type": "integer", "answer": "42"}, "$n = 42$"),
        ({"type": "tuple", "answer": "(3, 4)"}, "(x, y) = (3, 4)"),
        ({"type": "tuple", "answer": "(3, 4)"}, r"\langle 3, 4 \rangle"),
        ({"type": "set", "answer": "red, blue"}, "**blue**, **red**"),
        ({"type": "list", "answer": "red, blue"}, r"red $\rightarrow$ blue"),
        ({"type": "quantity", "answer": "25 °C"}, r"$25^\circ$C"),
        ({"type": "quantity", "answer": "3.5 hours"}, "3 hours and 30 minutes"),
        ({"type": "quantity", "answer": "2 million cubic metres"}, "2 million m³"),
        ({"type": "quantity", "answer": "36 km/h"}, "10 metres per second"),
        ({"type": "phrase", "answer": "two metres of snow"}, "2 meters of snow"),
        ({"type": "range", "answer": "1914–1918"}, "1914–18"),
        ({"type": "range", "answer": "5–7 years"}, "five to seven years"),
        ({"type": "entity", "answer": "Kurt Gödel"}, r"Kurt G\"{o}del"),
        ({"type": "entity", "answer": "Röntgen", "aliases": ("X",)}, "Röntgen (X)"),
        ({"type": "entity", "answer": "US"}, "the U.S."),
        ({"type": "entity", "answer": "Skłodowska"}, "Sklodowska"),
        ({"type": "phrase", "answer": "lack of funding"}, "due to a lack of funding"),
        ({"type": "choice", "answer": "seal", "options": ("whale", "seal")}, "Answer: B"),
        ({"type": "boolean", "answer": "yes"}, "It is true."),
        ({"type": "expression", "answer": "1/2"}, r"\frac{2}{4}"),
        ({"type": "expression", "answer": r"\frac{\pi}{4}"}, "pi/4"),
        ({"type": "expression", "answer": "x^2+2x+1"}, "x**2 + 2*x + 1"),
        ({"type": "expression", "answer": r"2\sqrt{3}"}, r"\sqrt{12}."),
    ],
)
def test_right_answers_as_models_write_them(fields: dict[str, Any], candidate: str) -> None:
    assert match(AnswerSpec(**fields), candidate, strict=True) is SAME
