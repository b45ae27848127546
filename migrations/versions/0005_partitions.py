"""Partitions: what the nightly ingestion has read, and the shards that it became."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

COUNTS = ("records_read", "kept", "rejected", "duplicates", "quarantined")


def upgrade() -> None:
    op.create_table(
        "partitions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("corpus", sa.String(), nullable=False),
        sa.Column("date", sa.String(), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.String(), server_default="", nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in COUNTS),
        sa.Column(
            "started_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partitions")),
    )
    op.create_table(
        "partition_files",
        sa.Column("partition_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file_group", sa.Integer(), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        _partition("partition_files"),
        sa.PrimaryKeyConstraint("partition_id", "position", name=op.f("pk_partition_files")),
    )
    op.create_table(
        "partition_pieces",
        sa.Column("partition_id", sa.String(), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("piece", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("staged", sa.String(), nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("records_read", sa.BigInteger(), nullable=False),
        sa.Column("candidates", sa.BigInteger(), nullable=False),
        sa.Column("rejected", postgresql.JSONB(), nullable=False),
        sa.Column("quarantined", postgresql.JSONB(), nullable=False),
        _partition("partition_pieces"),
        sa.PrimaryKeyConstraint("partition_id", "uri", "piece", name=op.f("pk_partition_pieces")),
    )
    op.create_table(
        "partition_shards",
        sa.Column("partition_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("shard_id", sa.String(), nullable=False),
        _partition("partition_shards"),
        sa.ForeignKeyConstraint(["shard_id"], ["shards.id"], name=op.f("fk_partition_shards_shard_id")),
        sa.PrimaryKeyConstraint("partition_id", "position", name=op.f("pk_partition_shards")),
    )
    op.create_index(op.f("ix_partition_shards_shard_id"), "partition_shards", ["shard_id"])


def _partition(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["partition_id"], ["partitions.id"], name=op.f(f"fk_{table}_partition_id"))


def downgrade() -> None:
    for table in ("partition_shards", "partition_pieces", "partition_files", "partitions"):
        op.drop_table(table)
