"""What a language makes of values: labels, numbers, dates and texts, ready to be printed."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from gateway.formats.pdf import writing_style
from gateway.formats.pdf.labels import LABELS, Language
from gateway.formats.pdf.writing_style import LONGEST_NARROW, STYLES, breakable, clean
from gateway.invoice import Identifier, Period


@dataclass(frozen=True, slots=True)
class Words:
    """The reader's language and the currency of the document; what is not there becomes an empty text."""

    language: Language
    currency: str

    def __getitem__(self, label: str) -> str:
        return LABELS[self.language][label]

    def text(self, value: str | None) -> str:
        """A text of the invoice, fit to be printed."""
        return breakable(clean(value)) if value else ""

    def narrow(self, value: str | None) -> str:
        """A text for a narrow column."""
        return breakable(clean(value), longest=LONGEST_NARROW) if value else ""

    def number(self, value: Decimal | None) -> str:
        """A quantity."""
        return "" if value is None else writing_style.number(value, STYLES[self.language])

    def price(self, value: Decimal | None) -> str:
        """A price: two decimals at least, all that are given."""
        return self.amount(value)

    def amount(self, value: Decimal | None) -> str:
        """An amount in the currency of the document."""
        return "" if value is None else writing_style.amount(value, STYLES[self.language], self.currency)

    def percent(self, value: Decimal | None) -> str:
        """A percentage with its sign."""
        return "" if value is None else writing_style.percent(value, STYLES[self.language])

    def date(self, value: datetime.date | None) -> str:
        """A day."""
        return "" if value is None else writing_style.date(value, STYLES[self.language])

    def day(self, value: str | None) -> datetime.date | None:
        """A day that is kept as text (`2026-11-02`); None when it is none."""
        try:
            return datetime.date.fromisoformat(value or "")
        except ValueError:
            return None

    def dated(self, number: str, day: datetime.date | None) -> str:
        """The number of a document, with its date when there is one."""
        return self["dated"].format(number=number, date=self.date(day)) if day else number

    def period(self, value: Period | None) -> str:
        """A span of days."""
        if value is None or (value.start is None and value.end is None):
            return ""
        pattern = "from_to" if value.start and value.end else "from" if value.start else "until"
        return self[pattern].format(start=self.date(value.start), end=self.date(value.end))

    def account(self, value: str) -> str:
        """The number of an account, an IBAN in groups of four."""
        return writing_style.account(value)

    def identifier(self, value: Identifier | None) -> str:
        """An identifier with its scheme, as `0088:3012345000017`."""
        return "" if value is None else f"{value.scheme}:{value.value}" if value.scheme else value.value


def facts(pairs: Iterable[tuple[str, str | None]]) -> list[dict[str, str]]:
    """Labels with values, without those that have none."""
    cleaned = ((label, breakable(clean(value))) for label, value in pairs if value)
    return [{"label": label, "value": value} for label, value in cleaned if value]
