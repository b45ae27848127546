"""How well answers are told apart, by human labels: ``rewards.match`` beside the rules of others.

    .venv/bin/python bench/answer_equivalence.py ../shared/data/gold/answer_equivalence.jsonl out/equivalence.json

Rows have ``question``, ``reference`` (joined by "/") or ``references``, ``candidate``, ``equivalent`` and
``source``. A row is compared as a phrase, one of Math-Verify's tests as an expression. Beside ours: exact match and
token F1 as SQuAD counts them, containment, ``math-verify`` as General-Reasoner's and verl's reward functions call it,
and the three rules of verl that need no model (exact match and containment of its search reward, string equality of
its MATH reward), run from verl's own wheel, which is downloaded once below ``.bench/``.

What a rule accepts or rejects is right or wrong; ours may also say that it is unsure. ``decided`` is the share on
which it is not, ``agreement`` that of the decided rows with the label, ``as a reward`` that of all rows when unsure
counts as wrong.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify
from rich.console import Console
from rich.progress import track
from rich.table import Table
from run_all import ENVIRONMENTS

from webscale_rl.rewards import AnswerSpec, Match, match

VERL = "verl==0.9.1"
RULES = "verl/utils/reward_score"
MATHEMATICS = "Math-Verify tests"


@dataclass(frozen=True)
class Row:
    """Two answers to a question and whether people took them for the same."""

    id: str
    question: str
    references: tuple[str, ...]
    candidate: str
    equivalent: bool
    source: str

    @property
    def spec(self) -> AnswerSpec:
        """The references as a specification of the right answer."""
        kind = "expression" if self.source == MATHEMATICS else "phrase"
        return AnswerSpec(type=kind, answer=self.references[0], aliases=self.references[1:])


Rule = Callable[[Row], Match]


def read(path: Path) -> list[Row]:
    """Read the labelled rows."""
    rows = []
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        raw = json.loads(line)
        mathematics = raw["source"] == MATHEMATICS
        listed = [raw["reference"]] if mathematics else raw.get("references") or raw["reference"].split("/")
        references = tuple(dict.fromkeys(each.strip() for each in listed if each.strip()))
        question = raw.get("question") or ""
        rows.append(Row(raw["id"], question, references, raw["candidate"], raw["equivalent"], raw["source"]))
    return rows


def verl_rules() -> dict[str, ModuleType]:
    """Return verl's modules of rules, each of which stands alone."""
    folder = ENVIRONMENTS / "verl"
    if not (folder / RULES).exists():
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(folder),
            VERL,
        ]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith(RULES)])
    modules = {}
    for name in ("search_r1_like_qa_em", "math_reward"):
        spec = importlib.util.spec_from_file_location(name, folder / RULES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modules[name])
    return modules


def decided(equal: object) -> Match:
    """Return the verdict of a rule that is never unsure."""
    return Match.SAME if equal else Match.DIFFERENT


def token_f1(row: Row, normalise: Callable[[str], str]) -> float:
    """Return the best F1 of the words of candidate and a reference."""
    best = 0.0
    given = Counter(normalise(row.candidate).split())
    for reference in row.references:
        wanted = Counter(normalise(reference).split())
        common = (given & wanted).total()
        if common:
            best = max(best, 2 * common / (given.total() + wanted.total()))
    return best


def math_verify(row: Row) -> bool:
    """Compare as General-Reasoner's ``compute_score`` does: the reference boxed, the candidate as it stands."""
    given = parse(row.candidate, [ExprExtractionConfig(), LatexExtractionConfig()])
    golds = (parse(f"\\boxed{{{reference}}}", [LatexExtractionConfig()]) for reference in row.references[:20])
    return any(verify(gold, given) for gold in golds)


