"""CompressedData (RFC 3274) as AS2 uses it (RFC 5402), expanded within limits."""

import zlib
from collections.abc import Iterable, Iterator

from gateway.endpoints.as2 import algorithms, der
from gateway.endpoints.as2.ber import Element
from gateway.endpoints.as2.window import PIECE
from gateway.errors import Refused

RATIO = 250
"""Most bytes one compressed byte may become, once the result is larger than `FREE`; EDI reaches about 50."""

FREE = 1024**2
"""Bytes that may always come out, whatever the ratio."""

_ZLIB = der.sequence(der.identifier(algorithms.ZLIB))


def compress(content: bytes) -> bytes:
    """The content compressed, as DER of ContentInfo; the same bytes for the same content."""
    packed = zlib.compress(content)
    return before(len(packed)) + packed


def before(size: int) -> bytes:
    """What stands before `size` compressed bytes in a ContentInfo in DER."""
    octets = der.opening(0xA0, der.opening(der.OCTET_STRING, b"", size), size)
    encapsulated = der.opening(der.SEQUENCE, der.identifier(algorithms.DATA) + octets, size)
    data = der.opening(der.SEQUENCE, der.integer(0) + _ZLIB + encapsulated, size)
    return der.opening(der.SEQUENCE, der.identifier(algorithms.COMPRESSED_DATA) + der.opening(0xA0, data, size), size)


def expand(content_info: Element, *, limit: int) -> bytes:
    """The content of a ContentInfo of CompressedData, at most `limit` bytes; refused rather than expanded further."""
    data = octets(content_info)
    pieces = [data.source.data[begin:end] for begin, end in data.pieces()]
    return b"".join(expanded(pieces, size=sum(map(len, pieces)), limit=limit))


def octets(content_info: Element) -> Element:
    """The compressed octets of a ContentInfo of CompressedData."""
    fields = content_info.children()[1].expect(0xA0).only().expect(der.SEQUENCE).children()
    if len(fields) != 3:
        raise _refused("CompressedData has three fields")
    oid, _ = algorithms.algorithm(fields[1])
    if oid != algorithms.ZLIB:
        raise Refused("AS2-ALGORITHM", f"compression {der.dotted(oid)} is not accepted; the partner must use zlib")
    parts = fields[2].expect(der.SEQUENCE).children()
    if len(parts) != 2:
        raise _refused("the compressed content is missing")
    return parts[1].expect(0xA0).only()


def expanded(pieces: Iterable[bytes], *, size: int, limit: int) -> Iterator[bytes]:
    """What pieces of compressed octets, `size` bytes in all, become; refused rather than more than `limit`."""
    most = min(limit, max(FREE, size * RATIO))
    came, stream = 0, zlib.decompressobj()
    for given in pieces:
        piece = given
        while piece:
            if stream.eof:
                raise _refused("the compressed data has other bytes behind it")
            try:
                out = stream.decompress(piece, PIECE)
            except zlib.error as error:
                raise _refused(f"zlib says: {error}") from None
            came += len(out)
            if came > most:
                raise _refused(f"{size} bytes become more than {most}; raise limits.expanded_bytes if this is right")
            if stream.unused_data:
                raise _refused("the compressed data has other bytes behind it")
            yield out
            piece = stream.unconsumed_tail
    if not stream.eof:
        raise _refused("the compressed data is cut off")


def _refused(text: str) -> Refused:
    return Refused("AS2-DECOMPRESS", f"the message cannot be decompressed: {text}")
