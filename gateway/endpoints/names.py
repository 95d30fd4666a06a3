"""File names that come from outside, made harmless: one component, never a path, nothing a terminal obeys."""

import re
from typing import Final

LONGEST: Final = 200
_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"]')


def text_of(name: bytes) -> str:
    """The text of a file name: UTF-8 where it is, otherwise Latin-1, so that no name is lost."""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("latin-1")


def safe_name(text: str) -> str | None:
    """The last component of a name or path (after `/` and backslash) without control characters; None when nothing is left.

    It never begins with a dot and has at most 200 bytes in UTF-8: the beginning and the ending (`.xml`) stay.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate is no text
    name = _FORBIDDEN.sub("", re.split(r"[/\\]", text)[-1]).strip().lstrip(".").strip()
    if not name:
        return None
    return shortened(name.encode(), LONGEST).decode("utf-8", "ignore")


def shortened(name: bytes, most: int) -> bytes:
    """A file name of at most `most` bytes; what is taken away is taken from the middle, its ending stays."""
    if len(name) <= most:
        return name
    _, dot, ending = name.rpartition(b".")
    ending = (dot + ending)[:32] if dot else b""
    return name[: most - len(ending)] + ending
