"""datatrove's inference runner against a server that runs already.

    uv venv --python 3.11 .bench/datatrove
    uv pip install --python .bench/datatrove/bin/python -r bench/peers/requirements-datatrove.txt
    .venv/bin/python bench/bare_loop.py --write /tmp/bodies.jsonl --requests 2048
    PYTHONPATH=bench .bench/datatrove/bin/python bench/peers/datatrove_client.py --base-url http://127.0.0.1:8000/v1 \
        --bodies /tmp/bodies.jsonl --concurrency 96

Server type ``endpoint``; on an address of this machine datatrove then sends by its own small HTTP client, the
cheapest way it has. With ``--checkpoints`` it keeps every answer in SQLite and every finished document in a file of
its chunk, as a run does that must survive a kill: start it again with the same ``--state``. The output is not
compressed, to spare it that work.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.inference.types import GenerateFunction, InferenceResult
from datatrove.pipeline.writers import JsonlWriter
from loguru import logger
from measured import measured


def documents(bodies: list[dict[str, Any]]) -> Iterator[Document]:
    """Yield the document of each request, without the fence and what stands behind it."""
    for number, body in enumerate(bodies):
        text = body["messages"][1]["content"].partition("\n")[2].partition("\n</document-")[0]
        yield Document(text=text, id=str(number))


def runner(
    bodies: list[dict[str, Any]], base_url: str, concurrency: int, state: Path, checkpoints: bool
) -> InferenceRunner:
    """Return the step that sends the request of each document once and writes its answer."""

    async def rollout(document: Document, generate: GenerateFunction) -> InferenceResult:
        return await generate(dict(bodies[int(document.id)]))  # a copy: the runner changes what it gets

    config = InferenceConfig(
        server_type="endpoint",
        endpoint_url=base_url.removesuffix("/v1"),
        model_name_or_path=bodies[0]["model"],
        max_concurrent_generations=concurrency,
    )
    return InferenceRunner(
        rollout,
        config,
        JsonlWriter(str(state / "output"), "${rank}_chunk_${chunk_index}.jsonl", compression=None),
        checkpoints_local_dir=str(state / "checkpoints") if checkpoints else None,
    )


def main() -> int:
    """Read the command line and send."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--base-url", required=True, help="of a simulated endpoint")
    parser.add_argument("--bodies", required=True, type=Path, help="requests as JSON lines")
    parser.add_argument("--concurrency", type=int, default=96)
    parser.add_argument("--checkpoints", action="store_true")
    parser.add_argument(
        "--state", type=Path, help="folder of output and checkpoints (default: a temporary one)"
    )
    given = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    with given.bodies.open("rb") as file:
        bodies = [json.loads(line) for line in file]
    name = "datatrove, checkpoints" if given.checkpoints else "datatrove"
    with tempfile.TemporaryDirectory() as temporary:
        state = given.state or Path(temporary)
        step = runner(bodies, given.base_url, given.concurrency, state, given.checkpoints)
        with measured(given.base_url, name, given.concurrency):
            step.run(documents(bodies))
    return 0


if __name__ == "__main__":
    sys.exit(main())
