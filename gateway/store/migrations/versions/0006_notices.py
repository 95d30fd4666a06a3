"""What people are to be told of: news of the history, and the notices made of them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, empty: of what happened before nobody is told."""
    op.create_table(
        "news",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="news_pk"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "notice",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("wanted_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("digest", WORDS),
        sa.Column("last_error", WORDS),
        sa.Column("told_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="notice_pk"),
    )
    open_ones = sa.text("told_at IS NULL")
    op.create_index(
        "notice_due", "notice", ["name", "due_at", "id"], sqlite_where=open_ones, postgresql_where=open_ones
    )
    op.create_index("notice_by_digest", "notice", ["digest", "id"])
    op.create_index("notice_by_wanted", "notice", ["wanted_at"])
