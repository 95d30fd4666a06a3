"""CompressedData (RFC 3274) as AS2 uses it (RFC 5402), expanded within limits."""

import zlib

from gateway.endpoints.as2 import algorithms, der
from gateway.endpoints.as2.ber import Element
from gateway.errors import Refused

RATIO = 250
"""Most bytes one compressed byte may become, once the result is larger than `FREE`; EDI reaches about 50."""

FREE = 1024**2
"""Bytes that may always come out, whatever the ratio."""

_ZLIB = der.sequence(der.identifier(algorithms.ZLIB))


def compress(content: bytes) -> bytes:
    """The content compressed, as DER of ContentInfo; the same bytes for the same content."""
    encapsulated = der.sequence(
        der.identifier(algorithms.DATA), der.explicit(0, der.octet_string(zlib.compress(content)))
    )
    return der.sequence(
        der.identifier(algorithms.COMPRESSED_DATA),
        der.explicit(0, der.sequence(der.integer(0), _ZLIB, encapsulated)),
    )


def expand(content_info: Element, *, limit: int) -> bytes:
    """The content of a ContentInfo of CompressedData, at most `limit` bytes; refused rather than expanded further."""
    fields = content_info.children()[1].expect(0xA0).only().expect(der.SEQUENCE).children()
    if len(fields) != 3:
        raise _refused("CompressedData has three fields")
    oid, _ = algorithms.algorithm(fields[1])
    if oid != algorithms.ZLIB:
        raise Refused("AS2-ALGORITHM", f"compression {der.dotted(oid)} is not accepted; the partner must use zlib")
    parts = fields[2].expect(der.SEQUENCE).children()
    if len(parts) != 2:
        raise _refused("the compressed content is missing")
    data = parts[1].expect(0xA0).only().octets()
    most = min(limit, max(FREE, len(data) * RATIO))
    stream = zlib.decompressobj()
    try:
        expanded = stream.decompress(data, most + 1)
    except zlib.error as error:
        raise _refused(f"zlib says: {error}") from None
    if len(expanded) > most:
        raise _refused(f"{len(data)} bytes become more than {most}; raise limits.expanded_bytes if this is right")
    if not stream.eof or stream.unused_data:
        raise _refused("the compressed data is cut off or has other bytes behind it")
    return expanded


def _refused(text: str) -> Refused:
    return Refused("AS2-DECOMPRESS", f"the message cannot be decompressed: {text}")
