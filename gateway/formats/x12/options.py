"""The options of the format `x12`."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.config.model import FormatOptions

Sign = Annotated[str, Field(pattern=r"^[^A-Za-z0-9 ]$")]


class X12Options(FormatOptions):
    """How interchanges to a partner are written, and those of a partner are read."""

    version: str | None = Field(
        default=None,
        pattern="^00[3-8][0-9]{3}[A-Z0-9]{0,6}$",
        description="version of the group (GS08), as 005010; none: that of the mapping",
    )
    sender_qualifier: str | None = Field(
        default=None, pattern="^[A-Z0-9]{2}$", description="qualifier of our identifier (ISA05); none: by its scheme"
    )
    sender: str | None = Field(
        default=None, max_length=15, description="our identifier (ISA06); none: that of the partner"
    )
    receiver_qualifier: str | None = Field(
        default=None, pattern="^[A-Z0-9]{2}$", description="qualifier of the partner's identifier (ISA07)"
    )
    receiver: str | None = Field(default=None, max_length=15, description="the partner's identifier (ISA08)")
    group_sender: str | None = Field(
        default=None, min_length=2, max_length=15, description="our application code (GS02); none: that of ISA06"
    )
    group_receiver: str | None = Field(
        default=None,
        min_length=2,
        max_length=15,
        description="the partner's application code (GS03); none: that of ISA08",
    )
    test: bool = Field(default=False, description="usage indicator T for test instead of P for production (ISA15)")
    acknowledge: bool = Field(default=False, description="ask for an interchange acknowledgment TA1 (ISA14)")
    element_separator: Sign = Field(default="*", description="sign between elements")
    component_separator: Sign = Field(default=">", description="sign between components (ISA16)")
    repetition_separator: Sign = Field(
        default="^", description="sign between repetitions (ISA11), from version 004020 on"
    )
    segment_terminator: Sign = Field(default="~", description="sign at the end of segments")
    line_breaks: bool = Field(default=False, description="a line break after every segment")
    charset: Literal["basic", "extended", "utf-8"] = Field(
        default="extended", description="basic: capitals, figures and some signs; extended: ASCII; utf-8"
    )
    characters: Literal["fold", "refuse"] = Field(
        default="fold",
        description="what becomes of signs outside the character set, and of separators in texts: spelled in ASCII, a "
        "space for a separator, or refused",
    )
    lenient: bool = Field(
        default=True,
        description="when reading: wrong counts and control numbers, and an ISA that is not padded, are warnings; "
        "false: they are refused",
    )
