"""Payloads of every kind that AS2 software has trouble with."""

import random

_LINES = [f"LIN+{number}++400086214{number:04}:SRV'" for number in range(1, 200)]

PAYLOADS = {
    "text-lf": "\n".join(["UNA:+.? '", *_LINES, ""]).encode("ascii"),
    "text-crlf": "\r\n".join(["UNA:+.? '", *_LINES, ""]).encode("ascii"),
    "latin-1": "\r\n".join(["NAD+BY+++Hypermarché à Gênes, Straße 5'", *_LINES]).encode("iso-8859-1"),
    "binary": b"\r\n--\r\n\x00\x1a\r\r\n\n" + bytes(range(256)) * 40 + random.Random(1).randbytes(9973) + b"\r\n\r\n",
    "empty": b"",
}


def large(size: int = 50 * 1024**2) -> bytes:
    """A payload of that size with all bytes in it; half of it compresses well."""
    rng = random.Random(2)
    noise = rng.randbytes(1024**2)
    text = (PAYLOADS["text-crlf"] * (1024**2 // len(PAYLOADS["text-crlf"]) + 1))[: 1024**2]
    return ((noise + text) * (size // (2 * 1024**2) + 1))[:size]
