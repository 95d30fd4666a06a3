"""Terms of payment of cXML documents: days, and discounts for early payment."""

import datetime
from decimal import Decimal, InvalidOperation

from gateway.formats.cxml.values import attribute
from gateway.formats.xml_reading import Part

MOST_DAYS = 3650


def read_terms(header: Part, issued: datetime.date) -> tuple[datetime.date | None, str | None]:
    """The due date, counted from the day of issue, and the discounts in words.

    A term without discount names the days until payment is due; the longest one counts.
    """
    days: list[int] = []
    texts: list[str] = []
    for part in (*header.all("InvoiceDetailPaymentTerm"), *header.all("PaymentTerm")):
        count = _days(part)
        percent = _percent(part)
        if count is None:
            continue
        if percent:
            verb = "discount" if percent > 0 else "surcharge"
            texts.append(f"{abs(percent):f} % {verb} when paid within {count} days")
        else:
            days.append(count)
    due = issued + datetime.timedelta(days=max(days)) if days and issued.year > 1 and issued.year < 9980 else None
    return due, "\n".join(texts) or None


def _days(part: Part) -> int | None:
    text = attribute(part, "payInNumberOfDays") or attribute(part, "payInNumberofDays")
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 4 or int(text) > MOST_DAYS:
        part.problem(f"'{text[:40]}' is not a number of days from 0 to {MOST_DAYS}")
        return None
    return int(text)


def _percent(part: Part) -> Decimal | None:
    discount = part.under("Discount", "DiscountPercent")
    text = attribute(part, "percentageRate") or (attribute(discount, "percent") if discount else None)
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > 100:
        part.problem(f"'{text[:40]}' is not a percentage")
        return None
    return value
