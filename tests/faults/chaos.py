"""Kills at random moments over one corpus, and the count of what they cost: `make chaos` (variables: KILLS SEED).

Two workers convert a corpus in two shards against an endpoint at which one call in twenty fails on its way. Workers
die by the clock or at a place of ``faultpoints.py``, PostgreSQL and the endpoint are killed and started again.
Whoever died is started again, until the corpus is done; then it begins anew on a fresh database, until there were
enough kills. Exits with 1 where a document is lost, a row stands twice, or a data set differs from that of an
undisturbed run by a byte.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.endpoints.faulty import TRANSPORT
from tests.faults.endpoint_process import EndpointProcess
from tests.faults.mortal_postgres import MortalPostgres
from tests.faults.scene import QUICK_RETRIES, Scene, scene, write_corpus
from tests.faults.worker_process import Worker
from webscale_rl.faultpoints import PLACES
from webscale_rl.store.conversions import FLUSH_SECONDS

DOCUMENTS = 120
SHARDS = 2
IN_FLIGHT = 16  # of both workers
SERVICE_SECONDS = 0.05
FAILING_SHARE = 0.05
FAILING = [
    kind for kind in TRANSPORT if "429" not in kind
]  # which makes the limiter careful, and a round long
# What a kill may cost at most: what is in flight, and what came back since the last flush, on a busy machine.
REPEATED_A_KILL = round(IN_FLIGHT * (1 + 4 * FLUSH_SECONDS / SERVICE_SECONDS))
KINDS = ("worker by the clock",) * 3 + ("PostgreSQL", "endpoint", "nothing")
FIRST_TIMES = {"before_call": 40, "after_answer": 40, "in_flush": 6, "after_flush": 4}


@dataclass
class Tally:
    """What was injected and what it cost, over all rounds."""

    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    failed_calls: Counter[str] = field(default_factory=Counter)
    other_ends: Counter[str] = field(default_factory=Counter)  # of workers, each by an error of its own
    calls: int = 0  # answered rightly
    repeated: int = 0
    twice: int = 0
    lost: int = 0
    different: int = 0  # data sets
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost and no kill was too dear."""
        bound = self.kills.total() * REPEATED_A_KILL
        return not (self.twice or self.lost or self.different) and self.repeated <= bound


