"""Honest answers: specifications with right and wrong final answers, and the forms in which models write them.

A reviewer of ``webscale_rl.rewards`` wrote them: ``BEFORE`` without having seen what the rules make of any of them,
and the rules were then repaired on what they got wrong; ``AFTER`` when those repairs were made, after which two more
followed (the ł of Skłodowska, "km per hour").

The tables hold one specification after the other, as JSON and with its question, then lines of answers. ``¦`` stands
between answers, ``⏎`` for a new line, ``◌`` for a zero-width space, ``␣`` for a space, ``␀`` for a zero byte. Two of
the wrong answers to "symbol of cobalt" have Cyrillic letters.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, replace

from webscale_rl.rewards import AnswerSpec

SIGNS = str.maketrans({"⏎": "\n", "◌": "\u200b", "␣": " ", "␀": "\0"})
BEFORE = "before"
AFTER = "after"


@dataclass(frozen=True)
class Case:
    """A specification with final answers that are right and some that are wrong."""

    spec: AnswerSpec
    question: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]


def texts(table: str) -> tuple[str, ...]:
    """Return the texts of a table: those between its ``¦`` and ends of lines."""
    parts = (part.strip(" ") for line in table.splitlines() for part in line.split(" ¦ "))
    return tuple(part.translate(SIGNS) for part in parts if part)


def cases(table: str) -> list[Case]:
    """Return the specifications of a table with their answers."""
    return [_case(block) for block in re.split(r"\n(?=\{)", table.strip())]


def _case(block: str) -> Case:
    head, *lines = block.split("\n")
    fields, end = json.JSONDecoder().raw_decode(head)
    listed: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for line in (f"question: {head[end:]}", *lines):
        name, _, answers = line.partition(":")
        listed[name] += texts(answers)
    spec = replace(AnswerSpec.from_json(json.dumps(fields)), options=listed["options"])
    return Case(spec, "".join(listed["question"]), listed["right"], listed["wrong"])


def fits(form: str, answer: str) -> bool:
    """Say whether an answer can stand in a form: it must not end the box, the formula or the line it stands in."""
    if "\\boxed{{" in form:
        braces = re.findall(r"(?<!\\)[{}]", answer)
        if braces.count("{") != braces.count("}") or "\\boxed" in answer:
            return False
    if "$" in form and "$" in answer:
        return False
    return not (form.endswith(" {answer}") and "\n" in answer)


def written(form: str, answer: str) -> str:
    """Return the response that gives an answer in a form."""
    return form.replace("{answer}", answer)


FORMS = {
    BEFORE: (
        # as Qwen, DeepSeek and Llama models write it, then as others do
        "To solve this, we look at the facts.\n\n1. First...\n2. Then...\n\nThus the answer is:\n\n"
        "\\[\n\\boxed{{answer}}\n\\]",
        "<think>\nOkay, so I need to find it. Maybe it is 17 or \\boxed{something else}? No.\n</think>\n\n"
        "Some reasoning.\n\n**Final Answer**\n\\boxed{{answer}}",
        "## Step 1: Understand\nText.\n\n## Step 2: Solve\nText.\n\nThe final answer is: $\\boxed{{answer}}$",
        "\\boxed{{answer}}",
        "Some reasoning here.\n\nFinal answer: {answer}",
        "Reasoning: ...\n\n**Final answer:** {answer}",
        "<think>hm</think>\nSo we get it.\n<answer>{answer}</answer>",
        "<answer>\n{answer}\n</answer>",
    ),
    AFTER: (
        "Reasoning.\n\nThe final answer is $\\boxed{{answer}}$.",
        "<think>x</think>So.\n\n**Final Answer**\n\n\\[\n\\boxed{{answer}}\n\\]",
        "Text.\n\n**Final answer:** {answer}",
        "Text.\n<answer>{answer}</answer>",
    ),
}

CASES = {
    BEFORE: cases(
        r"""
{"type": "integer", "answer": "42"} How many students took the exam?
right: 42 ¦ **42** ¦ $42$ ¦ 42. ¦ \text{42} ¦ 42.0 ¦ +42 ¦ forty-two ¦ x = 42 ¦ N=42 ¦ 42 students
right: \mathbf{42} ¦ $n = 42$ ¦ \(42\)
wrong: 43 ¦ -42 ¦ 24 ¦ 4.2 ¦ 420 ¦ 42! ¦ 42^2 ¦ 42 or 43 ¦ forty-three ¦ √42 ¦ 42% ¦ 1/42 ¦ 41.9
wrong: $42$ million ¦ \sqrt{42} ¦ 4 2
{"type": "integer", "answer": "1,234,567"} How many people lived in the city?
right: 1234567 ¦ 1,234,567 ¦ 1 234 567 ¦ 1{,}234{,}567 ¦ 1\,234\,567 ¦ $1{,}234{,}567$ ¦ 1,234,567 people
right: **1,234,567** ¦ 1.234567 \times 10^6 ¦ 1,234,567.
wrong: 1,234,576 ¦ 123456 ¦ 1.234567 ¦ 1,234 ¦ 1,234,567,000 ¦ 12,345,67 ¦ 1234567 and 3 ¦ -1,234,567
{"type": "integer", "answer": "-7"} What is the temperature change in degrees?
right: -7 ¦ −7 ¦ –7 ¦ $-7$ ¦ minus 7 ¦ negative seven ¦ - 7 ¦ -7. ¦ (-7)
wrong: 7 ¦ +7 ¦ --7 ¦ -70 ¦ -7/2 ¦ 1/-7 ¦ -7! ¦ |-7|
{"type": "integer", "answer": "1969"} In what year did Apollo 11 land?
right: 1969 ¦ 1969. ¦ $1969$ ¦ the year 1969 ¦ 1,969 ¦ \text{1969}
wrong: 1968 ¦ 1970 ¦ 69 ¦ 1969s ¦ 1960s ¦ before 1969 ¦ 1969 BC ¦ after 1969 ¦ 1969–1972 ¦ c. 1969 or so
{"type": "integer", "answer": "0"} How many moons does Venus have?
right: 0 ¦ zero ¦ $0$ ¦ 0.0 ¦ **0** ¦ \boldsymbol{0}
wrong: 1 ¦ 0.1 ¦ -1 ¦ 00 1 ¦ none ¦ no ¦ 0!
{"type": "decimal", "answer": "3.14"} What value did he use for pi?
right: 3.14 ¦ $3.14$ ¦ 3.140 ¦ **3.14** ¦ 157/50 ¦ \text{3.14} ¦ \dfrac{157}{50} ¦ 3.14.
wrong: 3.15 ¦ 3.1 ¦ 3.1416 ¦ 3 ¦ 314 ¦ π ¦ -3.14 ¦ .314 ¦ 3,14
{"type": "decimal", "answer": "0.25"} What is the probability p?
right: 0.25 ¦ .25 ¦ 1/4 ¦ \frac{1}{4} ¦ \frac14 ¦ ¼ ¦ 0.250 ¦ 2.5e-1 ¦ 2.5 \times 10^{-1} ¦ $\tfrac{1}{4}$
right: p = 0.25
wrong: 0.2 ¦ 0.026 ¦ 4 ¦ 1/5 ¦ 2.5 ¦ \frac{4}{1} ¦ -1/4 ¦ 0.25^2 ¦ 25
{"type": "decimal", "answer": "0.0015"} What is the coefficient?
right: 0.0015 ¦ 1.5e-3 ¦ 1.5 × 10^-3 ¦ 1.5×10⁻³ ¦ 1.5 \times 10^{-3} ¦ $1.5\cdot 10^{-3}$ ¦ 1.5*10^-3
right: 0.00150 ¦ 1.5E-3
wrong: 1.5 ¦ 1.5e3 ¦ 0.015 ¦ 0.00015 ¦ 1.5 × 10^-4 ¦ 10^-3
{"type": "decimal", "answer": "2.7", "tolerance": 0.05} What was the ratio?
right: 2.7 ¦ 2.70 ¦ 2.69 ¦ 2.71 ¦ approximately 2.7 ¦ ≈ 2.7 ¦ \approx 2.7
wrong: 2.6 ¦ 2.8 ¦ 27 ¦ about 3
{"type": "quantity", "answer": "12 km", "unit": "km"} How long is the river?
right: 12 km ¦ 12km ¦ 12\,\text{km} ¦ 12 \text{ km} ¦ 12~\text{km} ¦ $12\,\mathrm{km}$ ¦ 12 kilometers
right: 12 kilometres ¦ 12,000 m ¦ 12000 meters ¦ **12 km** ¦ 12.0 km ¦ 12 km. ¦ 12\ \mathrm{km} ¦ 12 \, km
right: twelve kilometers ¦ d = 12 km ¦ $12$ km ¦ 12\text{ kilometers}
wrong: 12 m ¦ 12 miles ¦ 13 km ¦ 12 km/h ¦ 120 km ¦ 1.2 km ¦ 12 kg ¦ -12 km ¦ 12 km^2 ¦ 12 mm ¦ 12 km²
wrong: 12 km per hour ¦ more than 12 km ¦ 12 cm ¦ 12,000 km
{"type": "quantity", "answer": "9.8 m/s^2", "unit": "m/s^2"} What is the acceleration due to gravity?
right: 9.8 m/s^2 ¦ 9.8 m/s² ¦ 9.8\,\text{m/s}^2 ¦ 9.8 \text{ m/s}^2 ¦ 9.8\ \mathrm{m/s^2}
right: $9.8\,\text{m/s}^{2}$ ¦ 9.80 m/s² ¦ 9.8 \, \mathrm{m/s}^2
wrong: 9.8 m/s ¦ 9.8 m ¦ 9.8 km/s^2 ¦ 9.7 m/s^2 ¦ 9.8 s^2/m ¦ -9.8 m/s^2 ¦ 9.8 m/s^3
{"type": "quantity", "answer": "88 million cubic metres", "unit": "million cubic metres"}
question: How much water does the reservoir hold?
right: 88 million cubic metres ¦ 88 million cubic meters ¦ 88 ¦ 88,000,000 cubic metres ¦ 88 million
right: 88 million cubic metres. ¦ **88 million cubic metres** ¦ 88 \text{ million cubic metres}
right: 88 million m^3 ¦ 88 million m³
wrong: 88 cubic metres ¦ 88 billion cubic metres ¦ 89 million cubic metres ¦ 8.8 million cubic metres
wrong: 88 million litres ¦ 88 million square metres ¦ 87
{"type": "quantity", "answer": "25 °C", "unit": "°C"} At what temperature is it stored?
right: 25 °C ¦ 25°C ¦ 25 degrees Celsius ¦ 25^\circ\text{C} ¦ 25^{\circ}\mathrm{C} ¦ $25^\circ$C ¦ 25 ℃
right: 25 degrees C ¦ 25\,^\circ\text{C} ¦ 25 \degree C ¦ 25 Celsius
wrong: 25 °F ¦ 25 K ¦ 26 °C ¦ -25 °C ¦ 250 °C ¦ 77 K ¦ 25 degrees Fahrenheit
{"type": "quantity", "answer": "5 mg", "unit": "mg"} What was the dose?
right: 5 mg ¦ 5mg ¦ 5 milligrams ¦ 0.005 g ¦ 5\text{ mg} ¦ 5 \, \mathrm{mg} ¦ 5000 µg ¦ 5,000 mcg ¦ 5 mg.
wrong: 5 g ¦ 5 kg ¦ 5 ml ¦ 5 mg/kg ¦ 50 mg ¦ 5 Mg ¦ 5 mg/day ¦ 0.5 mg ¦ 5 µg
{"type": "quantity", "answer": "3.5 hours", "unit": "hours"} How long did the flight take?
right: 3.5 hours ¦ 3.5 h ¦ 210 minutes ¦ 3.5 hrs ¦ 3.5\text{ hours} ¦ 3½ hours ¦ 3 1/2 hours ¦ 3.50 hours
right: three and a half hours ¦ 3 hours 30 minutes ¦ 3.5 hr
wrong: 3.5 days ¦ 3 hours ¦ 35 hours ¦ 3.5 minutes ¦ 5 hours ¦ 3.5 hours or 4 ¦ 4.5 hours
{"type": "quantity", "answer": "70 kg", "unit": "kg"} What is the mass in kilograms?
right: 70 kg ¦ 70kg ¦ 70 kilograms ¦ 70,000 g ¦ 70\,\mathrm{kg} ¦ 70 \text{kg} ¦ 70
wrong: 70 g ¦ 70 lb ¦ 70 pounds ¦ 71 kg ¦ 7 kg ¦ 700 kg ¦ 17 kg
{"type": "percent", "answer": "5%"} What share of users left?
right: 5% ¦ 5 % ¦ 5\% ¦ $5\%$ ¦ 5 percent ¦ five percent ¦ 5 per cent ¦ 5.0% ¦ **5%** ¦ 5%. ¦ \text{5\%}
right: 5\,\% ¦ 5 pct
wrong: 6% ¦ 0.05% ¦ 50% ¦ 5.5% ¦ -5% ¦ 95% ¦ 5 percentage points ¦ 5‰ ¦ 500% ¦ 15%
{"type": "percent", "answer": "12.5 %"} What is the share?
right: 12.5% ¦ 12.5 percent ¦ 12.5\% ¦ 12.50% ¦ 12.5\ \% ¦ 12½% ¦ $12.5\%$ ¦ 12.5 %
wrong: 12% ¦ 13% ¦ 1.25% ¦ 125% ¦ 12.5‰ ¦ -12.5% ¦ 12.55%
{"type": "currency", "answer": "$5"} How much did it cost?
right: $5 ¦ \$5 ¦ \$5.00 ¦ $5.00 ¦ 5 dollars ¦ USD 5 ¦ 5 USD ¦ five dollars ¦ US$5 ¦ **$5** ¦ \text{\$5}
right: 5 US dollars ¦ $\$5$ ¦ $5. ¦ 5.00 dollars ¦ \$ 5
wrong: $50 ¦ €5 ¦ £5 ¦ 5 cents ¦ $6 ¦ 5 euros ¦ CAD 5 ¦ $5 million ¦ -$5 ¦ $0.05 ¦ A$5 ¦ $.5
{"type": "currency", "answer": "€1.2 million"} What was the budget?
right: €1.2 million ¦ 1.2 million euros ¦ €1,200,000 ¦ 1,200,000 euros ¦ EUR 1.2 million ¦ €1.2m ¦ €1.2M
right: 1.2 million EUR ¦ 1.2\text{ million euros} ¦ €1.20 million
wrong: €1.2 billion ¦ $1.2 million ¦ €12 million ¦ €1.2 ¦ €1.3 million ¦ £1.2m ¦ 1.2 euros ¦ €1200
{"type": "currency", "answer": "£350"} What was the fine?
right: £350 ¦ \pounds 350 ¦ 350 pounds ¦ GBP 350 ¦ £350.00 ¦ \text{£350} ¦ 350 GBP ¦ \pounds350
wrong: $350 ¦ €350 ¦ £35 ¦ £3500 ¦ 350 dollars ¦ £350k ¦ -£350
{"type": "currency", "answer": "$2,500"} What was the deposit?
right: $2,500 ¦ \$2,500 ¦ \$2{,}500 ¦ $2500 ¦ \$2500.00 ¦ 2,500 dollars ¦ 2500 USD ¦ **$2,500** ¦ \$2,\!500
wrong: $2.5 ¦ $2,50 ¦ $25,000 ¦ 2,500 euros ¦ $2,400 ¦ $2,500 per month ¦ $250
{"type": "date", "answer": "July 4, 1776", "precision": "day"} When was the Declaration adopted?
right: July 4, 1776 ¦ 4 July 1776 ¦ 1776-07-04 ¦ July 4th, 1776 ¦ the 4th of July 1776
right: Thursday, July 4, 1776 ¦ 4th July, 1776 ¦ \text{July 4, 1776} ¦ **July 4, 1776** ¦ Jul 4, 1776
right: 4 Jul 1776 ¦ July 4 1776 ¦ 1776/07/04 ¦ July 4, 1776. ¦ 04 July 1776 ¦ \text{4 July } 1776
right: on July 4, 1776 ¦ 4-Jul-1776
wrong: July 5, 1776 ¦ 4 June 1776 ¦ July 4, 1777 ¦ 1776 ¦ July 1776 ¦ July 4 ¦ 1776-04-07 ¦ July 14, 1776
wrong: 4 July 1876 ¦ July 4, 1776 BC
{"type": "date", "answer": "1945", "precision": "year"} In what year did the war in Europe end?
right: 1945 ¦ in 1945 ¦ 1945. ¦ the year 1945 ¦ 1945 AD ¦ May 1945 ¦ 8 May 1945 ¦ 1945-05-08 ¦ \text{1945}
right: $1945$ ¦ AD 1945 ¦ 1945 CE
wrong: 1944 ¦ 1946 ¦ 1940s ¦ early 1945 or 1946 ¦ 1845 ¦ 1945 BC ¦ before 1945 ¦ 45
{"type": "date", "answer": "March 2011", "precision": "month"} When did the earthquake happen?
right: March 2011 ¦ Mar 2011 ¦ 2011-03 ¦ 11 March 2011 ¦ in March 2011 ¦ March, 2011 ¦ \text{March 2011}
right: March of 2011
wrong: 2011 ¦ April 2011 ¦ March 2012 ¦ March ¦ 2011-04 ¦ late March 2010
{"type": "date", "answer": "44 BC", "precision": "year"} When was Caesar killed?
right: 44 BC ¦ 44 BCE ¦ 44 B.C. ¦ 44 B.C.E. ¦ \text{44 BC} ¦ 44 bc
wrong: 44 ¦ 44 AD ¦ 45 BC ¦ 43 BC ¦ 440 BC ¦ AD 44
{"type": "range", "answer": "10-20"} What range of scores was seen?
right: 10-20 ¦ 10–20 ¦ 10 to 20 ¦ from 10 to 20 ¦ between 10 and 20 ¦ 10—20 ¦ 10 - 20 ¦ $10-20$
right: 10\text{ to }20 ¦ 10\text{--}20 ¦ 10--20 ¦ [10, 20] ¦ 10 through 20 ¦ **10–20** ¦ 10 \text{–} 20
wrong: 10-21 ¦ 11-20 ¦ 10 ¦ 20 ¦ 20-10 ¦ 10, 20 ¦ -10-20 ¦ 100-200 ¦ 10-20-30 ¦ (10)(20) ¦ 10/20
{"type": "range", "answer": "5–7 years", "unit": "years"} How long does it live?
right: 5–7 years ¦ 5-7 years ¦ 5 to 7 years ¦ between 5 and 7 years ¦ 5\text{–}7 \text{ years}
right: from five to seven years ¦ five to seven years ¦ 5–7 years. ¦ 5 to 7 ¦ 5 years to 7 years
right: 60 to 84 months
wrong: 5–8 years ¦ 5–7 months ¦ 7 years ¦ 5 years ¦ 6 years ¦ 57 years ¦ 4-7 years ¦ 5–7 days
{"type": "range", "answer": "0.5–1.5 mm", "unit": "mm"} How thick is it?
right: 0.5–1.5 mm ¦ 0.5-1.5 mm ¦ 0.5 to 1.5 mm ¦ 0.5 mm to 1.5 mm ¦ 0.5\text{–}1.5\,\text{mm}
right: between 0.5 and 1.5 mm ¦ 0.5 mm – 1.5 mm ¦ .5–1.5 mm ¦ 0.5–1.5 millimeters ¦ 500–1500 µm
wrong: 0.5–1.5 cm ¦ 5–15 mm ¦ 0.5–1.6 mm ¦ 1.5 mm ¦ 0.5–1.5 m
{"type": "range", "answer": "1914–1918"} When did the war take place?
right: 1914–1918 ¦ 1914-1918 ¦ 1914 to 1918 ¦ from 1914 to 1918 ¦ 1914–18 ¦ between 1914 and 1918
right: 1914 until 1918 ¦ \text{1914–1918} ¦ 1914 - 1918
wrong: 1914–1919 ¦ 1914 ¦ 1918 ¦ 1939–1945 ¦ 1913–1918 ¦ 1918–1914
{"type": "entity", "answer": "Paris"} What city is the capital of France?
right: Paris ¦ \text{Paris} ¦ **Paris** ¦ PARIS ¦ paris ¦ Paris. ¦ the city of Paris ¦ $\text{Paris}$
right: \mathrm{Paris} ¦ *Paris* ¦ "Paris" ¦ \textbf{Paris} ¦ “Paris” ¦ `Paris`
right: Paris is the capital of France
wrong: London ¦ Paris, Texas ¦ New Paris ¦ Paris Hilton ¦ Parisian ¦ Par is ¦ Lyon ¦ Plaster of Paris
wrong: St. Paris ¦ Comparis ¦ Paris and London ¦ Pari ¦ Psari ¦ Parris ¦ Not Paris
{"type": "entity", "answer": "Albert Einstein"} Who developed general relativity?
right: Albert Einstein ¦ Einstein, Albert ¦ A. Einstein ¦ Dr. Albert Einstein ¦ \text{Albert Einstein}
right: **Albert Einstein** ¦ Professor Albert Einstein ¦ Albert Einstein (1879–1955) ¦ ALBERT EINSTEIN
right: albert einstein ¦ Albert Einstein. ¦ Albert EINSTEIN
wrong: Alfred Einstein ¦ Albert ¦ Isaac Newton ¦ Albert Einstein's wife ¦ Mileva Einstein
wrong: Hans Albert Einstein ¦ Albert Eisenstein ¦ Niels Bohr ¦ son of Albert Einstein
wrong: Albert Einstein and Niels Bohr ¦ Alberta Einstein
{"type": "entity", "answer": "Kurt Gödel"} Who proved the incompleteness theorems?
right: Kurt Gödel ¦ Kurt Goedel ¦ Kurt Godel ¦ Kurt G\"odel ¦ Gödel, Kurt ¦ \text{Kurt Gödel}
right: Kurt Friedrich Gödel ¦ KURT GÖDEL ¦ **Kurt Gödel** ¦ \text{Kurt G\"odel} ¦ Kurt G\"{o}del
wrong: Kurt Gerber ¦ David Hilbert ¦ Kurt Godot ¦ Karl Gödel ¦ Kurt ¦ Alan Turing
{"type": "entity", "answer": "The Beatles"} Which band recorded Abbey Road?
right: The Beatles ¦ Beatles ¦ the Beatles ¦ \text{The Beatles} ¦ **The Beatles** ¦ THE BEATLES
right: "The Beatles"
wrong: The Rolling Stones ¦ The Beetles ¦ The Beat ¦ Beatles cover band ¦ John Lennon ¦ The Fake Beatles
{"type": "entity", "answer": "sodium chloride", "aliases": ["NaCl"]} What is table salt?
right: sodium chloride ¦ Sodium chloride ¦ NaCl ¦ \text{NaCl} ¦ \ce{NaCl} ¦ Sodium Chloride
right: \text{sodium chloride} ¦ NaCl (sodium chloride) ¦ sodium chloride (NaCl) ¦ $\mathrm{NaCl}$
wrong: sodium chlorate ¦ potassium chloride ¦ sodium ¦ KCl ¦ chloride ¦ sodium hypochlorite ¦ NaCl2 ¦ NaClO
{"type": "entity", "answer": "United States", "aliases": ["USA", "US", "United States of America"]}
question: Which country is it?
right: United States ¦ the United States ¦ United States of America ¦ USA ¦ U.S. ¦ US ¦ \text{United States}
right: The United States ¦ U.S.A. ¦ **United States**
wrong: United Kingdom ¦ United Arab Emirates ¦ Mexico ¦ States ¦ Confederate States ¦ UK ¦ us versus them
{"type": "string", "answer": "Co"} What is the symbol of cobalt?
right: Co ¦ `Co` ¦ "Co" ¦ \text{Co} ¦ **Co** ¦ $Co$ ¦ \texttt{Co} ¦ \mathrm{Co}
wrong: CO ¦ co ¦ cO ¦ Co2 ¦ C o ¦ Cо ¦ Со ¦ Co◌ ¦ Coo ¦ C ¦ "CO"
{"type": "string", "answer": "print(\"hi\")"} Which line prints hi?
right: print("hi") ¦ `print("hi")` ¦ ```python⏎print("hi")⏎``` ¦ ```⏎print("hi")⏎``` ¦ \texttt{print("hi")}
wrong: print('hi') ¦ print("Hi") ¦ print(hi) ¦ print "hi" ¦ Print("hi") ¦ print("hi"); ¦ print("hi") ; x
{"type": "string", "answer": "__init__"} Name the constructor.
right: __init__ ¦ `__init__` ¦ \texttt{\_\_init\_\_} ¦ "__init__" ¦ \text{\_\_init\_\_}
wrong: init ¦ _init_ ¦ __Init__ ¦ __init ¦ **init** ¦ __INIT__
{"type": "string", "answer": "O(n log n)"} Complexity?
right: O(n log n) ¦ `O(n log n)` ¦ "O(n log n)" ¦ \text{O(n log n)}
wrong: O(n) ¦ o(n log n) ¦ O(n log m) ¦ O(n) log n ¦ O(N log N)
{"type": "string", "answer": "192.168.0.1"} What is the address?
right: 192.168.0.1 ¦ `192.168.0.1` ¦ 192.168.0.1. ¦ \text{192.168.0.1} ¦ \texttt{192.168.0.1}
wrong: 192.168.0.10 ¦ 192.168.1.0 ¦ 192.168.0 ¦ 192.168.01 ¦ 1921.68.0.1
{"type": "string", "answer": "ls -la"} Which command?
right: ls -la ¦ `ls -la` ¦ ```bash⏎ls -la⏎``` ¦ ```sh⏎ls -la⏎``` ¦ \texttt{ls -la}
wrong: ls la ¦ ls -LA ¦ ls -l -a ¦ ls –la ¦ LS -la ¦ ls -la /
{"type": "phrase", "answer": "lack of funding"} Why was the project cancelled?
right: lack of funding ¦ Lack of funding ¦ a lack of funding ¦ the lack of funding ¦ \text{lack of funding}
right: **Lack of funding** ¦ Lack of funding. ¦ LACK OF FUNDING ¦ because of a lack of funding
right: The project was cancelled because of lack of funding ¦ due to lack of funding
wrong: lack of interest ¦ funding ¦ no lack of funding ¦ excess of funding ¦ lack of staff
wrong: abundant funding ¦ lack of funding and staff ¦ the weather ¦ political opposition
wrong: lack of funding was a myth
{"type": "phrase", "answer": "on the north side of the river"} Where does the castle stand?
right: on the north side of the river ¦ north side of the river ¦ the north side of the river
right: \text{on the north side of the river} ¦ On the north side of the river. ¦ **North side of the river**
right: at the north side of the river
wrong: on the south side of the river ¦ north side ¦ south ¦ on the north side of the lake
wrong: northeast side of the river ¦ not on the north side of the river
{"type": "phrase", "answer": "to reduce noise"} Why was the wall built?
right: to reduce noise ¦ reduce noise ¦ To reduce noise. ¦ \text{to reduce noise} ¦ **to reduce noise**
right: it was to reduce noise ¦ reducing noise ¦ in order to reduce noise ¦ To reduce the noise
wrong: to increase noise ¦ to reduce costs ¦ noise ¦ to produce noise ¦ to reduce light
wrong: never to reduce noise
{"type": "phrase", "answer": "photosynthesis"} By what process do plants make sugar?
right: photosynthesis ¦ Photosynthesis ¦ \text{photosynthesis} ¦ **Photosynthesis**
right: the process of photosynthesis ¦ by photosynthesis ¦ photosynthesis. ¦ Through photosynthesis
wrong: respiration ¦ chemosynthesis ¦ photolysis ¦ photosynthesis inhibitors ¦ fermentation
wrong: anti-photosynthesis
{"type": "choice", "answer": "Mars"} Which is the red planet?⏎A. Mercury⏎B. Venus⏎C. Mars⏎D. Jupiter
options: Mercury ¦ Venus ¦ Mars ¦ Jupiter
right: C ¦ (C) ¦ C. ¦ C) ¦ C. Mars ¦ (C) Mars ¦ Mars ¦ \text{C} ¦ **C** ¦ Option C ¦ C: Mars ¦ \textbf{(C)}
right: \textbf{(C) Mars} ¦ \text{(C)} ¦ c ¦ [C] ¦ C - Mars ¦ \mathrm{C} ¦ \text{Mars} ¦ Mars. ¦ Answer: C
right: \textbf{C} ¦ option (C) ¦ **C. Mars** ¦ \text{C. Mars} ¦ \textbf{(C)}\ \text{Mars} ¦ choice C
right: The red planet is Mars ¦ C. Mars. ¦ \text{Option C}
wrong: A ¦ B ¦ D ¦ (D) ¦ E ¦ Mercury ¦ Venus ¦ C and D ¦ C, D ¦ A. Mars ¦ C. Venus ¦ B) Mars ¦ A or C
wrong: Mars or Venus ¦ ABCD ¦ Not C ¦ C? ¦ all of the above ¦ Jupiter ¦ C+ ¦ $\bar C$ ¦ D. Mars ¦ C A ¦ 3
{"type": "choice", "answer": "1 and 2"} Which are true?
options: 1 ¦ 2 ¦ 3 ¦ 1 and 2
right: D ¦ (D) ¦ D. 1 and 2 ¦ 1 and 2 ¦ 1 and 2. ¦ \text{D} ¦ **D** ¦ D) 1 and 2 ¦ \text{1 and 2}
wrong: A ¦ 1 ¦ 2 ¦ 3 ¦ C ¦ 1 or 2 ¦ 2 and 3 ¦ 1, 2 and 3 ¦ 12
{"type": "boolean", "answer": "yes"} Is 7 a prime number?
right: yes ¦ Yes ¦ True ¦ true ¦ \text{Yes} ¦ **Yes** ¦ Yes. ¦ YES ¦ \text{True} ¦ `True` ¦ Yes, it is
right: yes, it does ¦ TRUE ¦ Yes, it is a prime number ¦ $\text{Yes}$ ¦ Correct ¦ \mathrm{True} ¦ It is true
right: Yes, 7 is a prime number
wrong: no ¦ No ¦ False ¦ yes and no ¦ yes or no ¦ Yes? ¦ not yes ¦ maybe ¦ probably yes ¦ No, yes ¦ False.
wrong: Yes, but no ¦ neither ¦ unknown ¦ N ¦ 0 ¦ untrue ¦ Yes, it is not ¦ not true ¦ it is not true
wrong: \neg \text{yes}
{"type": "boolean", "answer": "no"} Is 9 prime?
right: no ¦ No ¦ False ¦ false ¦ \text{No} ¦ **No** ¦ No. ¦ \text{False} ¦ No, it is not ¦ No, it isn't ¦ NO
right: No, it does not ¦ `False` ¦ Incorrect ¦ No, it was not ¦ FALSE
wrong: yes ¦ True ¦ no doubt, yes ¦ No way it is false ¦ maybe not ¦ not no ¦ yes, no ¦ No? ¦ 1 ¦ Y
wrong: not false ¦ No, it is
{"type": "expression", "answer": "x = 5"} Solve for x.
right: x = 5 ¦ 5 ¦ $x=5$ ¦ x=5 ¦ \(x = 5\) ¦ x = 5. ¦ $5$ ¦ 5.0
wrong: x = 6 ¦ x = -5 ¦ -5 ¦ x=5,6 ¦ y \neq 5 ¦ x = 5 or 6 ¦ x \ne 5 ¦ x > 5 ¦ x=5^2 ¦ 6
{"type": "expression", "answer": "5"} Solve for x.
right: x = 5 ¦ x=5 ¦ 5 ¦ $x = 5$ ¦ **5** ¦ 10/2 ¦ \frac{10}{2} ¦ \sqrt{25} ¦ 5.
wrong: x = 6 ¦ -5 ¦ x>5 ¦ 5,6 ¦ \pm 5 ¦ 5! ¦ x=\pm 5 ¦ 50 ¦ 5i
{"type": "expression", "answer": "\\frac{1}{2}"} Compute.
right: \frac{1}{2} ¦ 1/2 ¦ 0.5 ¦ \dfrac12 ¦ \tfrac{1}{2} ¦ $\frac12$ ¦ \frac{2}{4} ¦ 2^{-1} ¦ \frac 12 ¦ .5
wrong: 2 ¦ 1/3 ¦ -1/2 ¦ \frac{2}{1} ¦ 0.05 ¦ 12 ¦ \frac{1}{2}\% ¦ \frac{1}{2} \text{ or } 1
{"type": "expression", "answer": "x^2 + 2x + 1"} Expand (x+1)^2.
right: x^2+2x+1 ¦ (x+1)^2 ¦ 1+2x+x^2 ¦ x^{2} + 2x + 1 ¦ $x^2 + 2x + 1$ ¦ (1+x)(x+1) ¦ x**2+2*x+1
right: (x+1)(x+1)
wrong: x^2+2x-1 ¦ (x-1)^2 ¦ x^2+1 ¦ x^2+2x ¦ x^2+2x+1=5 ¦ x^2 + 2x + 2 ¦ y^2+2y+1
{"type": "expression", "answer": "2\\sqrt{3}"} Simplify.
right: 2\sqrt{3} ¦ 2\sqrt3 ¦ \sqrt{12} ¦ $2\sqrt{3}$ ¦ \sqrt{12}. ¦ 2 \cdot \sqrt{3} ¦ \frac{6}{\sqrt{3}}
right: 2*sqrt(3)
wrong: \sqrt{3} ¦ 2\sqrt{2} ¦ 3\sqrt{2} ¦ \sqrt{6} ¦ 6 ¦ -2\sqrt{3} ¦ \pm 2\sqrt{3} ¦ 2\sqrt{3}i
{"type": "expression", "answer": "\\frac{\\pi}{4}"} Compute arctan 1.
right: \frac{\pi}{4} ¦ \pi/4 ¦ \frac{1}{4}\pi ¦ 0.25\pi ¦ \dfrac{\pi}{4} ¦ $\frac{\pi}{4}$ ¦ π/4 ¦ pi/4
wrong: \pi ¦ \frac{\pi}{2} ¦ \frac{4}{\pi} ¦ 0.8 ¦ -\pi/4 ¦ \frac{3\pi}{4}
{"type": "expression", "answer": "y = 2x + 3"} Find the line.
right: y = 2x + 3 ¦ y=2x+3 ¦ $y = 2x + 3$ ¦ y = 3 + 2x ¦ 2x - y + 3 = 0 ¦ 2x+3
wrong: y = 2x - 3 ¦ y = 3x + 2 ¦ y=2x ¦ y \ne 2x+3 ¦ y > 2x + 3 ¦ x = 2y+3
{"type": "expression", "answer": "(2, \\infty)"} Solve x-2>0.
right: (2, \infty) ¦ (2,\infty) ¦ x > 2 ¦ x>2 ¦ $(2, \infty)$ ¦ \left(2, \infty\right)
wrong: [2, \infty) ¦ (-2, \infty) ¦ (2, 3) ¦ x \ge 2 ¦ x<2 ¦ (-\infty, 2) ¦ (2,\infty) \cup (0,1)
{"type": "list", "answer": "red, green, blue"} List the colours in order.
right: red, green, blue ¦ red, green and blue ¦ red, green, and blue ¦ Red, Green, Blue
right: 1. red⏎2. green⏎3. blue ¦ - red⏎- green⏎- blue ¦ \text{red, green, blue} ¦ **red, green, blue**
right: \text{red}, \text{green}, \text{blue} ¦ [red, green, blue] ¦ red; green; blue ¦ red, green, blue.
right: ["red", "green", "blue"] ¦ red → green → blue ¦ (red, green, blue) ¦ ['red', 'green', 'blue']
wrong: red, blue, green ¦ red, green ¦ red, green, blue, yellow ¦ red green ¦ blue, green, red
wrong: red, green, black ¦ red, green or blue ¦ red ¦ reds of green, blue ¦ red, green, not blue
wrong: red, red, green, blue
{"type": "list", "answer": "2, 3, 5, 7"} First four primes in order?
right: 2, 3, 5, 7 ¦ 2,3,5,7 ¦ 2, 3, 5 and 7 ¦ [2, 3, 5, 7] ¦ $2, 3, 5, 7$ ¦ 2; 3; 5; 7 ¦ 2, 3, 5, and 7
right: (2,3,5,7) ¦ 2, 3, 5, 7. ¦ \{2, 3, 5, 7\}
wrong: 2, 3, 5 ¦ 2, 3, 5, 7, 11 ¦ 3, 2, 5, 7 ¦ 2, 3, 5, 9 ¦ 2357 ¦ 2, 3, -5, 7 ¦ 2, 3, 5, 7, ...
{"type": "set", "answer": "Alice, Bob, Carol"} Who came?
right: Alice, Bob, Carol ¦ Carol, Bob, Alice ¦ Alice, Bob and Carol ¦ Bob, Alice, and Carol
right: {Alice, Bob, Carol} ¦ \{\text{Alice}, \text{Bob}, \text{Carol}\} ¦ \text{Alice, Bob, Carol}
right: Alice; Carol; Bob ¦ - Alice⏎- Bob⏎- Carol ¦ Alice, Bob & Carol ¦ **Alice**, **Bob**, **Carol**
right: Alice, Bob, Carol. ¦ \text{Alice, Bob, and Carol}
wrong: Alice, Bob ¦ Alice, Bob, Carol, Dave ¦ Alice, Bob, Dave ¦ Alice ¦ Alice, Bob or Carol
wrong: Alice, Bob, not Carol ¦ Alice, Bob, Carl ¦ everyone ¦ Alice Bob Carol Dave
{"type": "set", "answer": "{1, 2, 3}"} Which are solutions?
right: {1, 2, 3} ¦ \{1, 2, 3\} ¦ 1, 2, 3 ¦ 3, 2, 1 ¦ \{1,2,3\} ¦ $\{1, 2, 3\}$ ¦ \left\{1, 2, 3\right\}
right: 1, 2 and 3 ¦ \{3,1,2\} ¦ \lbrace 1,2,3 \rbrace ¦ \{1,\ 2,\ 3\}
wrong: {1, 2} ¦ {1, 2, 3, 4} ¦ {1, 2, 4} ¦ 1.2, 3 ¦ 123 ¦ \{1,2,3\} \cup \{4\} ¦ {-1, 2, 3} ¦ 6
wrong: \{1,2,3,\ldots\}
{"type": "tuple", "answer": "(3, 4)"} What are the coordinates?
right: (3, 4) ¦ (3,4) ¦ 3, 4 ¦ $(3, 4)$ ¦ \left(3, 4\right) ¦ (3,\,4) ¦ \langle 3, 4\rangle ¦ (3, 4).
right: **(3, 4)** ¦ (3.0, 4.0)
wrong: (4, 3) ¦ (3, 5) ¦ (3, 4, 5) ¦ 3 ¦ (3, -4) ¦ 34 ¦ (-3, 4) ¦ 3.4 ¦ \{3,4,5\} ¦ (3, 4) or (4, 3)
{"type": "tuple", "answer": "(Paris, 1889)"} City and year?
right: (Paris, 1889) ¦ Paris, 1889 ¦ (\text{Paris}, 1889) ¦ Paris and 1889 ¦ \text{(Paris, 1889)}
right: Paris; 1889
wrong: (1889, Paris) ¦ (London, 1889) ¦ (Paris, 1888) ¦ Paris ¦ 1889 ¦ (Paris, 1889, 3)
"""
    ),
    AFTER: cases(
        r"""
{"type": "integer", "answer": "365"} How many days?
right: 365 days ¦ $365$ days ¦ three hundred sixty-five ¦ three hundred and sixty-five ¦ $\text{days} = 365$
right: 365 \text{ days}
wrong: 366 ¦ 365.25 ¦ 36.5 ¦ 365 weeks
{"type": "integer", "answer": "-12"} x?
right: x=-12 ¦ $-12$ ¦ −12 ¦ \boldsymbol{-12}
wrong: 12 ¦ |12| ¦ -12x ¦ 1-2
{"type": "decimal", "answer": "0.333", "tolerance": 0.001} p?
right: 1/3 ¦ 0.3333 ¦ \frac{1}{3} ¦ ≈0.333
wrong: 0.35 ¦ 3 ¦ 0.3 ¦ 33
{"type": "quantity", "answer": "150 km/h", "unit": "km/h"} How fast?
right: 150 km/h ¦ 150 kilometers per hour ¦ 150\ \text{km/h} ¦ 150 kph ¦ 150 km per hour
right: $150 \, \mathrm{km/h}$ ¦ 150 km h^{-1}
wrong: 150 mph ¦ 150 m/s ¦ 15 km/h ¦ 150 km
{"type": "quantity", "answer": "6 ft 2 in"} How tall?
right: 6 feet 2 inches ¦ 6 ft 2 in ¦ 6'2" ¦ 74 inches ¦ 6 ft, 2 in
wrong: 6 ft ¦ 5 ft 2 in ¦ 6 ft 3 in ¦ 2 ft 6 in
{"type": "quantity", "answer": "4.2 billion years", "unit": "billion years"} How old?
right: 4.2 billion years ¦ 4.2 billion ¦ 4.2 ¦ 4,200 million years ¦ 4.2\times10^9 years
right: 4.2 \times 10^9 \text{ years} ¦ 4.2 Gyr
wrong: 4.2 million years ¦ 42 billion years ¦ 4.2 years ¦ 2.4 billion years
{"type": "percent", "answer": "37.5%"} Share?
right: 37.5% ¦ 37.5 percent ¦ $37.5\%$ ¦ 37½% ¦ 37.5 \%
wrong: 37% ¦ 0.375% ¦ 62.5% ¦ 38%
{"type": "currency", "answer": "$3.2 billion"} Revenue?
right: \$3.2 \text{ billion} ¦ $3.2 billion ¦ 3.2 billion dollars ¦ $3,200,000,000 ¦ US$3.2 billion ¦ $3.2B
right: USD 3.2 billion ¦ $3.2bn
wrong: $3.2 million ¦ €3.2 billion ¦ $32 billion ¦ $2.3 billion
{"type": "currency", "answer": "¥500"} Price?
right: ¥500 ¦ 500 yen ¦ JPY 500 ¦ 500 JPY
wrong: $500 ¦ ¥50 ¦ 500 yuan ¦ 500 won
{"type": "date", "answer": "1 January 2000", "precision": "day"} When?
right: January 1, 2000 ¦ 1 January 2000 ¦ 2000-01-01 ¦ Jan. 1, 2000 ¦ 1st January 2000
right: \text{January 1, 2000} ¦ Saturday, 1 January 2000
wrong: 2 January 2000 ¦ January 2000 ¦ 1 January 2001 ¦ 01/02/2000
{"type": "date", "answer": "1066"} When was the battle?
right: 1066 ¦ AD 1066 ¦ in 1066 ¦ 14 October 1066 ¦ October 1066
wrong: 1067 ¦ 1066 BC ¦ 1065 ¦ 1166
{"type": "range", "answer": "3–5 days"} How long?
right: 3-5 days ¦ 3 to 5 days ¦ three to five days ¦ between 3 and 5 days ¦ 3\text{–}5\text{ days}
right: 3--5 days
wrong: 3-6 days ¦ 35 days ¦ 3-5 weeks ¦ 4 days
{"type": "range", "answer": "$10–$15"} Price range?
right: $10–$15 ¦ $10-15 ¦ \$10\text{–}\$15 ¦ $10 to $15 ¦ from $10 to $15
wrong: $10 ¦ $15 ¦ $10–$16 ¦ €10–€15
{"type": "entity", "answer": "Marie Curie", "aliases": ["Maria Skłodowska-Curie"]} Who discovered radium?
right: Marie Curie ¦ Curie, Marie ¦ Madame Marie Curie ¦ Maria Sklodowska-Curie ¦ Marie Skłodowska Curie
right: \textit{Marie Curie}
wrong: Pierre Curie ¦ Marie ¦ Irène Curie ¦ Curie temperature
{"type": "entity", "answer": "New York City"} Which city?
right: New York City ¦ new york city ¦ \text{New York City} ¦ the New York City ¦ New York City.
wrong: New York State ¦ York ¦ New Jersey City ¦ Newark
{"type": "entity", "answer": "Pride and Prejudice"} Which novel?
right: Pride and Prejudice ¦ \textit{Pride and Prejudice} ¦ *Pride and Prejudice* ¦ "Pride and Prejudice"
right: Pride & Prejudice ¦ _Pride and Prejudice_
wrong: Pride ¦ Prejudice ¦ Sense and Sensibility ¦ Prejudice and Pride and Zombies
{"type": "entity", "answer": "H₂O"} Formula?
right: H2O ¦ H_2O ¦ \text{H}_2\text{O} ¦ $\mathrm{H_2O}$ ¦ H₂O ¦ \ce{H2O}
wrong: H2O2 ¦ HO ¦ H2 ¦ CO2
{"type": "string", "answer": "def f(x):"} code?
right: def f(x): ¦ `def f(x):` ¦ ```python⏎def f(x):⏎```
wrong: def f(x) ¦ def f(y): ¦ Def f(x): ¦ def f (x):
{"type": "phrase", "answer": "higher blood pressure"} Effect?
right: higher blood pressure ¦ Higher blood pressure. ¦ \text{higher blood pressure}
right: a higher blood pressure
wrong: lower blood pressure ¦ blood pressure ¦ higher blood sugar ¦ high pressure
{"type": "choice", "answer": "Lower the price"} What should they do?
options: Increase the price ¦ Lower the price ¦ Keep the price ¦ Withdraw
right: B ¦ (B) ¦ \text{(B)} ¦ B. Lower the price ¦ Lower the price ¦ **B** ¦ B) Lower the price ¦ \mathbf{B}
right: Option B: Lower the price ¦ b) ¦ (B) Lower the price.
wrong: A ¦ D ¦ B or C ¦ C. Lower the price
{"type": "boolean", "answer": "true"} Is it?
right: True ¦ yes ¦ \text{True} ¦ TRUE ¦ True. ¦ Yes. ¦ the statement is true
wrong: False ¦ no ¦ not true ¦ true/false
{"type": "expression", "answer": "\\frac{3}{4}"}
right: 0.75 ¦ 3/4 ¦ \dfrac{3}{4} ¦ \frac34 ¦ \frac{6}{8} ¦ $\frac{3}{4}$ ¦ p = \frac{3}{4}
wrong: 4/3 ¦ 0.7 ¦ -3/4 ¦ 34
{"type": "expression", "answer": "3x^2 - 2"}
right: 3x^2-2 ¦ -2+3x^2 ¦ 3x^{2} - 2 ¦ f'(x) = 3x^2 - 2 ¦ f(x)=3x^2-2
wrong: 3x^2+2 ¦ 3x-2 ¦ 2-3x^2 ¦ 3x^2
{"type": "expression", "answer": "(-\\infty, 3]"}
right: (-\infty, 3] ¦ (-\infty,3] ¦ x \le 3 ¦ \left(-\infty, 3\right] ¦ x \in (-\infty, 3]
wrong: (-\infty, 3) ¦ [3,\infty) ¦ x<3 ¦ 3
{"type": "expression", "answer": "\\sqrt{2}+1"}
right: 1+\sqrt{2} ¦ \sqrt{2}+1 ¦ 1 + \sqrt 2 ¦ \frac{1}{\sqrt{2}-1} ¦ sqrt(2)+1
wrong: \sqrt{3} ¦ \sqrt{2}-1 ¦ 2.4 ¦ \sqrt{2}
{"type": "list", "answer": "Mercury, Venus, Earth"} Order?
right: Mercury, Venus, Earth ¦ Mercury, Venus and Earth ¦ Mercury, Venus, and Earth
right: \text{Mercury, Venus, Earth} ¦ [Mercury, Venus, Earth] ¦ Mercury → Venus → Earth
right: \text{Mercury}, \text{Venus}, \text{Earth} ¦ 1) Mercury 2) Venus 3) Earth ¦ Mercury > Venus > Earth
wrong: Venus, Mercury, Earth ¦ Mercury, Venus ¦ Mercury, Venus, Mars ¦ Mercury
{"type": "set", "answer": "oxygen, nitrogen"} Which gases?
right: nitrogen and oxygen ¦ oxygen, nitrogen ¦ Nitrogen, Oxygen ¦ \{\text{oxygen}, \text{nitrogen}\}
right: oxygen & nitrogen ¦ oxygen and nitrogen gases
wrong: oxygen ¦ oxygen, argon ¦ nitrogen ¦ oxygen or nitrogen
{"type": "tuple", "answer": "(1, -2, 3)"}
right: (1,-2,3) ¦ (1, −2, 3) ¦ \left(1,-2,3\right) ¦ x=1, y=-2, z=3 ¦ (x,y,z)=(1,-2,3)
wrong: (1,2,3) ¦ (-2,1,3) ¦ (1,-2) ¦ (1,-2,3,0)
"""
    ),
}
