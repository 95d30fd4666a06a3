"""The options of the format `edifact`."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from gateway.config.model import FormatOptions
from gateway.formats.edifact.directories import BUILT_IN

NONE, DECLARED = "none", "declared"
IMPORTED = Path("var/directories")
"""Where a site keeps the directories that it has imported, below the directory of gateway.toml."""
RESERVED = frozenset({NONE, DECLARED, *BUILT_IN})
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


def is_name(text: str) -> bool:
    """True for what an imported directory may be called."""
    return _NAME.fullmatch(text) is not None


def _directory(value: str, info: ValidationInfo) -> str:
    """A directory that was imported becomes its file."""
    root = (info.context or {}).get("root")
    if value in RESERVED or root is None:
        return value
    shelf = Path(root) / IMPORTED
    if Path(value).is_absolute() and Path(value).parent == shelf:
        return value
    file = shelf / f"{value}.json"
    if not is_name(value) or not file.is_file():
        known = ", ".join((NONE, DECLARED, *BUILT_IN))
        raise ValueError(f"there is no directory '{value[:40]}': write {known}, or one of `gateway directory list`")
    return str(file)


class EdifactOptions(FormatOptions):
    """How interchanges to a partner are written, and those of a partner are read."""

    charset: Literal[
        "UNOA", "UNOB", "UNOC", "UNOD", "UNOE", "UNOF", "UNOG", "UNOH", "UNOI", "UNOJ", "UNOK", "UNOL", "UNOW", "UNOY"
    ] = Field(default="UNOC", description="character set (UNB 0001); UNOC is ISO 8859-1, UNOW and UNOY are UTF-8")
    characters: Literal["fold", "refuse"] = Field(
        default="fold", description="what becomes of signs outside the character set: spelled in ASCII, or refused"
    )
    una: bool = Field(default=True, description="begin with the service string advice UNA")
    line_breaks: bool = Field(default=False, description="a line break after every segment")
    test: bool = Field(default=False, description="set the test indicator (UNB 0035)")
    acknowledge: bool = Field(default=False, description="ask for a CONTRL message (UNB 0031)")
    application_reference: str = Field(default="INVOIC", max_length=14, description="application reference (UNB 0026)")
    sender_qualifier: str | None = Field(
        default=None, max_length=4, pattern="^[A-Z0-9]+$", description="qualifier of our identifier (UNTDID 0007)"
    )
    receiver_qualifier: str | None = Field(
        default=None, max_length=4, pattern="^[A-Z0-9]+$", description="qualifier of the partner's identifier"
    )
    lenient: bool = Field(
        default=True,
        description="when reading: wrong counts and references of trailers, and signs outside the character set, are "
        "warnings; false: they refuse an interchange",
    )
    encoding: Literal["declared", "utf-8", "iso-8859-1", "iso-8859-15", "cp1252", "cp850"] = Field(
        default="declared", description="when reading: the character set of the bytes, whatever UNB declares"
    )
    unwrap: bool = Field(
        default=True, description="when reading: put lines together that were broken at a fixed length, within segments"
    )
    directory: Annotated[str, AfterValidator(_directory)] = Field(
        default=NONE,
        description="directory that messages are checked by, read or written: d96a, d01b, the name of an imported one; "
        "declared: d96a or d01b as the message says of itself; none: no check",
    )
    directory_severity: Literal["warn", "refuse"] = Field(
        default="warn",
        description="what becomes of a message that was received and is not as its directory says; one that we would write "
        "is refused",
    )


def declared(options: EdifactOptions) -> str:
    """The character set that holds whatever UNB declares; empty when UNB is right."""
    return "" if options.encoding == "declared" else options.encoding
