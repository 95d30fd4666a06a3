"""Writes ASN.1 in DER (ITU-T X.690 section 10)."""

INTEGER = 0x02
OCTET_STRING = 0x04
NULL = b"\x05\x00"
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30
SET = 0x31


def tlv(tag: int, *parts: bytes) -> bytes:
    """An element with that identifier octet, its content put together from `parts`."""
    return opening(tag, b"".join(parts), 0)


def opening(tag: int, begin: bytes, rest: int) -> bytes:
    """An element whose content begins with `begin`; the `rest` bytes of it follow elsewhere."""
    size = len(begin) + rest
    if size < 0x80:
        return bytes((tag, size)) + begin
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + begin


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of elements."""
    return tlv(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """A SET OF elements, in the order DER asks for."""
    return tlv(SET, *sorted(parts))


def explicit(number: int, *parts: bytes) -> bytes:
    """A constructed element with a context-specific tag."""
    return tlv(0xA0 | number, *parts)


def octet_string(value: bytes) -> bytes:
    """An OCTET STRING."""
    return tlv(OCTET_STRING, value)


def integer(value: int) -> bytes:
    """An INTEGER."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    """The content octets of an object identifier written with dots."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    octets = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        octets += bytes(reversed(groups))
    return bytes(octets)


def identifier(content: bytes) -> bytes:
    """An OBJECT IDENTIFIER from its content octets."""
    return tlv(OBJECT_IDENTIFIER, content)


def dotted(content: bytes) -> str:
    """An object identifier with dots, from its content octets, for texts; odd octets are shown in hex."""
    arcs: list[int] = []
    value = 0
    for octet in content[:64]:
        value = (value << 7) | (octet & 0x7F)
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    if not arcs:
        return content[:64].hex() or "(empty)"
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))
