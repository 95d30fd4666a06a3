"""The tables and their indices; `migrations/` builds the same, and a test compares them.

Identifiers sort by time of making, so "newest first" is the order of the identifier, and paging goes by it.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from gateway.finding import Finding, Provenance, Severity
from gateway.message import (
    AttemptResult,
    DeliveryState,
    Direction,
    DocumentKind,
    MessageState,
    Processing,
    ReceiptOutcome,
)
from gateway.store.columns import Choice, Json, Key, Moment, Several, Words

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
    }
)


def _finding(**values: str) -> Finding:
    return Finding(**{**values, "severity": Severity(values["severity"])})  # type: ignore[arg-type]  # severity is one


# Bytes by content. Up to 128 KiB they lie in `data`; larger ones in a file, and `data` is null.
payload = Table(
    "payload",
    metadata,
    Column("sha256", Words, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary),
)

message = Table(
    "message",
    metadata,
    Column("id", Words, primary_key=True),
    Column("direction", Choice(Direction), nullable=False),
    Column("channel", Words, nullable=False),
    Column("endpoint", Words, nullable=False),
    Column("partner", Words, nullable=False),
    Column("peer_id", Key, nullable=False),
    Column("payload", Words, ForeignKey("payload.sha256"), nullable=False),
    Column("payload_size", BigInteger, nullable=False),
    Column("state", Choice(MessageState), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("filename", Words),
    Column("content_type", Words),
    Column("headers", Json, nullable=False),
    Column("answer_body", LargeBinary),
    Column("answer_headers", Json),
    Column("answer_status", Integer),
    Column("evidence", Words, ForeignKey("payload.sha256")),
    Column("evidence_size", BigInteger),
    Column("answer_to", Words),
    Column("answer_by", Moment),
    # the identity a peer gave it, foremost because it is what differs
    UniqueConstraint("peer_id", "partner", "channel", "direction"),
    Index("message_by_state", "state", "id"),
    Index("message_by_partner", "partner", "id"),
    Index("message_by_partner_state", "partner", "state", "id"),
    Index("message_by_payload", "payload"),
)

document = Table(
    "document",
    metadata,
    Column("id", Words, primary_key=True),
    Column("message_id", Words, ForeignKey("message.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", Choice(DocumentKind), nullable=False),
    Column("format", Words, nullable=False),
    Column("sender", Words, nullable=False),
    Column("state", Choice(Processing), nullable=False),
    Column("correlation_id", Key, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("partner", Words),
    Column("number", Key),
    Column("source", Words, ForeignKey("payload.sha256")),
    Column("source_size", BigInteger),
    Column("canonical", Words, ForeignKey("payload.sha256")),
    Column("canonical_size", BigInteger),
    Column("findings", Several(_finding), nullable=False),
    Column("provenance", Several(Provenance), nullable=False),
    Column("places", Json, nullable=False),
    Column("reason", Words),
    Column("attachment", Integer),
    Column("filename", Words),
    Column("content_type", Words),
    UniqueConstraint("message_id", "position"),
    Index("document_by_state", "state", "id"),
    Index("document_by_partner", "partner", "id"),
    Index("document_by_partner_state", "partner", "state", "id"),
    Index("document_by_kind", "kind", "id"),
    Index("document_by_number", "number", "id"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Words, primary_key=True),
    Column("document_id", Words, ForeignKey("document.id"), nullable=False),
    Column("message_id", Words, ForeignKey("message.id"), nullable=False),
    Column("partner", Words, nullable=False),
    Column("endpoint", Words, nullable=False),
    Column("position", Integer, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("state", Choice(DeliveryState), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("deadline", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Moment),
    Column("last_error", Words),
    Column("proof", Words),
    Column("expected", Json),
    Column("acknowledge_by", Moment),
    Index(
        "delivery_acknowledge",
        "acknowledge_by",
        sqlite_where=text("acknowledge_by IS NOT NULL"),
        postgresql_where=text("acknowledge_by IS NOT NULL"),
    ),
    Index("delivery_by_document", "document_id", "position", "rank", "id"),
    Index("delivery_by_message", "message_id"),
    Index("delivery_by_state", "state", "id"),
    Index("delivery_by_partner", "partner", "id"),
    Index("delivery_by_partner_state", "partner", "state", "id"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Words, primary_key=True),
    Column("delivery_id", Words, ForeignKey("delivery.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("node", Words, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("result", Choice(AttemptResult)),
    Column("text", Words),
    Index("attempt_by_delivery", "delivery_id", "number"),
)

receipt = Table(
    "receipt",
    metadata,
    Column("id", Words, primary_key=True),
    Column("kind", Words, nullable=False),
    Column("outcome", Choice(ReceiptOutcome), nullable=False),
    Column("partner", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("delivery_id", Words, ForeignKey("delivery.id")),
    Column("payload", Words, ForeignKey("payload.sha256")),
    Column("payload_size", BigInteger),
    Column("details", Json, nullable=False),
    Index("receipt_by_delivery", "delivery_id", "id"),
)

event = Table(
    "event",
    metadata,
    Column("subject", Words, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Words, nullable=False),
    Column("axis", Words, nullable=False),
    Column("what", Words, nullable=False),
    Column("before", Words, nullable=False),
    Column("after", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("data", Json, nullable=False),
    Column("previous", Words, nullable=False),
    Column("hash", Words, nullable=False),
    PrimaryKeyConstraint("subject", "sequence"),
    sqlite_with_rowid=False,
)

# How long the history of a subject is and how it ends, so that lines cut off its end are missed.
history = Table(
    "history",
    metadata,
    Column("subject", Words, primary_key=True),
    Column("length", Integer, nullable=False),
    Column("hash", Words, nullable=False),
    sqlite_with_rowid=False,
)

# What is due. `node` and `until` are set while a node has claimed it; `again_at` when it became due anew meanwhile.
work = Table(
    "work",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("node", Words),
    Column("until", Moment),
    Column("again_at", Moment),
    UniqueConstraint("subject", "kind"),
    Index(
        "work_due",
        "kind",
        "priority",
        "due_at",
        "id",
        sqlite_where=text("node IS NULL"),
        postgresql_where=text("node IS NULL"),
    ),
    Index(
        "work_claimed",
        "node",
        "until",
        sqlite_where=text("node IS NOT NULL"),
        postgresql_where=text("node IS NOT NULL"),
    ),
    sqlite_autoincrement=True,  # an id is never used twice, so that a late `done` cannot meet another row
)

reference = Table(
    "reference",
    metadata,
    Column("kind", Words, nullable=False),
    Column("value", Key, nullable=False),
    Column("subject", Words, nullable=False),
    PrimaryKeyConstraint("kind", "value", "subject"),
    sqlite_with_rowid=False,
)

purchase_order = Table(
    "purchase_order",
    metadata,
    Column("partner", Words, nullable=False),
    Column("number", Key, nullable=False),
    Column("document_id", Words, ForeignKey("document.id"), nullable=False),
    Column("canonical", Words, ForeignKey("payload.sha256"), nullable=False),
    Column("canonical_size", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "number"),
    Index("purchase_order_by_document", "document_id"),
)

counter = Table(
    "counter",
    metadata,
    Column("name", Words, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

unique_key = Table(
    "unique_key",
    metadata,
    Column("key", Key, primary_key=True),
    Column("document_id", Words, ForeignKey("document.id"), nullable=False),
    Index("unique_key_by_document", "document_id"),
)

# What a document takes of an order line or of an invoice that is credited. It counts while the document is read or
# released: a held, rejected or cancelled one gives back what it took without anything being written here.
share = Table(
    "share",
    metadata,
    Column("of", Key, nullable=False),
    Column("item", Key, nullable=False),
    Column("document_id", Words, ForeignKey("document.id"), nullable=False),
    Column("amount", Words, nullable=False),
    PrimaryKeyConstraint("of", "item", "document_id"),
    Index("share_by_document", "document_id"),
)

# What only one message may have, for good or for some time; its message may not be there any more.
claim = Table(
    "claim",
    metadata,
    Column("key", Key, primary_key=True),
    Column("message_id", Words, nullable=False),
    Column("claimed_at", Moment, nullable=False),
    Index("claim_by_message", "message_id"),
)

node = Table(
    "node",
    metadata,
    Column("name", Words, primary_key=True),
    Column("beat_at", Moment, nullable=False),
    Column("stopped_at", Moment),
)

# Lines of history that people may have to be told of, until it was looked at who. Rows are taken out as they are looked
# at, whichever transaction committed first: a position in the history could pass over a line that commits late.
news = Table(
    "news",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("subject", Words, nullable=False),
    Column("sequence", Integer, nullable=False),
    sqlite_autoincrement=True,
)

# What somebody is still to be told of, or (`told_at`) was told of and would otherwise be found anew.
notice = Table(
    "notice",
    metadata,
    Column("id", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("wanted_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("data", Json, nullable=False),
    Column("digest", Words),
    Column("last_error", Words),
    Column("told_at", Moment),
    Index(
        "notice_due",
        "name",
        "due_at",
        "id",
        sqlite_where=text("told_at IS NULL"),
        postgresql_where=text("told_at IS NULL"),
    ),
    Index("notice_by_digest", "digest", "id"),
    Index("notice_by_wanted", "wanted_at"),
)
