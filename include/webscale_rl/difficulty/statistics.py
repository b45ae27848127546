"""What counts of attempts say: pass rates, groups of mixed outcome, success beyond chance."""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

BANDS = 10  # of a histogram of pass rates


def mixed_share(successes: int, attempts: int, group: int) -> float:
    """Return the expected share of groups of ``group`` rollouts in which some succeed and some fail.

    Only such a group teaches a policy that is trained on differences within groups (GRPO). The attempts count as
    independent draws with the pair's own, unknown chance p of success; sought is 1 - p^G - (1-p)^G.

    With at least ``group`` attempts this is the share of mixed groups among all that can be drawn from them without
    repetition, which is unbiased for any p. With fewer there is no unbiased estimate, and the mean of the
    posterior after Jeffreys' prior Beta(1/2, 1/2) takes its place.

    Raises:
        ValueError: the counts or the size of a group are impossible.
    """
    failures = attempts - successes
    if successes < 0 or failures < 0 or group < 1:
        raise ValueError(f"{successes} successes of {attempts} attempts in groups of {group}")
    if attempts >= group:
        drawn = comb(attempts, group)
        return (drawn - comb(successes, group) - comb(failures, group)) / drawn
    return max(0.0, 1 - _moment(successes, failures, group) - _moment(failures, successes, group))


def _moment(successes: int, failures: int, power: int) -> float:
    """Return the mean of p^power for p of Beta(successes + 1/2, failures + 1/2)."""
    mean = 1.0
    for step in range(power):
        mean *= (successes + 0.5 + step) / (successes + failures + 1 + step)
    return mean


def chance_of_at_least(successes: int, attempts: int, chance: float) -> float:
    """Return the probability of so many successes or more among independent attempts with this chance each."""
    return sum(
        comb(attempts, k) * chance**k * (1 - chance) ** (attempts - k) for k in range(successes, attempts + 1)
    )


def band(rate: float) -> int:
    """Return in which of ten bands, [0, 0.1) to [0.9, 1], a pass rate lies, from 0."""
    return min(int(rate * BANDS + 1e-9), BANDS - 1)  # 3 of 10 is 0.3, whatever binary fractions say


def histogram(rates: Iterable[float]) -> list[int]:
    """Return how many pass rates lie in each of ten bands, [0, 0.1) to [0.9, 1]."""
    counts = [0] * BANDS
    for rate in rates:
        counts[band(rate)] += 1
    return counts
