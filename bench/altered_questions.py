"""Copies of benchmark questions that were altered, by kind, and questions and documents that are clean.

Used by ``decontamination.py`` and by the tests; nothing in the package knows of them.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from webscale_rl.release.benchmarks import BenchmarkItem

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
ALTERED = ("gsm8k", "math500", "mmlu")

_PEOPLE = """
James John Robert Michael William David Richard Joseph Thomas Charles Chris Daniel Matthew Matt Anthony Mark
Donald Steven Steve Paul Andrew Joshua Josh Kenneth Kevin Brian George Timothy Tim Ronald Jason Edward Jeff
Ryan Jacob Gary Nicholas Nick Eric Jonathan Stephen Larry Justin Scott Brandon Ben Benjamin Sam Samuel Greg
Frank Alexander Alex Raymond Patrick Jack Dennis Jerry Tyler Aaron Jose Adam Nathan Henry Zachary Doug Peter
Kyle Noah Ethan Jeremy Walter Christian Keith Roger Terry Austin Sean Gerald Carl Dylan Harold Jordan Jesse
Bryan Lawrence Arthur Gabriel Bruce Logan Billy Joe Alan Juan Elijah Willie Albert Wayne Randy Mason Vincent
Liam Roy Bobby Caleb Bradley Russell Lucas Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah
Karen Lisa Nancy Betty Sandra Margaret Ashley Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah Jess
Stephanie Rebecca Sharon Laura Cynthia Dorothy Amy Kathleen Angela Shirley Emma Brenda Pamela Nicole Anna
Samantha Katherine Christine Helen Debra Rachel Carolyn Janet Maria Catherine Heather Diane Olivia Julie Joyce
Victoria Ruth Virginia Lauren Kelly Christina Joan Evelyn Judith Andrea Hannah Megan Cheryl Jacqueline Martha
Madison Teresa Gloria Sara Janice Ann Kathryn Abigail Sophia Frances Jean Alice Judy Isabella Julia Grace
Amber Denise Danielle Marilyn Beverly Charlotte Natalie Theresa Diana Brittany Kayla Alexis Lori Marie Bob Tom
Jim Mike Dan Claire Lily Mia Ella Toula Carla Kelian Raymond Marcus Jenny Jill Tina Tim Ted Fred Ellen Eve
Kant Hume Mill Singer Hobbes Locke Smith Jones Brown Johnson Miller Davis Wilson Freud Piaget Erikson Marx
"""
PEOPLE = tuple(_PEOPLE.split())
_STRANGERS = """
Anneliese Tunde Yusra Kofi Ingrid Tariq Xiomara Bjorn Saoirse Dmitri Lakshmi Ngozi Wanjiru Thiago Zsofia
Mehmet Aroha Hinemoa Rustam Oyelaran Solveig Kwabena Ximena Leocadia Fionnuala Gulnara Ihsan Jocasta
"""
STRANGERS = tuple(_STRANGERS.split())
TWINS = dict(zip("aceopxyisjABCEHIKMOPTX", "асеорхуіѕјАВСЕНІКМОРТХ", strict=True))
GREEK = dict(zip("ovABEHIKMNOPTXYZ", "ονΑΒΕΗΙΚΜΝΟΡΤΧΥΖ", strict=True))


def spaces(text: str, dice: random.Random) -> str:
    """Put more white space between words, of several kinds."""
    return re.sub(r" ", lambda _: dice.choice([" ", "  ", "\u00a0", " \n", "\t", " \u200b"]), f" {text} ")


def split_words(text: str, dice: random.Random) -> str:
    """Put spaces into words too."""
    return "".join(sign + (" " if sign.isalpha() and dice.random() < 0.08 else "") for sign in text)


def look_alikes(text: str, dice: random.Random) -> str:
    """Write a third of the letters in another script, or all of them full-width."""
    if dice.random() < 0.25:
        return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)
    twins = TWINS if dice.random() < 0.7 else GREEK
    return "".join(twins.get(sign, sign) if dice.random() < 0.35 else sign for sign in text)


def renamed(text: str, dice: random.Random) -> str:
    """Give every person another name."""
    others = dice.sample(STRANGERS, len(STRANGERS))
    found = sorted({name for name in re.findall(r"\b[A-Z][a-z]+\b", text) if name in PEOPLE})
    for name, other in zip(found, others, strict=False):
        text = re.sub(rf"\b{name}\b", other, text)
    return text


def numbers(text: str, dice: random.Random) -> str:
    """Change every number."""

    def other(match: re.Match[str]) -> str:
        value = int(match[0]) if len(match[0]) < 12 else 7
        high = max(9, 2 * value)
        return str(next(new for new in iter(lambda: dice.randint(1, high), None) if new != value))

    return re.sub(r"\d+", other, text)


def reordered(text: str, dice: random.Random) -> str:
    """Change the order of sentences, or of the clauses of the only one."""
    parts = [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z$\\])", text.strip()) if part]
    if len(parts) > 1:
        shuffled = parts
        while shuffled == parts:
            shuffled = dice.sample(parts, len(parts))
        return " ".join(shuffled)
    ending = text[-1] if text.strip() and text[-1] in ".?!" else ""
    for mark in (", ", " if ", " when ", " because ", " while ", " and ", " for ", " with ", " by ", " in "):
        front, found, back = text.rstrip(".?!").partition(mark)
        if found and min(front.count(" "), back.count(" ")) >= 2:
            joint = mark.strip(" ,")
            swapped = f"{joint + ' ' if joint else ''}{back}, {front[:1].lower()}{front[1:]}{ending}".strip()
            return swapped[:1].upper() + swapped[1:]
    return text


def symbolic(text: str, dice: random.Random) -> str:
    """Change names and numbers, as GSM-Symbolic does."""
    return numbers(renamed(text, dice), dice)


def framed(text: str, dice: random.Random) -> str:
    """Put words around it."""
    before = dice.choice(["Please answer the following question.", "A student was asked this:", "Question:"])
    return f"{before} {text} {dice.choice(['Give a short answer.', 'Explain your reasoning.', 'Answer briefly.'])}"


def shouted(text: str, dice: random.Random) -> str:
    """Write it in capitals, without punctuation."""
    return re.sub(r"[.,;:?!](?!\d)", "", text.upper())


_PRONOUNS = {"he": "she", "she": "he", "him": "her", "his": "her", "her": "his"}
_PRONOUNS |= {one.capitalize(): other.capitalize() for one, other in _PRONOUNS.items()}
_WRITTEN = """zero one two three four five six seven eight nine ten eleven twelve"""
_NUMBERS = _WRITTEN.split()
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u2063\u3164\U000e0041"
_LETTERS = (
    0x1D400,
    0x1D468,
    0x1D4D0,
    0x1D5A0,
    0x1D670,
)  # mathematical bold, italic, script, sans-serif, typewriter
_DIGITS = {"o": "0", "i": "1", "l": "1", "e": "3", "a": "@", "s": "5"}


def pronouns(text: str, dice: random.Random) -> str:
    """Give every person another name and another sex."""
    return re.sub(
        r"\b(he|she|him|his|her|He|She|Him|His|Her)\b", lambda sign: _PRONOUNS[sign[0]], renamed(text, dice)
    )


def by_role(text: str, dice: random.Random) -> str:
    """Call people by what they are."""
    roles = iter(
        dice.sample(["my neighbour", "the teacher", "a farmer", "the captain", "a nurse", "a clerk"], 6)
    )
    for name in sorted({name for name in re.findall(r"\b[A-Z][a-z]+\b", text) if name in PEOPLE})[:6]:
        text = re.sub(rf"\b{name}\b", next(roles), text)
    return text


def written_numbers(text: str, _: random.Random) -> str:
    """Write small numbers in words."""
    return re.sub(
        r"(?<![\w.,{^_\\$/])\d{1,2}(?![\w.,]*\d|[%}^_/])",
        lambda sign: _NUMBERS[int(sign[0])] if int(sign[0]) < len(_NUMBERS) else sign[0],
        text,
    )


def connected(text: str, dice: random.Random) -> str:
    """Ask first, and join what was before by other words, backwards."""
    parts = [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z$\\])", text.strip()) if part]
    if len(parts) == 1:
        return text
    joints = ["Also, ", "In addition, ", "Note that ", "It is known that "]
    rest = [dice.choice(joints) + part[0].lower() + part[1:] for part in parts[-2::-1]]
    return " ".join([parts[-1], *rest])


def other_script(text: str, dice: random.Random) -> str:
    """Write every letter that has a twin in Cyrillic or Greek, or all in one of the mathematical alphabets."""
    if dice.random() < 0.5:
        twins = dice.choice([TWINS, GREEK])
        return "".join(twins.get(sign, sign) for sign in text)
    first = dice.choice(_LETTERS)
    return "".join(
        chr(first + ord(sign) - (65 if sign.isupper() else 71)) if sign.isascii() and sign.isalpha() else sign
        for sign in text
    )


def invisible(text: str, dice: random.Random) -> str:
    """Put signs that are not seen behind a fifth of all."""
    return "".join(sign + (dice.choice(_INVISIBLE) if dice.random() < 0.2 else "") for sign in text)


def digits_for_letters(text: str, dice: random.Random) -> str:
    """Write a seventh of some letters as digits."""
    return "".join(_DIGITS[sign] if sign in _DIGITS and dice.random() < 0.15 else sign for sign in text)


def no_spaces(text: str, _: random.Random) -> str:
    """Leave out all white space."""
    return "".join(text.split())


def spelled(text: str, _: random.Random) -> str:
    """Put a space behind every sign."""
    return " ".join(text)


def latex(text: str, _: random.Random) -> str:
    """Write formulas in LaTeX's other ways."""
    for old, other in (
        ("\\frac", "\\dfrac"),
        ("\\left", ""),
        ("\\right", ""),
        ("\\le ", "\\leq "),
        ("\\cdot", "\\times"),
    ):
        text = text.replace(old, other)
    return re.sub(r"\$([^$]+)\$", r"\\( \1 \\)", text)


