"""The options of the format `edifact`."""

from typing import Literal

from pydantic import Field

from gateway.config.model import FormatOptions


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
