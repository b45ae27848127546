"""The tables. Document text stays in the shard files; here are ids, spans, hashes, calls and verdicts."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, MetaData, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
NOW = text("now()")


class Base(DeclarativeBase):
    """Base of all tables. Empty strings stand for what is not there; NULL for what is not known yet."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        datetime: TIMESTAMP(timezone=True),
    }


class Configuration(Base):
    """Everything that decides outcomes, named by its hash."""

    __tablename__ = "configurations"

    config_hash: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Ingestion(Base):
    """One reading of a corpus. Its id is a hash of what was read: the same corpus, the same ingestion."""

    __tablename__ = "ingestions"

    id: Mapped[str] = mapped_column(primary_key=True)
    corpus: Mapped[str]
    limit_records: Mapped[int | None]
    records_read: Mapped[int] = mapped_column(BigInteger)
    documents: Mapped[int] = mapped_column(BigInteger)
    bad_records: Mapped[int] = mapped_column(BigInteger)
    repeated_ids: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Shard(Base):
    """A file of documents, named by its content."""

    __tablename__ = "shards"

    id: Mapped[str] = mapped_column(primary_key=True)
    uri: Mapped[str]
    n_documents: Mapped[int]
    n_tokens: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class IngestionShard(Base):
    """Which shards an ingestion consists of, in order."""

    __tablename__ = "ingestion_shards"

    ingestion_id: Mapped[str] = mapped_column(ForeignKey("ingestions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    shard_id: Mapped[str] = mapped_column(ForeignKey("shards.id"), index=True)


class DocumentRow(Base):
    """One document of a shard. ``document_id`` is the hash of its text."""

    __tablename__ = "documents"

    shard_id: Mapped[str] = mapped_column(ForeignKey("shards.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[str] = mapped_column(index=True)
    source_id: Mapped[str]
    source_uri: Mapped[str]
    source_row: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str]
    url: Mapped[str]
    licence: Mapped[str]
    n_chars: Mapped[int]
    n_tokens: Mapped[int]


class BadRecordRow(Base):
    """A record of a corpus that is no document: file, line and reason."""

    __tablename__ = "bad_records"

    ingestion_id: Mapped[str] = mapped_column(ForeignKey("ingestions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    source_uri: Mapped[str]
    source_row: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    detail: Mapped[str]
    document_id: Mapped[str]  # of the first copy, for a duplicate


class Partition(Base):
    """A night's part of a corpus. Its id is a hash of the corpus's name and the date.

    When it is done, ``records_read`` = kept + rejected + duplicates + quarantined.
    """

    __tablename__ = "partitions"

    id: Mapped[str] = mapped_column(primary_key=True)
    corpus: Mapped[str]  # the template of its URI
    date: Mapped[str]  # YYYY-MM-DD
    uri: Mapped[str]
    state: Mapped[str]  # waiting, missing, empty, reading, done, failed
    error: Mapped[str] = mapped_column(server_default="")
    run_id: Mapped[str]  # the DAG run of `ingest_corpus` that had it last
    settings: Mapped[dict[str, Any]]
    records_read: Mapped[int] = mapped_column(BigInteger, server_default="0")
    kept: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected: Mapped[int] = mapped_column(BigInteger, server_default="0")
    duplicates: Mapped[int] = mapped_column(BigInteger, server_default="0")
    quarantined: Mapped[int] = mapped_column(BigInteger, server_default="0")
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]


class PartitionFile(Base):
    """A file of a partition, and which mapped task reads it."""

    __tablename__ = "partition_files"

    partition_id: Mapped[str] = mapped_column(ForeignKey("partitions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # in the order of names
    file_group: Mapped[int]
    uri: Mapped[str]
    path: Mapped[str]  # the file system's own
    fault: Mapped[str]  # why it must not be opened


class PartitionPiece(Base):
    """Some records of a file, read, cleaned and judged: what a killed task need not do again."""

    __tablename__ = "partition_pieces"

    partition_id: Mapped[str] = mapped_column(ForeignKey("partitions.id"), primary_key=True)
    uri: Mapped[str] = mapped_column(primary_key=True)
    piece: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]  # of the file and the settings it was read with
    staged: Mapped[str]  # the Parquet file of what may be kept, until the partition is done
    is_last: Mapped[bool]
    records_read: Mapped[int] = mapped_column(BigInteger)
    candidates: Mapped[int] = mapped_column(BigInteger)
    rejected: Mapped[dict[str, Any]]  # counts by rule
    quarantined: Mapped[dict[str, Any]]  # counts by reason


class PartitionShard(Base):
    """Which shards a partition became, in order."""

    __tablename__ = "partition_shards"

    partition_id: Mapped[str] = mapped_column(ForeignKey("partitions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    shard_id: Mapped[str] = mapped_column(ForeignKey("shards.id"), index=True)


class Run(Base):
    """One DAG run of `convert_corpus`."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)  # Airflow's run id
    config_hash: Mapped[str] = mapped_column(ForeignKey("configurations.config_hash"), index=True)
    ingestion_id: Mapped[str | None] = mapped_column(ForeignKey("ingestions.id"))
    parameters: Mapped[dict[str, Any]]
    code_version: Mapped[str]
    state: Mapped[str]  # running, success, failed
    error: Mapped[str] = mapped_column(server_default="")
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]


class RunShard(Base):
    """Which shards a run works on, in order."""

    __tablename__ = "run_shards"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    shard_id: Mapped[str] = mapped_column(ForeignKey("shards.id"), index=True)


class Conversion(Base):
    """A shard under one configuration: two workers never work the same one.

    Claiming raises ``epoch``; every write of a worker first extends the lease ``WHERE epoch = mine`` in its own
    transaction. Lease times are the database's.
    """

    __tablename__ = "conversions"

    shard_id: Mapped[str] = mapped_column(ForeignKey("shards.id"), primary_key=True)
    config_hash: Mapped[str] = mapped_column(ForeignKey("configurations.config_hash"), primary_key=True)
    state: Mapped[str]  # running, open (something is left to do), spent (by the run's budget), done, failed
    owner: Mapped[str]
    epoch: Mapped[int] = mapped_column(BigInteger)
    lease_until: Mapped[datetime]
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    error: Mapped[str] = mapped_column(server_default="")


class RunSpending(Base):
    """What a worker has set aside of its run's budget; at its end, what it has spent."""

    __tablename__ = "run_spending"

    run_id: Mapped[str] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column(primary_key=True)
    calls: Mapped[float]
    tokens: Mapped[float]
    price: Mapped[float]


class EndpointBudget(Base):
    """What an endpoint takes at a time, found by one elected worker for all; see ``llm/capacity.py``."""

    __tablename__ = "endpoint_budgets"

    endpoint: Mapped[str] = mapped_column(primary_key=True)  # its base URLs
    call_limit: Mapped[float]  # calls in flight, summed over workers
    updater: Mapped[str]  # the worker that changes the limit
    updater_until: Mapped[datetime]


class EndpointLease(Base):
    """A worker that calls an endpoint, and what it has counted since it began."""

    __tablename__ = "endpoint_leases"

    endpoint: Mapped[str] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column(primary_key=True)
    lease_until: Mapped[datetime]
    in_flight: Mapped[int]
    wanted: Mapped[int]  # calls that it could have in flight
    calls: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)
    busy_seconds: Mapped[float]
    refused: Mapped[int] = mapped_column(BigInteger)


class DocumentResult(Base):
    """Where a document ended under one configuration: done, rejected, or failed (to be driven again)."""

    __tablename__ = "document_results"

    config_hash: Mapped[str] = mapped_column(ForeignKey("configurations.config_hash"), primary_key=True)
    document_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    stage: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str]
    domain: Mapped[str]
    call_key: Mapped[str]  # of assess; empty where the document was split
    n_parts: Mapped[int]
    n_items: Mapped[int]
    n_accepted: Mapped[int]
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    shard_id: Mapped[str]
    finished_at: Mapped[datetime] = mapped_column(server_default=NOW)


class PartResult(Base):
    """Where a part of a split document ended under one configuration; offsets in characters of the document."""

    __tablename__ = "part_results"

    config_hash: Mapped[str] = mapped_column(ForeignKey("configurations.config_hash"), primary_key=True)
    document_id: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    start_char: Mapped[int]
    end_char: Mapped[int]
    title_path: Mapped[list[Any]]
    state: Mapped[str]
    stage: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str]
    domain: Mapped[str]
    call_key: Mapped[str]  # of assess
    run_id: Mapped[str]
    shard_id: Mapped[str]


class QuestionRow(Base):
    """A plan item and what became of it; without a question where the generator abstained or failed.

    A repaired question stays, in the state ``repaired``, beside the one that took its place.
    """

    __tablename__ = "questions"
    __table_args__ = (Index("ix_questions_document", "config_hash", "document_id", "part", "item_index"),)

    # Hash of configuration, document, part, item and revision.
    id: Mapped[str] = mapped_column(primary_key=True)
    # Of an accepted question: hash of document, question and answer, the data set's id. Else empty.
    pair_id: Mapped[str] = mapped_column(index=True)
    parent_id: Mapped[str]  # the question that this one repairs
    config_hash: Mapped[str] = mapped_column(ForeignKey("configurations.config_hash"))
    document_id: Mapped[str]
    part: Mapped[int]
    item_index: Mapped[int]
    domain: Mapped[str]
    persona: Mapped[str]
    task_form: Mapped[str]
    target: Mapped[str]
    question: Mapped[str]
    answer: Mapped[str]
    answer_type: Mapped[str]
    answer_spec: Mapped[dict[str, Any] | None]
    evidence: Mapped[list[Any]]  # of {start, end, text}, offsets in characters
    derivation: Mapped[str]
    expression: Mapped[str]
    claim_scope: Mapped[str]
    scope_anchor: Mapped[str]
    draft: Mapped[dict[str, Any] | None]  # the generator's answer where the gate rejected it
    state: Mapped[str]
    stage: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str]
    call_key: Mapped[str]  # of generate
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    shard_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class VerdictRow(Base):
    """What one judge said of one question."""

    __tablename__ = "verdicts"

    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    judge: Mapped[str]
    outcome: Mapped[str]
    words: Mapped[str]
    answer: Mapped[str]
    call_key: Mapped[str]  # empty for rules


class LlmCall(Base):
    """The ledger: one row per completed call. Keys start with the document, so its rows lie together."""

    __tablename__ = "llm_calls"

    document_id: Mapped[str] = mapped_column(primary_key=True)
    call_key: Mapped[str] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    stage: Mapped[str]
    prompt_version: Mapped[str]
    model: Mapped[str]
    model_revision: Mapped[str]
    sampling: Mapped[dict[str, Any]]
    valid: Mapped[bool]
    invalid_reason: Mapped[str]
    response: Mapped[str]
    repaired_escapes: Mapped[int]  # backslashes of LaTeX that were doubled before the response was read
    finish_reason: Mapped[str]
    prompt_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    latency_ms: Mapped[int]
    transport_attempts: Mapped[int]
    run_id: Mapped[str] = mapped_column(index=True)
    shard_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class SolverAttempts(Base):
    """Attempts of a solver at a pair: the base of ``pass_rate``, and of what can be guessed.

    ``condition`` says what the solver saw: ``question`` (the very prompt of the exports), ``options_only``, or
    ``without_givens``. ``batch`` is empty for our own attempts, else the hash of the file of rollouts.
    """

    __tablename__ = "solver_attempts"

    pair_id: Mapped[str] = mapped_column(primary_key=True)
    solver: Mapped[str] = mapped_column(primary_key=True)  # model, and its revision behind an @
    prompt_version: Mapped[str] = mapped_column(primary_key=True)
    temperature: Mapped[float] = mapped_column(primary_key=True)
    condition: Mapped[str] = mapped_column(primary_key=True)
    batch: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[int]
    successes: Mapped[int]
    unsure: Mapped[int]  # of the attempts: the rules could not say, which counts as no success
    unanswered: Mapped[int]  # of the attempts: without a final answer, or with several
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class PairMark(Base):
    """What was found out about an accepted pair later: a release may leave marked pairs out.

    ``mark``: ``guessable_options``, ``guessable_without_givens``, ``answer_in_question``, ``suspect_label``.
    """

    __tablename__ = "pair_marks"

    pair_id: Mapped[str] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(primary_key=True)
    found_by: Mapped[str] = mapped_column(primary_key=True)  # the solver or the batch of rollouts
    detail: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Calibration(Base):
    """How well every stage told labelled items apart, with these models and prompts."""

    __tablename__ = "calibrations"

    id: Mapped[str] = mapped_column(primary_key=True)  # hash of models, prompts and items
    models: Mapped[dict[str, Any]]
    prompt_versions: Mapped[dict[str, Any]]
    n_items: Mapped[int]
    results: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Release(Base):
    """A published data set. Its id is a hash of its rows and parameters: the same again is the same release."""

    __tablename__ = "releases"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    uri: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]]
    approved_by: Mapped[str]  # empty where nobody was asked
    run_id: Mapped[str]  # the DAG run that published it first
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ReleaseMember(Base):
    """What became of an accepted pair in a release: its split, or why it was left out, with the evidence."""

    __tablename__ = "release_members"

    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    pair_id: Mapped[str] = mapped_column(primary_key=True, index=True)
    split: Mapped[str]  # empty for a pair that was left out
    excluded: Mapped[str]  # duplicate/near, contaminated/gsm8k, filtered/..., capped/...; empty for a member
    detail: Mapped[str]


class TextClaim(Base):
    """A text that was kept, and the partition that has it; see ``corpus/near_duplicates.py``."""

    __tablename__ = "text_claims"
    __table_args__ = (
        Index("ix_text_claims_bands", "bands", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )

    text_hash: Mapped[bytes] = mapped_column(primary_key=True)
    partition_id: Mapped[str] = mapped_column(index=True)
    document_id: Mapped[str]
    bands: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    low: Mapped[bytes]
    version: Mapped[int]
