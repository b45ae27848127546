"""From the files of a corpus to documents, one record at a time, and a reason for every record that is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from webscale_rl.corpus.files import CorpusFile, find_files
from webscale_rl.corpus.records import Fault, records_of
from webscale_rl.errors import CorpusError
from webscale_rl.ids import text_id
from webscale_rl.records import BadRecord, Document

__all__ = ["find_files", "no_records", "read", "require_records"]

MAX_CHARS = 2_000_000  # of a document; a longer one is no document but a dump
TEXT_FIELDS = ("text", "content", "raw_content", "markdown")
NESTED = ("metadata", "meta")
FIELDS = {  # of a document, and the names that the common corpora use
    "source_id": ("id", "source_id", "doc_id", "uuid"),
    "source": ("source", "repository", "dataset"),
    "url": ("url", "url_or_path", "path"),
    "licence": ("licence", "license"),
}
LONGEST_FIELD = 2_000  # characters kept of any of these


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
        for row, record in records_of(file):
            if limit is not None and read_so_far >= limit:
                return
            read_so_far += 1
            found = _document(file, row, record, max_chars)
            if isinstance(found, Document):
                digest = bytes.fromhex(found.id)
                if digest in seen:
                    found = _bad(
                        file, row, Fault("duplicate_text", "the same text was read before"), found.id
                    )
                seen.add(digest)
            yield found


def _document(
    file: CorpusFile, row: int, record: Mapping[str, Any] | Fault, max_chars: int
) -> Document | BadRecord:
    text = record if isinstance(record, Fault) else _text(record, max_chars)
    if isinstance(text, Fault):
        return _bad(file, row, text)
    assert not isinstance(record, Fault)
    fields = {name: _field(record, names) for name, names in FIELDS.items()}
    return Document(id=text_id(text), text=text, source_uri=file.name, source_row=row, **fields)


def _bad(file: CorpusFile, row: int, fault: Fault, document_id: str = "") -> BadRecord:
    return BadRecord(
        source_uri=file.name,
        source_row=row,
        reason=fault.reason,
        detail=fault.detail,
        document_id=document_id,
    )


def _text(record: Mapping[str, Any], max_chars: int) -> str | Fault:
    """Return the text of a record, or why it has none that can be used."""
    name = next((name for name in TEXT_FIELDS if name in record), None)
    if name is None:
        shown = ", ".join(repr(str(key)[:40]) for key in list(record)[:8])
        return Fault("missing_text", f"none of {', '.join(TEXT_FIELDS)} among {shown or 'no fields'}")
    text = record[name]
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


def _field(record: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return a field as text, from the record or its metadata; no text, number or list of texts counts as none."""
    nested = [record[name] for name in NESTED if isinstance(record.get(name), Mapping)]
    for level in (record, *nested):
        for name in names:
            value = level.get(name)
            if isinstance(value, list):  # such as several licences
                value = ", ".join(part for part in value if isinstance(part, str))
            if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
                return str(value).replace("\x00", "").encode("utf-8", "replace").decode()[:LONGEST_FIELD]
    return ""
