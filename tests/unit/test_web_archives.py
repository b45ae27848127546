"""What a user would lose: pages of a crawl, why a page is none, and all that stands before a break."""

import gzip
import hashlib
import time
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest
import zstandard

from webscale_rl.corpus.files import find_files
from webscale_rl.corpus.readers import read_file
from webscale_rl.corpus.web_archives import MAX_HTML_BYTES
from webscale_rl.records import BadRecord, Document

SENTENCE = "The river Alder rises in the hills above Thornbury and reaches the sea at Port Callum."
HTML = "text/html; charset=utf-8"


def page(text: str = SENTENCE, head: str = "") -> str:
    article = f"<article><p>{text}</p><p>{text} Twice.</p></article>"
    return f"<html><head>{head}<title>t</title></head><body><nav>Home</nav>{article}</body></html>"


def record(kind: str, url: str, block: bytes, content_type: str = "application/http") -> bytes:
    name = hashlib.md5(url.encode() + kind.encode()).hexdigest()
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Record-ID: <urn:uuid:{name}>\r\n"
    head += f"Content-Type: {content_type}\r\nContent-Length: {len(block)}\r\n\r\n"
    return head.encode() + block + b"\r\n\r\n"


def archive(pages: Iterable[tuple[bytes, str] | tuple[bytes, str, str]], *, packed: bool = False) -> bytes:
    """A WARC file as crawlers write it: to each response its request; packed, each record is a gzip member."""
    written = [record("warcinfo", "", b"software: test\r\n", "application/warc-fields")]
    for number, (content, kind, *rest) in enumerate(pages):
        url = f"https://example.org/{number}"
        status = rest[0] if rest else "200 OK"
        http = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n\r\n".encode()
        written.append(record("request", url, b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"))
        written.append(record("response", url, http + content))
    return b"".join(gzip.compress(each) if packed else each for each in written)


def numbered(count: int) -> list[tuple[bytes, str]]:
    return [(page(f"{SENTENCE} It is number {number}.").encode(), HTML) for number in range(count)]


def records(path: Path, skip: int = 0) -> list[Document | BadRecord]:
    return [found for file in find_files(str(path)) for found in read_file(file, skip=skip)]


def rows(found: Iterable[Document | BadRecord]) -> list[tuple[int, str]]:
    return [(each.source_row, getattr(each, "reason", "document")) for each in found]


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz", "a.warc.zst", "whole.warc.gz"])
def test_a_page_is_its_main_text_with_its_address(tmp_path: Path, name: str) -> None:
    plain = archive(numbered(3))
    packed = {"a.warc": plain, "a.warc.gz": archive(numbered(3), packed=True)}
    content = packed.get(name) or (gzip.compress(plain) if name.endswith("gz") else zstandard.compress(plain))
    (tmp_path / name).write_bytes(content)
    found = records(tmp_path / name)
    assert rows(found) == [(1, "document"), (2, "document"), (3, "document")]
    first = found[0]
    assert isinstance(first, Document)
    assert SENTENCE in first.text
    assert "Home" not in first.text
    assert (first.url, first.source_uri) == ("https://example.org/0", str(tmp_path / name))
    assert first.source_id.startswith("<urn:uuid:")
    assert records(tmp_path / name, skip=2) == found[2:]


@pytest.mark.parametrize("name", ["a.warc.wet.gz", "a.wet"])
def test_a_text_that_was_extracted_before_is_kept_as_it_is(tmp_path: Path, name: str) -> None:
    texts = ("Übung\n<b>not HTML</b>".encode(), b"\xff")
    written = [record("conversion", "https://e.org/", text, "text/plain") for text in texts]
    content = b"".join(gzip.compress(each) if name.endswith("gz") else each for each in written)
    (tmp_path / name).write_bytes(content)
    found = records(tmp_path)
    assert isinstance(found[0], Document)
    assert found[0].text == "Übung\n<b>not HTML</b>"
    assert rows(found)[1:] == [(2, "invalid_utf8")]


def test_what_is_no_page_is_counted_with_its_reason(tmp_path: Path) -> None:
    good = page().encode()
    pages = [
        (good, HTML),
        (b"%PDF-1.4", "application/pdf"),
        (good, HTML, "404 Not Found"),
        (b"<html><body></body></html>", HTML),
        (b"", HTML),
        (b"x" * (MAX_HTML_BYTES + 1), HTML),
        (b"<br>" * 60_000, HTML),
        (page("The last one is read as well. " + SENTENCE).encode(), HTML),
    ]
    (tmp_path / "a.warc").write_bytes(archive(pages))
    assert [reason for _, reason in rows(records(tmp_path))] == [
        "document",
        "not_html",
        "http_status",
        "no_main_text",
        "no_main_text",
        "record_too_large",
        "record_too_large",
        "document",
    ]


@pytest.mark.parametrize(
    ("encoding", "kind", "head"),
    [
        ("utf-8", "text/html", ""),
        ("utf-8", "text/html; charset=iso-8859-1", ""),  # the server is wrong
        ("utf-8", "text/html; charset=nonsense", '<meta charset="base64">'),
        ("utf-8-sig", "text/html", ""),
        ("utf-16", "text/html", ""),
        ("cp1252", "text/html; charset=iso-8859-1", ""),
        ("cp1252", "text/html", '<meta charset="windows-1252">'),
        ("cp1252", "text/html; charset=utf-8", '<meta charset="windows-1252">'),
        ("cp1252", "text/html", ""),
    ],
)
def test_letters_survive_a_wrong_charset(tmp_path: Path, encoding: str, kind: str, head: str) -> None:
    text = "Die Brücke über den Fluß wurde für die Gäste schön geschmückt, später führte sie nach Köln. " * 3
    (tmp_path / "a.warc").write_bytes(archive([(page(text, head).encode(encoding), kind)]))
    found = records(tmp_path)[0]
    assert isinstance(found, Document)
    assert text.strip() in found.text


def test_a_page_cut_within_a_letter_is_no_other_encoding(tmp_path: Path) -> None:
    content = page("Brücke. " * 200 + SENTENCE).encode() + "ü".encode()[:1]
    (tmp_path / "a.warc").write_bytes(archive([(content, HTML)]))
    found = records(tmp_path)[0]
    assert isinstance(found, Document)
    assert "Brücke" in found.text


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz", "a.warc.zst"])
def test_what_stands_before_a_break_is_kept_and_the_break_has_its_offset(tmp_path: Path, name: str) -> None:
    packed = archive(numbered(20), packed=name.endswith("gz"))
    if name.endswith("zst"):
        head = b"WARC/1.0\r\n"
        packed = b"".join(zstandard.compress(head + each) for each in packed.split(head)[1:])
    (tmp_path / name).write_bytes(packed[: len(packed) * 2 // 3])
    found = records(tmp_path)
    *kept, fault = found
    assert len(kept) > 8
    assert all(isinstance(each, Document) for each in kept)
    assert isinstance(fault, BadRecord)
    assert (fault.source_row, fault.reason) == (len(kept) + 1, "corrupt_file")
    assert "at byte" in fault.detail
    assert records(tmp_path, skip=len(kept)) == [fault]
    assert records(tmp_path, skip=len(found)) == []


@pytest.mark.parametrize("length", ["7", "99999", "nonsense", "-5", "9" * 30])
def test_a_wrong_length_ends_the_file_at_its_record(tmp_path: Path, length: str) -> None:
    parts = archive(numbered(3)).split(b"WARC/1.0\r\n")
    heads = [line for line in parts[5].split(b"\r\n") if line.startswith(b"Content-Length")]
    parts[5] = parts[5].replace(heads[0], f"Content-Length: {length}".encode(), 1)
    (tmp_path / "a.warc").write_bytes(b"WARC/1.0\r\n".join(parts))
    found = records(tmp_path)
    assert rows(found)[0] == (1, "document")
    assert [reason for _, reason in rows(found)].count("corrupt_file") == 1
    assert isinstance(found[-1], BadRecord)
    assert "at byte" in found[-1].detail


@pytest.mark.parametrize("content", [b"junk" * 500, b"WARC/1.0\r\n" + b"x: y\r\n" * 100_000, b"\n" * 600_000])
def test_a_file_that_is_no_archive_is_one_fault(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.warc").write_bytes(content)
    assert rows(records(tmp_path)) == [(1, "corrupt_file")]


@pytest.mark.parametrize(
    "bomb", ["<div>" * 49_000, "<table><tr><td>" * 16_000, "<p>" + "a<br>" * 49_000, "&amp;" * 500_000]
)
def test_a_hostile_page_ends_soon(tmp_path: Path, bomb: str) -> None:
    (tmp_path / "a.warc").write_bytes(archive([(f"<html><body>{bomb}".encode(), HTML), *numbered(1)]))
    start = time.monotonic()
    assert rows(records(tmp_path))[1] == (2, "document")
    assert time.monotonic() - start < 30


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    content = page("x" * 3_000_000).encode()
    path.write_bytes(archive([(content, "application/pdf")] * 40, packed=True))
    tracemalloc.start()
    try:
        assert len(records(path)) == 40
        assert tracemalloc.get_traced_memory()[1] < 30 * 2**20
    finally:
        tracemalloc.stop()
