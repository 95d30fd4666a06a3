"""The orders that the lines of a cXML invoice belong to, and what else stands with them."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from gateway.formats.cxml.values import attribute, day_attribute
from gateway.formats.xml_reading import Part
from gateway.invoice import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What one `InvoiceDetailOrder` refers to."""

    order: str | None = None
    order_date: datetime.date | None = None
    agreement: str | None = None
    sales_order: str | None = None
    receipt: str | None = None
    ship_notice: str | None = None

    @classmethod
    def shared(cls, references: Sequence["Reference"]) -> "Reference":
        """What all of them say alike."""
        distinct = set(references)
        alike = {
            each.name: getattr(references[0], each.name)
            for each in fields(cls)
            if references and len({getattr(reference, each.name) for reference in distinct}) == 1
        }
        return cls(**alike)

    def on_line(self, line: Line, shared: "Reference") -> Line:
        """The line with its order, when the orders of the document differ."""
        if self.order is None or shared.order is not None:
            return line
        return replace(line, extensions={**line.extensions, "x:order": self.order})


def read_order(part: Part) -> Reference:
    """What stands at the head of an order's lines."""
    info = part.one("InvoiceDetailOrderInfo")
    order = _either(info, "OrderReference", "OrderIDInfo")
    agreement = _either(info, "MasterAgreementReference", "MasterAgreementIDInfo")
    supplier = _either(info, "SupplierOrderInfo")
    receipt = _either(part.one("InvoiceDetailReceiptInfo"), "ReceiptReference", "ReceiptIDInfo")
    shipped = _either(part.one("InvoiceDetailShipNoticeInfo"), "ShipNoticeReference", "ShipNoticeIDInfo")
    return Reference(
        order=attribute(order, "orderID", "BT-13") if order else None,
        order_date=day_attribute(order, "orderDate", "x:order_date") if order else None,
        agreement=attribute(agreement, "agreementID", "BT-12") if agreement else None,
        sales_order=attribute(supplier, "orderID", "BT-14") if supplier else None,
        receipt=attribute(receipt, "receiptID", "BT-15") if receipt else None,
        ship_notice=attribute(shipped, "shipNoticeID", "BT-16") if shipped else None,
    )


def _either(part: Part | None, *names: str) -> Part | None:
    if part is None:
        return None
    return next((found for name in names if (found := next(iter(part.all(name)), None)) is not None), None)
