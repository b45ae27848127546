"""The records of one file, whatever its format: JSON Lines, Parquet, text, web archives."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

import orjson

from webscale_rl.corpus.files import FAULTS, JSON_LINES, PARQUET, WEB_ARCHIVES, CorpusFile, irregular
from webscale_rl.corpus.raw import Fault, RawRecord
from webscale_rl.corpus.unpacking import unpacked
from webscale_rl.corpus.web_archives import web_archive

__all__ = ["Fault", "records_of"]

# A longer line is skipped without being held in memory: parsing takes fifteen times its size. Any text that is no
# dump fits, even with every character escaped.
MAX_RECORD_BYTES = 32 * 2**20
HEAD = 2**16  # bytes by which a file is seen to be binary
SMALLEST_JUNK, SMALLEST_JUNK_LINES = 2**10, 3  # of less, each line is a bad record of its own
MAX_FAULTS = 1_000  # lines; a file that begins with as many bad ones, and no record, is left as a whole
BATCH_ROWS = 256
BATCH_BYTES = 64 * 2**20  # of a Parquet batch, uncompressed


def records_of(file: CorpusFile, *, skip: int = 0) -> Iterator[RawRecord]:
    """Yield (row from 1, record or fault). A file that breaks off ends with a fault; nothing is raised.

    The first ``skip`` records and faults are passed over. A fault of the file as a whole has row 0.
    """
    if whole := _whole(file):
        yield from islice([(0, whole)], skip, None)
        return
    row = passed = 0
    place = ""
    try:
        with file.filesystem.open(file.path, "rb") as raw:
            try:
                for row, record in _reader(file, raw, skip):
                    passed += 1
                    if passed > skip:
                        yield row, record
            except Exception:
                place = f" (at byte {raw.tell()} or shortly before)"
                raise
    except Exception as error:  # any library, any file: it must not stop the other files
        if passed >= skip:
            words = " ".join(f"{type(error).__name__}: {error}".split())
            yield row + 1, Fault("corrupt_file", f"cannot be read on from here{place}: {words[:300]}")


def _whole(file: CorpusFile) -> Fault | None:
    """Return why a file must not be opened, or cannot be of use."""
    reason = file.fault or irregular(file)
    if reason:
        return Fault(reason, FAULTS.get(reason, ""))
    return None if file.known else Fault("unknown_format", "its ending names no known format")


def _reader(file: CorpusFile, raw: BinaryIO, skip: int) -> Iterator[RawRecord]:
    """Yield every record; those to be skipped may be empty where that saves work."""
    name = file.name.lower()
    if name.endswith(JSON_LINES):
        return _json_lines(file, raw)
    if name.endswith(WEB_ARCHIVES):
        return web_archive(name, raw, MAX_RECORD_BYTES, skip)
    return _parquet(raw, skip) if name.endswith(PARQUET) else _text(raw)


def _json_lines(file: CorpusFile, raw: BinaryIO) -> Iterator[RawRecord]:
    """Yield the records of a file; of one that has never been JSON Lines, a single fault."""
    head, chunks = _head(unpacked(file.name, raw))
    if _is_binary(head):
        place = f"byte {head.index(0)} is NUL, and none of its first {len(head)} bytes are a record"
        yield 0, Fault("binary_file", place)
        return
    faults: list[RawRecord] | None = []  # until there is a record
    try:
        for row, record in _json_records(chunks):
            if faults is not None and isinstance(record, Fault):
                faults.append((row, record))
                if len(faults) == MAX_FAULTS:
                    yield (
                        0,
                        Fault("not_json_lines", f"its first {MAX_FAULTS} lines; the first {record.reason}"),
                    )
                    faults = None
                    return
                continue
            if faults is not None:
                yield from faults
                faults = None
            yield row, record
    except Exception:
        yield from faults or ()
        raise
    yield from faults or ()


def _head(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, and all of them; a break within the first ones is raised behind them."""
    head = bytearray()
    broken: list[Exception] = []
    try:
        while len(head) < HEAD and (chunk := next(chunks, None)) is not None:
            head += chunk
    except Exception as error:
        broken.append(error)

    def whole() -> Iterator[bytes]:
        yield bytes(head)
        if broken:
            raise broken[0]
        yield from chunks

    return bytes(head[:HEAD]), whole()


def _is_binary(head: bytes) -> bool:
    """Say whether the beginning of a file is no text: NUL bytes, several lines, and no record among them."""
    if 0 not in head or len(head) < SMALLEST_JUNK:
        return False
    lines = [line for line in head.split(b"\n") if line.strip()]
    return len(lines) > SMALLEST_JUNK_LINES and all(isinstance(_parsed(line), Fault) for line in lines)


def _json_records(chunks: Iterable[bytes]) -> Iterator[RawRecord]:
    offset = 0
    for row, (line, size) in enumerate(_lines(chunks), start=1):
        if isinstance(line, bytes):
            if row == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            record = _parsed(line) if line.strip() else None
        else:
            record = line
        if isinstance(record, Fault):
            record = Fault(record.reason, f"{record.detail}; the line begins at byte {offset}")
        if record is not None:
            yield row, record
        offset += size


def _lines(chunks: Iterable[bytes]) -> Iterator[tuple[bytes | Fault, int]]:
    """Yield lines without their end, and their size with it; of one that is too long, only that it is."""
    rest = bytearray()
    skipping = 0
    for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            rest += chunk[start:end]
            size = skipping + len(rest)
            yield Fault("record_too_large", f"{size} bytes") if skipping else bytes(rest), size + 1
            rest.clear()
            skipping = 0
            start = end + 1
        rest += chunk[start:]
        if len(rest) > MAX_RECORD_BYTES:
            skipping += len(rest)
            rest.clear()
    if skipping:
        yield Fault("record_too_large", f"{skipping + len(rest)} bytes"), skipping + len(rest)
    elif rest:
        yield bytes(rest), len(rest)


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


def _parquet(raw: BinaryIO, skip: int) -> Iterator[RawRecord]:
    import pyarrow.parquet as pq

    row = 0
    parquet = pq.ParquetFile(raw)
    for group in range(parquet.num_row_groups):
        size = parquet.metadata.row_group(group)
        if row + size.num_rows <= skip:
            yield from ((row + number, {}) for number in range(1, size.num_rows + 1))
            row += size.num_rows
            continue
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


def _text(raw: BinaryIO) -> Iterator[RawRecord]:
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
