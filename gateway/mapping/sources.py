"""The kinds of source that mappings read, by the word after `reads:`."""

from collections.abc import Mapping

from gateway.mapping.addressing import Addressing
from gateway.mapping.addressing_tree import JSON_TREE, XML_TREE
from gateway.mapping.edifact import EDIFACT_SEGMENTS
from gateway.mapping.rows import ROWS
from gateway.mapping.segments import segment_addressing
from gateway.mapping.x12 import X12_BUSINESS

READS: Mapping[str, Addressing] = {
    "csv": ROWS,
    "fixed": ROWS,
    "excel": ROWS,
    "edifact": segment_addressing(EDIFACT_SEGMENTS),
    "x12": segment_addressing(X12_BUSINESS),
    "json": JSON_TREE,
    "xml": XML_TREE,
}
