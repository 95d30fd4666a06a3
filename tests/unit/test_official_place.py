"""The places of official reports: the notation of either compiler leads to the element, its line and its invoice line."""

import pytest
from lxml import etree

from gateway.official.place import place_of

CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
UBL = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
ROOT = etree.fromstring(
    f"""<Invoice xmlns="{UBL}" xmlns:c="{CBC}" xmlns:a="{CAC}">
<c:ID>1</c:ID>
<a:InvoiceLine/>
<a:InvoiceLine>
<a:Item><c:Name lang="x">n</c:Name></a:Item>
</a:InvoiceLine>
</Invoice>"""
)


@pytest.mark.parametrize(
    ("location", "path", "line", "item"),
    [
        (f"/*:Invoice[namespace-uri()='{UBL}'][1]", "/Invoice", 1, 0),
        (
            f"/*:Invoice[namespace-uri()='{UBL}'][1]/*:InvoiceLine[namespace-uri()='{CAC}'][2]",
            "/Invoice/cac:InvoiceLine[2]",
            4,
            2,
        ),
        (
            f"/Q{{{UBL}}}Invoice[1]/Q{{{CAC}}}InvoiceLine[2]/Q{{{CAC}}}Item[1]/Q{{{CBC}}}Name[1]/@lang",
            "/Invoice/cac:InvoiceLine[2]/cac:Item/cbc:Name/@lang",
            5,
            2,
        ),
        ("/*/c:ID", "/Invoice/cbc:ID", 2, 0),
        ("/Invoice/a:InvoiceLine[9]/x", "/Invoice", 1, 0),
        ("", "/Invoice", 1, 0),
        ("/Invoice" + "/x[99999999999999]" * 5000, "/Invoice", 1, 0),
        ("]][[[///@@", "/Invoice", 1, 0),
    ],
)
def test_a_location_leads_to_its_element(location: str, path: str, line: int, item: int) -> None:
    """As near as it can be found; any text leads somewhere."""
    found = place_of(ROOT, location)
    assert (found.path, found.line, found.item) == (path, line, item)
