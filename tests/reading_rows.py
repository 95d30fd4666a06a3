"""A read mapping for the tests of formats that give rows."""

from gateway.config.catalogue import MappingSource
from gateway.config.source import read_yaml
from gateway.mapping.compile import compile_mapping
from gateway.mapping.read import ReadPlan

MAPPING = """
document: number
invoice: {BT-1: number, BT-2: date, BT-3: "= '380'", BT-5: "= 'EUR'", BT-13: order, BG-1: [{BT-22: note | join(' ')}]}
lines: {BT-126: line, BT-131: amount, BT-151: "= 'S'", BT-152: vat, BT-157: gtin, BT-157-1: "= '0160'"}
vat_breakdown: compute
totals: compute
"""


def plan(reads: str, text: str = MAPPING) -> ReadPlan:
    """The read plan of a mapping for a format."""
    source = read_yaml("m.yaml", text.encode())
    made = compile_mapping(MappingSource("m", {"reads": reads, **source.data}), {})
    assert isinstance(made, ReadPlan), made
    return made
