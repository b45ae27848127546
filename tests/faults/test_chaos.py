"""Kills of everything at random moments: what `make chaos` does at length."""

from pathlib import Path

from rich.console import Console

from tests.faults.chaos import Chaos, show
from tests.faults.endpoint_process import EndpointProcess
from tests.faults.mortal_postgres import MortalPostgres

KILLS = 5
SEED = 7


def test_kills_at_random_moments_lose_nothing(
    mortal_postgres: MortalPostgres,
    faulty_endpoint: EndpointProcess,
    corpus: Path,
    undisturbed_in_two: dict[str, bytes],
    tmp_path: Path,
) -> None:
    """A user on machines that are taken away at any moment would get another data set, or pay for it twice."""
    tally = Chaos(mortal_postgres, faulty_endpoint, corpus, SEED).run(KILLS, tmp_path, undisturbed_in_two)
    show(Console(), tally, SEED)
    assert tally.kills.total() >= KILLS
    assert (tally.twice, tally.lost, tally.different) == (0, 0, 0)
    assert tally.is_good