def rules() -> dict[str, Rule]:
    """Return everything that is compared, by name."""
    verl = verl_rules()
    search, mathematics = verl["search_r1_like_qa_em"], verl["math_reward"]
    return {
        "rewards.match": lambda row: match(row.spec, row.candidate, row.question),
        "rewards.match, strict": lambda row: match(row.spec, row.candidate, row.question, strict=True),
        "exact match (SQuAD; verl search)": lambda row: decided(
            search.em_check(row.candidate, list(row.references))
        ),
        "token F1 of at least 0.5": lambda row: decided(token_f1(row, search.normalize_answer) >= 0.5),
        "containment (verl search, sub)": lambda row: decided(
            search.subem_check(row.candidate, list(row.references))
        ),
        "string equality (verl MATH)": lambda row: decided(
            any(mathematics.is_equiv(row.candidate, reference) for reference in row.references)
        ),
        "math-verify (General-Reasoner, verl)": lambda row: decided(math_verify(row)),
    }


@dataclass(frozen=True)
class Figures:
    """What a rule made of some rows; shares are 0 where there is nothing to divide by."""

    rows: int
    decided: float
    accept_precision: float
    reject_precision: float
    agreement: float
    as_reward: float


def figures(rows: Iterable[Row], verdicts: dict[str, Match]) -> Figures:
    """Count the verdicts of a rule over some rows."""
    counts = Counter((verdicts[row.id], row.equivalent) for row in rows)
    total = counts.total()
    accepted = counts[Match.SAME, True] + counts[Match.SAME, False]
    rejected = counts[Match.DIFFERENT, True] + counts[Match.DIFFERENT, False]
    right = counts[Match.SAME, True] + counts[Match.DIFFERENT, False]
    return Figures(
        rows=total,
        decided=(accepted + rejected) / max(total, 1),
        accept_precision=counts[Match.SAME, True] / max(accepted, 1),
        reject_precision=counts[Match.DIFFERENT, False] / max(rejected, 1),
        agreement=right / max(accepted + rejected, 1),
        as_reward=(right + counts[Match.UNSURE, False]) / max(total, 1),
    )


GROUPS: dict[str, Callable[[Row], bool]] = {
    "EVOUNA": lambda row: row.source.startswith("EVOUNA"),
    "EVOUNA, at most 8 words": lambda row: (
        row.source.startswith("EVOUNA") and len(row.candidate.split()) <= 8
    ),
    "EVOUNA-NQ": lambda row: row.source == "EVOUNA-NQ",
    "EVOUNA-TQ": lambda row: row.source == "EVOUNA-TQ",
    "NQ301": lambda row: row.source == "NQ301-human",
    MATHEMATICS: lambda row: row.source == MATHEMATICS,
}


def main() -> None:
    """Compare, print the tables and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("results", type=Path, nargs="?")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # math-verify warns of every text that is no mathematics
    rows = read(arguments.gold)
    console = Console(width=120)
    results: dict[str, dict[str, dict[str, float]]] = {}
    verdicts = {
        name: {row.id: rule(row) for row in track(rows, description=name, console=console)}
        for name, rule in rules().items()
    }
    for group, belongs in GROUPS.items():
        chosen = [row for row in rows if belongs(row)]
        table = Table("rule", "decided", "accepts right", "rejects right", "agreement", "as a reward")
        table.title = f"{group}: {len(chosen):,} rows"
        for name, found in verdicts.items():
            counted = figures(chosen, found)
            results.setdefault(group, {})[name] = asdict(counted)
            shares = (counted.decided, counted.accept_precision, counted.reject_precision)
            table.add_row(
                name, *(f"{share:.3f}" for share in (*shares, counted.agreement, counted.as_reward))
            )
        console.print(table)
    ours = verdicts["rewards.match"]
    for row in rows:
        if row.source == MATHEMATICS and (ours[row.id] is Match.SAME) is not row.equivalent:
            console.print(
                f"{row.id}: {ours[row.id].value}, label {row.equivalent}: {row.references} | {row.candidate!r}"
            )
    if arguments.results:
        arguments.results.parent.mkdir(parents=True, exist_ok=True)
        arguments.results.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
