"""What bytes seem to be: first bytes, and the root element of XML."""

import pytest

from gateway.formats.likeness import likeness

UBL = 'xmlns="urn:oasis:names:specification:ubl:schema:xsd:{0}-2"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<r:SCRDMCCBDACIOMessageStructure xmlns:r='urn:x'/>", "an order of Order-X"),
        ("\ufeff\n<!-- c --><r:CrossDomainAcknowledgementAndResponse xmlns:r='urn:x'/>", "a lifecycle message CDAR"),
        ("<M_INVOIC/>", "EDIFACT written as XML (INVOIC"),
        (f"<OrderResponse {UBL.format('OrderResponse')}/>", "a UBL OrderResponse"),
        ("<s:Envelope xmlns:s='urn:soap'/>", "a SOAP message"),
    ],
)
def test_xml_that_nothing_reads_is_told_by_its_root(text: str, words: str) -> None:
    """Where XML is expected as well, since it is none that could be read there."""
    for expected in ("xml", "csv"):
        assert likeness(text.encode(), expected=expected).startswith(words)


def test_xml_that_is_read_is_told_where_something_else_is_expected() -> None:
    """Elsewhere its own reader says what is wrong with it."""
    invoice = f"<Invoice {UBL.format('Invoice')}/>".encode()
    assert (likeness(invoice, expected="json"), likeness(invoice, expected="xml")) == ("a UBL Invoice", "")
    assert (likeness(b"<other/>", expected="json"), likeness(b"<other/>", expected="xml")) == ("XML", "")
    assert likeness(b"UNA:+.? 'UNB+", expected="edi") == ""
