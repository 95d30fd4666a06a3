"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _counter() -> None:
    op.create_table(
        "counter",
        sa.Column("name", WORDS, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="counter_pk"),
    )


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("axis", WORDS, nullable=False),
        sa.Column("what", WORDS, nullable=False),
        sa.Column("before", WORDS, nullable=False),
        sa.Column("after", WORDS, nullable=False),
        sa.Column("why", WORDS, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("previous", WORDS, nullable=False),
        sa.Column("hash", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("subject", "sequence", name="event_pk"),
        sqlite_with_rowid=False,
    )


def _history() -> None:
    op.create_table(
        "history",
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("hash", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="history_pk"),
        sqlite_with_rowid=False,
    )


def _node() -> None:
    op.create_table(
        "node",
        sa.Column("name", WORDS, nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("name", name="node_pk"),
    )


def _payload() -> None:
    op.create_table(
        "payload",
        sa.Column("sha256", WORDS, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("sha256", name="payload_pk"),
    )


def _reference() -> None:
    op.create_table(
        "reference",
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("value", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", "subject", name="reference_pk"),
        sqlite_with_rowid=False,
    )


def _work() -> None:
    op.create_table(
        "work",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("node", WORDS),
        sa.Column("until", sa.BigInteger()),
        sa.Column("again_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="work_pk"),
        sa.UniqueConstraint("subject", "kind", name="work_subject_kind_uq"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "work_claimed",
        "work",
        ["node", "until"],
        sqlite_where=sa.text("node IS NOT NULL"),
        postgresql_where=sa.text("node IS NOT NULL"),
    )
    op.create_index(
        "work_due",
        "work",
        ["kind", "priority", "due_at", "id"],
        sqlite_where=sa.text("node IS NULL"),
        postgresql_where=sa.text("node IS NULL"),
    )


def _message() -> None:
    op.create_table(
        "message",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("direction", WORDS, nullable=False),
        sa.Column("channel", WORDS, nullable=False),
        sa.Column("endpoint", WORDS, nullable=False),
        sa.Column("partner", WORDS, nullable=False),
        sa.Column("peer_id", WORDS, nullable=False),
        sa.Column("payload", WORDS, nullable=False),
        sa.Column("payload_size", sa.BigInteger(), nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("filename", WORDS),
        sa.Column("content_type", WORDS),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("answer_body", sa.LargeBinary()),
        sa.Column("answer_headers", sa.Text()),
        sa.Column("answer_status", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="message_pk"),
        sa.ForeignKeyConstraint(["payload"], ["payload.sha256"], name="message_payload_fk"),
        sa.UniqueConstraint(
            "peer_id", "partner", "channel", "direction", name="message_peer_id_partner_channel_direction_uq"
        ),
    )
    op.create_index("message_by_partner", "message", ["partner", "id"])
    op.create_index("message_by_partner_state", "message", ["partner", "state", "id"])
    op.create_index("message_by_payload", "message", ["payload"])
    op.create_index("message_by_state", "message", ["state", "id"])


def _document() -> None:
    op.create_table(
        "document",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("message_id", WORDS, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("format", WORDS, nullable=False),
        sa.Column("sender", WORDS, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("correlation_id", WORDS, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("partner", WORDS),
        sa.Column("number", WORDS),
        sa.Column("source", WORDS),
        sa.Column("source_size", sa.BigInteger()),
        sa.Column("canonical", WORDS),
        sa.Column("canonical_size", sa.BigInteger()),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.Column("reason", WORDS),
        sa.PrimaryKeyConstraint("id", name="document_pk"),
        sa.ForeignKeyConstraint(["canonical"], ["payload.sha256"], name="document_canonical_fk"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="document_message_id_fk"),
        sa.ForeignKeyConstraint(["source"], ["payload.sha256"], name="document_source_fk"),
        sa.UniqueConstraint("message_id", "position", name="document_message_id_position_uq"),
    )
    op.create_index("document_by_kind", "document", ["kind", "id"])
    op.create_index("document_by_number", "document", ["number", "id"])
    op.create_index("document_by_partner", "document", ["partner", "id"])
    op.create_index("document_by_partner_state", "document", ["partner", "state", "id"])
    op.create_index("document_by_state", "document", ["state", "id"])


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("document_id", WORDS, nullable=False),
        sa.Column("message_id", WORDS, nullable=False),
        sa.Column("partner", WORDS, nullable=False),
        sa.Column("endpoint", WORDS, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("last_error", WORDS),
        sa.Column("proof", WORDS),
        sa.PrimaryKeyConstraint("id", name="delivery_pk"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="delivery_document_id_fk"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="delivery_message_id_fk"),
    )
    op.create_index("delivery_by_document", "delivery", ["document_id", "position", "rank", "id"])
    op.create_index("delivery_by_message", "delivery", ["message_id"])
    op.create_index("delivery_by_partner", "delivery", ["partner", "id"])
    op.create_index("delivery_by_partner_state", "delivery", ["partner", "state", "id"])
    op.create_index("delivery_by_state", "delivery", ["state", "id"])


def _purchase_order() -> None:
    op.create_table(
        "purchase_order",
        sa.Column("partner", WORDS, nullable=False),
        sa.Column("number", WORDS, nullable=False),
        sa.Column("document_id", WORDS, nullable=False),
        sa.Column("canonical", WORDS, nullable=False),
        sa.Column("canonical_size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "number", name="purchase_order_pk"),
        sa.ForeignKeyConstraint(["canonical"], ["payload.sha256"], name="purchase_order_canonical_fk"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="purchase_order_document_id_fk"),
    )
    op.create_index("purchase_order_by_document", "purchase_order", ["document_id"])


def _unique_key() -> None:
    op.create_table(
        "unique_key",
        sa.Column("key", WORDS, nullable=False),
        sa.Column("document_id", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("key", name="unique_key_pk"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="unique_key_document_id_fk"),
    )
    op.create_index("unique_key_by_document", "unique_key", ["document_id"])


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("delivery_id", WORDS, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("node", WORDS, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("result", WORDS),
        sa.Column("text", WORDS),
        sa.PrimaryKeyConstraint("id", name="attempt_pk"),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="attempt_delivery_id_fk"),
    )
    op.create_index("attempt_by_delivery", "attempt", ["delivery_id", "number"])


def _receipt() -> None:
    op.create_table(
        "receipt",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("outcome", WORDS, nullable=False),
        sa.Column("partner", WORDS, nullable=False),
        sa.Column("text", WORDS, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", WORDS),
        sa.Column("payload", WORDS),
        sa.Column("payload_size", sa.BigInteger()),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="receipt_pk"),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="receipt_delivery_id_fk"),
        sa.ForeignKeyConstraint(["payload"], ["payload.sha256"], name="receipt_payload_fk"),
    )
    op.create_index("receipt_by_delivery", "receipt", ["delivery_id", "id"])


def upgrade() -> None:
    """Make the tables and their indices, in the order in which they name each other."""
    _counter()
    _event()
    _history()
    _node()
    _payload()
    _reference()
    _work()
    _message()
    _document()
    _delivery()
    _purchase_order()
    _unique_key()
    _attempt()
    _receipt()
