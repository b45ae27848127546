"""What a user would lose: a bad file must cost its own records only, and no record may vanish uncounted."""

import gzip
import io
import json
import os
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from webscale_rl.corpus import tokens
from webscale_rl.corpus.files import find_files
from webscale_rl.corpus.readers import MAX_CHARS, read
from webscale_rl.corpus.records import MAX_RECORD_BYTES
from webscale_rl.corpus.shards import DocumentRow, Ingestion, Shard, cut, read_shard
from webscale_rl.errors import ConfigurationError, CorpusError
from webscale_rl.ids import text_id
from webscale_rl.records import BadRecord, Document

MEGABYTE = 2**20


def json_lines(records: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def noise(rows: int) -> bytes:
    """JSON Lines that hardly compress, so that half a file is a good part of its records."""
    return json_lines({"text": f"document {row} {os.urandom(400).hex()}"} for row in range(rows))


def parquet(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def no_utf8_column() -> pa.Array:
    """Strings as a careless writer leaves them: the second one is no UTF-8."""
    binary = pa.array([b"good", b"\xff\xfe", b"fine"])
    return pa.StringArray.from_buffers(3, *binary.buffers()[1:])


def records(corpus: object, **options: Any) -> list[Document | BadRecord]:
    return list(read(find_files(str(corpus)), **options))


def texts(corpus: object, **options: Any) -> list[str]:
    return [record.text for record in records(corpus, **options) if isinstance(record, Document)]


def faults(corpus: object, **options: Any) -> list[tuple[int, str]]:
    bad = [record for record in records(corpus, **options) if isinstance(record, BadRecord)]
    return [(record.source_row, record.reason) for record in bad]


def records_and_peak(corpus: object) -> tuple[list[Document | BadRecord], int]:
    """Return the records and the most bytes that were held while they were read."""
    tracemalloc.start()
    try:
        return records(corpus), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Cut:
    """A corpus cut into a store of its own, with everything that was reported on the way."""

    def __init__(
        self, corpus: object, store: object, *, limit: int | None = None, per_shard: int = 500
    ) -> None:
        self.bad: list[BadRecord] = []
        self.rows: dict[str, list[DocumentRow]] = {}
        self.ingestion: Ingestion = cut(
            str(corpus),
            str(store),
            limit=limit,
            documents_per_shard=per_shard,
            on_bad=self.bad.extend,
            on_shard=self._keep,
        )

    def _keep(self, shard: Shard, rows: Any) -> None:
        self.rows[shard.id] = list(rows)

    @property
    def documents(self) -> list[Document]:
        return [each for shard in self.ingestion.shards for group in read_shard(shard.uri) for each in group]


ROWS = json_lines([{"text": "first"}, {"text": "second"}])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", ROWS),
        ("a.ndjson", ROWS),
        ("A.JSONL", ROWS),
        ("a.jsonl.gz", gzip.compress(ROWS)),
        ("a.jsonl.gz", gzip.compress(ROWS[:10]) + gzip.compress(ROWS[10:])),
        ("a.jsonl.zst", zstandard.compress(ROWS)),
        ("a.jsonl.zst", zstandard.compress(ROWS[:10]) + zstandard.compress(ROWS[10:])),
        ("a.parquet", parquet({"text": ["first", "second"]})),
    ],
)
def test_every_format_gives_its_records_in_order(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = records(tmp_path)
    assert [(record.source_row, record.text) for record in found if isinstance(record, Document)] == [
        (1, "first"),
        (2, "second"),
    ]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.markdown"])
def test_a_text_file_is_one_document(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf# Title\r\n\r\nBody.\n")
    assert texts(tmp_path / name) == ["# Title\n\nBody.\n"]


@pytest.mark.parametrize(
    "line", ['{"text": "x"}\r\n', '\ufeff{"text": "x"}', '\n\n  \n{"text": "x"}', '{"text": "x"}']
)
def test_line_ends_byte_order_marks_and_blank_lines_are_no_fault(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line.encode())
    assert (texts(path), faults(path)) == (["x"], [])


def test_origin_is_kept_from_the_record_or_its_metadata(tmp_path: Path) -> None:
    record = {"content": "x", "id": 7, "metadata": {"license": "CC0", "url": "https://e.org", "source": True}}
    (tmp_path / "a.jsonl").write_bytes(json_lines([record]))
    found = records(tmp_path)[0]
    assert isinstance(found, Document)
    assert (found.source_id, found.licence, found.url, found.source) == ("7", "CC0", "https://e.org", "")
    assert (found.id, found.source_uri) == (text_id("x"), f"{tmp_path}/a.jsonl")


def test_a_corpus_is_a_file_folder_glob_or_uri(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "deep/c.jsonl", ".hidden.jsonl", "_temporary/d.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(json_lines([{"text": name}]))
    assert texts(tmp_path / "a.jsonl") == ["a.jsonl"]
    assert texts(tmp_path) == texts(f"{tmp_path}/") == ["a.jsonl", "b.jsonl", "deep/c.jsonl"]
    assert texts(tmp_path / "[ab].jsonl") == ["a.jsonl", "b.jsonl"]
    assert texts(tmp_path / "**" / "c.jsonl") == ["deep/c.jsonl"]
    assert texts(f"file://{tmp_path}/b.jsonl") == ["b.jsonl"]


def test_a_file_system_of_fsspec_is_read_like_a_folder() -> None:
    files = fsspec.filesystem("memory")
    files.pipe("/test_corpus/a.jsonl.gz", gzip.compress(ROWS))
    try:
        found = records("memory://test_corpus")
    finally:
        files.rm("/test_corpus", recursive=True)
    assert [record.source_uri for record in found] == ["memory://test_corpus/a.jsonl.gz"] * 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{bad", "invalid_json"),
        (b'{"text": "cut o', "invalid_json"),
        (b'{"text": NaN}', "invalid_json"),
        (b'{"text": "a\x00b"}', "invalid_json"),
        (b"[" * 50_000, "invalid_json"),
        (b'["text"]', "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"id": 1}', "missing_text"),
        (b"{}", "missing_text"),
        (b'{"text": 5}', "text_not_string"),
        (b'{"text": null}', "text_not_string"),
        (b'{"text": ["x"]}', "text_not_string"),
        (b'{"text": ""}', "empty_text"),
        (b'{"text": " \\n\\t"}', "empty_text"),
        (b'{"text": "\xff"}', "invalid_utf8"),
        (b'{"text": "\\ud800"}', "invalid_unicode"),
        (b'{"text": "a\\u0000b"}', "nul_character"),
        (b'{"text": "first"}', "duplicate_text"),
    ],
)
def test_a_bad_line_is_one_bad_record_and_the_rest_goes_on(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "first"}\n' + line + b'\n{"text": "last"}\n')
    assert texts(path) == ["first", "last"]
    bad = [record for record in records(path) if isinstance(record, BadRecord)]
    assert [(record.source_uri, record.source_row, record.reason) for record in bad] == [
        (str(path), 2, reason)
    ]
    assert len(bad[0].detail) <= 400
    assert "\x00" not in bad[0].detail


def test_a_duplicate_names_the_text_it_repeats(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(json_lines([{"text": "same"}]))
    (tmp_path / "b.txt").write_text("same")
    last = records(tmp_path)[-1]
    assert isinstance(last, BadRecord)
    assert (last.reason, last.document_id) == ("duplicate_text", text_id("same"))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"", [(1, "empty_text")]),
        ("a.txt", b"\xff", [(1, "invalid_utf8")]),
        ("a.md", b"a\x00b", [(1, "nul_character")]),
        ("a.jsonl", b"", []),
        ("a.jsonl.gz", gzip.compress(b""), []),
        ("a.jsonl.zst", zstandard.compress(b""), []),
        ("a.jsonl.gz", b"", [(1, "corrupt_file")]),
        ("a.jsonl.zst", b"", [(1, "corrupt_file")]),
        ("a.jsonl.gz", ROWS, [(1, "corrupt_file")]),
        ("a.jsonl.zst", ROWS, [(1, "corrupt_file")]),
        ("a.parquet", b"", [(1, "corrupt_file")]),
        ("a.parquet", ROWS, [(1, "corrupt_file")]),
        ("a.parquet", parquet({"text": ["x"] * 9})[:-20], [(1, "corrupt_file")]),
        ("a.parquet", parquet({"body": ["x", "y"]}), [(1, "missing_text"), (2, "missing_text")]),
        ("a.parquet", parquet({"text": [1, 2]}), [(1, "text_not_string"), (2, "text_not_string")]),
        ("a.parquet", parquet({"text": ["x", None]}), [(2, "text_not_string")]),
        ("a.parquet", parquet({"text": no_utf8_column()}), [(2, "invalid_utf8")]),
        ("a.csv", b"text\nx\n", [(0, "unknown_format")]),
    ],
)
def test_a_bad_file_costs_its_own_records_only(
    tmp_path: Path, name: str, content: bytes, expected: list[tuple[int, str]]
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z.jsonl").write_bytes(json_lines([{"text": "the rest"}]))
    assert faults(tmp_path) == expected
    assert texts(tmp_path)[-1] == "the rest"


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_what_stands_before_the_break_of_a_file_is_kept(tmp_path: Path, name: str) -> None:
    plain = noise(1000)
    packed = gzip.compress(plain) if name.endswith("gz") else zstandard.compress(plain)
    path = tmp_path / name
    path.write_bytes(packed[: len(packed) // 2])
    kept = texts(path)
    assert 250 < len(kept) < 750
    assert kept == [json.loads(line)["text"] for line in plain.splitlines()[: len(kept)]]
    assert faults(path) == [(len(kept) + 1, "corrupt_file")]


def test_odd_names_are_read_and_can_be_stored(tmp_path: Path) -> None:
    names = ["sp ace", "new\nline", "ünï", "-dash", "q'\"`$x", "p%20c", "g[1]*?", "a::b", "bad\udcff"]
    for name in names:
        (tmp_path / "c" / f"{name}.jsonl").parent.mkdir(exist_ok=True)
        (tmp_path / "c" / f"{name}.jsonl").write_bytes(json_lines([{"text": ascii(name)}, {}]))
    found = Cut(tmp_path / "c", tmp_path / "store")
    assert {document.text for document in found.documents} == {ascii(name) for name in names}
    assert {record.source_uri for record in found.bad} == {row.source_uri for row in found.documents}
    for record in found.bad:
        record.source_uri.encode()


@pytest.mark.parametrize("name", ["g[1]*?.jsonl", "-dash.jsonl", "p%20c.jsonl", "sp ace.jsonl"])
def test_a_name_with_signs_of_a_glob_or_uri_is_meant_literally(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).write_bytes(ROWS)
    (tmp_path / "g1xy.jsonl").write_bytes(json_lines([{"text": "another"}]))
    monkeypatch.chdir(tmp_path)
    assert texts(tmp_path / name) == texts(name) == texts(f"file://{tmp_path}/{name}") == ["first", "second"]


def test_loops_of_links_end(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(ROWS)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.jsonl").symlink_to(tmp_path / "self.jsonl")
    assert texts(tmp_path) == ["first", "second"]
    assert faults(tmp_path) == [(0, "unknown_format"), (1, "corrupt_file")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_or_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(ROWS)
    (tmp_path / "a.jsonl").chmod(0)
    (tmp_path / "b.txt").write_text("the rest")
    assert (faults(tmp_path), texts(tmp_path)) == ([(1, "corrupt_file")], ["the rest"])
    tmp_path.chmod(0o300)
    with pytest.raises(CorpusError, match="cannot be listed"):
        find_files(str(tmp_path))
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("corpus", "words"),
    [
        ("", "no corpus is given: name a file, folder"),
        ("  ", "no corpus is given: name a file, folder"),
        ("{tmp}/nothing", "does not exist: give a file, folder"),
        ("{tmp}/*.parquet", "does not exist: give a file, folder"),
        ("{tmp}/a.csv/b.jsonl", "does not exist: give a file, folder"),
        ("{tmp}/" + "x" * 5000, "does not exist: give a file, folder"),
        ("memory://nothing", "does not exist: give a file, folder"),
        ("{tmp}/empty", "holds no file that ends in .jsonl"),
        ("{tmp}/a.csv", "holds no file that ends in .jsonl"),
        ("{tmp}/blank.jsonl", "holds no records: its files are empty"),
        ("nosuch://bucket/x", "cannot be opened: Protocol not known"),
        ("zip://a.jsonl::{tmp}/nothing.zip", "cannot be opened"),
    ],
)
def test_a_corpus_that_cannot_be_read_is_one_line_before_any_work(
    tmp_path: Path, corpus: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.csv").write_text("text\nx\n")
    (tmp_path / "blank.jsonl").write_text("\n")
    with pytest.raises(CorpusError) as caught:
        Cut(corpus.replace("{tmp}", str(tmp_path)), tmp_path / "store")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("size", "reason"), [(50 * MEGABYTE, "record_too_large"), (MAX_RECORD_BYTES - 100, "too_long")]
)
def test_a_document_that_is_a_dump_is_counted_and_left_out(tmp_path: Path, size: int, reason: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "' + b"x" * size + b'"}\n' + ROWS)
    found, peak = records_and_peak(tmp_path)
    assert [getattr(record, "reason", "document") for record in found] == [reason, "document", "document"]
    assert peak < 20 * MAX_RECORD_BYTES


def test_the_longest_text_fits_even_if_every_character_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(json_lines([{"text": "😀" * MAX_CHARS}]))
    assert [len(text) for text in texts(tmp_path)] == [MAX_CHARS]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_a_line_that_never_ends_is_skipped_without_being_held(tmp_path: Path, name: str) -> None:
    pack: Any = gzip.open if name.endswith("gz") else zstandard.open
    with pack(tmp_path / name, "wb") as file:
        file.write(b'{"text": "')
        for _ in range(300):
            file.write(b"x" * MEGABYTE)
        file.write(b'"}\n' + ROWS)
    found, peak = records_and_peak(tmp_path)
    assert [getattr(record, "reason", "document") for record in found] == [
        "record_too_large",
        "document",
        "document",
    ]
    assert peak < 5 * MAX_RECORD_BYTES


def test_a_text_file_that_is_a_dump_is_skipped(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(MAX_RECORD_BYTES + 1)
    (tmp_path / "b.txt").write_bytes(b"x" * (MAX_CHARS + 1))
    (tmp_path / "c.txt").write_bytes(b"x" * MAX_CHARS)
    assert faults(tmp_path) == [(1, "record_too_large"), (1, "too_long")]


def test_limit_counts_good_and_bad_records(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "x"}\n{bad\n')
    (tmp_path / "b.jsonl").write_bytes(ROWS)
    found = Cut(tmp_path, tmp_path / ".store", limit=3).ingestion
    assert (found.records_read, found.documents, found.bad_records) == (3, 2, 1)
    assert Cut(tmp_path, tmp_path / ".store", limit=100).ingestion.records_read == 4


@settings(deadline=None)
@given(
    lines=st.lists(
        st.binary(max_size=30) | st.text(max_size=9).map(lambda x: json.dumps({"text": x}).encode())
    )
)
def test_no_content_stops_the_reader_and_every_record_is_counted(lines: list[bytes]) -> None:
    files = fsspec.filesystem("memory")
    files.pipe("/test_corpus_any/a.jsonl", b"\n".join(lines))
    found = records("memory://test_corpus_any")
    written = [line for line in b"\n".join(lines).split(b"\n") if line.strip()]
    assert len(found) in (len(written), len(written) - 1)  # a lone byte order mark is a blank line


def test_counts_add_up_and_ids_given_twice_are_counted(tmp_path: Path) -> None:
    repeated = [
        {"id": "a", "text": "one"},
        {"id": "a", "text": "two"},
        {"id": "a", "text": "one"},
        {"id": "b"},
    ]
    (tmp_path / "a.jsonl").write_bytes(json_lines(repeated) + noise(10))
    found = Cut(tmp_path, tmp_path / ".store", per_shard=5)
    total = found.ingestion
    assert (total.records_read, total.documents, total.bad_records) == (14, 12, 2)
    assert total.repeated_ids == 1
    assert [record.reason for record in found.bad] == ["duplicate_text", "missing_text"]
    assert [shard.n_documents for shard in total.shards] == [5, 5, 2]
    assert [len(found.rows[shard.id]) for shard in total.shards] == [5, 5, 2]


def test_cutting_twice_gives_the_same_ids_and_bytes(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "b.jsonl").write_bytes(noise(7))
    (corpus / "a.parquet").write_bytes(parquet({"text": ["x", "y"], "id": [1, 2]}))
    one, two = (Cut(corpus, tmp_path / name, per_shard=4) for name in ("one", "two"))
    again = Cut(corpus, tmp_path / "one", per_shard=4)
    assert one.ingestion.id == two.ingestion.id == again.ingestion.id
    assert one.rows == two.rows == again.rows
    for shard in one.ingestion.shards:
        first, second = (tmp_path / name / "shards" / f"{shard.id}.parquet" for name in ("one", "two"))
        assert first.read_bytes() == second.read_bytes()
    assert len(list((tmp_path / "one" / "shards").iterdir())) == 3


def test_what_was_read_names_the_ingestion(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    ids = set()
    for content in (ROWS, ROWS + b"{bad\n", ROWS + b"{}\n", ROWS[:18]):
        path.write_bytes(content)
        ids.add(Cut(path, tmp_path / "store").ingestion.id)
    assert len(ids) == 4


def test_a_shard_gives_back_what_was_written(tmp_path: Path) -> None:
    written = [
        {"text": "ünï\u2028\r\n\t😀", "id": "1", "url": "https://e.org", "source": "s", "licence": "CC0"}
    ] + [{"text": f"document {row}"} for row in range(300)]
    (tmp_path / "a.jsonl").write_bytes(json_lines(written))
    found = Cut(tmp_path, tmp_path / ".store")
    read_before = records(tmp_path)
    assert [each.model_copy(update={"n_tokens": 0}) for each in found.documents] == read_before
    assert [each.n_tokens for each in found.documents] == [
        tokens.count(each.text) for each in found.documents
    ]
    rows = found.rows[found.ingestion.shards[0].id]
    assert [(row.position, row.document_id, row.n_chars) for row in rows] == [
        (position, each.id, len(each.text)) for position, each in enumerate(found.documents)
    ]


def test_a_cut_that_fails_leaves_no_half_shard(tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise OSError("disk full")

    (tmp_path / "a.jsonl").write_bytes(ROWS + b"{bad\n" * 1000)
    with pytest.raises(OSError, match="disk full"):
        cut(
            str(tmp_path),
            str(tmp_path / ".store"),
            limit=None,
            documents_per_shard=9,
            on_bad=fail,
            on_shard=lambda shard, rows: None,
        )
    assert list((tmp_path / ".store" / "shards").iterdir()) == []


def test_tokens_are_counted_in_linear_time_without_any_break() -> None:
    assert tokens.count("") == 0
    assert 1 <= tokens.count("The river Alder.") <= 6
    assert tokens.count("a" * 400_000) > 1000
    assert tokens.count("\ud800") >= 1


def test_a_tokenizer_that_is_none_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(tokens.VARIABLE, str(tmp_path / "nothing.json"))
    tokens._counter.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match=tokens.VARIABLE):
            tokens.count("x")
    finally:
        tokens._counter.cache_clear()


@pytest.mark.parametrize(
    "corpus",
    [
        "http://user:s3cret@host/a.jsonl",
        "https://host/a.jsonl?signature=s3cret",
        "s3://key:s3cret@bucket/a",
        "zip://a.jsonl::ftp://user:s3cret@host/a.zip",
    ],
)
def test_a_secret_in_the_uri_is_refused_without_repeating_it(corpus: str) -> None:
    """It would stand in the data set, in every row."""
    with pytest.raises(CorpusError, match="no user, password or query") as caught:
        find_files(corpus)
    assert "s3cret" not in str(caught.value)
