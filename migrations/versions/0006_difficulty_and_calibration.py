"""Attempts by what the solver saw and where they come from; marks of pairs; calibrations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

WHEN = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.drop_table("solver_attempts")  # nothing has written to it
    op.create_table(
        "solver_attempts",
        sa.Column("pair_id", sa.String(), nullable=False),
        sa.Column("solver", sa.String(), nullable=False),
        sa.Column("prompt_version", sa.String(), nullable=False),
        sa.Column("temperature", sa.Double(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("batch", sa.String(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("attempts", "successes", "unsure", "unanswered")
        ),
        sa.Column("updated_at", WHEN, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint(
            "pair_id",
            "solver",
            "prompt_version",
            "temperature",
            "condition",
            "batch",
            name=op.f("pk_solver_attempts"),
        ),
    )
    op.create_table(
        "pair_marks",
        sa.Column("pair_id", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("found_by", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("updated_at", WHEN, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("pair_id", "mark", "found_by", name=op.f("pk_pair_marks")),
    )
    op.create_table(
        "calibrations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("models", postgresql.JSONB(), nullable=False),
        sa.Column("prompt_versions", postgresql.JSONB(), nullable=False),
        sa.Column("n_items", sa.Integer(), nullable=False),
        sa.Column("results", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", WHEN, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibrations")),
    )


def downgrade() -> None:
    op.drop_table("calibrations")
    op.drop_table("pair_marks")
    op.drop_table("solver_attempts")
    op.create_table(
        "solver_attempts",
        sa.Column("pair_id", sa.String(), nullable=False),
        sa.Column("solver", sa.String(), nullable=False),
        sa.Column("prompt_version", sa.String(), nullable=False),
        sa.Column("temperature", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("successes", sa.Integer(), nullable=False),
        sa.Column("updated_at", WHEN, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint(
            "pair_id", "solver", "prompt_version", "temperature", name=op.f("pk_solver_attempts")
        ),
    )
