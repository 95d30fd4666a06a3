"""Totals and VAT breakdown where the source has none: only on the mapping's explicit word, and noted as computed."""

from decimal import Decimal

from gateway.mapping.conversions import ARITHMETIC, rounded
from gateway.terms import LONGEST_NUMBER, TERMS, Node, Value, locate

_CENTS = 2
_NOTHING = Decimal(0)


class Computation:
    """Fills the gathered values of one document; `problems` says what was missing for it, `places` what was computed."""

    def __init__(self, node: Node, mapping: str) -> None:
        self._node = node
        self._mapping = mapping
        self.problems: list[str] = []
        self._known: set[str] = set()
        self.places: dict[str, str] = {}

    def line_amounts(self) -> None:
        """BT-131 where the source has none: quantity × price, less the line's allowances, plus its charges.

        Rounded half up to two places once; a price for more than one (BT-149) is divided by that.
        """
        for index, line in enumerate(self._node.groups.get("BG-25", ())):
            quantity, price, base = (line.values.get(term) for term in ("BT-129", "BT-146", "BT-149"))
            if "BT-131" in line.values or not isinstance(quantity, Decimal) or not isinstance(price, Decimal):
                continue
            amount = ARITHMETIC.multiply(quantity, price)
            if isinstance(base, Decimal) and base > 0:
                amount = ARITHMETIC.divide(amount, base)
            if amount.adjusted() > LONGEST_NUMBER:
                self.problems.append(f"{locate('BG-25', index, 'BT-131')} would have more than {LONGEST_NUMBER} digits")
                continue
            for group, term, sign in (("BG-27", "BT-136", -1), ("BG-28", "BT-141", 1)):
                for item in line.groups.get(group, ()):
                    value = item.values.get(term)
                    if isinstance(value, Decimal):
                        amount = ARITHMETIC.add(amount, value if sign > 0 else -value)
            line.values["BT-131"] = rounded(amount, _CENTS)
            how = "BT-129 × BT-146 ÷ BT-149, less allowances, plus charges, rounded half up to 2 places"
            self._note(locate("BG-25", index, "BT-131"), how)

    def sum_breakdown(self) -> None:
        """BG-23 as the source has it, several entries of one category and rate added up to one."""
        entries: list[Node] = []
        known: dict[tuple[Value | None, Value | None], int] = {}
        for item in self._node.groups.get("BG-23", ()):
            index = known.setdefault((item.values.get("BT-118"), item.values.get("BT-119")), len(entries))
            if index == len(entries):
                entries.append(item)
                continue
            values = entries[index].values
            for term in ("BT-116", "BT-117"):
                one, other = values.get(term), item.values.get(term)
                if isinstance(one, Decimal) and isinstance(other, Decimal):
                    values[term] = ARITHMETIC.add(one, other)
                    self._note(locate("BG-23", index, term), "the sum of those of this category and rate")
        if entries:
            self._node.groups["BG-23"] = entries

    def vat_breakdown(self) -> None:
        """BG-23: one entry for each VAT category and rate of the lines, document allowances and charges.

        The tax of an entry is its taxable amount times its rate, rounded half up to two places once (EN 16931-1
        BR-CO-17).
        """
        taxable: dict[tuple[str, Decimal | None], Decimal] = {}
        for group, amount, category, rate, sign in (
            ("BG-25", "BT-131", "BT-151", "BT-152", 1),
            ("BG-20", "BT-92", "BT-95", "BT-96", -1),
            ("BG-21", "BT-99", "BT-102", "BT-103", 1),
        ):
            for index, item in enumerate(self._node.groups.get(group, ())):
                value, code, percent = (item.values.get(each) for each in (amount, category, rate))
                if not isinstance(value, Decimal) or not isinstance(code, str):
                    missing = amount if not isinstance(value, Decimal) else category
                    self._missing(locate(group, index, missing), "the VAT breakdown")
                    continue
                key = (code, percent if isinstance(percent, Decimal) else None)
                taxable[key] = ARITHMETIC.add(taxable.get(key, _NOTHING), value if sign > 0 else -value)
        entries = []
        for index, ((code, percent), amount_taxable) in enumerate(taxable.items()):
            product = ARITHMETIC.multiply(amount_taxable, percent or _NOTHING).scaleb(-2, ARITHMETIC)
            entry = Node({"BT-118": code, "BT-116": amount_taxable, "BT-117": rounded(product, _CENTS)})
            if percent is not None:
                entry.values["BT-119"] = percent
            entries.append(entry)
            for term, how in (
                ("BT-116", "the lines, less allowances, plus charges of this category and rate"),
                ("BT-117", "BT-116 × BT-119, rounded half up to 2 places"),
            ):
                self._note(locate("BG-23", index, term), how)
        if entries:
            self._node.groups["BG-23"] = entries

    def totals(self) -> None:
        """BT-106 to BT-112 and BT-115, each one that the mapping has not given already."""
        values = self._node.values
        if "BT-106" not in values:
            self._set("BT-106", self._sum("BG-25", "BT-131"), "the sum of BT-131")
        for term, group, amount in (("BT-107", "BG-20", "BT-92"), ("BT-108", "BG-21", "BT-99")):
            if self._node.groups.get(group) and term not in values:
                self._set(term, self._sum(group, amount), f"the sum of {amount}")
        less, plus = self._value("BT-107"), self._value("BT-108")
        without = ARITHMETIC.add(ARITHMETIC.subtract(self._value("BT-106"), less), plus)
        self._set("BT-109", without, "BT-106 − BT-107 + BT-108")
        if "BT-110" not in values:
            self._set("BT-110", self._sum("BG-23", "BT-117"), "the sum of BT-117")
        self._set("BT-112", ARITHMETIC.add(self._value("BT-109"), self._value("BT-110")), "BT-109 + BT-110")
        due = ARITHMETIC.subtract(self._value("BT-112"), self._value("BT-113"))
        self._set("BT-115", ARITHMETIC.add(due, self._value("BT-114")), "BT-112 − BT-113 + BT-114")

    def _sum(self, group: str, term: str) -> Decimal:
        total = _NOTHING
        for index, item in enumerate(self._node.groups.get(group, ())):
            value = item.values.get(term)
            if isinstance(value, Decimal):
                total = ARITHMETIC.add(total, value)
            else:
                self._missing(locate(group, index, term), "the totals")
        return total

    def _value(self, term: str) -> Decimal:
        value = self._node.values.get(term)
        return value if isinstance(value, Decimal) else _NOTHING

    def _set(self, term: str, value: Decimal, how: str) -> None:
        if term not in self._node.values:
            self._node.values[term] = value
            self._note(term, how)

    def _note(self, place: str, how: str) -> None:
        self.places[place] = f"computed by mapping {self._mapping}: {how}"

    def _missing(self, place: str, what: str) -> None:
        code = place.rsplit("/", 1)[-1]
        problem = f"{place} ({TERMS[code].name}) has no value, which {what} are computed from"
        if problem not in self._known:
            self._known.add(problem)
            self.problems.append(problem)
