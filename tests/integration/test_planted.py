"""How errors add up along the road: gate and check as they are, a planted model behind the real server."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from webscale_rl.calibration.items import Defect
from webscale_rl.calibration.measure import Tally
from webscale_rl.llm.endpoint import Endpoint, EndpointClient
from webscale_rl.offline.planted import PLANTED, Mistakes, PlantedModel
from webscale_rl.offline.planted_labels import shipped_labels

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

from planted import ROADS, Measured, Plan, Road, accepted_pairs, measure, plot

Start = Callable[..., Endpoint]

SINGLE, LEAN, FULL, SECOND = ROADS
# What a depth cannot know: the solver of a lean check follows a hint and takes one of two right answers.
UNSEEN = {LEAN.name: {Defect.LEAK, Defect.SECOND_ANSWER}, FULL.name: set(), SECOND.name: set()}


async def accepted_defects(start: Start, road: Road, generator_error: float) -> list[Defect | None]:
    """Return what is wrong with the pairs that a road accepts, with a checker that makes no mistake."""
    rates = ("--generator-error", str(generator_error), "--checker-error", "0", "--seed", "1")
    endpoint = replace(start("--planted", *rates), model=PLANTED)
    labels = PlantedModel(shipped_labels(), Mistakes(generator_error, 0.0), seed=1)
    found = []
    async with EndpointClient(endpoint, max_in_flight=8) as client:
        for text in dict.fromkeys(item.document for item in labels.items):
            found += await accepted_pairs(text, road, {"generator": client, "checker": client}, Tally())
    return [labels.defect(*pair) for pair in found]


@pytest.mark.parametrize("road", [LEAN, FULL], ids=lambda road: road.name)
async def test_without_mistakes_every_good_question_is_accepted(offline_endpoint: Start, road: Road) -> None:
    assert await accepted_defects(offline_endpoint, road, 0.0) == [Defect.NONE] * len(shipped_labels())


@pytest.mark.parametrize("road", [LEAN, FULL], ids=lambda road: road.name)
async def test_a_checker_without_mistakes_finds_all_that_its_depth_can_know(
    offline_endpoint: Start, road: Road
) -> None:
    found = await accepted_defects(offline_endpoint, road, 1.0)
    assert set(found) <= UNSEEN[road.name]


@pytest.fixture(scope="module")
def rates() -> tuple[float, ...]:
    return (0.0, 0.3)


async def test_mistakes_cost_precision_and_recall_and_more_checks_keep_precision(
    rates: tuple[float, ...],
) -> None:
    plan = Plan(shipped_labels(), generator_error=0.5, correlation=0.5, seed=1, rounds=2)
    found: dict[tuple[str, float], Measured] = {
        (road.name, rate): await measure(road, rate, plan) for road in (SINGLE, LEAN, FULL) for rate in rates
    }
    clean, noisy = rates
    for road in (SINGLE, FULL):
        assert found[road.name, noisy].precision.share < found[road.name, clean].precision.share
    for road in (SINGLE, LEAN, FULL):
        assert found[road.name, noisy].recall.share < found[road.name, clean].recall.share == 1.0
    for rate in rates:
        assert found[FULL.name, rate].precision.share >= found[LEAN.name, rate].precision.share
    assert found[FULL.name, clean].precision.share == 1.0


async def test_the_drawing_names_every_road_and_is_well_formed() -> None:
    import xml.etree.ElementTree as ET

    plan = Plan(shipped_labels()[:2], generator_error=0.3, correlation=0.5, seed=1, rounds=1)
    found = [await measure(road, rate, plan) for rate in (0.0, 0.4) for road in ROADS]
    words = [element.text for element in ET.fromstring(plot(found)).iter() if element.text]
    assert all(words.count(road.name) == 2 for road in ROADS)
