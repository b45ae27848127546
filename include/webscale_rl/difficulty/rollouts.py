"""Rollouts of a trainer as attempts: ``python -m webscale_rl.difficulty.rollouts FILE --solver NAME``.

A line of the file is a JSON object with ``id`` (of the pair), ``response``, and perhaps ``reward``, ``solver`` (or
``model``) and ``temperature``. Rewards are computed anew from the responses.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine

from webscale_rl.corpus.files import CorpusFile, find_files, require_no_secret
from webscale_rl.corpus.raw import Fault
from webscale_rl.corpus.records import records_of
from webscale_rl.difficulty.attempts import Attempt, Tally
from webscale_rl.difficulty.conditions import Condition
from webscale_rl.difficulty.config import DEFAULT_TEMPERATURE
from webscale_rl.difficulty.marks import SUSPECT_ATTEMPTS, suspect_label
from webscale_rl.difficulty.pairs import Pair
from webscale_rl.errors import ConfigurationError
from webscale_rl.rewards.score import judge
from webscale_rl.store.measurements import pairs_by_id, replace_batch, replace_marks

SHOWN = 20  # bad lines in the report
LINES = 500  # looked up and judged at a time
KEPT = 32  # attempts of a pair and solver whose answers are kept, to see whether they agree


@dataclass(frozen=True, slots=True)
class Rollout:
    """One line. ``reward`` is the trainer's own."""

    pair_id: str
    response: str | None
    reward: float | None
    solver: str
    temperature: float


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is left out."""

    line: int  # from 1; 0 for the file as a whole
    reason: str


@dataclass
class Imported:
    """What an import has found. ``differing`` of the ``compared`` rewards are not ours."""

    batch: str
    rollouts: int = 0
    pairs: int = 0
    successes: int = 0
    compared: int = 0
    only_theirs: int = 0  # the trainer gave a reward of at least 0.5 and our rules none
    only_ours: int = 0
    bad_lines: int = 0
    bad_reasons: dict[str, int] = field(default_factory=dict)
    first_bad_lines: list[BadLine] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)

    def leave_out(self, bad: BadLine) -> None:
        """Count a bad line."""
        self.bad_lines += 1
        reason = bad.reason.split(":")[0]
        self.bad_reasons[reason] = self.bad_reasons.get(reason, 0) + 1
        if len(self.first_bad_lines) < SHOWN:
            self.first_bad_lines.append(bad)

    def compare(self, reward: float, ours: bool) -> None:
        """Count whether a trainer's reward agrees with ours."""
        self.compared += 1
        self.only_theirs += reward >= 0.5 and not ours
        self.only_ours += reward < 0.5 and ours


@dataclass(slots=True)
class _Group:
    """The attempts of one solver at one pair, at one temperature. All of a file are in memory, so it is small."""

    count: Tally = field(default_factory=lambda: Tally.of(()))
    kept: list[Attempt] | None = None  # None while there are none, and where the label is not suspect

    def add(self, attempt: Attempt) -> None:
        self.count += Tally.of((attempt,))
        if self.count.successes:
            self.kept = None
        elif self.kept is None:
            self.kept = [attempt]
        elif len(self.kept) < KEPT:
            self.kept.append(attempt)

    def may_be_suspect(self, suspect_attempts: int) -> bool:
        return self.kept is not None and self.count.attempts >= suspect_attempts


_Groups = dict[tuple[str, str, float], _Group]  # by pair, solver and temperature


def import_rollouts(
    engine: Engine,
    path: str,
    *,
    solver: str,
    temperature: float = DEFAULT_TEMPERATURE,
    suspect_attempts: int = SUSPECT_ATTEMPTS,
) -> Imported:
    """Read a file of rollouts into ``solver_attempts`` and mark suspect labels. Safe to repeat.

    Args:
        engine: of the service's database.
        path: of a file of JSON Lines, plain, ``.gz`` or ``.zst``; an fsspec URI may be one.
        solver: who answered, where a line does not say.
        temperature: of the sampling, where a line does not say.
        suspect_attempts: so many attempts without success can mark a pair.

    Raises:
        ConfigurationError: there is no such file, or it is no JSON Lines.
    """
    file = _file(path)
    found = Imported(_digest(file))
    groups: _Groups = {}
    lines = records_of(file)
    with engine.connect() as connection:
        while chunk := list(islice(lines, LINES)):
            _take(connection, chunk, groups, found, Rollout("", None, None, solver, temperature))
        marks = _marks(connection, groups, suspect_attempts)
    with engine.begin() as connection:
        replace_batch(connection, found.batch, (_row(key, groups[key]) for key in sorted(groups)))
        pair_ids = sorted({pair_id for pair_id, *_ in groups})
        replace_marks(connection, found.batch, pair_ids, marks)
    found.pairs = len(pair_ids)
    found.marks = dict(Counter(mark["mark"] for mark in marks))
    return found


def _file(path: str) -> CorpusFile:
    require_no_secret(path)
    files = find_files(path)
    if len(files) != 1:
        raise ConfigurationError(f"{path!r} holds {len(files)} files: import one file of rollouts at a time")
    return files[0]


