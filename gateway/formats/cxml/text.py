"""cXML written as text: the DOCTYPE, money with its currency, and elements that hold attributes alone."""

from collections.abc import Mapping
from decimal import Decimal

from gateway.formats.xml_writing import _ESCAPES, _FORBIDDEN, _SPECIAL, XmlText

DTD = "http://xml.cxml.org/schemas/cXML/{version}/InvoiceDetail.dtd"
LANGUAGE = "en"


class CxmlText(XmlText):
    """A cXML document being written; amounts are in `currency`. `has_order`: the lines under way are those of an order."""

    def __init__(self, version: str, currency: str) -> None:
        super().__init__()
        self._parts.append(f'\n<!DOCTYPE cXML SYSTEM "{DTD.format(version=version)}">')
        self._currency = currency
        self.has_order = False

    def inside(self, name: str, attributes: Mapping[str, str | None], code: str = "") -> "CxmlText":
        """Opens an element with attributes for a `with` block; absent ones are left out."""
        return self(name, self._written(attributes, code))

    def empty(self, name: str, attributes: Mapping[str, str | None], code: str = "") -> None:
        """An element that holds attributes alone."""
        depth = len(self._open)
        self._parts.append("\n" + "  " * depth + f"<{name}{self._written(attributes, code)}/>")

    def say(self, name: str, value: str | None, code: str = "") -> None:
        """A text in the language of the document."""
        self.leaf(name, value, code, **{"xml:lang": LANGUAGE})

    def money(
        self, name: str, value: Decimal | None, code: str = "", *, alternate: Mapping[str, str] | None = None
    ) -> None:
        """An element that holds an amount; None is left out."""
        if value is not None:
            with self(name):
                self.amount(value, code, alternate=alternate)

    def amount(self, value: Decimal, code: str = "", *, alternate: Mapping[str, str] | None = None) -> None:
        """The amount itself."""
        self.leaf("Money", value, code, currency=self._currency, **(alternate or {}))

    def extrinsic(self, name: str, value: str | None, code: str = "") -> None:
        """A named value; None is left out."""
        self.leaf("Extrinsic", value, code, name=name)

    def words(self, value: str, code: str) -> None:
        """Text beside elements, in the element that is open."""
        if _FORBIDDEN.search(value):
            self._forbidden(value, code)
        self._parts.append(_SPECIAL.sub(lambda match: _ESCAPES[match[0]], value))

    def _written(self, attributes: Mapping[str, str | None], code: str) -> str:
        return "".join(
            f' {name}="{self._attribute(value, code)}"' for name, value in attributes.items() if value is not None
        )
