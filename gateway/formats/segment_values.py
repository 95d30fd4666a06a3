"""Takes values out of the segments of a message by the names mappings use, for what has no business terms: orders."""

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache

from gateway.errors import Refused
from gateway.mapping.addressing import Addressing, Place
from gateway.mapping.functions import Datum, Getter
from gateway.mapping.segment_tree import Scope

MOST_PROBLEMS = 50


class SegmentValues:
    """The values of a scope, with where they stood; `problems` are those that cannot be read.

    Fields go by their names in the value that is made (`lines[2].quantity`); of one without a name no place is noted.
    """

    def __init__(
        self, addressing: Addressing, scope: Scope, prefix: str = "", known: "SegmentValues | None" = None
    ) -> None:
        self._addressing = addressing
        self._scope = scope
        self._prefix = prefix
        self.places: dict[str, str] = known.places if known else {}
        self.problems: list[str] = known.problems if known else []

    def each(self, path: str, field: str) -> Iterator["SegmentValues"]:
        """The values of every turn of a loop, the fields of which are numbered from 1."""
        assert self._addressing.each is not None
        for index, scope in enumerate(self._addressing.each(path)(self._scope), 1):
            yield SegmentValues(self._addressing, scope, f"{self._prefix}{field}[{index}].", self)

    def text(self, field: str, *names: str) -> str | None:
        """The first of these that is there."""
        value = self._get(field, names)
        return value if isinstance(value, str) else None

    def day(self, field: str, *names: str) -> datetime.date | None:
        """The first of these dates that is there."""
        value = self._get(field, names)
        if isinstance(value, str) and self._addressing.date is not None:
            value = self._read(names[0], value, self._addressing.date)
        return value if isinstance(value, datetime.date) else None

    def number(self, field: str, *names: str) -> Decimal | None:
        """The first of these numbers that is there."""
        text = self.text(field, *names)
        if text is None or self._addressing.number is None:
            return None
        value = self._read(names[0], text, self._addressing.number)
        return value if isinstance(value, Decimal) else None

    def all(self, field: str, name: str) -> list[str]:
        """Every value there."""
        getter, place = _way(self._addressing, name, many=True)
        values = [each for each in getter(self._scope) if each]
        if values:
            self.places[f"{self._prefix}{field}"] = place(self._scope)
        return values

    def problem(self, text: str) -> None:
        """Notes something that is wrong with this part."""
        self.problems.append(f"{self._addressing.whole(self._scope)}: {text}")

    def refuse(self, code: str, what: str) -> None:
        """Raises `Refused` with every problem there is."""
        if not self.problems:
            return
        shown = self.problems[:MOST_PROBLEMS]
        if len(self.problems) > MOST_PROBLEMS:
            shown.append(f"and {len(self.problems) - MOST_PROBLEMS} more")
        raise Refused(code, f"{what}: " + "; ".join(shown), place=self._addressing.whole(self._scope))

    def _get(self, field: str, names: tuple[str, ...]) -> Datum | None:
        for name in names:
            getter, place = _way(self._addressing, name, many=False)
            try:
                value: Datum | None = getter(self._scope)
            except ValueError as error:
                self.problems.append(f"{place(self._scope)}: {error}")
                return None
            if value is not None:
                if field:
                    self.places[f"{self._prefix}{field}"] = place(self._scope)
                return value
        return None

    def _read(self, name: str, text: str, read: Callable[[str], Datum]) -> Datum | None:
        try:
            return read(text)
        except ValueError as error:
            self.problem(f"{name}: {error}")
            return None


@cache
def _way(addressing: Addressing, name: str, *, many: bool) -> tuple[Getter, Place]:
    getter, _ = addressing.resolve(name, many=many)
    return getter, addressing.place((name,))
