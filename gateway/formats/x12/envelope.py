"""Writes interchanges: ISA, GS, for each transaction set ST to SE, GE, IEA, with counts and control numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from gateway.errors import Refused
from gateway.formats.x12.syntax import ISA_WIDTHS, Separators
from gateway.invoice import Identifier
from gateway.mapping.conversions import fold

Charset = Literal["basic", "extended", "utf-8"]
Elements = Sequence[Sequence[str]]
Lines = Sequence[tuple[str, Elements]]
"""Segments to write: tag, and elements of components."""

QUALIFIERS = {"0088": "07", "gln": "07", "0060": "01", "duns": "01"}
"""Scheme of an identifier (ISO 6523 or the name used in partner files) → interchange ID qualifier (X12 I05)."""
MUTUAL = "ZZ"
LONGEST_ID = 15
NO_REPETITIONS = "U"
"""ISA11 where repetitions have no separator: the standards identifier that stood there before version 004020."""
_BASIC = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !\"&'()*+,-./:;?=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What ISA and GS say; the scheme of `sender` and `receiver` is the qualifier, `at` is written in UTC.

    `control` becomes ISA13 and GS06 (its last nine digits); the transaction sets are numbered from 0001. `version` is
    that of GS08 (004010), of which ISA12 takes the first five signs.
    """

    sender: Identifier
    receiver: Identifier
    group_sender: str
    group_receiver: str
    at: datetime
    control: int
    version: str = "004010"
    test: bool = False
    acknowledge: bool = False
    separators: Separators
    line_breaks: bool = False
    charset: Charset = "extended"
    folding: bool = True


def write_interchange(envelope: Envelope, functional: str, sets: Sequence[tuple[str, Lines]]) -> bytes:
    """The interchange with one functional group of these transaction sets (identifier and segments each).

    Raises `Refused` for identifiers that are absent, too long, or outside the character set (X12-ENVELOPE), for separators
    that cannot separate (X12-SEPARATORS), and for texts with one of them (X12-TEXT).
    """
    envelope.separators.check("")
    control = str(envelope.control % 10**9)
    for role, party in (("sender", envelope.sender), ("receiver", envelope.receiver)):
        _interchange_id(role, party, envelope)
    lines: list[tuple[str, Elements]] = [("GS", _gs(envelope, functional, control))]
    for number, (identifier, segments) in enumerate(sets, start=1):
        reference = f"{number:04}"
        lines += [("ST", ((identifier,), (reference,))), *segments]
        lines.append(("SE", ((str(len(segments) + 2),), (reference,))))
    lines.append(("GE", ((str(len(sets)),), (control,))))
    return _joined(envelope, [*lines, ("IEA", (("1",), (control.zfill(9),)))])


def write_segments(envelope: Envelope, lines: Lines) -> bytes:
    """An interchange without functional groups: for acknowledgments TA1. Raises as `write_interchange`."""
    control = str(envelope.control % 10**9).zfill(9)
    envelope.separators.check("")
    return _joined(envelope, [*lines, ("IEA", (("0",), (control,)))])


def _joined(envelope: Envelope, lines: Lines) -> bytes:
    signs = envelope.separators
    end = signs.segment + ("\r\n" if envelope.line_breaks and signs.segment not in "\r\n" else "")
    forbidden = signs.signs()
    text = _isa(envelope) + end + "".join(_line(tag, elements, signs, forbidden) + end for tag, elements in lines)
    return text.encode("utf-8")


def _line(tag: str, elements: Elements, signs: Separators, forbidden: frozenset[str]) -> str:
    """The segment without empty elements and components at its ends."""
    parts = [tag]
    for element in elements:
        components = list(element)
        for text in components:
            if not forbidden.isdisjoint(text):
                words = f"'{text[:40]}' in {tag} has a sign that separates in this interchange; choose other separators"
                raise Refused("X12-TEXT", words)
        while components and not components[-1]:
            components.pop()
        parts.append(signs.component.join(components))
    while not parts[-1]:
        parts.pop()
    return signs.element.join(parts)


