"""Parts of long documents; provenance of repaired questions."""

import importlib.util
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

PROVENANCE = """
CREATE VIEW provenance AS
SELECT q.pair_id, q.id AS question_id, q.question, q.answer, q.answer_spec, q.persona, q.task_form, q.domain,
       q.state, q.stage, q.reason, q.detail, q.created_at,
       q.document_id, q.part, q.evidence,
       q.parent_id, p.question AS parent_question, p.stage AS parent_stage, p.reason AS parent_reason,
       p.detail AS parent_detail,
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
                             UNION SELECT t.call_key FROM part_results t
                             WHERE t.config_hash = q.config_hash AND t.document_id = q.document_id
                               AND t.part = q.part
                             UNION SELECT q.call_key
                             UNION SELECT p.call_key
                             UNION SELECT v.call_key FROM verdicts v WHERE v.question_id IN (q.id, p.id))
       ) AS calls,
       (SELECT jsonb_agg(jsonb_build_object(
                   'judge', v.judge, 'outcome', v.outcome, 'words', v.words, 'answer', v.answer,
                   'call_key', v.call_key)
               ORDER BY v.position)
        FROM verdicts v WHERE v.question_id = q.id
       ) AS verdicts
FROM questions q
LEFT JOIN questions p ON p.id = q.parent_id
JOIN documents d ON d.shard_id = q.shard_id AND d.document_id = q.document_id
JOIN runs r ON r.id = q.run_id
JOIN configurations c ON c.config_hash = q.config_hash
"""


def upgrade() -> None:
    op.execute("DROP VIEW provenance")
    op.create_table(
        "part_results",
        sa.Column("config_hash", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("start_char", sa.Integer(), nullable=False),
        sa.Column("end_char", sa.Integer(), nullable=False),
        sa.Column("title_path", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("call_key", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("shard_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["config_hash"], ["configurations.config_hash"], name=op.f("fk_part_results_config_hash")
        ),
        sa.PrimaryKeyConstraint("config_hash", "document_id", "part", name=op.f("pk_part_results")),
    )
    # What was there before had no parts: one part a document that reached a model.
    op.add_column("document_results", sa.Column("n_parts", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("document_results", "n_parts", server_default=None)
    op.add_column("questions", sa.Column("part", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("questions", "part", server_default=None)
    op.drop_index("ix_questions_document", table_name="questions")
    op.create_index(
        "ix_questions_document", "questions", ["config_hash", "document_id", "part", "item_index"]
    )
    op.execute(PROVENANCE)


def downgrade() -> None:
    op.execute("DROP VIEW provenance")
    op.drop_index("ix_questions_document", table_name="questions")
    op.drop_column("questions", "part")
    op.create_index("ix_questions_document", "questions", ["config_hash", "document_id", "item_index"])
    op.drop_column("document_results", "n_parts")
    op.drop_table("part_results")
    op.execute(_earlier_view())


def _earlier_view() -> str:
    """Return the view as the migration before this one made it."""
    path = Path(__file__).with_name("0001_the_first_tables.py")
    spec = importlib.util.spec_from_file_location("_migration_0001", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.PROVENANCE)
