"""Conditions (E1EDK05, E1EDP05) and taxes (E1EDK04, E1EDP04) of an IDoc."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from gateway.formats.idoc.options import IdocOptions
from gateway.formats.idoc.segments import field as text_of
from gateway.formats.idoc.segments import number
from gateway.formats.xml_reading import Part
from gateway.invoice import Adjustment, Price


@dataclass(slots=True)
class Conditions:
    """What the conditions of a document or a line say: its price, its allowances and its charges."""

    price: Price | None = None
    allowances: list[Adjustment] = field(default_factory=list)
    charges: list[Adjustment] = field(default_factory=list)

    @property
    def balance(self) -> Decimal:
        """Charges less allowances."""
        return sum((each.amount for each in self.charges), Decimal(0)) - sum(
            (each.amount for each in self.allowances), Decimal(0)
        )


def read_conditions(parts: Sequence[Part], options: IdocOptions, *, taxed: bool) -> Conditions:
    """The conditions; `taxed`: those of the document, which have a VAT category of their own."""
    found = Conditions()
    for part in parts:
        kind = options.condition(text_of(part, "KSCHL"))
        if kind == "ignore":
            continue
        if kind == "price":
            found.price = found.price or _price(part, options)
            continue
        amount = number(part, "BETRG")
        if not amount:
            continue
        sign = text_of(part, "ALCKZ")
        if sign not in {"+", "-"}:
            part.problem(f"ALCKZ is '{(sign or '')[:10]}' where + (charge) or - (allowance) is expected")
            continue
        category, rate = read_tax([part], options) if taxed else (None, None)
        adjustment = Adjustment(
            amount=abs(amount),
            base=number(part, "KOBTR"),
            percent=abs(percent) if (percent := number(part, "KPERC")) else None,
            reason=text_of(part, "KOTXT") or text_of(part, "KSCHL"),
            vat_category=category,
            vat_rate=rate,
        )
        # an amount below zero turns what the sign says
        is_charge = (sign == "+") == (amount > 0)
        (found.charges if is_charge else found.allowances).append(adjustment)
    return found


def read_tax(parts: Sequence[Part], options: IdocOptions) -> tuple[str | None, Decimal | None]:
    """VAT category and rate of the first segment that names a tax code or a rate."""
    for part in parts:
        code, rate = text_of(part, "MWSKZ"), number(part, "MSATZ")
        if code is None and rate is None:
            continue
        category = options.vat.get(code or "")
        if category is None and rate:
            return "S", rate
        if category is None:
            text = (
                f"MWSKZ '{(code or '')[:10]}' has no rate above nought, and no VAT category in the option vat; name it"
            )
            part.problem(text + " there, as in vat: {A0: Z}")
            return None, rate
        return category, rate if rate is not None or category == "O" else Decimal(0)
    return None, None


def _price(part: Part, options: IdocOptions) -> Price | None:
    net = number(part, "KRATE", "BT-146")
    if net is None:
        return None
    base = number(part, "UPRBS", "BT-149")
    return Price(net=net, base_quantity=base or None, base_unit=options.unit(text_of(part, "MEAUN")) if base else None)
