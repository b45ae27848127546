"""WARC and WET files of Common Crawl: pages of HTML whose main text is extracted, or texts extracted before.

The main text is found by trafilatura, as for FineWeb. Resiliparse was tried beside it: it is twelve times as fast,
but keeps navigation and "skip to main content", a third more characters on pages of documentation. The mode ``fast``
of trafilatura leaves out its comparison with two other extractors: 1.7 times as fast, nearly always the same words.

Records are parsed by warcio, from a stream of ours: warcio's own one takes a compressed file that breaks off for a
whole one, and a wrong length for a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, BinaryIO

from webscale_rl.corpus.charsets import decoded
from webscale_rl.corpus.raw import Fault, RawRecord
from webscale_rl.corpus.unpacking import unpacked

HTML = ("text/html", "application/xhtml+xml")
MAX_HTML_BYTES = (
    4 * 2**20
)  # Common Crawl cuts pages at 1 MiB, since 2025 at 5; longer ones hold data, not prose
MAX_TAGS = (
    50_000  # trafilatura takes up to 40 microseconds for each, so that no page holds up the others for long
)
MAX_HEADER_BYTES = 2**19  # of a record, before its content
_PIECE = 2**16


def web_archive(name: str, raw: BinaryIO, largest: int, skip: int = 0) -> Iterator[RawRecord]:
    """Yield the pages of a WARC or the texts of a WET file; requests and metadata are no records.

    Args:
        name: its ending says how the file is compressed.
        raw: the file.
        largest: bytes of a text; of a larger one, or of a page above ``MAX_HTML_BYTES``, only a fault is yielded.
        skip: so many records are yielded empty, without looking for their text.

    Raises:
        ValueError: the file is broken. What stands before was yielded; the message has the offset of the record that
            could not be read, counted in decompressed bytes.
    """
    from warcio.recordloader import ArcWarcRecordLoader

    logging.getLogger("trafilatura").setLevel(
        logging.CRITICAL
    )  # it reports every page without text as an error
    loader = ArcWarcRecordLoader(verify_http=False, arc2warc=False)
    stream = _Stream(unpacked(name, raw))
    row = start = 0
    try:
        line = stream.first_line()
        while line:
            start = stream.offset - len(line)
            record = stream.parsed(loader, line)
            counts = record.rec_type in ("response", "conversion")
            row += counts
            page = _content(record, largest) if counts and row > skip else b""
            _pass_over(record)
            line, broken = stream.next_record()
            if counts:
                yield row, _document(record, page) if row > skip else {}
            if broken:
                start = stream.offset
                raise broken
    except Exception as error:
        packed = name.lower().endswith((".gz", ".zst"))
        where = (
            f"{start} of what it holds decompressed (at byte {raw.tell()} of the file)" if packed else start
        )
        raise ValueError(f"its record at byte {where}: {type(error).__name__}: {error}") from error


class _Stream:
    """What warcio reads from: the decompressed bytes, and their offset."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = b""
        self._at = 0
        self._header_bytes: int | None = None  # how many more may be read line by line
        self.offset = 0

    def read(self, length: int) -> bytes:
        """Return so many bytes, fewer only at the end."""
        parts = []
        while length > 0 and self._more():
            part = self._chunk[self._at : self._at + length]
            self._took(len(part))
            length -= len(part)
            parts.append(part)
        return b"".join(parts)

    def readline(self, length: int | None = None) -> bytes:
        """Return a line with its end, or so many bytes of it.

        Raises:
            ValueError: headers that never end.
        """
        parts: list[bytes] = []
        left = MAX_HEADER_BYTES if length is None else min(length, MAX_HEADER_BYTES)
        while left > 0 and self._more():
            end = self._chunk.find(b"\n", self._at, self._at + left)
            part = self._chunk[self._at : end + 1 if end >= 0 else self._at + left]
            self._took(len(part))
            left -= len(part)
            parts.append(part)
            if end >= 0:
                break
        line = b"".join(parts)
        if self._header_bytes is not None:
            self._header_bytes -= len(line)
            if self._header_bytes < 0:
                raise ValueError(f"more than {MAX_HEADER_BYTES} bytes of headers")
        return line

    def parsed(self, loader: Any, line: bytes) -> Any:
        """Return warcio's record that begins with a line."""
        self._header_bytes = MAX_HEADER_BYTES
        record = loader.parse_record_stream(self, line, "warc")
        self._header_bytes = None
        if record.length is None or not (record.rec_headers.get_header("Content-Length") or "").isdecimal():
            raise ValueError("it has no length")
        return record

    def first_line(self) -> bytes:
        """Return the line in which a record begins, or nothing at the end of the file.

        Raises:
            ValueError: something else stands there, which is what a wrong length leads to.
        """
        self._header_bytes = MAX_HEADER_BYTES  # blank lines must end as well
        while line := self.readline():
            if line.startswith(b"WARC/"):
                return line
            if line.strip():
                raise ValueError(f"no record begins here, or its length is wrong: {line[:40]!r}")
        return b""

    def next_record(self) -> tuple[bytes, Exception | None]:
        """Return the first line of the next record; a break behind a whole record must not take that one with it.

        Raises:
            ValueError: see :meth:`first_line`.
        """
        try:
            return self.first_line(), None
        except ValueError:
            raise
        except Exception as error:
            return b"", error

    def _more(self) -> bool:
        while self._at >= len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._chunk, self._at = chunk, 0
        return True

    def _took(self, length: int) -> None:
        self._at += length
        self.offset += length


