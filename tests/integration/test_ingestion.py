"""The nightly ingestion on real PostgreSQL: nothing lost, nothing twice, whatever happens in between."""

import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, text

from webscale_rl import ingest
from webscale_rl.config import ConversionConfig, ModelName
from webscale_rl.corpus.partitions import resolve
from webscale_rl.corpus.shards import read_shard
from webscale_rl.errors import ConfigurationError, CorpusError, PartitionEmpty
from webscale_rl.ingest import IngestSettings, ingest_partition
from webscale_rl.store import partitions, runs
from webscale_rl.store.engine import REPOSITORY, open_engine
from webscale_rl.store.ingestions import gather
from webscale_rl.store.partitions import PartitionCounts, partition_id

NIGHTS = ("2026-01-01", "2026-01-02", "2026-01-03")
SMALL = IngestSettings(documents_per_shard=20)
SAMPLE = REPOSITORY / "include" / "sample_corpus"
SENTENCES = sorted(
    sentence
    for file in SAMPLE.glob("*.jsonl")
    if file.name != "junk.jsonl"
    for line in file.read_text().splitlines()
    for sentence in re.findall(r"[A-Z][^.|\n#]{60,200}\.(?=\s)", json.loads(line)["text"])
)


def story(seed: int) -> str:
    """A document of plain English that is like no other: sentences of the sample corpus in an order of its own."""
    chosen = random.Random(seed).sample(SENTENCES, 12)
    return f"# Report {seed}\n\n" + " ".join(chosen[:6]) + "\n\n" + " ".join(chosen[6:])


