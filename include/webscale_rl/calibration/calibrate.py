"""A calibration: all items on the endpoints of a run, the confusions, and what they recommend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from webscale_rl.calibration.confusion import (
    CheckConfusion,
    Share,
    StageConfusion,
    check_confusion,
    stage_confusions,
)
from webscale_rl.calibration.items import BadLine, Items
from webscale_rl.calibration.measure import DEPTHS, Hit, Measured, StageUsage, measure
from webscale_rl.calibration.recommend import CanaryBounds, canary_bounds, recommendations
from webscale_rl.config import ModelName, prompt_versions
from webscale_rl.ids import content_id
from webscale_rl.llm.endpoint import Endpoint, EndpointClient
from webscale_rl.records import Record

IN_FLIGHT = 32  # calls at a time, of each endpoint


class Results(Record):
    """What a calibration found out: the column ``results`` of ``calibrations``."""

    stages: tuple[StageConfusion, ...]
    shares: dict[str, Share]
    checks: tuple[CheckConfusion, ...]
    canary: CanaryBounds
    recommendations: tuple[str, ...]
    usage: dict[str, StageUsage]
    bad_lines: tuple[BadLine, ...]


class Calibration(Record):
    """One calibration; the same models, prompts and items have the same id."""

    id: str
    models: dict[str, ModelName]
    prompt_versions: dict[str, str]
    n_items: int
    results: Results


async def calibrate(
    items: Items,
    bad_lines: Sequence[BadLine],
    endpoints: Mapping[str, Endpoint],
    *,
    max_in_flight: int = IN_FLIGHT,
    on_item: Callable[[], object] = lambda: None,
) -> Calibration:
    """Measure every stage.

    Args:
        items: as ``read_items`` returns them.
        bad_lines: what could not be used, for the record.
        endpoints: by role: ``generator``, ``checker`` and perhaps ``second_solver``.
        max_in_flight: calls at a time, of each endpoint.
        on_item: called when an item is done.

    Raises:
        EndpointRefusal, EndpointError, ShardFailed: an endpoint refuses or kept failing.
    """
    async with AsyncExitStack() as stack:
        clients: dict[str, EndpointClient] = {}
        for role, endpoint in endpoints.items():
            client = next((each for each in clients.values() if each.endpoint == endpoint), None)
            if client is None:
                client = EndpointClient(endpoint, max_in_flight=max_in_flight)
                await stack.enter_async_context(client)
            clients[role] = client
        measured = await measure(items, clients, on_item)
    return _calibration(items, bad_lines, endpoints, measured)


def _calibration(
    items: Items, bad_lines: Sequence[BadLine], endpoints: Mapping[str, Endpoint], measured: Measured
) -> Calibration:
    stages = stage_confusions(measured.stages)
    checks = tuple(check_confusion(depth, measured.checks[depth]) for depth in DEPTHS)
    shares = _shares(measured.hits)
    bounds = canary_bounds(stages, checks, shares, measured.usage)
    models = {role: ModelName.of(endpoint) for role, endpoint in endpoints.items()}
    versions = prompt_versions()
    named = {role: model.model_dump(mode="json") for role, model in models.items()}
    return Calibration(
        id=content_id([named, versions, items.digest]),
        models=models,
        prompt_versions=versions,
        n_items=len(items),
        results=Results(
            stages=stages,
            shares=shares,
            checks=checks,
            canary=bounds,
            recommendations=tuple(recommendations(items, measured, stages, checks, bounds)),
            usage=measured.usage,
            bad_lines=tuple(bad_lines),
        ),
    )


def _shares(hits: Sequence[Hit]) -> dict[str, Share]:
    return {
        what: Share.where(hit.right for hit in hits if hit.what == what)
        for what in dict.fromkeys(hit.what for hit in hits)
    }
