"""Ways to read and write documents; `FORMATS` is the list."""

from collections.abc import Mapping

from gateway.formats.base import Format
from gateway.formats.csv import CSV
from gateway.formats.edifact.invoic import EDIFACT
from gateway.formats.file import FILE
from gateway.formats.json import JSON
from gateway.formats.ubl import UBL
from gateway.formats.ubl_order import UBL_ORDER

FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        UBL,
        UBL_ORDER,
        JSON,
        EDIFACT,
        CSV,
        FILE,
    )
}


def recognise(data: bytes) -> str | None:
    """The name of the first format in the list that knows these bytes as its own; None when none does."""
    return next((each.name for each in FORMATS.values() if each.recognise(data)), None)
