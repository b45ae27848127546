"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

# Where a question comes from: document, run, configuration, every call, every verdict.
PROVENANCE = """
CREATE VIEW provenance AS
SELECT q.pair_id, q.id AS question_id, q.question, q.answer, q.answer_spec, q.persona, q.task_form, q.domain,
       q.state, q.stage, q.reason, q.detail, q.created_at,
       q.document_id, q.evidence,
       d.source, d.source_id, d.source_uri, d.source_row, d.url, d.licence,
       (SELECT jsonb_agg(DISTINCT jsonb_build_object(
                   'source', s.source, 'source_id', s.source_id, 'source_uri', s.source_uri,
                   'source_row', s.source_row, 'url', s.url, 'licence', s.licence, 'shard_id', s.shard_id))
        FROM documents s WHERE s.document_id = q.document_id
       ) AS sources,
       q.shard_id, q.run_id, r.code_version, q.config_hash, c.content AS configuration,
       (SELECT jsonb_agg(jsonb_build_object(
                   'call_key', l.call_key, 'stage', l.stage, 'prompt_version', l.prompt_version, 'model', l.model,
                   'model_revision', l.model_revision, 'attempt', l.attempt, 'valid', l.valid,
                   'prompt_tokens', l.prompt_tokens, 'cached_tokens', l.cached_tokens,
                   'completion_tokens', l.completion_tokens, 'latency_ms', l.latency_ms,
                   'finish_reason', l.finish_reason, 'response', l.response,
                   'repaired_escapes', l.repaired_escapes, 'run_id', l.run_id,
                   'called_at', l.created_at)
               ORDER BY l.created_at, l.stage, l.attempt)
        FROM llm_calls l
        WHERE l.document_id = q.document_id
          AND l.call_key IN (SELECT t.call_key FROM document_results t
                             WHERE t.config_hash = q.config_hash AND t.document_id = q.document_id
                             UNION SELECT q.call_key
                             UNION SELECT v.call_key FROM verdicts v WHERE v.question_id = q.id)
       ) AS calls,
       (SELECT jsonb_agg(jsonb_build_object(
                   'judge', v.judge, 'outcome', v.outcome, 'words', v.words, 'answer', v.answer,
                   'call_key', v.call_key)
               ORDER BY v.position)
        FROM verdicts v WHERE v.question_id = q.id
       ) AS verdicts
FROM questions q
JOIN documents d ON d.shard_id = q.shard_id AND d.document_id = q.document_id
JOIN runs r ON r.id = q.run_id
JOIN configurations c ON c.config_hash = q.config_hash
"""


