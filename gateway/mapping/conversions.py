"""Texts become dates and numbers, and back, by the conventions a mapping names."""

import datetime
import re
import unicodedata
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Context, Decimal

from gateway.terms import parse_decimal

ARITHMETIC = Context(prec=120, rounding=ROUND_HALF_UP)
"""Wide enough that sums and products of numbers of 40 digits are exact."""

_DIGITS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}


class Pattern:
    """A date pattern of %Y (or %y: 20xx), %m and %d; when reading, %H %M %S may follow and are left out of account.

    Raises `ValueError` for any other pattern.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts = tuple(_directives(text))
        named = sorted(part[1] for part in self._parts if part.startswith("%"))
        if not {"m", "d"} <= set(named) or len({"Y", "y"} & set(named)) != 1 or len(named) != len(set(named)):
            raise ValueError(
                f"'{text}' is not a date pattern; write each of %Y (or %y), %m and %d once, as in %d/%m/%Y"
            )
        self.has_time = bool({"H", "M", "S"} & set(named))
        self._regex = re.compile("".join(self._expressions()))

    def parse(self, text: str) -> datetime.date:
        """The day written as `text`; raises `ValueError` when it is not one, or not a day of the calendar."""
        match = self._regex.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"'{text[:40]}' is not a date written as {self.text}")
        found = match.groupdict()
        year = int(found["Y"]) if "Y" in found else 2000 + int(found["y"])
        try:
            return datetime.date(year, int(found["m"]), int(found["d"]))
        except ValueError:
            raise ValueError(f"'{text[:40]}' is not a day of the calendar ({self.text})") from None

    def format(self, day: datetime.date) -> str:
        """The day as text."""
        texts = {"%Y": f"{day.year:04}", "%y": f"{day.year % 100:02}", "%m": f"{day.month:02}", "%d": f"{day.day:02}"}
        return "".join(texts.get(part, part) for part in self._parts)

    def _expressions(self) -> Iterator[str]:
        for part, after in zip(self._parts, (*self._parts[1:], ""), strict=True):
            if not part.startswith("%"):
                yield re.escape(part)
                continue
            digits = _DIGITS[part[1]]
            least = digits if digits == 4 or after.startswith("%") else 1
            yield f"(?P<{part[1]}>[0-9]{{{least},{digits}}})"


def _directives(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        if text[at] == "%":
            if text[at + 1 : at + 2] not in _DIGITS:
                raise ValueError(f"'{text[at : at + 2]}' is unknown in a date pattern; known: %Y %y %m %d %H %M %S")
            yield text[at : at + 2]
            at += 2
        else:
            yield text[at]
            at += 1


def number_reader(mark: str, group: str = "") -> Callable[[str], Decimal]:
    """Reads decimals with this decimal mark, and thousands separated by `group` when one is given.

    What is read is never guessed: any other sign, or groups that are not of three digits, raise `ValueError`.
    """

    def read(text: str) -> Decimal:
        written = text.strip()
        plain = written
        if group:
            whole, found, rest = plain.partition(mark)
            parts = whole.lstrip("+-").split(group)
            if len(parts) > 1 and (len(parts[0]) not in {1, 2, 3} or any(len(part) != 3 for part in parts[1:])):
                raise ValueError(f"'{written[:40]}' has thousands that are not groups of three digits")
            plain = whole.replace(group, "") + found + rest
        if mark != ".":
            if "." in plain:
                raise ValueError(f"'{written[:40]}' is not a number with the decimal mark '{mark}'")
            plain = plain.replace(mark, ".")
        try:
            return parse_decimal(plain)
        except ValueError:
            thousands = f" and thousands separated by '{group}'" if group else ""
            raise ValueError(f"'{written[:40]}' is not a number with the decimal mark '{mark}'{thousands}") from None

    return read


def rounded(value: Decimal, places: int) -> Decimal:
    """Rounded half away from zero, to this many decimal places."""
    return value.quantize(Decimal(1).scaleb(-places), context=ARITHMETIC)


_SPELLED = """
œ=oe Œ=OE æ=ae Æ=AE ß=ss ø=o Ø=O ł=l Ł=L đ=d Đ=D þ=th Þ=Th ð=d ı=i €=EUR £=GBP ¥=JPY °=o №=No ‘=' ’=' ‚=, “=" ”=" „="
«=" »=" ‹=' ›=' –=- —=- −=- •=- ×=x ©=(C) ®=(R) §=par.
"""
_LETTERS = {
    **dict(each.split("=", 1) for each in _SPELLED.split()),
    **dict.fromkeys("\u00ad\u200b\ufeff", ""),
    **dict.fromkeys("\u2028\u2029", " "),
}


def fold(text: str) -> str:
    """The text in printable ASCII: accents go, ligatures and typographic signs are spelled out.

    Raises `ValueError` naming the first character that has no such spelling.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_folded, text))


def _folded(character: str) -> str:
    if " " <= character <= "~":
        return character
    if character in _LETTERS:
        return _LETTERS[character]
    if character.isspace():
        return " "
    plain = "".join(each for each in unicodedata.normalize("NFKD", character) if not unicodedata.combining(each))
    plain = "".join(_LETTERS.get(each, each) for each in plain)
    if plain and plain.isascii() and plain.isprintable():
        return plain
    if unicodedata.combining(character):
        return ""
    name = unicodedata.name(character, "a control character")
    raise ValueError(f"U+{ord(character):04X} ({name}) cannot be written in ASCII")
