"""The road of a partition: its files are read, cleaned and judged, duplicates left out, the rest cut into shards.

Every record ends in exactly one state: kept, rejected (by a rule), duplicate, or quarantined (it cannot be read).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import count as numbers
from itertools import islice
from typing import Any

import fsspec
from sqlalchemy import Engine

from webscale_rl import faultpoints
from webscale_rl.corpus import near_duplicates
from webscale_rl.corpus.cleaning import clean
from webscale_rl.corpus.fields import FieldNames
from webscale_rl.corpus.files import CorpusFile, fingerprint
from webscale_rl.corpus.partitions import files_of, roots_of
from webscale_rl.corpus.quality import QualityRules, Rejection, judge
from webscale_rl.corpus.readers import read_file
from webscale_rl.corpus.shards import ShardWriter
from webscale_rl.corpus.staging import (
    LEFT_OUT,
    STAGED,
    Counts,
    bad_row,
    duplicate_row,
    rejected_row,
    staged_documents,
    staged_row,
    staged_sketches,
)
from webscale_rl.corpus.tokens import count as count_tokens
from webscale_rl.corpus.whole_files import WholeFile
from webscale_rl.errors import PartitionEmpty, RunIncomplete
from webscale_rl.ids import content_id, text_id
from webscale_rl.records import BadRecord, Document
from webscale_rl.store import claims, partitions
from webscale_rl.store.ingestions import record_shard
from webscale_rl.store.partitions import PartitionCounts, Piece

log = logging.getLogger(__name__)

VERSION = 1  # raise it when cleaning or rules change: files that were read before are read again
PIECE_RECORDS = 10_000  # what a killed task has to read again at most
DUPLICATES = "duplicates.parquet"
NO_CONTENT = frozenset(
    {"not_html", "http_status", "no_main_text", "empty_text"}
)  # read well, and nothing to keep


@dataclass(frozen=True)
class IngestSettings:
    """What decides which documents are kept, and how they are cut.

    ``fields`` maps names of a document (``text``, ``source_id``, ...) to fields of a record.
    """

    rules: QualityRules = field(default_factory=QualityRules)
    fields: Mapping[str, str] = field(default_factory=dict)
    mask_personal_data: bool = False
    documents_per_shard: int = 500
    files_per_task: int = 8
    max_tasks: int = 256
    allow_empty: bool = False

    def reading_hash(self) -> str:
        """Return a hash of what decides how a record is read, cleaned and judged."""
        return content_id(
            [
                VERSION,
                near_duplicates.VERSION,
                asdict(self.rules),
                dict(self.fields),
                self.mask_personal_data,
            ]
        )


def list_files(engine: Engine, partition: str, corpus: str, uri: str, settings: IngestSettings) -> list[int]:
    """Record the files of a partition that has arrived, in groups, and return the numbers of the groups.

    Raises:
        CorpusError: the partition cannot be listed, or none of its files is of a known kind.
        PartitionEmpty: it has no files, and the settings do not allow that.
    """
    files = files_of(uri, roots_of(corpus))
    if not files and not settings.allow_empty:
        why = f"partition {uri!r} holds no files: if days without data are normal, set 'allow_empty'"
        partitions.close(engine, partition, "empty", why)
        raise PartitionEmpty(why)
    size = max(settings.files_per_task, -(-len(files) // settings.max_tasks))
    groups = [position // size for position in range(len(files))]
    partitions.set_files(engine, partition, files, groups)
    return sorted(set(groups))


def read_group(
    engine: Engine, store: str, partition: str, uri: str, settings: IngestSettings, group: int | None
) -> dict[str, int]:
    """Read the files of a group (of all for None), clean and judge their documents, and stage what may be kept.

    What was read before and is unchanged is not read again: a killed task goes on behind its last piece.

    Returns:
        Counts of the group: files, records read, candidates.
    """
    filesystem, _ = fsspec.url_to_fs(uri)
    files = partitions.files_of(engine, partition, filesystem, group)
    read = candidates = 0
    for position, file in enumerate(files, 1):
        found = _read_file(engine, store, partition, file, settings)
        read += found.read
        candidates += found.candidates
        log.info(
            "%d/%d files: %s, %d records, %d may be kept",
            position,
            len(files),
            file.name,
            found.read,
            found.candidates,
        )
    return {"files": len(files), "read": read, "candidates": candidates}


def write_shards(
    engine: Engine, store: str, partition: str, uri: str, settings: IngestSettings
) -> PartitionCounts:
    """Leave out duplicates, cut the rest into shards, and record both; from then on they are to be converted.

    Duplicates are looked for in this partition and all others. The same staged documents give the same shards again:
    a partition recognises the texts that it has claimed itself.

    Raises:
        RunIncomplete: the counts do not add up, which would be an error of ours.
    """
    read_group(engine, store, partition, uri, settings, None)  # nothing, unless something was removed
    staged = partitions.staged_files(engine, partition)
    hashes = (sketch.text_hash for file in staged for rows in staged_sketches(file) for _, sketch in rows)
    claims.release_stale(engine, partition, hashes)
    duplicates = WholeFile(_left_out(store, partition), LEFT_OUT)
    shards = _Shards(engine, store, settings.documents_per_shard)
    n_duplicates = 0
    try:
        for document, found in _claimed(engine, partition, staged):
            if found is None:
                shards.add(document)
            else:
                n_duplicates += 1
                detail = f"similarity {found.similarity:.2f}" if found.kind == "near" else "the same words"
                row = duplicate_row(document, found.kind, detail, found.document_id, found.partition_id)
                duplicates.add(row, len(document.text))
        shards.close()
        duplicates.close(DUPLICATES, replace=True)
    except BaseException:
        shards.discard()
        duplicates.discard()
        raise
    before = partitions.counts_read(engine, partition)
    counts = PartitionCounts(
        read=before.read,
        kept=shards.documents,
        rejected=before.rejected,
        duplicate=n_duplicates,
        quarantined=before.quarantined,
    )
    if not counts.add_up():
        raise RunIncomplete(f"the counts of partition {partition} do not add up: {counts}")
    faultpoints.reach("before_finish")
    partitions.finish(engine, partition, shards.ids, counts)
    _remove_staged(staged)
    _remove_left_out(store, partition, {*(_name(uri) for uri in staged), DUPLICATES})
    return counts


def ingest_partition(
    engine: Engine,
    store: str,
    corpus: str,
    date: str,
    uri: str,
    settings: IngestSettings,
    run_id: str = "direct",
) -> PartitionCounts:
    """Do all of it in this process: what the DAG's tasks do one after another.

    Args:
        engine: of the service's database.
        store: folder or fsspec URI for staged files, shards and what was left out.
        corpus: the template of the partitions' URIs, which names the corpus.
        date: of the partition, YYYY-MM-DD.
        uri: where the partition lies.
        settings: see :class:`IngestSettings`.
        run_id: who does it.
    """
    partition = partitions.open_partition(engine, corpus, date, uri, run_id, asdict(settings))
    list_files(engine, partition, corpus, uri, settings)
    read_group(engine, store, partition, uri, settings, None)
    return write_shards(engine, store, partition, uri, settings)


def _read_file(
    engine: Engine, store: str, partition: str, file: CorpusFile, settings: IngestSettings
) -> Counts:
    mark = content_id([_fingerprint(file), settings.reading_hash()])
    pieces = partitions.pieces_of(engine, partition, file.name, mark)
    whole = [piece for piece in pieces if _exists(piece.staged)]
    if whole != pieces:  # a later piece cannot be read without those before it
        first_gone = next(piece.number for piece in pieces if piece not in whole)
        whole = [piece for piece in pieces if piece.number < first_gone]
        partitions.forget_pieces(engine, partition, file.name, first_gone)
    total = Counts()
    if whole and whole[-1].is_last:
        return total
    skip = sum(piece.records_read for piece in whole)
    records = read_file(file, FieldNames.mapped(settings.fields), skip=skip)
    for number in numbers(len(whole)):
        names = f"{content_id([file.name])}-{number:06}.parquet"
        counts, staged = _read_piece(store, partition, names, records, settings)
        is_last = counts.read < PIECE_RECORDS
        faultpoints.reach("before_piece")
        piece = Piece(number, staged, is_last, counts.read)
        partitions.record_piece(engine, partition, file.name, mark, piece, counts)
        total.read += counts.read
        total.candidates += counts.candidates
        if is_last:
            break
    return total


def _read_piece(
    store: str,
    partition: str,
    name: str,
    records: Iterator[Document | BadRecord],
    settings: IngestSettings,
) -> tuple[Counts, str]:
    counts = Counts()
    staged = WholeFile(f"{store.rstrip('/')}/staging/{partition}", STAGED)
    left_out = WholeFile(_left_out(store, partition), LEFT_OUT)
    try:
        for record in islice(records, PIECE_RECORDS):
            counts.read += 1
            found = _judged(record, settings)
            if isinstance(found, BadRecord):
                rejected = found.reason in NO_CONTENT
                _count(counts.rejected if rejected else counts.quarantined, found.reason)
                left_out.add(bad_row(found, "rejected" if rejected else "quarantined"), len(found.detail))
                continue
            document, rejection = found
            if rejection:
                _count(counts.rejected, rejection.rule)
                left_out.add(rejected_row(document, rejection.rule, rejection.detail), len(document.text))
            else:
                counts.candidates += 1
                staged.add(staged_row(document, near_duplicates.sketch(document.text)), len(document.text))
        left_out.close(name, replace=True)
        return counts, staged.close(name, replace=True)
    except BaseException:
        staged.discard()
        left_out.discard()
        raise


def _judged(
    record: Document | BadRecord, settings: IngestSettings
) -> tuple[Document, Rejection | None] | BadRecord:
    if isinstance(record, BadRecord):
        return record
    try:
        text = clean(record.text, mask_personal_data=settings.mask_personal_data)
        n_tokens = count_tokens(text)
        document = record.model_copy(update={"id": text_id(text), "text": text, "n_tokens": n_tokens})
        return document, judge(text, n_tokens, settings.rules)
    except Exception as error:  # one hostile text must not stop its file; it is counted and kept for a look
        log.exception("%s, record %d cannot be cleaned", record.source_uri, record.source_row)
        return BadRecord(
            source_uri=record.source_uri,
            source_row=record.source_row,
            reason="cannot_be_cleaned",
            detail=type(error).__name__,
        )


def _claimed(
    engine: Engine, partition: str, staged: Sequence[str]
) -> Iterator[tuple[Document, claims.Duplicate | None]]:
    seen: set[bytes] = set()
    for position, file in enumerate(staged, 1):
        for rows in staged_documents(file):
            candidates = [claims.Candidate(document.id, sketch) for document, sketch in rows]
            found = claims.claim(engine, partition, candidates, seen)
            faultpoints.reach("after_claim")
            for (document, _), duplicate in zip(rows, found, strict=True):
                yield document, duplicate
        log.info("duplicates: %d/%d staged files", position, len(staged))


class _Shards:
    """Cuts documents into shards, each recorded once its file is whole."""

    def __init__(self, engine: Engine, store: str, size: int) -> None:
        self._engine, self._store, self._size = engine, store, size
        self._writer: ShardWriter | None = None
        self.ids: list[str] = []
        self.documents = 0

    def add(self, document: Document) -> None:
        self._writer = self._writer or ShardWriter(self._store)
        self._writer.add(document)
        self.documents += 1
        if len(self._writer.rows) >= self._size:
            self.close()

    def close(self) -> None:
        if self._writer is None:
            return
        shard, rows = self._writer.close(), self._writer.rows
        self._writer = None
        with self._engine.begin() as connection:
            record_shard(connection, shard, rows)
        self.ids.append(shard.id)

    def discard(self) -> None:
        if self._writer is not None:
            self._writer.discard()


def _left_out(store: str, partition: str) -> str:
    return f"{store.rstrip('/')}/left_out/{partition}"


def _fingerprint(file: CorpusFile) -> Any:
    if file.fault:
        return file.fault
    try:
        return fingerprint(file)
    except (OSError, ValueError):  # reading it says what is wrong
        return ""


def _exists(uri: str) -> bool:
    files, path = fsspec.url_to_fs(uri)
    return bool(files.exists(path))


def _remove_staged(staged: Sequence[str]) -> None:
    """Remove texts that stand in the shards now; a rerun reads the partition again."""
    for uri in staged:
        files, path = fsspec.url_to_fs(uri)
        with suppress(FileNotFoundError):
            files.rm(path)


def _remove_left_out(store: str, partition: str, current: set[str]) -> None:
    """Remove what an earlier delivery of the partition has left: files that it has no more."""
    files, folder = fsspec.url_to_fs(_left_out(store, partition))
    for path in files.ls(folder, detail=False):
        if _name(path) not in current and not _name(path).startswith("."):
            with suppress(FileNotFoundError):
                files.rm(path)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _count(counts: dict[str, int], reason: str) -> None:
    counts[reason] = counts.get(reason, 0) + 1