def _content(record: Any, largest: int) -> bytes | Fault:
    """Return the content of a record, without what HTTP packed it in, or why it is not wanted."""
    url = (record.rec_headers.get_header("WARC-Target-URI") or "")[:200]
    if record.rec_type == "response":
        status, kind = _http(record)
        if status != "200":
            return Fault("http_status", f"{status or 'no status'} of {url}")
        if kind not in HTML:
            return Fault("not_html", f"{kind[:80] or 'no content type'} of {url}")
        largest = min(largest, MAX_HTML_BYTES)
    content = bytearray()
    stream = record.content_stream()
    while len(content) <= largest and (piece := stream.read(_PIECE)):
        content += piece
    if len(content) > largest:
        return Fault("record_too_large", f"more than {largest} bytes of {url}")
    if record.rec_type == "response" and (tags := content.count(b"<")) > MAX_TAGS:
        return Fault("record_too_large", f"{tags} tags, more than {MAX_TAGS}, of {url}")
    return bytes(content)


def _http(record: Any) -> tuple[str, str]:
    """Return status and content type."""
    if record.http_headers is None:
        return "", ""
    status = record.http_headers.get_statuscode() or ""
    return status[:40], _content_type(record).split(";")[0].strip().lower()


def _content_type(record: Any) -> str:
    return (record.http_headers and record.http_headers.get_header("Content-Type")) or ""


def _pass_over(record: Any) -> None:
    """Read what is left of a record.

    Raises:
        EOFError: it is shorter than it says.
    """
    while record.raw_stream.read(_PIECE):
        pass
    if record.raw_stream.limit:
        raise EOFError(f"the file ends {record.raw_stream.limit} bytes before the record does")


def _document(record: Any, content: bytes | Fault) -> dict[str, Any] | Fault:
    if isinstance(content, Fault):
        return content
    url = record.rec_headers.get_header("WARC-Target-URI") or ""
    if record.rec_type == "conversion":
        try:
            text = content.decode()
        except UnicodeDecodeError as wrong:
            return Fault("invalid_utf8", f"byte {wrong.start} of {url[:200]}: {wrong.reason}")
    else:
        text = _main_text(decoded(content, _content_type(record)))
        if not text.strip():
            return Fault("no_main_text", url[:200])
    return {"text": text, "id": record.rec_headers.get_header("WARC-Record-ID") or "", "url": url}


def _main_text(html: str) -> str:
    import trafilatura

    try:
        return trafilatura.extract(html, include_comments=False, fast=True) or ""
    except Exception:  # any page: one that the library fails on has no text that it could find
        return ""
