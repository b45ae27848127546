"""What a user would lose: corpora lie in object storage. Read here from a real S3 server, through HTTP and s3fs."""

import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from sqlalchemy import text

from tests.fixtures.object_storage import SECRET
from webscale_rl.corpus.files import find_files, fingerprint
from webscale_rl.corpus.partitions import is_there, resolve
from webscale_rl.corpus.readers import read_file
from webscale_rl.corpus.shards import read_shard
from webscale_rl.errors import CorpusError
from webscale_rl.ingest import IngestSettings, ingest_partition
from webscale_rl.records import BadRecord, Document
from webscale_rl.store.engine import REPOSITORY, open_engine

ROWS = [{"text": f"document {row}", "id": row} for row in range(90)]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def test_a_night_is_ingested_from_and_into_object_storage(bucket: Any, database: str) -> None:
    """Partition, staged files and shards all lie there; what is out of the fixed part of the template is not read."""
    sample = REPOSITORY / "include" / "sample_corpus" / "medicine.jsonl"
    bucket.pipe("corpus/crawl/date=2026-01-31/a.jsonl.zst", zstandard.compress(sample.read_bytes()))
    template = "s3://corpus/crawl/date={ds}"
    assert not is_there(resolve(template, "2026-01-30"), "")
    uri = resolve(template, "2026-01-31")
    assert is_there(uri, "")
    assert not is_there(uri, "_SUCCESS")
    bucket.pipe("corpus/crawl/date=2026-01-31/_SUCCESS", b"")
    assert is_there(uri, "_SUCCESS")
    engine = open_engine(database)
    counts = ingest_partition(engine, "s3://corpus/store", template, "2026-01-31", uri, IngestSettings())
    again = ingest_partition(engine, "s3://corpus/store", template, "2026-01-31", uri, IngestSettings())
    with engine.connect() as connection:
        uris = list(connection.execute(text("SELECT uri FROM shards")).scalars())
    engine.dispose()
    assert counts == again
    assert counts.kept == len(sample.read_text().splitlines()) == counts.read
    assert [len(group) for each in uris for group in read_shard(each)] == [counts.kept]
    assert not [path for path in bucket.find("corpus/store") if "/staging/" in path]


def parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), buffer, row_group_size=30)
    return buffer.getvalue()


def texts(uri: str, skip: int = 0) -> list[str]:
    found = [each for file in find_files(uri) for each in read_file(file, skip=skip)]
    return [each.text if isinstance(each, Document) else each.reason for each in found]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl.gz", gzip.compress(LINES)),
        ("a.jsonl.zst", zstandard.compress(LINES)),
        ("a.parquet", parquet()),
    ],
)
def test_every_format_is_read_and_goes_on_where_it_stopped(bucket: Any, name: str, content: bytes) -> None:
    bucket.pipe(f"corpus/2026-01-31/{name}", content)
    expected = [row["text"] for row in ROWS]
    assert texts("s3://corpus/2026-01-31") == expected
    assert texts(f"s3://corpus/2026-01-31/{name}", skip=65) == expected[65:]


def test_a_prefix_is_listed_and_roots_are_heeded(bucket: Any) -> None:
    for name in (
        "2026-01-31/b.jsonl",
        "2026-01-31/deep/a.jsonl",
        "2026-01-31/_SUCCESS",
        "2026-02-01/c.jsonl",
    ):
        bucket.pipe(f"corpus/{name}", LINES)
    uri = "s3://corpus/2026-01-31"
    assert [file.name for file in find_files(uri)] == [f"{uri}/b.jsonl", f"{uri}/deep/a.jsonl"]
    assert [file.name for file in find_files("s3://corpus/*/*.jsonl")] == [
        f"{uri}/b.jsonl",
        "s3://corpus/2026-02-01/c.jsonl",
    ]
    faults = {file.name: file.fault for file in find_files("s3://corpus", roots=[uri])}
    assert faults == {
        f"{uri}/b.jsonl": "",
        f"{uri}/deep/a.jsonl": "",
        "s3://corpus/2026-02-01/c.jsonl": "outside_roots",
    }


def test_an_object_that_is_replaced_has_another_fingerprint(bucket: Any) -> None:
    bucket.pipe("corpus/a.jsonl", LINES)
    file = find_files("s3://corpus/a.jsonl")[0]
    before = fingerprint(file)
    assert fingerprint(file) == before
    other = type(bucket)(skip_instance_cache=True)  # another process
    other.pipe("corpus/a.jsonl", LINES.replace(b"document 7", b"document 8"))
    assert fingerprint(file) != before


def test_an_object_that_is_replaced_while_it_is_read_says_so(bucket: Any) -> None:
    bucket.pipe("corpus/a.jsonl", LINES)
    reading = read_file(find_files("s3://corpus/a.jsonl")[0])
    next(reading)
    type(bucket)(skip_instance_cache=True).pipe("corpus/a.jsonl", LINES[:500])
    *_, last = reading
    assert isinstance(last, BadRecord)
    assert last.reason == "changed_while_read"


def test_an_object_that_was_written_by_half_costs_its_own_records_only(bucket: Any) -> None:
    bucket.pipe("corpus/a.parquet", parquet()[:400])
    bucket.pipe("corpus/b.jsonl", LINES)
    assert texts("s3://corpus") == ["corrupt_file", *(row["text"] for row in ROWS)]


def test_a_bucket_that_is_missing_is_named_without_any_secret(bucket: Any) -> None:
    with pytest.raises(CorpusError, match="s3://no-such-bucket/x") as caught:
        find_files("s3://no-such-bucket/x")
    assert SECRET not in str(caught.value)