def introduced(text: str, dice: random.Random) -> str:
    """Put it at the end of a text of some other content."""
    return (
        "The committee met on Thursday to review the budget for the coming season, and several members raised "
        f"concerns about staffing.{dice.choice([' ', chr(10) * 2])}{text}"
    )


def names_and_order(text: str, dice: random.Random) -> str:
    """Change names, pronouns and the order."""
    return connected(pronouns(text, dice), dice)


def glued_and_introduced(text: str, dice: random.Random) -> str:
    """Leave out a quarter of the spaces, and put words before it."""
    return re.sub(" ", lambda _: "" if dice.random() < 0.25 else " ", f"Solve the problem below. {text}")


def glued_numbers(text: str, dice: random.Random) -> str:
    """Leave out a quarter of the spaces, and change all numbers."""
    return re.sub(" ", lambda _: "" if dice.random() < 0.25 else " ", numbers(text, dice))


def script_and_numbers(text: str, dice: random.Random) -> str:
    """Change names, numbers and the script."""
    return other_script(symbolic(text, dice), dice)


def transposed(text: str, dice: random.Random) -> str:
    """Exchange two letters in an eighth of the longer words."""

    def other(found: re.Match[str]) -> str:
        word, place = found[0], dice.randrange(1, len(found[0]) - 2)
        if dice.random() > 0.125:
            return word
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]

    return re.sub(r"[a-z]{5,}", other, text)