def _digest(file: CorpusFile) -> str:
    """Return the SHA-256 of a file's bytes: the name of the batch."""
    digest = hashlib.sha256()
    with file.filesystem.open(file.path, "rb") as raw:
        for piece in iter(lambda: raw.read(2**20), b""):
            digest.update(piece)
    return digest.hexdigest()


def _take(
    connection: Connection,
    chunk: list[tuple[int, dict[str, Any] | Fault]],
    groups: _Groups,
    found: Imported,
    default: Rollout,
) -> None:
    """Judge some lines and add them to their groups."""
    read = [(line, read_line(record, default)) for line, record in chunk]
    known = pairs_by_id(connection, sorted({each.pair_id for _, each in read if isinstance(each, Rollout)}))
    for line, rollout in read:
        if isinstance(rollout, str):
            found.leave_out(BadLine(line, rollout))
        elif rollout.pair_id not in known:
            found.leave_out(BadLine(line, f"unknown_id: {rollout.pair_id[:64]!r}"))
        else:
            pair = known[rollout.pair_id]
            attempt = _attempt(pair, rollout)
            found.rollouts += 1
            found.successes += attempt.success
            if rollout.reward is not None and rollout.response is not None:
                found.compare(rollout.reward, attempt.success)
            key = (rollout.pair_id, rollout.solver, rollout.temperature)
            groups.setdefault(key, _Group()).add(attempt)


def read_line(record: Mapping[str, Any] | Fault, default: Rollout) -> Rollout | str:
    """Return the rollout of a line, or the reason why it is none."""
    if isinstance(record, Fault):
        return f"{record.reason}: {record.detail}"
    pair_id, response, reward = (record.get(name) for name in ("id", "response", "reward"))
    solver = record.get("solver") or record.get("model") or default.solver
    temperature = record.get("temperature")
    if temperature is None:
        temperature = default.temperature
    wrong = [
        name
        for name, fits in {
            "id": _is_name(pair_id),
            "response": response is None or isinstance(response, str),
            "reward": reward is None or _is_number(reward),
            "solver": _is_name(solver),
            "temperature": _is_number(temperature) and temperature >= 0,
        }.items()
        if not fits
    ]
    if wrong:
        return f"wrong_type: {', '.join(wrong)}"
    if response is None and reward is None:
        return "nothing_to_score: neither response nor reward"
    return Rollout(str(pair_id), response, reward, solver, float(temperature))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != "" and "\x00" not in value  # which PostgreSQL refuses


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e308


def _attempt(pair: Pair, rollout: Rollout) -> Attempt:
    if rollout.response is None:
        success = rollout.reward is not None and rollout.reward >= 0.5
        return Attempt(success, "same" if success else "different")
    score = judge(pair.spec, rollout.response, pair.question)
    return Attempt(score.value >= 0.5, score.outcome, score.answer)


def _row(key: tuple[str, str, float], group: _Group) -> dict[str, Any]:
    pair_id, solver, temperature = key
    question = Condition.QUESTION
    return {
        "pair_id": pair_id,
        "solver": solver,
        "prompt_version": question.prompt_version,
        "temperature": temperature,
        "condition": question.value,
        **asdict(group.count),
    }


def _marks(connection: Connection, groups: _Groups, suspect_attempts: int) -> list[dict[str, Any]]:
    """Return the marks of a batch: of several solvers that suspect a pair, the first by name speaks."""
    found: dict[str, dict[str, Any]] = {}
    suspect = iter(sorted(key for key, group in groups.items() if group.may_be_suspect(suspect_attempts)))
    while keys := list(islice(suspect, LINES)):
        pairs = pairs_by_id(connection, sorted({pair_id for pair_id, *_ in keys}))
        for key in keys:
            pair_id, solver, _ = key
            if pair_id in found or pair_id not in pairs:
                continue
            mark = suspect_label(pairs[pair_id].spec, groups[key].kept or (), min(suspect_attempts, KEPT))
            if mark:
                said = f"{solver}: {mark.detail}"
                found[pair_id] = {"pair_id": pair_id, "mark": mark.mark.value, "detail": said[:400]}
    return list(found.values())


def main() -> int:
    """Import a file into the database of a local stack, or one that is named; print what was found."""
    parser = argparse.ArgumentParser(prog="python -m webscale_rl.difficulty.rollouts", description=__doc__)
    parser.add_argument("file", help="JSON Lines, plain, .gz or .zst")
    parser.add_argument("--solver", required=True, help="who answered, where a line does not say")
    parser.add_argument(
        "--temperature", type=float, default=DEFAULT_TEMPERATURE, help="where a line does not say"
    )
    parser.add_argument("--suspect-attempts", type=int, default=SUSPECT_ATTEMPTS, help="that may mark a pair")
    parser.add_argument("--database", default="", help="URL of the service's database; else that of WORK")
    given = parser.parse_args()
    from webscale_rl.local.importing import run_import

    return run_import(
        lambda engine: import_rollouts(
            engine,
            given.file,
            solver=given.solver,
            temperature=given.temperature,
            suspect_attempts=given.suspect_attempts,
        ),
        given.database,
    )


if __name__ == "__main__":
    sys.exit(main())
