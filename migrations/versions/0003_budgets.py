"""Budgets: what an endpoint takes at a time, and what a run may spend."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "run_spending",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("calls", sa.Float(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "worker", name=op.f("pk_run_spending")),
    )
    op.create_table(
        "endpoint_budgets",
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("call_limit", sa.Float(), nullable=False),
        sa.Column("updater", sa.String(), nullable=False),
        sa.Column("updater_until", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", name=op.f("pk_endpoint_budgets")),
    )
    op.create_table(
        "endpoint_leases",
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("in_flight", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("busy_seconds", sa.Float(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "worker", name=op.f("pk_endpoint_leases")),
    )


def downgrade() -> None:
    op.drop_table("endpoint_leases")
    op.drop_table("endpoint_budgets")
    op.drop_table("run_spending")
