"""Which line of a purchase order an invoice line is about: found by identifiers, never guessed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gateway.invoice import Identifier, Line
from gateway.language import say
from gateway.order import Order, OrderLine

Way = Literal["standard_item", "seller_item", "name"]
USUAL_WAYS: tuple[Way, ...] = ("standard_item", "seller_item")
GTIN_LENGTHS = (8, 12, 13, 14)


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Why an invoice line has no order line: `reason` completes `Line 3 …`; `ambiguous` when several fit."""

    reason: str
    ambiguous: bool = False


class OrderLines:
    """The lines of one order, by what they can be found with."""

    def __init__(self, order: Order) -> None:
        self._number = order.number
        self._by_id = _index((line.id, line) for line in order.lines)
        self._by_short_id = _index((line.id.lstrip("0"), line) for line in order.lines)
        self._by_item: Mapping[Way, Mapping[str, Sequence[OrderLine]]] = {
            "standard_item": _index((_gtin(line.standard_item), line) for line in order.lines),
            "seller_item": _index((line.seller_item, line) for line in order.lines),
            "name": _index((_words(line.name), line) for line in order.lines),
        }

    def find(self, line: Line, ways: Sequence[Way] = USUAL_WAYS) -> OrderLine | Unmatched:
        """The order line that `line` names (BT-132), else the only one with its item, tried by `ways` in turn.

        When several order lines have the item, the ways that follow narrow the choice. Leading zeros do not count in
        line numbers and GTINs.
        """
        if line.order_line and line.order_line.strip():
            return self._named(line.order_line)
        keys: Mapping[Way, str | None] = {
            "standard_item": _gtin(line.item.standard_id),
            "seller_item": line.item.seller_id,
            "name": _words(line.item.name),
        }
        candidates: Sequence[OrderLine] = ()
        for way in ways:
            found = self._by_item[way].get((keys[way] or "").strip(), ())
            if candidates:
                found = [each for each in found if any(each is candidate for candidate in candidates)] or candidates
            candidates = found
            if len(candidates) == 1:
                return candidates[0]
        if candidates:
            ids = ", ".join(each.id for each in candidates[:5]) + " …" * (len(candidates) > 5)
            return Unmatched(
                say(
                    "fits {count} lines of order {number} ({ids})", count=len(candidates), number=self._number, ids=ids
                ),
                ambiguous=True,
            )
        return Unmatched(say("has an item that is not in order {number}", number=self._number))

    def _named(self, reference: str) -> OrderLine | Unmatched:
        found = self._by_id.get(reference.strip()) or self._by_short_id.get(reference.strip().lstrip("0"), ())
        if len(found) == 1:
            return found[0]
        if found:
            return Unmatched(
                say("names a line that order {number} has {count} times", number=self._number, count=len(found)),
                ambiguous=True,
            )
        return Unmatched(say("names a line that order {number} does not have", number=self._number))


def lines_of(order: Order) -> OrderLines:
    """The lines of `order`, indexed once for as long as the order is in use."""
    return _lines_of(_Same(order))


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """Compares orders by identity: hashing the values of a long order would cost more than indexing it."""

    order: Order

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.order is other.order

    def __hash__(self) -> int:
        return id(self.order)


@lru_cache(maxsize=4)
def _lines_of(key: _Same) -> OrderLines:
    return OrderLines(key.order)


def _index(pairs: Iterable[tuple[str | None, OrderLine]]) -> Mapping[str, Sequence[OrderLine]]:
    found: dict[str, list[OrderLine]] = {}
    for key, line in pairs:
        if key and key.strip():
            found.setdefault(key.strip(), []).append(line)
    return found


def _gtin(item: Identifier | None) -> str | None:
    """A GTIN with its leading zeros, so that the lengths 8 to 14 of one number are equal; else the text."""
    text = item.value.strip() if item else ""
    return text.zfill(14) if text.isascii() and text.isdigit() and len(text) in GTIN_LENGTHS else text


def _words(text: str | None) -> str | None:
    return " ".join(text.casefold().split()) if text else None