def upgrade() -> None:
    op.create_table(
        "configurations",
        sa.Column("config_hash", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("config_hash", name=op.f("pk_configurations")),
    )
    op.create_table(
        "ingestions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("corpus", sa.String(), nullable=False),
        sa.Column("limit_records", sa.Integer(), nullable=True),
        sa.Column("records_read", sa.BigInteger(), nullable=False),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.Column("bad_records", sa.BigInteger(), nullable=False),
        sa.Column("repeated_ids", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingestions")),
    )
    op.create_table(
        "llm_calls",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("call_key", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("prompt_version", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("model_revision", sa.String(), nullable=False),
        sa.Column("sampling", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("invalid_reason", sa.String(), nullable=False),
        sa.Column("response", sa.String(), nullable=False),
        sa.Column("repaired_escapes", sa.Integer(), nullable=False),
        sa.Column("finish_reason", sa.String(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("cached_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("transport_attempts", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("shard_id", sa.String(), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("document_id", "call_key", "attempt", name=op.f("pk_llm_calls")),
    )
    op.create_index(op.f("ix_llm_calls_run_id"), "llm_calls", ["run_id"], unique=False)
    op.create_table(
        "shards",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("n_documents", sa.Integer(), nullable=False),
        sa.Column("n_tokens", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shards")),
    )
    op.create_table(
        "solver_attempts",
        sa.Column("pair_id", sa.String(), nullable=False),
        sa.Column("solver", sa.String(), nullable=False),
        sa.Column("prompt_version", sa.String(), nullable=False),
        sa.Column("temperature", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("successes", sa.Integer(), nullable=False),
        sa.Column(
            "updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint(
            "pair_id", "solver", "prompt_version", "temperature", name=op.f("pk_solver_attempts")
        ),
    )
    op.create_table(
        "bad_records",
        sa.Column("ingestion_id", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("source_uri", sa.String(), nullable=False),
        sa.Column("source_row", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ingestion_id"], ["ingestions.id"], name=op.f("fk_bad_records_ingestion_id")
        ),
        sa.PrimaryKeyConstraint("ingestion_id", "position", name=op.f("pk_bad_records")),
    )
    op.create_table(
        "documents",
        sa.Column("shard_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("source_uri", sa.String(), nullable=False),
        sa.Column("source_row", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("n_chars", sa.Integer(), nullable=False),
        sa.Column("n_tokens", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["shard_id"], ["shards.id"], name=op.f("fk_documents_shard_id")),
        sa.PrimaryKeyConstraint("shard_id", "position", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_document_id"), "documents", ["document_id"], unique=False)
    op.create_table(
        "ingestion_shards",
        sa.Column("ingestion_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("shard_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ingestion_id"], ["ingestions.id"], name=op.f("fk_ingestion_shards_ingestion_id")
        ),
        sa.ForeignKeyConstraint(["shard_id"], ["shards.id"], name=op.f("fk_ingestion_shards_shard_id")),
        sa.PrimaryKeyConstraint("ingestion_id", "position", name=op.f("pk_ingestion_shards")),
    )
    op.create_index(op.f("ix_ingestion_shards_shard_id"), "ingestion_shards", ["shard_id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("config_hash", sa.String(), nullable=False),
        sa.Column("ingestion_id", sa.String(), nullable=True),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("code_version", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.String(), server_default="", nullable=False),
        sa.Column(
            "started_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["config_hash"], ["configurations.config_hash"], name=op.f("fk_runs_config_hash")
        ),
        sa.ForeignKeyConstraint(["ingestion_id"], ["ingestions.id"], name=op.f("fk_runs_ingestion_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_config_hash"), "runs", ["config_hash"], unique=False)
    op.create_table(
        "conversions",
        sa.Column("shard_id", sa.String(), nullable=False),
        sa.Column("config_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("error", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["config_hash"], ["configurations.config_hash"], name=op.f("fk_conversions_config_hash")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_conversions_run_id")),
        sa.ForeignKeyConstraint(["shard_id"], ["shards.id"], name=op.f("fk_conversions_shard_id")),
        sa.PrimaryKeyConstraint("shard_id", "config_hash", name=op.f("pk_conversions")),
    )
    op.create_index(op.f("ix_conversions_run_id"), "conversions", ["run_id"], unique=False)
    op.create_table(
        "document_results",
        sa.Column("config_hash", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("call_key", sa.String(), nullable=False),
        sa.Column("n_items", sa.Integer(), nullable=False),
        sa.Column("n_accepted", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("shard_id", sa.String(), nullable=False),
        sa.Column(
            "finished_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["config_hash"], ["configurations.config_hash"], name=op.f("fk_document_results_config_hash")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_document_results_run_id")),
        sa.PrimaryKeyConstraint("config_hash", "document_id", name=op.f("pk_document_results")),
    )
    op.create_index(op.f("ix_document_results_run_id"), "document_results", ["run_id"], unique=False)
    op.create_table(
        "questions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("pair_id", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=False),
        sa.Column("config_hash", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("item_index", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("persona", sa.String(), nullable=False),
        sa.Column("task_form", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answer_type", sa.String(), nullable=False),
        sa.Column("answer_spec", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("derivation", sa.String(), nullable=False),
        sa.Column("expression", sa.String(), nullable=False),
        sa.Column("claim_scope", sa.String(), nullable=False),
        sa.Column("scope_anchor", sa.String(), nullable=False),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("call_key", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("shard_id", sa.String(), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["config_hash"], ["configurations.config_hash"], name=op.f("fk_questions_config_hash")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_questions_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
    )
    op.create_index(
        "ix_questions_document", "questions", ["config_hash", "document_id", "item_index"], unique=False
    )
    op.create_index(op.f("ix_questions_pair_id"), "questions", ["pair_id"], unique=False)
    op.create_index(op.f("ix_questions_run_id"), "questions", ["run_id"], unique=False)
    op.create_table(
        "run_shards",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("shard_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_shards_run_id")),
        sa.ForeignKeyConstraint(["shard_id"], ["shards.id"], name=op.f("fk_run_shards_shard_id")),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_run_shards")),
    )
    op.create_index(op.f("ix_run_shards_shard_id"), "run_shards", ["shard_id"], unique=False)
    op.create_table(
        "verdicts",
        sa.Column("question_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("judge", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("call_key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"], ["questions.id"], name=op.f("fk_verdicts_question_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("question_id", "position", name=op.f("pk_verdicts")),
    )

    op.execute(PROVENANCE)


def downgrade() -> None:
    op.execute("DROP VIEW provenance")
    op.drop_table("verdicts")
    op.drop_index(op.f("ix_run_shards_shard_id"), table_name="run_shards")
    op.drop_table("run_shards")
    op.drop_index(op.f("ix_questions_run_id"), table_name="questions")
    op.drop_index(op.f("ix_questions_pair_id"), table_name="questions")
    op.drop_index("ix_questions_document", table_name="questions")
    op.drop_table("questions")
    op.drop_index(op.f("ix_document_results_run_id"), table_name="document_results")
    op.drop_table("document_results")
    op.drop_index(op.f("ix_conversions_run_id"), table_name="conversions")
    op.drop_table("conversions")
    op.drop_index(op.f("ix_runs_config_hash"), table_name="runs")
    op.drop_table("runs")
    op.drop_index(op.f("ix_ingestion_shards_shard_id"), table_name="ingestion_shards")
    op.drop_table("ingestion_shards")
    op.drop_index(op.f("ix_documents_document_id"), table_name="documents")
    op.drop_table("documents")
    op.drop_table("bad_records")
    op.drop_table("solver_attempts")
    op.drop_table("shards")
    op.drop_index(op.f("ix_llm_calls_run_id"), table_name="llm_calls")
    op.drop_table("llm_calls")
    op.drop_table("ingestions")
    op.drop_table("configurations")
