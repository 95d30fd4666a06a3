"""How a PDF looks: what a partner's file may say, and whether the files it names can be used."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from gateway.config.model import FormatOptions
from gateway.config.types import SitePath
from gateway.formats.pdf.labels import Language

MOST_LOGO_BYTES = 2 * 1024**2
_LOGOS = {".png": b"\x89PNG\r\n\x1a\n", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff", ".svg": b"<"}


def _checked(info: ValidationInfo) -> bool:
    """True while a site is checked; when an invoice is written the files are read anyway."""
    return bool(info.context and info.context.get("root") is not None)


def _logo(value: Path, info: ValidationInfo) -> Path:
    begins = _LOGOS.get(value.suffix.lower())
    if begins is None:
        raise ValueError(f"'{value.name}' is no logo; name a .png, .jpg or .svg file")
    if not _checked(info):
        return value
    try:
        with value.open("rb") as opened:
            data = opened.read(MOST_LOGO_BYTES + 1)
    except OSError as error:
        raise ValueError(f"the logo {value.name} cannot be read: {error.strerror}") from None
    if len(data) > MOST_LOGO_BYTES:
        raise ValueError(
            f"the logo {value.name} has more than {MOST_LOGO_BYTES} bytes; every invoice would have them too"
        )
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(begins):
        raise ValueError(f"the logo {value.name} is not what its name says; save it as {value.suffix} again")
    return value


def _template(value: Path, info: ValidationInfo) -> Path:
    if value.suffix.lower() != ".typ":
        raise ValueError(f"'{value.name}' is no template; name a .typ file")
    if _checked(info) and not value.is_file():
        raise ValueError(f"there is no template {value.name} in {value.parent}")
    return value


def _fonts(value: Path, info: ValidationInfo) -> Path:
    if _checked(info) and not any(value.glob("*.[ot]tf")) and not any(value.glob("*.[ot]tc")):
        raise ValueError(f"the directory {value} holds no font; put .ttf or .otf files there")
    return value


class Look(FormatOptions):
    """How the PDF looks; without any option it is a complete invoice in the customer's language."""

    language: Language | None = Field(
        default=None,
        description="language of the labels, dates and numbers; none: that of the buyer's country, or English",
    )
    template: Annotated[SitePath, AfterValidator(_template)] | None = Field(
        default=None, description="typst file of the site that takes the place of our layout"
    )
    logo: Annotated[SitePath, AfterValidator(_logo)] | None = Field(
        default=None, description="logo at the top of the first page: .png, .jpg or .svg"
    )
    fonts: Annotated[SitePath, AfterValidator(_fonts)] | None = Field(
        default=None, description="directory with more fonts (.ttf, .otf), for scripts that ours lack or for your own"
    )
    font: str = Field(default="Libertinus Serif", min_length=1, max_length=80, description="family of the text")
    accent: str = Field(default="#1f4e79", pattern=r"^#[0-9a-fA-F]{6}$", description="colour of titles and rules")
    paper: Literal["a4", "us-letter"] = Field(default="a4", description="size of the page")
    margin: int = Field(default=20, ge=10, le=40, description="margin at the left and the right, in millimetres")
    address: Literal["left", "right"] | None = Field(
        default=None, description="side of the buyer's address, for window envelopes; none: left in German, else right"
    )
    footer: str = Field(
        default="", max_length=1000, description="text at the foot of every page, as legal form and capital"
    )
