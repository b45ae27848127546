"""Verdicts of people on pairs: ``python -m webscale_rl.release.review FILE --reviewer NAME``.

A line of the file is a JSON object with ``id`` (of the pair), ``verdict`` (``accepted`` or ``rejected``) and perhaps
a ``note``. They become marks, which a release can leave out: ``review_rejected`` by default.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from webscale_rl.corpus.files import find_files, require_no_secret
from webscale_rl.corpus.raw import Fault
from webscale_rl.corpus.records import records_of
from webscale_rl.errors import ConfigurationError
from webscale_rl.store.measurements import pairs_by_id, replace_marks

VERDICTS = ("accepted", "rejected")
SHOWN = 20  # bad lines in the report


@dataclass
class Reviewed:
    """What an import has found; of several verdicts of a reviewer on one pair the last stays."""

    verdicts: dict[str, int] = field(default_factory=dict)
    bad_lines: int = 0
    first_bad_lines: list[str] = field(default_factory=list)

    def leave_out(self, line: int, reason: str) -> None:
        """Count a bad line."""
        self.bad_lines += 1
        if len(self.first_bad_lines) < SHOWN:
            self.first_bad_lines.append(f"line {line}: {reason}")


def import_review(engine: Engine, path: str, reviewer: str) -> Reviewed:
    """Read a file of verdicts into ``pair_marks``, in the place of what this reviewer has said of these pairs before.

    Raises:
        ConfigurationError: there is no such file, or it is no JSON Lines.
    """
    require_no_secret(path)
    files = find_files(path)
    if len(files) != 1:
        raise ConfigurationError(f"{path!r} holds {len(files)} files: import one file of verdicts at a time")
    found = Reviewed()
    said: dict[str, tuple[int, str, str]] = {}
    for line, record in records_of(files[0]):
        if isinstance(record, Fault):
            found.leave_out(line, f"{record.reason}: {record.detail}")
        elif problem := _problem(record):
            found.leave_out(line, problem)
        else:
            said[record["id"]] = (line, record["verdict"], record.get("note") or "")
    with engine.begin() as connection:
        known = pairs_by_id(connection, sorted(said))
        for pair_id, (line, _, _) in said.items():
            if pair_id not in known:
                found.leave_out(line, f"unknown id {pair_id[:64]!r}")
        rows = [
            {"pair_id": pair_id, "mark": f"review_{verdict}", "detail": note[:400]}
            for pair_id, (_, verdict, note) in sorted(said.items())
            if pair_id in known
        ]
        replace_marks(connection, f"review:{reviewer}", sorted(known), rows)
    found.verdicts = dict(Counter(row["mark"] for row in rows))
    return found


def _problem(record: dict[str, Any]) -> str:
    """Return what is wrong with a line."""
    pair_id, verdict, note = (record.get(name) for name in ("id", "verdict", "note"))
    if not isinstance(pair_id, str) or not pair_id or "\x00" in pair_id:
        return "id must be the id of a pair"
    if verdict not in VERDICTS:
        return f"verdict must be one of {', '.join(VERDICTS)}"
    return "" if note is None or isinstance(note, str) else "note must be a text"


def main() -> int:
    """Import a file into the database of a local stack, or one that is named; print what was found."""
    parser = argparse.ArgumentParser(prog="python -m webscale_rl.release.review", description=__doc__)
    parser.add_argument("file", help="JSON Lines, plain, .gz or .zst")
    parser.add_argument("--reviewer", required=True, help="who says so")
    parser.add_argument("--database", default="", help="URL of the service's database; else that of WORK")
    given = parser.parse_args()
    from webscale_rl.local.importing import run_import

    return run_import(lambda engine: import_review(engine, given.file, given.reviewer), given.database)


if __name__ == "__main__":
    sys.exit(main())
