"""A canary must stop a bad night before it is paid for, and must not stand in the way of a good one."""

import asyncio
from collections.abc import Callable

import pytest

from tests.fixtures.forms import DOCUMENTS, script
from tests.fixtures.pipeline import Pipeline
from webscale_rl.canary import Bounds
from webscale_rl.config import ConversionConfig, ModelName
from webscale_rl.llm.endpoint import Endpoint
from webscale_rl.store import runs
from webscale_rl.store.engine import libpq_url
from webscale_rl.store.ingestions import ingest
from webscale_rl.store.queries import Rates, rates
from webscale_rl.worker import WorkerSettings, convert_shard

BOUNDS = Bounds(min_accepted=0.2, max_abstained=0.5, max_failed=0.1)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Rates(100, 0.0, 250, 0.6, 0.2), ""),
        (Rates(100, 0.1, 250, 0.2, 0.5), ""),
        (Rates(100, 0.0, 250, 0.19, 0.2), "19% of 250 questions accepted, not 20%"),
        (Rates(100, 0.0, 250, 0.4, 0.51), "51% of 250 questions abstained from"),
        (Rates(100, 0.2, 250, 0.6, 0.2), "20% of 100 documents failed"),
        (Rates(100, 1.0, 0, None, None), "0% of 0 questions accepted"),
        (Rates(0, None, 0, None, None), "0% of 0 questions accepted"),
    ],
)
def test_bounds_are_compared_with_what_came_out(found: Rates, says: str) -> None:
    said = BOUNDS.broken_by(found)
    assert says in said
    assert bool(said) is bool(says)


async def test_the_first_documents_are_converted_alone_and_paid_once(
    pipeline: Pipeline, offline_endpoint: Callable[..., Endpoint]
) -> None:
    endpoint = offline_endpoint(script=script())
    config = ConversionConfig(generator=ModelName.of(endpoint), checker=ModelName.of(endpoint))
    runs.open_run(pipeline.engine, "run", config, {})
    cut = ingest(
        pipeline.engine,
        pipeline.corpus(DOCUMENTS),
        str(pipeline.folder / "store"),
        limit=None,
        documents_per_shard=500,
    )
    (shard,) = cut.shards
    runs.assign_shards(pipeline.engine, "run", cut.id, [shard.id])
    settings = WorkerSettings(libpq_url(pipeline.url), {"generator": endpoint, "checker": endpoint}, config)

    async def convert(first: int | None) -> dict[str, int]:
        return await convert_shard(shard.id, "run", settings, owner="test", stop=asyncio.Event(), first=first)

    assert (await convert(1))["pairs"] == 3
    assert rates(pipeline.engine, "run", shard.id, 1) == Rates(1, 0.0, 3, 1.0, 0.0)
    assert pipeline.rows("SELECT state FROM conversions") == [("open",)]
    assert "1 documents were not reached" in runs.shortfall(pipeline.engine, "run")
    runs.fail_shard(pipeline.engine, "run", shard.id, "the canary stops the run")
    assert "the canary stops the run" in runs.shortfall(pipeline.engine, "run")
    before = pipeline.calls()
    assert (await convert(None))["pairs"] == 6
    twice = {stage: 2 * count for stage, count in before.items()}
    assert pipeline.calls() == twice | {"options": 1}, "the second document has the choice question"
    assert runs.shortfall(pipeline.engine, "run") == ""
