"""A process that compares expressions with ``math-verify``: one JSON line in, one out.

It runs apart from the trainer because parsing and simplifying take unbounded time and memory on hostile input, and
because ``math-verify`` works on a main thread only. Nothing but ``math-verify`` and the standard library is imported.
"""

from __future__ import annotations

import json
import logging
import re
import resource
import sys
import time
from collections.abc import Callable

MEMORY = 2 * 1024**3  # bytes
EXACT = 6  # decimals
SECONDS = 3  # for parsing and for comparing each; the caller's own limit is larger


def comparison() -> Callable[[list[str], str, bool], bool | None]:
    """Return what compares a candidate with the golds: None where one of them cannot be read.

    Raises:
        ImportError: math-verify is not installed.
    """
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

    extraction = [LatexExtractionConfig(), ExprExtractionConfig()]

    def compare(golds: list[str], candidate: str, strict: bool) -> bool | None:
        given = parse(candidate, extraction, parsing_timeout=SECONDS)
        read = [parse(gold, extraction, parsing_timeout=SECONDS) for gold in golds]
        if not given or not all(read):
            return None
        started = time.monotonic()

        def equal(decimals: int) -> bool:
            return any(verify(gold, given, float_rounding=decimals, timeout_seconds=SECONDS) for gold in read)

        rounded = equal(_decimals(candidate))
        if rounded and strict and not equal(EXACT):
            return None  # 0.33 is no third, and no other number either
        return None if not rounded and time.monotonic() - started >= SECONDS else rounded

    return compare


def _decimals(candidate: str) -> int:
    """Return to how many decimals values are compared: as many as the candidate shows, from two to six."""
    shown = [len(decimals) for decimals in re.findall(r"\d\.(\d+)", candidate)]
    return min(EXACT, max(2, min(shown, default=EXACT)))


def main() -> None:
    """Answer line by line until the caller goes away."""
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints must not stand between the answers
    try:
        compare = comparison()
    except ImportError:
        answers.write('"missing"\n')
        answers.flush()
        return
    answers.write('"ready"\n')
    answers.flush()
    for line in sys.stdin:
        golds, candidate, strict = json.loads(line)
        try:
            found = compare(golds, candidate, strict)
        except Exception:
            found = None
        answers.write(json.dumps(found) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
