"""How errors add up along the road: precision and recall of what it accepts, by the checker's error rate.

    .venv/bin/python bench/planted.py --gold DIR      # squad_gold.jsonl and tatqa_gold.jsonl
    .venv/bin/python bench/planted.py                 # the shipped items, in several rounds

A model that follows labels, with mistakes at set rates, is served over HTTP; gate and check are the real ones. Writes
out/planted.json and docs/quality.svg. It says what the road makes of mistakes, nothing of any model.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from aiohttp import web
from planted_gold import gold_labels
from planted_plot import Line, Panel, Point, drawn
from rich.console import Console
from rich.table import Table

from webscale_rl.calibration.confusion import Share
from webscale_rl.calibration.items import Defect
from webscale_rl.calibration.measure import Tally
from webscale_rl.config import ConversionConfig, ModelName
from webscale_rl.convert import convert_document
from webscale_rl.corpus.tokens import count
from webscale_rl.ids import text_id
from webscale_rl.llm.endpoint import Endpoint, EndpointClient
from webscale_rl.llm.ledger import Asker, KnownCalls
from webscale_rl.llm.prompts import show_document
from webscale_rl.offline.planted import OTHER_FAMILY, PLANTED, Mistakes, PlantedModel
from webscale_rl.offline.planted_labels import PlantedItem, shipped_labels
from webscale_rl.offline.script import Script
from webscale_rl.offline.server import Server, Settings
from webscale_rl.records import Document, DocumentState, ItemState, Record
from webscale_rl.rewards import AnswerSpec, Match, match
from webscale_rl.stages.assess import ASSESS, profile
from webscale_rl.stages.check import JUDGE, CheckDepth
from webscale_rl.stages.demonstrations import shown_forms
from webscale_rl.stages.generate import GenerateAnswer, generate_fields, generate_stage
from webscale_rl.stages.options import shuffled, with_options

RATES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)
IN_FLIGHT = 32
PLOT = Path(__file__).resolve().parent.parent / "docs" / "quality.svg"


@dataclass(frozen=True)
class Road:
    """A way to check: a depth of the pipeline, or one call of the judge with nothing before or behind it."""

    name: str
    colour: str
    depth: CheckDepth | None
    second: bool = False


ROADS = (
    Road("single judge", "#b3541e", None),
    Road("lean", "#1f6fb2", "lean"),
    Road("full", "#2c8a5b", "full"),
    Road("full + second solver", "#7a3e9d", "full", second=True),
)


class Kind(Record):
    """What became of the questions with one defect."""

    defect: str
    written: int
    accepted: int


class Measured(Record):
    """One road at one error rate of the checker."""

    road: str
    checker_error: float
    precision: Share  # good ones of the accepted
    recall: Share  # accepted ones of the good
    kinds: tuple[Kind, ...]
    calls: int
    prompt_tokens: int
    cached_tokens: int  # of the prompts
    completion_tokens: int

    @property
    def accepted(self) -> int:
        """Number of accepted pairs, good or not."""
        return self.precision.n


@dataclass(frozen=True)
class Plan:
    """What is measured. Every round has the same questions and other mistakes."""

    items: Sequence[PlantedItem]
    generator_error: float
    correlation: float
    seed: int
    rounds: int


async def measure(road: Road, checker_error: float, plan: Plan) -> Measured:
    """Send all documents down a road, once a round."""
    written: Counter[Defect] = Counter()
    accepted: Counter[Defect] = Counter()
    tally = Tally()
    mistakes = Mistakes(plan.generator_error, checker_error, plan.correlation)
    for number in range(plan.rounds):
        model = PlantedModel(plan.items, mistakes, plan.seed + number)
        written.update(model.written(item).defect for item in plan.items)
        async with clients(model, road) as by_role, asyncio.TaskGroup() as group:
            texts = dict.fromkeys(item.document for item in plan.items)
            tasks = [group.create_task(accepted_pairs(text, road, by_role, tally)) for text in texts]
        for question, answer in (pair for task in tasks for pair in task.result()):
            defect = model.defect(question, answer)
            if defect is None:
                raise RuntimeError(f"accepted, and no label knows it: {question!r}")
            accepted[defect] += 1
    used = tally.usage.values()
    return Measured(
        road=road.name,
        checker_error=checker_error,
        precision=Share.of(accepted[Defect.NONE], accepted.total()),
        recall=Share.of(accepted[Defect.NONE], written[Defect.NONE]),
        kinds=tuple(
            Kind(defect=defect.value, written=written[defect], accepted=accepted[defect])
            for defect in sorted(written)
        ),
        calls=sum(stage.calls for stage in used),
        prompt_tokens=sum(stage.prompt_tokens for stage in used),
        cached_tokens=sum(stage.cached_tokens for stage in used),
        completion_tokens=sum(stage.completion_tokens for stage in used),
    )


@asynccontextmanager
async def clients(model: PlantedModel, road: Road) -> AsyncIterator[dict[str, EndpointClient]]:
    """Serve a model and yield what calls it, by role."""
    runner = web.AppRunner(Server(Settings(planted=model), Script([])).app(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        names = {"generator": PLANTED, "checker": PLANTED} | (
            {"second_solver": OTHER_FAMILY} if road.second else {}
        )
        async with AsyncExitStack() as stack:
            yield {
                role: await stack.enter_async_context(
                    EndpointClient(Endpoint(url, name), max_in_flight=IN_FLIGHT)
                )
                for role, name in names.items()
            }
    finally:
        await runner.cleanup()


async def accepted_pairs(
    text: str, road: Road, by_role: dict[str, EndpointClient], tally: Tally
) -> list[tuple[str, str]]:
    """Return question and answer of the accepted pairs of a document."""
    asker = Asker(text_id(text), KnownCalls(), by_role, tally, {})
    if road.depth is None:
        return [pair async for pair in _judged_once(text, asker)]
    names = {role: ModelName(model=client.endpoint.model) for role, client in by_role.items()}
    # Without repair: what becomes of each question that was written is measured. Short texts have labels, too.
    config = ConversionConfig(**names, check_depth=road.depth, repair=False, min_tokens=0)
    document = Document(id=text_id(text), text=text, n_tokens=count(text))
    outcome = await convert_document(document, config, asker)
    if outcome.state is not DocumentState.DONE:
        raise RuntimeError(f"{outcome.stage}: {outcome.reason}: {outcome.detail}")
    items = [item for item in outcome.items if item.state is ItemState.ACCEPTED]
    return [(item.question.text, item.question.spec.answer) for item in items if item.question]


async def _judged_once(text: str, asker: Asker) -> AsyncIterator[tuple[str, str]]:
    """Yield what one judge lets pass that sees document, question and answer; no rule and no solver.

    The published one says whether the answer is right and whether the question leaks it. This one also looks for
    another right answer, in its favour.
    """
    reader = asker.reading(show_document(text))
    found = profile((await reader.ask(ASSESS, {}, role="generator")).answer, 3)
    stage = generate_stage(found.domain, shown_forms(found.plan))
    for item in found.plan:
        draft = (await reader.ask(stage, generate_fields(item, found.domain), role="generator")).answer
        question = with_options(draft.question, shuffled(draft.question, draft.options))
        fields = {"question": question, "answer": draft.answer}
        judged = (await reader.ask(JUDGE, fields, role="checker")).answer
        if judged.supported and not judged.answer_revealed and not _is_rival(draft, judged.rival_answer):
            yield question, draft.answer


def _is_rival(draft: GenerateAnswer, rival: str) -> bool:
    spec = AnswerSpec(type=draft.answer_type, answer=draft.answer, aliases=tuple(draft.aliases))
    return bool(rival) and match(spec, rival) is not Match.SAME


def show(console: Console, found: Sequence[Measured]) -> None:
    """Print all figures, and what passed by kind of defect at the ends and in the middle."""
    table = Table("checker's error", "road", "precision", "recall", "accepted", *COSTS)
    for one in found:
        shares = (_brief(one.precision), _brief(one.recall), str(one.accepted))
        table.add_row(f"{one.checker_error:g}", one.road, *shares, *costs(one))
    console.print(table)
    defects = list(dict.fromkeys(kind.defect for one in found for kind in one.kinds))
    table = Table("accepted, by defect", "road", *defects)
    for one in found:
        kinds = {kind.defect: f"{kind.accepted}/{kind.written}" for kind in one.kinds}
        table.add_row(f"{one.checker_error:g}", one.road, *(kinds.get(defect, "") for defect in defects))
    console.print(table)


def _brief(share: Share) -> str:
    return f"{share.share:.3f} [{share.low:.2f}, {share.high:.2f}]"


COSTS = ("calls", "prompt tokens", "not cached", "completion tokens")


def costs(one: Measured) -> Iterator[str]:
    """Yield calls and tokens per accepted pair."""
    per_pair = 1 / one.accepted if one.accepted else math.nan
    yield f"{one.calls * per_pair:.1f}"
    for tokens in (one.prompt_tokens, one.prompt_tokens - one.cached_tokens, one.completion_tokens):
        yield f"{tokens * per_pair:,.0f}"


def plot(found: Sequence[Measured]) -> str:
    """Return the drawing: precision and recall, a line for each road."""
    panels = []
    for title, name in (
        ("Precision: good ones of the accepted", "precision"),
        ("Recall: accepted ones of the good", "recall"),
    ):
        lines = []
        for road in ROADS:
            of_road = [one for one in found if one.road == road.name]
            shares = [(one.checker_error, getattr(one, name)) for one in of_road]
            points = tuple(Point(rate, share.share, share.low, share.high) for rate, share in shares)
            lines.append(Line(road.name, road.colour, points))
        panels.append(Panel(title, tuple(lines)))
    return drawn(
        panels,
        across="share of the checker's answers that are wrong",
        label="Precision and recall of the accepted pairs by the error rate of the checker",
    )


async def _run(arguments: argparse.Namespace) -> list[Measured]:
    wanted = arguments.questions
    items = gold_labels(arguments.gold, wanted, arguments.seed) if arguments.gold else shipped_labels()
    plan = Plan(
        items=items,
        generator_error=arguments.generator_error,
        correlation=arguments.correlation,
        seed=arguments.seed,
        rounds=math.ceil(wanted / len(items)),
    )
    print(f"{len(items)} questions, {plan.rounds} rounds, rates {RATES}", flush=True)
    return [await measure(road, rate, plan) for rate in RATES for road in ROADS]


def main() -> int:
    """Measure, print, write JSON and the drawing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gold", type=Path, help="folder of squad_gold.jsonl and tatqa_gold.jsonl")
    parser.add_argument("--questions", type=int, default=360, help="at least so many are written")
    parser.add_argument("--generator-error", type=float, default=Mistakes.generator)
    parser.add_argument("--correlation", type=float, default=Mistakes.correlation)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("out/planted.json"))
    parser.add_argument("--plot", type=Path, default=PLOT)
    arguments = parser.parse_args()
    began = time.monotonic()
    found = asyncio.run(_run(arguments))
    console = Console(width=140)  # also where it is written to a file
    show(console, found)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    result = [one.model_dump(mode="json") for one in found]
    arguments.json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    arguments.plot.write_text(plot(found), encoding="utf-8")
    console.print(
        f"{time.monotonic() - began:.0f} s; written to {arguments.json} and {arguments.plot}", highlight=False
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
