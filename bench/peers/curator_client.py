"""Bespoke Labs' curator against a server that runs already.

    uv venv --python 3.11 .bench/curator
    uv pip install --python .bench/curator/bin/python -r bench/peers/requirements-curator.txt
    .venv/bin/python bench/bare_loop.py --write /tmp/bodies.jsonl --requests 2048
    TELEMETRY_ENABLED=false CURATOR_DISABLE_RICH_DISPLAY=1 PYTHONPATH=bench .bench/curator/bin/python \
        bench/peers/curator_client.py --base-url http://127.0.0.1:8000/v1 --bodies /tmp/bodies.jsonl --concurrency 96

Its backend ``openai`` with limits per minute that nothing reaches. The schema goes out as a generation parameter, so
that the requests are the same as everybody's. curator counts the tokens of every prompt before it sends it, for its
limits; there is no setting against that. It keeps requests and answers in files of its cache: start it again with the
same ``--state`` after a kill.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bespokelabs import curator
from datasets import Dataset
from litellm.litellm_core_utils import default_encoding
from measured import measured

# litellm's import above points tiktoken at a tokenizer in its wheel; without it curator downloads one.
assert default_encoding

UNLIMITED = 10**9  # per minute


class Sender(curator.LLM):
    """Sends the messages of a row as they are."""

    def prompt(self, input: dict[str, Any]) -> list[dict[str, str]]:  # noqa: A002 - curator's name
        """Return the messages of a row."""
        messages: list[dict[str, str]] = input["messages"]
        return messages

    def parse(self, input: dict[str, Any], response: str) -> dict[str, Any]:  # noqa: A002
        """Return the row of the result."""
        return {"answer": response}


def sender(bodies: list[dict[str, Any]], base_url: str, concurrency: int) -> Sender:
    """Return the LLM of curator for these requests, which differ in their messages only."""
    same = {key: value for key, value in bodies[0].items() if key not in ("messages", "model")}
    return Sender(
        model_name=bodies[0]["model"],
        backend="openai",
        generation_params=same,
        backend_params={
            "base_url": base_url,
            "api_key": "none",
            "max_concurrent_requests": concurrency,
            "max_requests_per_minute": UNLIMITED,
            "max_tokens_per_minute": UNLIMITED,
        },
    )


def main() -> int:
    """Read the command line and send."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--base-url", required=True, help="of a simulated endpoint")
    parser.add_argument("--bodies", required=True, type=Path, help="requests as JSON lines")
    parser.add_argument("--concurrency", type=int, default=96)
    parser.add_argument("--state", type=Path, help="folder of the cache (default: a temporary one)")
    given = parser.parse_args()
    with given.bodies.open("rb") as file:
        bodies = [json.loads(line) for line in file]
    llm = sender(bodies, given.base_url, given.concurrency)
    rows = Dataset.from_list([{"messages": body["messages"]} for body in bodies])
    with tempfile.TemporaryDirectory() as temporary:
        state = given.state or Path(temporary)
        with measured(given.base_url, "curator", given.concurrency):
            answers = llm(rows, working_dir=str(state))
        if len(answers.dataset) != len(bodies):
            raise RuntimeError(f"curator returned {len(answers.dataset)} of {len(bodies)} answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
