"""What the fault tests share: a database server and an endpoint that may be killed, and an undisturbed run."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endpoints import faulty  # noqa: F401 - makes the synthetic corpus of bench/ importable
from tests.faults.endpoint_process import EndpointProcess
from tests.faults.mortal_postgres import MortalPostgres
from tests.faults.scene import CALLS, PAIRS, Scene, scene, write_corpus


@pytest.fixture(scope="session")
def mortal_postgres() -> Iterator[MortalPostgres]:
    """A server that ends with the session, and now and then before."""
    with tempfile.TemporaryDirectory(prefix="webscale-rl-faults-") as folder:
        work = Path(folder)
        work.chmod(0o755)
        made = MortalPostgres(work)
        yield made
        made.end()


@pytest.fixture(scope="session")
def faulty_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndpointProcess]:
    """One endpoint for all tests; each of them begins without faults."""
    made = EndpointProcess(tmp_path_factory.mktemp("endpoint"))
    yield made
    made.end()


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus of all tests: its path stands in the data set."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    write_corpus(path)
    return path


@pytest.fixture(scope="session")
def undisturbed_runs(
    mortal_postgres: MortalPostgres,
    faulty_endpoint: EndpointProcess,
    corpus: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[int, dict[str, bytes]]:
    """The data set of a run that nothing happened to, by the number of its shards: row groups end with them."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with mortal_postgres.database() as url, scene(url, folder, corpus, faulty_endpoint) as made:
        (shard,) = made.prepare()
        ended = made.finish(shard)
        assert ended.counts["pairs"] == PAIRS, ended
        assert (len(faulty_endpoint.calls()), faulty_endpoint.repeated()) == (CALLS, 0)
        made.prepare("in two", shards=2)
        return {1: made.dataset(), 2: made.dataset("in two")}


@pytest.fixture
def undisturbed(undisturbed_runs: dict[int, dict[str, bytes]]) -> dict[str, bytes]:
    """The data set of a run that nothing happened to."""
    return undisturbed_runs[1]


@pytest.fixture
def undisturbed_in_two(undisturbed_runs: dict[int, dict[str, bytes]]) -> dict[str, bytes]:
    """The same, of a run in two shards."""
    return undisturbed_runs[2]


@pytest.fixture
def stage(
    mortal_postgres: MortalPostgres,
    faulty_endpoint: EndpointProcess,
    corpus: Path,
    tmp_path: Path,
) -> Iterator[Scene]:
    """A database of the test's own, with the corpus and the endpoint."""
    with mortal_postgres.database() as url, scene(url, tmp_path, corpus, faulty_endpoint) as made:
        yield made
