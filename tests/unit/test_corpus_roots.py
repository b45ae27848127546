"""What a user would lose: files that must not be read, a reader that hangs, a file that changed without a word."""

import io
import json
import os
import socket
import tracemalloc
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webscale_rl.corpus.files import CorpusFile, find_files, fingerprint, within
from webscale_rl.corpus.readers import read_file
from webscale_rl.corpus.records import MAX_FAULTS, MAX_RECORD_BYTES
from webscale_rl.records import BadRecord, Document

LINE = b'{"text": "first"}\n'


def read_all(files: list[CorpusFile], skip: int = 0) -> list[Document | BadRecord]:
    return [found for file in files for found in read_file(file, skip=skip)]


def reasons(found: list[Document | BadRecord]) -> list[str]:
    return [getattr(each, "reason", "document") for each in found]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(LINE)
    (tmp_path / "secret.jsonl").write_text(json.dumps({"text": "secret"}))
    return folder


def test_a_link_that_leads_out_is_never_opened(corpus: Path) -> None:
    (corpus / "b.jsonl").symlink_to("../secret.jsonl")
    (corpus / "c.jsonl").symlink_to("a.jsonl")
    (corpus / "d.jsonl").symlink_to("gone.jsonl")
    found = read_all(find_files(str(corpus), roots=[str(corpus)]))
    assert reasons(found) == ["document", "outside_roots", "document", "broken_link"]
    assert [each.source_row for each in found if isinstance(each, BadRecord)] == [0, 0]
    assert "secret" in [getattr(each, "text", "") for each in read_all(find_files(str(corpus)))]


@pytest.mark.parametrize("way", ["../secret.jsonl", "../corpus-other/x.jsonl"])
def test_a_path_that_leads_up_is_outside(corpus: Path, way: str) -> None:
    (corpus.parent / "corpus-other").mkdir()
    (corpus.parent / "corpus-other/x.jsonl").write_bytes(LINE)
    files = find_files(f"{corpus}/{way}", roots=[str(corpus)])
    assert reasons(read_all(files)) == ["outside_roots"]


@pytest.mark.parametrize(
    ("path", "roots", "inside"),
    [
        ("/within/a/b.jsonl", ["memory://within"], True),
        ("/within/a/b.jsonl", ["memory://other", "memory://within/a/"], True),
        ("/within-other/b.jsonl", ["memory://within"], False),
        ("/within/../other/b.jsonl", ["memory://within"], False),
        ("/within/a/b.jsonl", ["/within", "s3://within", "file:///within"], False),
        ("/within/a/b.jsonl", [], False),
    ],
)
def test_an_object_lies_within_a_prefix(path: str, roots: list[str], inside: bool) -> None:
    file = CorpusFile(f"memory:/{path}", path, fsspec.filesystem("memory"))
    assert within(file, roots) is inside