def altered(document: str) -> str:
    """The same document with a sentence at its end: a near duplicate."""
    return document + " Nothing else is known about this place at the time of writing."


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = open_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    """Three nights: 60 new documents each, copies of others, and records that are none."""
    for night, date in enumerate(NIGHTS):
        folder = tmp_path / "corpus" / date
        folder.mkdir(parents=True)
        new = [story(1000 * night + number) for number in range(60)]
        before = [story(1000 * (night - 1) + number) for number in range(5)] if night else []
        lines = [{"id": f"{date}-{n}", "text": each} for n, each in enumerate(new[:40])]
        lines += [{"id": f"again-{n}", "text": each} for n, each in enumerate(before)]
        lines += [
            {"id": "near", "text": altered(new[3])},
            {"id": "copy", "text": new[4].replace(". ", " ; ")},
            {"text": "Too short."},
        ]
        with gzip.open(folder / "a.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
            file.write("{ no json\n")
        pq.write_table(pa.table({"text": new[40:]}), folder / "b.parquet", row_group_size=7)
        whole = gzip.compress(
            "".join(json.dumps({"text": altered(each)}) + "\n" for each in new[40:50]).encode()
        )
        (folder / "broken.jsonl.gz").write_bytes(whole[: len(whole) // 2])
        (folder / "half.parquet").write_bytes((folder / "b.parquet").read_bytes()[:2000])
    return f"{tmp_path}/corpus/{{ds}}"


def run(
    engine: Engine, corpus: str, tmp_path: Path, date: str, settings: IngestSettings = SMALL
) -> PartitionCounts:
    return ingest_partition(engine, str(tmp_path / "store"), corpus, date, resolve(corpus, date), settings)


def shards_of(engine: Engine, corpus: str, date: str) -> list[str]:
    query = "SELECT shard_id FROM partition_shards WHERE partition_id = :id ORDER BY position"
    with engine.connect() as connection:
        return list(connection.execute(text(query), {"id": partition_id(corpus, date)}).scalars())


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def texts(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        uris = connection.execute(
            text("SELECT DISTINCT uri FROM shards JOIN partition_shards ON shard_id = id")
        ).scalars()
    return sorted(document.text for uri in uris for group in read_shard(uri) for document in group)


def test_every_record_has_one_end_and_the_counts_add_up(engine: Engine, corpus: str, tmp_path: Path) -> None:
    first, second, third = (run(engine, corpus, tmp_path, date) for date in NIGHTS)
    for night, counts in enumerate((first, second, third)):
        assert counts.add_up()
        assert counts.kept == 60, counts
        # a near one and a copy of its own, and what the night before had, too
        assert counts.duplicate >= 2 + 5 * bool(night), counts
        assert counts.quarantined == 3, "a bad line, a gzip that breaks off, half a Parquet file"
    reasons = partitions.reasons(engine, partition_id(corpus, NIGHTS[0]))
    assert sum(reasons["rejected"].values()) == first.rejected == 1
    left_out = tmp_path / "store" / "left_out" / partition_id(corpus, NIGHTS[0])
    rows = pq.read_table(left_out).to_pylist()
    assert len(rows) == first.rejected + first.duplicate + first.quarantined
    broken = [
        row
        for row in rows
        if row["source_uri"].endswith("broken.jsonl.gz") and row["reason"] == "corrupt_file"
    ]
    assert len(broken) == 1, "with the place where it breaks off"
    assert not list((tmp_path / "store").rglob("*.part"))
    assert not list((tmp_path / "store" / "staging").rglob("*.parquet")), "texts stand in the shards, once"


def test_a_rerun_changes_nothing(engine: Engine, corpus: str, tmp_path: Path) -> None:
    before = [run(engine, corpus, tmp_path, date) for date in NIGHTS]
    shards = [shards_of(engine, corpus, date) for date in NIGHTS]
    tables = ("text_claims", "documents", "shards", "partition_shards", "partition_pieces")
    rows = [count(engine, table) for table in tables]
    again = [run(engine, corpus, tmp_path, date) for date in reversed(NIGHTS)]
    assert again[::-1] == before
    assert [shards_of(engine, corpus, date) for date in NIGHTS] == shards
    assert [count(engine, table) for table in tables] == rows


def test_nights_at_once_and_out_of_order_keep_each_text_once(
    engine: Engine, corpus: str, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda date: run(engine, corpus, tmp_path, date), reversed(NIGHTS)))
    assert all(counts.add_up() for counts in found)
    kept = texts(engine)
    assert len(kept) == sum(counts.kept for counts in found)
    assert len({re.sub(r"\W+", " ", each).casefold() for each in kept}) == len(kept)
    assert {story(1000 * night + n) for night in range(3) for n in range(5, 40)} <= set(kept)


INGEST = """
import sys
from webscale_rl import ingest
from webscale_rl.corpus.partitions import resolve
from webscale_rl.store.engine import open_engine
ingest.PIECE_RECORDS = 10
url, store, corpus, date = sys.argv[1:]
settings = ingest.IngestSettings(documents_per_shard=20)
ingest.ingest_partition(open_engine(url), store, corpus, date, resolve(corpus, date), settings)
"""


@pytest.mark.parametrize("place", ["before_piece:3", "after_claim:2", "before_finish:1"])
def test_killed_in_the_middle_it_goes_on_and_ends_alike(
    place: str, database: str, engine: Engine, corpus: str, tmp_path: Path
) -> None:
    def process(kill_at: str) -> int:
        command = [sys.executable, "-c", INGEST, database, str(tmp_path / "store"), corpus, NIGHTS[0]]
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY / "include"),
            "WEBSCALE_RL_KILL_AT": kill_at,
        }
        return subprocess.run(command, env=environment, check=False).returncode

    assert process(place) == -signal.SIGKILL
    assert shards_of(engine, corpus, NIGHTS[0]) == []
    read_before = count(engine, "partition_pieces")
    assert read_before >= 2
    assert process("") == 0
    after_kill = shards_of(engine, corpus, NIGHTS[0])
    rows = count(engine, "text_claims")
    assert run(engine, corpus, tmp_path, NIGHTS[0]).kept == 60
    assert shards_of(engine, corpus, NIGHTS[0]) == after_kill
    assert count(engine, "text_claims") == rows == 60


def test_what_was_read_is_not_read_again(
    engine: Engine, corpus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "PIECE_RECORDS", 10)
    date, store = NIGHTS[0], str(tmp_path / "store")
    uri = resolve(corpus, date)
    partition = partitions.open_partition(engine, corpus, date, uri, "test", {})
    groups = ingest.list_files(engine, partition, corpus, uri, SMALL)
    first = ingest.read_group(engine, store, partition, uri, SMALL, groups[0])
    assert first["read"] > 60
    assert ingest.read_group(engine, store, partition, uri, SMALL, groups[0])["read"] == 0
    staged = partitions.staged_files(engine, partition)
    Path(staged[1]).unlink()
    again = ingest.read_group(engine, store, partition, uri, SMALL, groups[0])
    assert 0 < again["read"] < first["read"], "only from the piece on that is gone"
    assert ingest.write_shards(engine, store, partition, uri, SMALL).kept == 60


def test_a_changed_file_is_read_again_and_its_old_texts_are_free(
    engine: Engine, corpus: str, tmp_path: Path
) -> None:
    run(engine, corpus, tmp_path, NIGHTS[0])
    folder = tmp_path / "corpus" / NIGHTS[0]
    pq.write_table(pa.table({"text": [story(90_000 + n) for n in range(20)]}), folder / "b.parquet")
    changed = run(engine, corpus, tmp_path, NIGHTS[0])
    assert changed.add_up()
    other = tmp_path / "corpus" / "2026-02-01"
    other.mkdir()
    (other / "a.jsonl").write_text(
        json.dumps({"text": story(55)}) + "\n" + json.dumps({"text": story(7)}) + "\n"
    )
    counts = run(engine, corpus, tmp_path, "2026-02-01")
    assert (counts.kept, counts.duplicate) == (1, 1), "the text that night 1 has lost is new again"


def test_a_partition_that_is_missing_or_empty_says_so(engine: Engine, corpus: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="2027-01-01"):
        run(engine, corpus, tmp_path, "2027-01-01")
    (tmp_path / "corpus" / "2027-01-02").mkdir()
    with pytest.raises(PartitionEmpty, match="allow_empty"):
        run(engine, corpus, tmp_path, "2027-01-02")
    with engine.connect() as connection:
        state, why = connection.execute(
            text("SELECT state, error FROM partitions WHERE date = '2027-01-02'")
        ).one()
    assert state == "empty"
    assert "allow_empty" in why
    assert run(engine, corpus, tmp_path, "2027-01-02", IngestSettings(allow_empty=True)) == PartitionCounts()
    with engine.connect() as connection:
        found = connection.execute(text("SELECT date, state FROM partitions ORDER BY date")).all()
    assert [tuple(row) for row in found] == [("2027-01-01", "reading"), ("2027-01-02", "empty")]


def test_what_a_file_left_out_goes_with_the_file(engine: Engine, corpus: str, tmp_path: Path) -> None:
    run(engine, corpus, tmp_path, NIGHTS[0])
    (tmp_path / "corpus" / NIGHTS[0] / "broken.jsonl.gz").unlink()
    counts = run(engine, corpus, tmp_path, NIGHTS[0])
    rows = pq.read_table(tmp_path / "store" / "left_out" / partition_id(corpus, NIGHTS[0])).to_pylist()
    assert len(rows) == counts.read - counts.kept
    assert not [row for row in rows if row["source_uri"].endswith("broken.jsonl.gz")]


def test_files_outside_of_the_partitions_are_never_opened(
    engine: Engine, corpus: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.jsonl"
    secret.write_text(json.dumps({"text": story(77_777)}) + "\n")
    (tmp_path / "corpus" / NIGHTS[0] / "link.jsonl").symlink_to(secret)
    counts = run(engine, corpus, tmp_path, NIGHTS[0])
    assert (counts.kept, counts.quarantined) == (60, 4)
    assert story(77_777) not in texts(engine)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (None, "no partitions are given"),
        ("/data/corpus", "must have a field of the date"),
        ("/data/{dag}/{ds}", "must have a field of the date"),
        ("/data/../etc/{ds}", "must not lead upwards"),
        ("s3://user:secret@bucket/{ds}", "must hold no user"),
    ],
)
def test_a_template_that_cannot_be_used_says_what_to_change(template: str | None, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        resolve(template or "", "2026-01-01")
    assert "secret" not in str(caught.value)


def test_the_database_says_what_is_to_be_converted(engine: Engine, corpus: str, tmp_path: Path) -> None:
    for date in (NIGHTS[2], NIGHTS[0]):  # out of order
        run(engine, corpus, tmp_path, date)
    shards = [*shards_of(engine, corpus, NIGHTS[0]), *shards_of(engine, corpus, NIGHTS[2])]
    assert partitions.shards_to_convert(engine, "c", 100) == shards, "whichever night rang"
    assert partitions.shards_to_convert(engine, "c", 2) == shards[:2]
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO configurations VALUES ('c', '{}'), ('d', '{}')"))
        connection.execute(
            text(
                "INSERT INTO runs (id, config_hash, parameters, code_version, state) "
                "VALUES ('r', 'c', '{}', '', 'success')"
            )
        )
        for shard, state in ((shards[0], "done"), (shards[1], "open")):
            connection.execute(
                text("INSERT INTO conversions VALUES (:shard, 'c', :state, 'me', 1, now(), 'r', '')"),
                {"shard": shard, "state": state},
            )
    assert partitions.shards_to_convert(engine, "c", 100) == [*shards[2:], shards[1]], "new ones first"
    assert partitions.shards_to_convert(engine, "d", 100) == shards, (
        "under another configuration all are to be done"
    )
    run(engine, corpus, tmp_path, NIGHTS[0])
    assert shards[0] not in partitions.shards_to_convert(engine, "c", 100), "a rerun is not converted again"
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE conversions SET state = 'running', lease_until = now() + interval '1 min' "
                "WHERE shard_id = :id"
            ),
            {"id": shards[1]},
        )
    assert partitions.shards_to_convert(engine, "c", 100) == shards[2:], "somebody works on the other one"


def test_a_run_without_anything_to_convert_is_complete(engine: Engine, corpus: str, tmp_path: Path) -> None:
    run(engine, corpus, tmp_path, NIGHTS[0])
    config = ConversionConfig(generator=ModelName(model="m"), checker=ModelName(model="m"))
    for run_id, shards in (("sweep", shards_of(engine, corpus, NIGHTS[0])), ("idle", [])):
        runs.open_run(engine, run_id, config, {"corpus": None})
        gathered = gather(engine, shards)
        assert gather(engine, shards) == gathered
        assert gathered.documents == (60 if shards else 0)
        runs.assign_shards(engine, run_id, gathered.id, shards)
    assert (runs.has_nothing_to_do(engine, "sweep"), runs.has_nothing_to_do(engine, "idle")) == (False, True)
    assert "did not finish" in runs.shortfall(engine, "sweep")
    assert runs.shortfall(engine, "idle") == ""
