"""Writes interchanges: UNA, UNB, and for each message UNH to UNT, then UNZ, with counts and references."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.errors import Refused
from gateway.formats.edifact.syntax import CHARSETS, STANDARD, Separators
from gateway.invoice import Identifier
from gateway.mapping.conversions import fold
from gateway.mapping.write import Segment

QUALIFIERS = {
    "0088": "14", "gln": "14", "0060": "1", "duns": "1", "0009": "5", "siret": "5", "0002": "22", "siren": "22",
}  # fmt: skip
"""Scheme of an identifier (ISO 6523 or the name used in partner files) → UNTDID 0007."""

_VERSION_3 = frozenset({"UNOA", "UNOB", "UNOC", "UNOD", "UNOE", "UNOF"})
LONGEST_REFERENCE = 14
LONGEST_ID = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What UNB says; the scheme of `sender` and `recipient` is the qualifier, `at` is written in UTC.

    Character sets that came with syntax version 4 make an interchange of that version, others one of version 3.
    """

    charset: str
    sender: Identifier
    recipient: Identifier
    at: datetime
    reference: str
    application_reference: str = ""
    acknowledge: bool = False
    test: bool = False
    una: bool = True
    line_breaks: bool = False

    @property
    def separators(self) -> Separators:
        """The standard ones; version 4 has a repetition separator besides."""
        return STANDARD if self.charset in _VERSION_3 else Separators(repetition="*")


def write_interchange(
    header: Header, messages: Sequence[tuple[Sequence[str], Sequence[Segment]]], encode: Callable[[str], str]
) -> bytes:
    """The interchange with these messages (type and segments each), whose references count from 1.

    Raises `Refused` (EDI-ENVELOPE) when an identifier or reference is absent, too long or outside the character set.
    """
    separators = header.separators
    lines = [_joined("UNB", _unb(header, encode), separators)]
    for number, (type_, segments) in enumerate(messages, start=1):
        lines.append(_joined("UNH", ((str(number),), tuple(type_)), separators))
        lines += [
            _joined(each.tag, [[cell.text for cell in element] for element in each.elements], separators)
            for each in segments
        ]
        lines.append(_joined("UNT", ((str(len(segments) + 2),), (str(number),)), separators))
    lines.append(_joined("UNZ", ((str(len(messages)),), (header.reference,)), separators))
    if header.una:
        lines.insert(0, separators.una())
        lines[0] = lines[0][:-1]
    end = separators.segment + ("\r\n" if header.line_breaks else "")
    return "".join(line + end for line in lines).encode(CHARSETS[header.charset].encoding)


def _unb(header: Header, encode: Callable[[str], str]) -> Sequence[Sequence[str]]:
    at = header.at.astimezone(UTC)
    version, day = ("3", f"{at:%y%m%d}") if header.charset in _VERSION_3 else ("4", f"{at:%Y%m%d}")
    if not header.reference or len(header.reference) > LONGEST_REFERENCE:
        raise Refused("EDI-ENVELOPE", f"the interchange reference '{header.reference}' has not 1 to 14 characters")
    if len(header.application_reference) > LONGEST_REFERENCE:
        text = f"the application reference '{header.application_reference[:40]}' has more than 14 characters"
        raise Refused("EDI-ENVELOPE", text)
    elements = [
        [header.charset, version],
        _party("sender", header.sender, encode),
        _party("recipient", header.recipient, encode),
        [day, f"{at:%H%M}"],
        [header.reference],
        [],
        [header.application_reference],
        [],
        ["1"] if header.acknowledge else [],
        [],
        ["1"] if header.test else [],
    ]
    return [[each for each in element if each] for element in elements]


def _party(role: str, party: Identifier, encode: Callable[[str], str]) -> list[str]:
    try:
        value = encode(party.value)
    except ValueError as error:
        raise Refused("EDI-ENVELOPE", f"the {role} '{party.value[:40]}' cannot be written: {error}") from None
    if not value or len(value) > LONGEST_ID:
        text = f"the {role} '{party.value[:40]}' of the interchange has not 1 to {LONGEST_ID} characters"
        raise Refused("EDI-ENVELOPE", text)
    return [value, party.scheme or ""]


def _joined(tag: str, elements: Sequence[Sequence[str]], separators: Separators) -> str:
    """The segment without empty elements and components at its ends, every sign of its texts released."""
    parts = [tag, *(separators.component.join(map(separators.escape, element)) for element in elements)]
    while not parts[-1]:
        parts.pop()
    return separators.element.join(parts)


def encoder(charset: str, *, folding: bool) -> Callable[[str], str]:
    """Makes a text one that the character set has: white space becomes a space, none is left at the ends.

    With `folding` other signs are spelled in ASCII where that can be done (and in capitals for UNOA), which gives
    something readable; the function raises `ValueError` naming the sign when it cannot be, or when folding is off.
    """
    known = CHARSETS[charset]

    def has(character: str) -> bool:
        if known.repertoire is not None:
            return character in known.repertoire
        try:
            character.encode(known.encoding)
        except UnicodeEncodeError:
            return False
        return character.isprintable()

    def spelled(character: str) -> str:
        if character.isspace():
            return " "
        if has(character):
            return character
        if folding:
            try:
                plain = fold(character)
            except ValueError:
                plain = None
            if plain is not None and charset == "UNOA":
                plain = plain.upper()
            if plain is not None and all(map(has, plain)):
                return plain
        raise ValueError(f"'{character}' (U+{ord(character):04X}) is not in the character set {charset}")

    def encode(text: str) -> str:
        if text.isascii() and text.isprintable() and known.repertoire is None:
            return text.strip()
        return "".join(map(spelled, text)).strip()

    return encode
