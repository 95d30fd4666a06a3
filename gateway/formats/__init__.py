"""Ways to read and write documents; `FORMATS` is the list."""

from collections.abc import Mapping

from gateway.formats.base import Format
from gateway.formats.cii import CII
from gateway.formats.csv import CSV
from gateway.formats.cxml import CXML
from gateway.formats.edifact.invoic import EDIFACT
from gateway.formats.excel import EXCEL
from gateway.formats.facturx import FACTURX
from gateway.formats.file import FILE
from gateway.formats.fixed import FIXED
from gateway.formats.idoc import IDOC
from gateway.formats.json import JSON
from gateway.formats.pdf import PDF
from gateway.formats.ubl import UBL
from gateway.formats.ubl_order import UBL_ORDER
from gateway.formats.x12.invoice import X12
from gateway.formats.xml import XML

FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        UBL,
        UBL_ORDER,
        CII,
        FACTURX,
        CXML,
        IDOC,
        EXCEL,
        JSON,
        EDIFACT,
        X12,
        CSV,
        PDF,
        FIXED,
        XML,
        FILE,
    )
}


def recognise(data: bytes) -> str | None:
    """The name of the first format in the list that knows these bytes as its own; None when none does."""
    return next((each.name for each in FORMATS.values() if each.recognise(data)), None)
