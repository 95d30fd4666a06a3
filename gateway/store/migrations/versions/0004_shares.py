"""What documents take of order lines and of invoices that are credited."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table, empty: what was released before this version counts for nothing."""
    op.create_table(
        "share",
        sa.Column("of", WORDS, nullable=False),
        sa.Column("item", WORDS, nullable=False),
        sa.Column("document_id", WORDS, nullable=False),
        sa.Column("amount", WORDS, nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="share_document_id_fk"),
        sa.PrimaryKeyConstraint("of", "item", "document_id", name="share_pk"),
    )
    op.create_index("share_by_document", "share", ["document_id"])