class Chaos:
    """One round after the other, until there were enough kills."""

    def __init__(
        self,
        database: MortalPostgres,
        endpoint: EndpointProcess,
        corpus: Path,
        seed: int,
        on_kill: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._database = database
        self._endpoint = endpoint
        self._corpus = corpus
        self._chance = random.Random(seed)
        self._on_kill = on_kill
        self._workers: dict[str, Worker] = {}
        self._doomed: dict[str, str] = {}  # shard to the place at which its worker will die
        self.tally = Tally()

    def run(self, kills: int, folder: Path, expected: dict[str, bytes]) -> Tally:
        """Kill so often, in as many rounds as it takes, and compare each data set with ``expected``."""
        begun = time.monotonic()
        while self.tally.kills.total() < kills:
            self.tally.rounds += 1
            work = folder / f"round-{self.tally.rounds}"
            work.mkdir()
            with (
                self._database.database() as url,
                scene(url, work, self._corpus, self._endpoint) as stage,
            ):
                self._round(stage, kills)
                self._count(stage, expected)
        self.tally.seconds = time.monotonic() - begun
        return self.tally

    def _round(self, stage: Scene, kills: int) -> None:
        self._endpoint.change(
            seed=self._chance.randrange(2**31),
            share=FAILING_SHARE,
            kinds=FAILING,
            service_time=SERVICE_SECONDS,
        )
        shards = stage.prepare(shards=SHARDS)
        self._workers.clear()
        self._doomed.clear()
        while True:
            left = kills - self.tally.kills.total()
            done = {shard for shard in shards if self._is_done(shard)}
            if done == set(shards):
                return
            stage.expire_leases()
            for shard in shards:
                if shard not in done and shard not in self._workers:
                    self._start(stage, shard, may_die=left > len(self._doomed))
            time.sleep(self._chance.uniform(0.1, 1.0))
            if self.tally.kills.total() + len(self._doomed) < kills:
                self._kill(self._chance.choice(KINDS))

    def _start(self, stage: Scene, shard: str, may_die: bool) -> None:
        kill_at = ""
        if may_die and self._chance.random() < 0.5:
            place = self._chance.choice(PLACES)
            kill_at = f"{place}:{self._chance.randint(1, FIRST_TIMES[place])}"
            self._doomed[shard] = place
        self._workers[shard] = stage.start(
            shard, kill_at=kill_at, timeout=2.0, max_in_flight=IN_FLIGHT, patches=QUICK_RETRIES
        )

    def _is_done(self, shard: str) -> bool:
        """Say whether a shard is done, counting how its worker ended where that has just ended."""
        worker = self._workers.get(shard)
        if worker is None or worker.alive:
            return False
        ended = worker.wait()
        place = self._doomed.pop(shard, "")
        if ended.exit_code == 0:
            return True
        if ended.exit_code == -signal.SIGKILL:
            self._killed(f"worker at {place}" if place else "worker by the clock")
        else:
            self.tally.other_ends[ended.error or f"exit code {ended.exit_code}"] += 1
        del self._workers[shard]
        return False

    def _kill(self, kind: str) -> None:
        if kind == "worker by the clock":
            alive = [shard for shard, worker in self._workers.items() if worker.alive]
            if alive:
                shard = self._chance.choice(alive)
                self._doomed.pop(shard, None)
                self._workers[shard].send(signal.SIGKILL)  # counted when it has ended
        elif kind == "PostgreSQL":
            self._database.kill()
            time.sleep(self._chance.uniform(0.0, 1.0))
            self._database.start()
            self._killed(kind)
        elif kind == "endpoint":
            self._endpoint.kill()
            time.sleep(self._chance.uniform(0.0, 0.5))
            self._endpoint.start()
            self._killed(kind)

    def _killed(self, kind: str) -> None:
        self.tally.kills[kind] += 1
        self._on_kill(self.tally.kills.total())

    def _count(self, stage: Scene, expected: dict[str, bytes]) -> None:
        tally = self.tally
        tally.failed_calls.update(call.fault for call in self._endpoint.calls() if call.fault)
        tally.calls += len(self._endpoint.right())
        tally.repeated += self._endpoint.repeated()
        tally.twice += stage.answers_twice() + stage.pairs_twice()
        tally.lost += stage.documents_lost()
        tally.different += stage.dataset() != expected


def undisturbed_run(
    database: MortalPostgres, endpoint: EndpointProcess, corpus: Path, folder: Path
) -> dict[str, bytes]:
    """Return the data set of a run that nothing happens to."""
    with database.database() as url, scene(url, folder, corpus, endpoint) as stage:
        for shard in stage.prepare(shards=SHARDS):
            stage.finish(shard, max_in_flight=2 * IN_FLIGHT)
        return stage.dataset()


def show(console: Console, tally: Tally, seed: int) -> None:
    """Print what was injected and what it cost."""
    table = Table("", "count", title=f"Chaos, seed {seed}: {tally.rounds} rounds in {tally.seconds:.0f} s")
    table.columns[1].justify = "right"
    for kind, number in sorted(tally.kills.items()):
        table.add_row(f"killed: {kind}", str(number))
    for kind, number in sorted(tally.failed_calls.items()):
        table.add_row(f"failed on its way: {kind}", str(number))
    for kind, number in sorted(tally.other_ends.items()):
        table.add_row(f"worker gave up by itself: {kind}", str(number))
    table.add_section()
    kills = tally.kills.total()
    table.add_row("kills", str(kills))
    table.add_row("calls answered", str(tally.calls))
    table.add_row("calls repeated", f"{tally.repeated} ({tally.repeated / max(1, kills):.1f} a kill)")
    table.add_row("rows twice", str(tally.twice))
    table.add_row("documents lost", str(tally.lost))
    table.add_row("data sets identical", "no" if tally.different else "yes")
    console.print(table)


def main() -> int:
    """Run by the variables of the environment."""
    kills, seed = int(os.environ.get("KILLS") or 50), int(os.environ.get("SEED") or 1)
    console = Console()
    columns = (TextColumn("kills"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="webscale-rl-chaos-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        corpus = folder / "corpus.jsonl"
        write_corpus(corpus, DOCUMENTS)
        database, endpoint = MortalPostgres(folder), EndpointProcess(folder)
        try:
            expected = undisturbed_run(database, endpoint, corpus, folder)
            with Progress(*columns, console=console) as progress:
                bar = progress.add_task("", total=kills)
                chaos = Chaos(
                    database, endpoint, corpus, seed, lambda done: progress.update(bar, completed=done)
                )
                tally = chaos.run(kills, folder, expected)
        finally:
            endpoint.end()
            database.end()
    show(console, tally, seed)
    return 0 if tally.is_good and tally.kills.total() >= kills else 1


if __name__ == "__main__":
    sys.exit(main())
