"""Claims on texts: which partition has which text, and a sketch of it to find near duplicates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "text_claims",
        sa.Column("text_hash", sa.LargeBinary(), nullable=False),
        sa.Column("partition_id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("bands", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("low", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("text_hash", name=op.f("pk_text_claims")),
    )
    op.create_index(op.f("ix_text_claims_partition_id"), "text_claims", ["partition_id"], unique=False)
    op.create_index(
        "ix_text_claims_bands",
        "text_claims",
        ["bands"],
        unique=False,
        postgresql_using="gin",
        # the pending list would be searched whole by every look-up
        postgresql_with={"fastupdate": "off"},
    )


def downgrade() -> None:
    op.drop_table("text_claims")
