"""What receipts on connections of their own need, and what a sender signed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns; messages and deliveries that are there keep them empty."""
    if op.get_bind().dialect.name == "sqlite":  # which takes a foreign key only together with its column
        key = "CONSTRAINT message_evidence_fk REFERENCES payload (sha256)"
        op.execute(f"ALTER TABLE message ADD COLUMN evidence TEXT {key}")
    else:
        op.add_column("message", sa.Column("evidence", WORDS))
        op.create_foreign_key("message_evidence_fk", "message", "payload", ["evidence"], ["sha256"])
    op.add_column("message", sa.Column("evidence_size", sa.BigInteger()))
    op.add_column("message", sa.Column("answer_to", WORDS))
    op.add_column("message", sa.Column("answer_by", sa.BigInteger()))
    op.add_column("delivery", sa.Column("expected", sa.Text()))