def _isa(envelope: Envelope) -> str:
    at = envelope.at.astimezone(UTC)
    sender, receiver = (
        _interchange_id(role, party, envelope)
        for role, party in (("sender", envelope.sender), ("receiver", envelope.receiver))
    )
    elements = (
        "00",
        "",
        "00",
        "",
        *sender,
        *receiver,
        f"{at:%y%m%d}",
        f"{at:%H%M}",
        envelope.separators.repetition or NO_REPETITIONS,
        envelope.version[:5],
        str(envelope.control % 10**9).zfill(9),
        "1" if envelope.acknowledge else "0",
        "T" if envelope.test else "P",
        envelope.separators.component,
    )
    padded = [text.ljust(width) for text, width in zip(elements, ISA_WIDTHS, strict=True)]
    return envelope.separators.element.join(("ISA", *padded))


def _interchange_id(role: str, party: Identifier, envelope: Envelope) -> tuple[str, str]:
    value = _encoded(f"the {role} of the interchange", party.value, envelope)
    return party.scheme or MUTUAL, value


def _gs(envelope: Envelope, functional: str, control: str) -> Elements:
    at = envelope.at.astimezone(UTC)
    return (
        (functional,),
        (_encoded("the sender of the group", envelope.group_sender, envelope, least=2),),
        (_encoded("the receiver of the group", envelope.group_receiver, envelope, least=2),),
        (f"{at:%Y%m%d}",),
        (f"{at:%H%M}",),
        (control,),
        ("X",),
        (envelope.version,),
    )


def _encoded(what: str, text: str, envelope: Envelope, least: int = 1) -> str:
    try:
        value = encoder(envelope)(text)
    except ValueError as error:
        raise Refused("X12-ENVELOPE", f"{what}, '{text[:40]}', cannot be written: {error}") from None
    if not least <= len(value) <= LONGEST_ID:
        raise Refused("X12-ENVELOPE", f"{what}, '{text[:40]}', has not {least} to {LONGEST_ID} characters")
    return value


def encoder(envelope: Envelope) -> Callable[[str], str]:
    """Makes a text one that can be written: white space becomes a space, none is left at the ends.

    With `folding`, signs outside the character set are spelled in ASCII where that can be done (in capitals for the
    basic set), and separators, which X12 cannot tell from data, become spaces. The function raises `ValueError` naming the
    sign when it cannot be written, or when folding is off.
    """
    signs = envelope.separators.signs()
    basic, folding = envelope.charset == "basic", envelope.folding

    def has(character: str) -> bool:
        if basic:
            return character in _BASIC
        return character.isprintable() and (character.isascii() or envelope.charset == "utf-8")

    def spelled(character: str) -> str:
        if character.isspace():
            return " "
        if character in signs:
            if folding:
                return " "
            raise ValueError(f"'{character}' separates segments, elements or components in this interchange")
        if has(character):
            return character
        if folding:
            try:
                plain = fold(character)
            except ValueError:
                plain = None
            if plain is not None:
                plain = "".join(" " if sign in signs else sign for sign in (plain.upper() if basic else plain))
                if all(map(has, plain)):
                    return plain
        raise ValueError(f"'{character}' (U+{ord(character):04X}) is not in the character set {envelope.charset}")

    def encode(text: str) -> str:
        return "".join(map(spelled, text)).strip()

    return encode


def readable(envelope: Envelope) -> Callable[[str], str]:
    """An encoder for texts of others, such as copies of what was wrong: what cannot be written becomes a space."""
    encode = encoder(replace(envelope, folding=True))

    def one(character: str) -> str:
        try:
            return encode(character) or " "
        except ValueError:
            return " "

    def text(given: str) -> str:
        return "".join(map(one, given)).strip()

    return text
