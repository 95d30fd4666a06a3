"""The options of the format `pdf`: those of its look, tried on a small invoice when a site is checked."""

import datetime
from decimal import Decimal
from typing import Self

from pydantic import ValidationInfo, model_validator

from gateway.errors import Refused
from gateway.formats.pdf.look import Look
from gateway.formats.pdf.render import render
from gateway.invoice import Identifier, Invoice, Item, Line, Party, Price, Totals, VatBreakdown

_ONE = Decimal(1)
_TRIAL = Invoice(
    number="1",
    issue_date=datetime.date(2026, 1, 1),
    type_code="380",
    currency="EUR",
    seller=Party(name="Seller", ids=(Identifier("3012345000017", "0088"),)),
    buyer=Party(name="Buyer"),
    lines=(Line(id="1", quantity=_ONE, unit="C62", net_amount=_ONE, price=Price(net=_ONE), item=Item(name="Item")),),
    vat_breakdown=(VatBreakdown(category="S", rate=_ONE, taxable=_ONE, tax=Decimal("0.01")),),
    totals=Totals(lines=_ONE, without_vat=_ONE, vat=Decimal("0.01"), with_vat=Decimal("1.01"), due=Decimal("1.01")),
)


class PdfOptions(Look):
    """How the PDF looks; without any option it is a complete invoice in the customer's language."""

    @model_validator(mode="after")
    def _try_out(self, info: ValidationInfo) -> Self:
        """A template, a logo or a font that does not work is told by the check, not by the first invoice of the night."""
        checked = info.context is not None and info.context.get("root") is not None
        if checked and (self.template or self.logo or self.fonts or "font" in self.model_fields_set):
            try:
                render(_TRIAL, self)
            except Refused as refused:
                where = f" ({refused.place})" if refused.place else ""
                raise ValueError(f"a PDF for trial cannot be made: {refused.text}{where}") from None
        return self
