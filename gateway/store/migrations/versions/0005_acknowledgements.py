"""Deliveries know until when their functional acknowledgement is awaited; control numbers count by identifiers alone."""

import re
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COUNTER = sa.table("counter", sa.column("name", sa.Text()), sa.column("value", sa.BigInteger()))
_NAME = re.compile(r"(edifact|x12):[^/]*/([^:]*):[^/]*/(.*)", re.DOTALL)


def upgrade() -> None:
    """Add the column, empty: of what was sent before no acknowledgement is awaited. Numbers go on where they are."""
    op.add_column("delivery", sa.Column("acknowledge_by", sa.BigInteger()))
    awaited = sa.text("acknowledge_by IS NOT NULL")
    op.create_index(
        "delivery_acknowledge", "delivery", ["acknowledge_by"], sqlite_where=awaited, postgresql_where=awaited
    )
    connection = op.get_bind()
    rows = [(row.name, row.value) for row in connection.execute(sa.select(_COUNTER.c.name, _COUNTER.c.value))]
    for old, name, value in _renamed(rows):
        connection.execute(sa.delete(_COUNTER).where(_COUNTER.c.name.in_(old)))
        connection.execute(sa.insert(_COUNTER).values(name=name, value=value))


def _renamed(rows: list[tuple[str, int]]) -> Iterator[tuple[list[str], str, int]]:
    """Series that become one go on behind the highest of their numbers."""
    series: dict[str, list[tuple[str, int]]] = {}
    for name, value in rows:
        if found := _NAME.fullmatch(name):
            series.setdefault(":".join(found.groups()), []).append((name, value))
    for new, old in series.items():
        yield [name for name, _ in old], new, max(value for _, value in old)
