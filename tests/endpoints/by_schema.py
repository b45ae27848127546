"""An endpoint that answers by the JSON schema alone, from a seed: what any foreign server might send that obeys it.

python tests/endpoints/by_schema.py        prints its base URL and serves until it is killed
"""

import asyncio
import json
import random
from typing import Any

from aiohttp import web

SENTENCE = "the river flows 1910 north of Paris and 42 km later meets Berlin in 3.5 hours \\frac{1}{2} é"
WORDS = SENTENCE.split()


def instance(schema: dict[str, Any], chance: random.Random) -> Any:
    """Return a random value that the schema allows."""
    if "enum" in schema:
        return chance.choice(schema["enum"])
    kind = schema["type"]
    if kind == "object":
        return {name: instance(child, chance) for name, child in schema["properties"].items()}
    if kind == "array":
        length = chance.randint(schema.get("minItems", 0), schema.get("maxItems", 3))
        return [instance(schema["items"], chance) for _ in range(length)]
    if kind == "boolean":
        return chance.random() < 0.5
    if kind in ("integer", "number"):
        return chance.randint(0, 3)
    text = " ".join(chance.choices(WORDS, k=chance.randint(0, 30)))
    return text[: schema.get("maxLength", 200)]


async def complete(request: web.Request) -> web.StreamResponse:
    """Answer one chat completion; the same request gets the same answer."""
    body = await request.json()
    chance = random.Random(json.dumps(body["messages"]))
    text = json.dumps(instance(body["response_format"]["json_schema"]["schema"], chance))
    return web.json_response(
        {
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": None},
        }
    )


async def models(_: web.Request) -> web.StreamResponse:
    """List the one model."""
    return web.json_response({"object": "list", "data": [{"id": "by-schema"}]})


async def start() -> tuple[web.AppRunner, str]:
    """Start the server on a free port and return what to clean up and its base URL."""
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"


async def serve() -> None:
    """Serve until the process is ended."""
    _, url = await start()
    print(url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
