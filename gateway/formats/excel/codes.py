"""The codes of what workbooks are refused for."""

from gateway.formats.rows import Codes

CODES = Codes(row="EXCEL-ROW", empty="EXCEL-EMPTY", header="EXCEL-HEADER", too_large="EXCEL-TOO-LARGE")
