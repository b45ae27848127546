"""``python -m webscale_rl.offline``: serve the rules until SIGINT or SIGTERM."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from aiohttp import web

from webscale_rl.errors import ConfigurationError
from webscale_rl.offline import MODEL
from webscale_rl.offline.planted import MODELS, Mistakes, PlantedModel
from webscale_rl.offline.planted_labels import load_labels, shipped_labels
from webscale_rl.offline.script import Script, load_script
from webscale_rl.offline.server import Server, Settings

SHUTDOWN_SECONDS = 0.5
SHIPPED = Path()  # no file: the labels that the project ships


def main() -> int:
    """Run the server; return the exit status."""
    options = _parser().parse_args()
    try:
        script = load_script(options.script) if options.script else Script([])
        asyncio.run(_serve(options, script, _planted(options)))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m webscale_rl.offline",
        description=f"An OpenAI-compatible server with {MODEL!r}: rules, for machines without a model.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--model", default=MODEL, choices=[MODEL], help="there is only one, and its name says what it is"
    )
    parser.add_argument("--api-key", default="", help="the key that requests must carry; empty asks for none")
    parser.add_argument("--slots", type=_positive, default=Settings.slots, help="requests at a time")
    parser.add_argument(
        "--service-time",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="for which a request holds a slot",
    )
    parser.add_argument("--max-model-len", type=_positive, default=Settings.max_model_len, metavar="TOKENS")
    parser.add_argument(
        "--cache-blocks",
        type=_positive,
        default=Settings.cache_blocks,
        metavar="BLOCKS",
        help="size of the prefix cache in blocks of 16 tokens",
    )
    parser.add_argument("--script", type=Path, metavar="FILE", help="JSON list of scripted answers")
    parser.add_argument("--ignore-schema", action="store_true", help="answer prose, as some servers do")
    _add_planted(parser)
    return parser


def _add_planted(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("planted mistakes", f"serves {' and '.join(MODELS)}")
    group.add_argument(
        "--planted",
        type=Path,
        nargs="?",
        const=SHIPPED,
        metavar="FILE",
        help="follow labelled items, one JSON object a line, by default the shipped ones, with mistakes at set rates",
    )
    group.add_argument("--generator-error", type=float, default=Mistakes.generator, metavar="RATE")
    group.add_argument("--checker-error", type=float, default=Mistakes.checker, metavar="RATE")
    group.add_argument(
        "--correlation",
        type=float,
        default=Mistakes.correlation,
        help="of the mistakes of one model that solves one question twice",
    )
    group.add_argument("--seed", type=int, default=0)


def _planted(options: argparse.Namespace) -> PlantedModel | None:
    if options.planted is None:
        return None
    mistakes = Mistakes(options.generator_error, options.checker_error, options.correlation)
    labels = shipped_labels() if options.planted == SHIPPED else load_labels(options.planted)
    return PlantedModel(labels, mistakes, options.seed)


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text!r}")
    return value


def _seconds(text: str) -> float:
    if not 0 <= (value := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds of at least 0, not {text!r}")
    return value


async def _serve(options: argparse.Namespace, script: Script, planted: PlantedModel | None) -> None:
    settings = Settings(
        slots=options.slots,
        service_time=options.service_time,
        max_model_len=options.max_model_len,
        cache_blocks=options.cache_blocks,
        api_key=options.api_key,
        ignore_schema=options.ignore_schema,
        planted=planted,
    )
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    # A request whose client has gone gives its slot back, as in vLLM.
    runner = web.AppRunner(
        Server(settings, script).app(),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await _listen(runner, options.host, options.port)
        await stopped.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port, backlog=2048).start()
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    print(f"listening on http://{host}:{runner.addresses[0][1]}/v1", flush=True)


if __name__ == "__main__":
    sys.exit(main())
