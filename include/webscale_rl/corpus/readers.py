"""From the files of a corpus to documents, one record at a time, and a reason for every record that is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from webscale_rl.corpus.fields import FieldNames, field_of, text_of
from webscale_rl.corpus.files import CorpusFile, find_files, fingerprint
from webscale_rl.corpus.records import Fault, records_of
from webscale_rl.errors import CorpusError
from webscale_rl.ids import text_id
from webscale_rl.records import BadRecord, Document

__all__ = ["find_files", "no_records", "read", "read_file", "require_records"]

USUAL = FieldNames()

MAX_CHARS = 2_000_000  # of a document; a longer one is no document but a dump


def require_records(corpus: str) -> None:
    """Check that there is something to read, without reading it all.

    Raises:
        CorpusError: the corpus is missing, cannot be listed, or its files are empty.
    """
    if next(read(find_files(corpus), limit=1), None) is None:
        raise no_records(corpus)


def no_records(corpus: str) -> CorpusError:
    """Return the error for a corpus that has files but no record."""
    return CorpusError(f"corpus {corpus!r} holds no records: its files are empty")


def read(
    files: Iterable[CorpusFile], *, limit: int | None = None, max_chars: int = MAX_CHARS
) -> Iterator[Document | BadRecord]:
    """Yield a document or a bad record for every record of ``files``, in order; ``n_tokens`` is not counted yet.

    Args:
        files: as :func:`find_files` returns them.
        limit: stop after so many records, good or bad.
        max_chars: a longer text is a bad record.
    """
    seen: set[bytes] = set()
    read_so_far = 0
    for file in files:
        for found in read_file(file, max_chars=max_chars):
            if limit is not None and read_so_far >= limit:
                return
            read_so_far += 1
            if isinstance(found, Document):
                digest = bytes.fromhex(found.id)
                if digest in seen:
                    fault = Fault("duplicate_text", "the same text was read before")
                    found = _bad(file, found.source_row, fault, found.id)
                seen.add(digest)
            yield found


def read_file(
    file: CorpusFile, names: FieldNames = USUAL, *, skip: int = 0, max_chars: int = MAX_CHARS
) -> Iterator[Document | BadRecord]:
    """Yield a document or a bad record for every record of a file, in order; nothing is raised.

    A file that changes meanwhile ends with a bad record that says so.

    Args:
        file: as :func:`find_files` returns it.
        names: of the fields.
        skip: so many records from the beginning are passed over; of a Parquet file without reading their row groups.
        max_chars: a longer text is a bad record.
    """
    before = _fingerprint(file)
    for row, record in records_of(file, skip=skip):
        yield _document(file, row, record, names, max_chars)
    if before != _fingerprint(file):
        yield _bad(file, 0, Fault("changed_while_read", "its size, time or tag is no longer the same"))


def _fingerprint(file: CorpusFile) -> str:
    try:
        return "" if file.fault else fingerprint(file)
    except (OSError, ValueError):  # reading it says what is wrong
        return ""


def _document(
    file: CorpusFile, row: int, record: Mapping[str, Any] | Fault, names: FieldNames, max_chars: int
) -> Document | BadRecord:
    text = record if isinstance(record, Fault) else _text(record, names, max_chars)
    if isinstance(text, Fault):
        return _bad(file, row, text)
    assert not isinstance(record, Fault)
    fields = {
        name: field_of(record, getattr(names, name)) for name in ("source_id", "source", "url", "licence")
    }
    return Document(id=text_id(text), text=text, source_uri=file.name, source_row=row, **fields)


def _bad(file: CorpusFile, row: int, fault: Fault, document_id: str = "") -> BadRecord:
    return BadRecord(
        source_uri=file.name,
        source_row=row,
        reason=fault.reason,
        detail=fault.detail,
        document_id=document_id,
    )


def _text(record: Mapping[str, Any], names: FieldNames, max_chars: int) -> str | Fault:
    """Return the text of a record, or why it has none that can be used."""
    found = text_of(record, names)
    if found is None:
        shown = ", ".join(repr(str(key)[:40]) for key in list(record)[:8])
        return Fault("missing_text", f"none of {', '.join(names.text)} among {shown or 'no fields'}")
    name, text = found
    if not isinstance(text, str):
        return Fault("text_not_string", f"{name} is a {type(text).__name__}")
    if not text.strip():
        return Fault("empty_text", f"{name} is empty")
    if len(text) > max_chars:
        return Fault("too_long", f"{len(text)} characters, more than {max_chars}")
    if "\x00" in text:
        return Fault("nul_character", f"at character {text.index(chr(0))} of {name}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return Fault("invalid_unicode", f"at character {error.start} of {name}: {error.reason}")
    return text
