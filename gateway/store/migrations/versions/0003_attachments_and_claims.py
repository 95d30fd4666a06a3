"""Documents know the attachment they came in; what a partner may send only once is claimed by its message."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add columns, empty for documents that are there, and the table."""
    op.add_column("document", sa.Column("attachment", sa.Integer()))
    op.add_column("document", sa.Column("filename", WORDS))
    op.add_column("document", sa.Column("content_type", WORDS))
    op.create_table(
        "claim",
        sa.Column("key", WORDS, nullable=False),
        sa.Column("message_id", WORDS, nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="claim_pk"),
    )
    op.create_index("claim_by_message", "claim", ["message_id"])
