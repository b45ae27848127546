"""The limit: aiohttp in a loop and nothing else, sending the very requests that the library would send.

    .venv/bin/python bench/bare_loop.py --base-url http://127.0.0.1:8000/v1 --concurrency 96 --requests 2000

Prints the line of ``measured.py``. No ledger, no retries, no database: what a client can reach at most.

Choose a multiple of the slots as the number of requests: 2,000 of them take 64 slots 32 rounds of service time, the
last one a quarter full, and no client can get above 0.977.

``--write PATH`` writes the requests as JSON lines and sends nothing: the peers of ``peers/`` send the same ones.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from measured import measured
from simulated_endpoint import MODEL
from synthetic_corpus import answer, document

from webscale_rl.config import ConversionConfig, ModelName
from webscale_rl.convert import convert_document
from webscale_rl.ids import text_id
from webscale_rl.llm.endpoint import Completion, Endpoint
from webscale_rl.llm.ledger import Asker, KnownCalls
from webscale_rl.records import Document

Body = dict[str, Any]
TIMEOUT_SECONDS = 600.0
ENDPOINT = Endpoint("http://127.0.0.1/v1", MODEL)  # nothing is sent there


class Recorder:
    """Stands in for an ``EndpointClient``: keeps what the library sends and answers what the endpoint would.

    With ``suitable`` false it finds no document worth a question, so that nothing follows `assess`.
    """

    endpoint = ENDPOINT

    def __init__(self, suitable: bool) -> None:
        self._suitable = suitable
        self.bodies: list[Body] = []

    async def chat(self, body: Body, **_: object) -> Completion:
        """Keep a request and answer it."""
        self.bodies.append({**body, "model": MODEL})
        said = answer(body["response_format"]["json_schema"]["name"], body["messages"][1]["content"]) or {}
        if not self._suitable:
            said = {**said, "decision": "unsuitable"}
        return Completion(orjson.dumps(said).decode(), "stop", "", 0, 0, 0, 0, 1)

    async def count_tokens(self, text: str) -> int:
        """Say that there is no such route."""
        return 0


class Sink:
    """Takes the rows of the ledger and forgets them."""

    def add(self, table: str, row: Any) -> None:
        """Forget a row."""

    def check(self) -> None:
        """Never stop."""


def recorded(tokens: int, suitable: bool) -> Iterator[Body]:
    """Yield what the library sends for the documents of the synthetic corpus, without end."""
    name = ModelName.of(ENDPOINT)
    config = ConversionConfig(generator=name, checker=name)
    with asyncio.Runner() as runner:
        for number in count():
            text = document(number, tokens)
            made = Document(id=text_id(text), text=text, n_tokens=tokens)
            recorder: Any = Recorder(suitable)
            clients = {"generator": recorder, "checker": recorder}
            asker = Asker(made.id, KnownCalls(), clients, Sink(), {})
            runner.run(convert_document(made, config, asker))
            yield from recorder.bodies


def single(tokens: int) -> Iterator[Body]:
    """Yield one `assess` for each document, without end."""
    return recorded(tokens, suitable=False)


def road(tokens: int) -> Iterator[Body]:
    """Yield the ten requests of the lean road of each document, without end."""
    return recorded(tokens, suitable=True)


JOBS = {"single": single, "road": road}


async def send_all(base_url: str, bodies: list[Body], concurrency: int) -> None:
    """Send all bodies, ``concurrency`` at a time."""
    left = iter(bodies)
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(concurrency):
            group.create_task(_send(session, f"{base_url}/chat/completions", left))


async def _send(session: aiohttp.ClientSession, url: str, bodies: Iterator[Body]) -> None:
    headers = {"Content-Type": "application/json"}
    for body in bodies:
        async with session.post(url, data=orjson.dumps(body), headers=headers) as response:
            if response.status != 200:
                raise RuntimeError(f"{url} answered {response.status}: {await response.text()}")
            text = orjson.loads(await response.read())["choices"][0]["message"]["content"]
            orjson.loads(text)


def main() -> int:
    """Read the command line and send."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--base-url", help="of a simulated endpoint")
    parser.add_argument("--concurrency", type=int, default=96)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--job", choices=JOBS, default="single", help="assess only, or the lean road")
    parser.add_argument("--tokens", type=int, default=2000, help="tokens of a document, about")
    parser.add_argument("--write", type=Path, metavar="PATH", help="write the requests, send nothing")
    given = parser.parse_args()
    bodies = islice(JOBS[given.job](given.tokens), given.requests)
    if given.write:
        with given.write.open("wb") as file:
            file.writelines(orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE) for body in bodies)
        return 0
    if not given.base_url:
        parser.error("--base-url or --write is needed")
    made = list(bodies)  # before the clock runs
    with measured(given.base_url, "bare aiohttp", given.concurrency):
        asyncio.run(send_all(given.base_url, made, given.concurrency))
    return 0


if __name__ == "__main__":
    sys.exit(main())