Kind = Callable[[str, random.Random], str]
_FIRST = (spaces, look_alikes, renamed, reordered, numbers, symbolic, framed, shouted, split_words)
_SECOND = (  # of another make: the rules were not written after them
    *(pronouns, by_role, written_numbers, connected, other_script, invisible, digits_for_letters, no_spaces),
    *(spelled, latex, introduced, names_and_order, glued_and_introduced, glued_numbers, script_and_numbers),
    transposed,
)
KINDS: dict[str, Kind] = {each.__name__: each for each in _FIRST}
MORE_KINDS: dict[str, Kind] = {each.__name__: each for each in _SECOND}
OTHER_ANSWER = frozenset({"numbers", "symbolic", "glued_numbers", "script_and_numbers"})


def copies(items: list[BenchmarkItem], kind: str, seed: int = 0) -> Iterator[tuple[BenchmarkItem, str, str]]:
    """Yield items, their altered questions and the answers of those; what a kind leaves as it was is left out.

    Where numbers were changed the answer is another one too, and empty here.
    """
    for item in items:
        text = (KINDS | MORE_KINDS)[kind](item.question, random.Random(f"{seed} {kind} {item.id}"))
        if text != item.question:
            yield item, text, "" if kind in OTHER_ANSWER else item.answer


def clean_documents(shared: Path = SHARED) -> Iterator[tuple[str, str]]:
    """Yield (id, text) of documents that no benchmark here was made from."""
    for path in sorted((shared / "corpus").glob("*.jsonl")):
        if path.stem in (
            "squad_wikipedia",
            "junk",
        ):  # made from a benchmark, or hold a leak of one on purpose
            continue
        for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n"):
            row = json.loads(line)
            yield row["id"], row["text"]


def clean_questions(shared: Path = SHARED) -> Iterator[tuple[str, str, str]]:
    """Yield (id, question, answer) of people's questions from other sources, and what documents ask or state.

    The sources: Natural Questions and TriviaQA, TAT-QA, exercises of the documents, and their sentences.
    """
    seen: set[str] = set()
    for line in (
        (shared / "gold" / "answer_equivalence.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
    ):
        row = json.loads(line)
        if row["question"] and row["question"] not in seen:
            seen.add(row["question"])
            yield row["id"], row["question"], row["reference"].split("/")[0]
    for line in (shared / "gold" / "tatqa_gold.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n"):
        row = json.loads(line)
        for number, asked in enumerate(row["qas"]):
            yield f"{row['id']}-{number}", asked["question"], str(asked["answers"][0])
    for name, text in clean_documents(shared):
        sentences = re.split(r"(?<=[.!?])\s+|\n+|Problem: |Solution: ", text)
        for number, sentence in enumerate(sentences):
            if 20 <= len(sentence) <= 600:
                yield f"{name}#{number}", sentence, ""