@pytest.mark.timeout(20)
def test_pipes_sockets_and_devices_do_not_hang(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(corpus / "b.jsonl")
    (corpus / "c.jsonl").symlink_to("/dev/zero")
    monkeypatch.chdir(corpus)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("d.jsonl")
        found = read_all(find_files(str(corpus)))
    assert reasons(found) == ["document"] + ["not_a_file"] * 3


@pytest.mark.timeout(20)
def test_a_file_that_became_a_pipe_does_not_hang(corpus: Path) -> None:
    files = find_files(str(corpus))
    (corpus / "a.jsonl").unlink()
    os.mkfifo(corpus / "a.jsonl")
    assert reasons(read_all(files)) == ["not_a_file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_one_fault(corpus: Path) -> None:
    (corpus / "a.jsonl").chmod(0)
    assert reasons(read_all(find_files(str(corpus)))) == ["corrupt_file"]


@pytest.mark.parametrize("change", ["grow", "replace", "remove"])
def test_a_file_that_changes_meanwhile_says_so_at_its_end(corpus: Path, change: str) -> None:
    path = corpus / "a.jsonl"
    path.write_bytes(LINE * 3)
    reading = read_file(find_files(str(path))[0])
    found = [next(reading)]
    if change == "grow":
        with path.open("ab") as file:
            file.write(LINE)
    elif change == "replace":
        (corpus / "new").write_bytes(path.read_bytes())
        (corpus / "new").replace(path)
    else:
        path.unlink()
    found += reading
    assert reasons(found)[:3] == ["document"] * 3
    assert reasons(found)[-1] == "changed_while_read"
    assert reasons(found).count("changed_while_read") == 1


def test_a_fingerprint_stays_until_the_file_changes(corpus: Path) -> None:
    (corpus / "b.jsonl").symlink_to("a.jsonl")
    plain, link = find_files(str(corpus))
    before = fingerprint(plain), fingerprint(link)
    assert before == (fingerprint(plain), fingerprint(link))
    (corpus / "a.jsonl").write_bytes(LINE * 2)
    assert before[0] != fingerprint(plain)
    assert before[1] != fingerprint(link)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (os.urandom(100_000), "binary_file"),
        (b"PK\x03\x04\x00\x00\n" * 1000, "binary_file"),
        (b"no json here\n" * 5000, "not_json_lines"),
    ],
)
def test_junk_named_jsonl_is_one_fault(corpus: Path, content: bytes, reason: str) -> None:
    (corpus / "a.jsonl").write_bytes(content)
    found = read_all(find_files(str(corpus)))
    assert [(each.source_row, reason) for each, reason in zip(found, reasons(found), strict=True)] == [
        (0, reason)
    ]
    assert read_all(find_files(str(corpus)), skip=1) == []


def test_junk_around_a_record_does_not_cost_the_record(corpus: Path) -> None:
    path = corpus / "a.jsonl"
    for before in (b"bad\n" * (MAX_FAULTS - 1), b"\x00bad\n" * 200):
        path.write_bytes(before + LINE + b"bad\n" * 2000)
        found = read_all(find_files(str(path)))
        assert reasons(found).count("document") == 1
        assert len(found) == before.count(b"\n") + 1 + 2000


def test_a_bad_line_has_its_offset(corpus: Path) -> None:
    (corpus / "a.jsonl").write_bytes(LINE + b"\n" + LINE + b'{"text": "\xe9"}\n' + LINE)
    bad = read_all(find_files(str(corpus)))[2]
    assert isinstance(bad, BadRecord)
    assert (bad.source_row, bad.reason) == (4, "invalid_utf8")
    assert f"the line begins at byte {2 * len(LINE) + 1}" in bad.detail


def test_a_line_of_200_megabytes_takes_a_fixed_memory(corpus: Path) -> None:
    with (corpus / "a.jsonl").open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 2**20)
        file.write(b"\n" + LINE)
    tracemalloc.start()
    try:
        found = read_all(find_files(str(corpus)))
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_RECORD_BYTES
    finally:
        tracemalloc.stop()
    assert reasons(found) == ["record_too_large", "document"]


def test_parquet_goes_on_at_any_row_and_reads_no_earlier_group(corpus: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": [f"document {row}" for row in range(100)]}), buffer, row_group_size=30)
    content = bytearray(buffer.getvalue())
    path = corpus / "a.parquet"
    path.write_bytes(content)
    whole = read_all(find_files(str(path)))
    for skip in (0, 1, 29, 30, 31, 90, 99, 100, 101):
        assert read_all(find_files(str(path)), skip=skip) == whole[skip:]
    content[4:200] = bytes(196)  # the first row group is gone
    path.write_bytes(content)
    assert reasons(read_all(find_files(str(path)))) == ["corrupt_file"]
    assert read_all(find_files(str(path)), skip=30) == whole[30:]


def test_half_a_parquet_file_is_one_fault_with_its_offset(corpus: Path) -> None:
    path = corpus / "a.parquet"
    pq.write_table(pa.table({"text": [f"document {row}" for row in range(100)]}), path)
    path.write_bytes(path.read_bytes()[:500])
    found = read_all(find_files(str(path)))
    assert reasons(found) == ["corrupt_file"]
    assert isinstance(found[0], BadRecord)
    assert "at byte" in found[0].detail
