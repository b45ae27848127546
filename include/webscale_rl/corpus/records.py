"""The records of one file, whatever its format: JSON Lines, Parquet, text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from webscale_rl.corpus.files import JSON_LINES, PARQUET, CorpusFile

# A longer line is skipped without being held in memory: parsing takes fifteen times its size. Any text that is no
# dump fits, even with every character escaped.
MAX_RECORD_BYTES = 32 * 2**20
CHUNK = 2**20
ZSTD_PIECE = 2**10  # compressed bytes at a time: a hostile file makes up to 32,000 bytes of each
BATCH_ROWS = 256
BATCH_BYTES = 64 * 2**20  # of a Parquet batch, uncompressed


@dataclass(frozen=True)
class Fault:
    """Why a record cannot be read; the names are reasons of ``BadRecord``."""

    reason: str
    detail: str = ""


RawRecord = tuple[int, dict[str, Any] | Fault]


def records_of(file: CorpusFile) -> Iterator[RawRecord]:
    """Yield (row from 1, record or fault). A file that breaks off ends with a fault; nothing is raised."""
    row = 0
    try:
        for row, record in _reader(file):
            yield row, record
    except Exception as error:  # any library, any file: it must not stop the other files
        words = " ".join(f"{type(error).__name__}: {error}".split())
        yield row + 1, Fault("corrupt_file", f"cannot be read on from here: {words[:300]}")


def _reader(file: CorpusFile) -> Iterator[RawRecord]:
    name = file.name.lower()
    if name.endswith(JSON_LINES):
        return _json_lines(file)
    if name.endswith(PARQUET):
        return _parquet(file)
    return (
        _text(file)
        if file.known
        else iter([(0, Fault("unknown_format", "its ending names no known format"))])
    )


def _json_lines(file: CorpusFile) -> Iterator[RawRecord]:
    with file.filesystem.open(file.path, "rb") as raw:
        for row, line in enumerate(_lines(_chunks(file, raw)), start=1):
            if isinstance(line, Fault):
                yield row, line
            elif row == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if isinstance(line, bytes) and line.strip():
                yield row, _parsed(line)


def _chunks(file: CorpusFile, raw: BinaryIO) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file, so that what stands before a break is not lost."""
    name = file.name.lower()
    if name.endswith(".gz"):
        import gzip

        with gzip.open(raw, "rb") as stream:
            yield from iter(lambda: stream.read1(CHUNK), b"")
    elif name.endswith(".zst"):
        yield from _zstandard(raw)
    else:
        yield from iter(lambda: raw.read(CHUNK), b"")
        return
    if not raw.tell():
        raise EOFError("the file has no bytes: even nothing, compressed, has some")


def _zstandard(raw: BinaryIO) -> Iterator[bytes]:
    """Decompress frame after frame; the library's own stream reader takes a file that breaks off for a whole one."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=2**31)
    frame = None
    while piece := raw.read(ZSTD_PIECE):
        while piece:
            frame = frame or decompressor.decompressobj()
            yield frame.decompress(piece)
            piece = frame.unused_data
            if frame.eof:
                frame = None
    if frame:
        raise EOFError("the file ends within a frame")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes | Fault]:
    """Yield lines without their end; of one that is too long, only that it is."""
    rest = bytearray()
    skipping = 0
    for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            rest += chunk[start:end]
            yield Fault("record_too_large", f"{skipping + len(rest)} bytes") if skipping else bytes(rest)
            rest.clear()
            skipping = 0
            start = end + 1
        rest += chunk[start:]
        if len(rest) > MAX_RECORD_BYTES:
            skipping += len(rest)
            rest.clear()
    if skipping:
        yield Fault("record_too_large", f"{skipping + len(rest)} bytes")
    elif rest:
        yield bytes(rest)


def _parsed(line: bytes) -> dict[str, Any] | Fault:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        try:
            line.decode()
        except UnicodeDecodeError as wrong:
            return Fault("invalid_utf8", f"byte {wrong.start} of the line: {wrong.reason}")
        if b"\\ud" in line.lower() and "surrogate" in str(error).lower():
            return Fault("invalid_unicode", str(error)[:300])
        return Fault("invalid_json", str(error)[:300])
    return record if isinstance(record, dict) else Fault("not_an_object", f"a {type(record).__name__}")


def _parquet(file: CorpusFile) -> Iterator[RawRecord]:
    import pyarrow.parquet as pq

    with file.filesystem.open(file.path, "rb") as raw:
        row = 0
        parquet = pq.ParquetFile(raw)
        for group in range(parquet.num_row_groups):
            size = parquet.metadata.row_group(group)
            fit = BATCH_BYTES * size.num_rows // max(1, size.total_byte_size)
            for batch in parquet.iter_batches(
                batch_size=min(BATCH_ROWS, max(1, fit)), row_groups=[group], use_threads=False
            ):
                for record in _rows(batch):
                    row += 1
                    yield row, record


def _rows(batch: Any) -> list[dict[str, Any] | Fault]:
    """Return the rows of a batch; one whose strings are no UTF-8 does not take the others with it."""
    try:
        return list(batch.to_pylist())
    except ValueError as error:
        if batch.num_rows == 1:
            reason = "invalid_utf8" if isinstance(error, UnicodeDecodeError) else "corrupt_file"
            return [Fault(reason, f"{type(error).__name__}: {error}"[:300])]
        return [_rows(batch.slice(row, 1))[0] for row in range(batch.num_rows)]


def _text(file: CorpusFile) -> Iterator[RawRecord]:
    with file.filesystem.open(file.path, "rb") as raw:
        content = raw.read(MAX_RECORD_BYTES + 1)
    if len(content) > MAX_RECORD_BYTES:
        yield 1, Fault("record_too_large", f"more than {MAX_RECORD_BYTES} bytes")
        return
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as wrong:
        yield 1, Fault("invalid_utf8", f"byte {wrong.start}: {wrong.reason}")
        return
    yield 1, {"text": io.IncrementalNewlineDecoder(None, translate=True).decode(text, final=True)}
