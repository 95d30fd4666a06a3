"""Mappings proposed from a sample."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.map_proposal import propose
from gateway.errors import Refused

_CSV = """N° Facture;Date Facture;Client;Devise;Ligne;Désignation;Qté;Prix;Montant;TVA;Divers
F1;03/01/2026;Dupont;EUR;1;Vis;2;3,50;7,00;20;x
F1;03/01/2026;Dupont;EUR;2;Clou;1;1,00;1,00;20;y
"""


def test_columns_are_known_by_their_names() -> None:
    """French names, dates and decimal commas are found; what is not known stands in a comment."""
    text = propose(_CSV.encode(), None)
    assert text.startswith("# it reads the sample: 1 document(s)\n")
    for line in (
        'decimal: ","',
        'date: "%d/%m/%Y"',
        "  BT-5: Devise  # Invoice currency code",
        "#   Divers, such as 'x'",
    ):
        assert line in text
    assert 'BT-129: "Qté"' in text


def test_paths_of_json_are_known_by_their_names() -> None:
    """German names; the lines are the list of objects."""
    line = {"pos": 1, "menge": 2, "preis": 3.5, "betrag": 7.0, "mwst": 20, "bezeichnung": "Schraube"}
    data = {"kopf": {"rechnungsnummer": "1", "rechnungsdatum": "2026-01-03"}, "positionen": [line]}
    text = propose(json.dumps(data).encode(), None)
    assert text.startswith("# it reads the sample")
    assert "each: positionen[]" in text.replace('"', "")
    assert "BT-1: kopf.rechnungsnummer" in text


def test_a_number_that_is_not_found_is_said_at_the_head() -> None:
    """An invoice number or date is never quietly made up: the proposal is not ready before somebody names its place."""
    text = propose(b"x;Devise;Qt\xc3\xa9\n7;EUR;2\n", "csv")
    assert text.startswith("# not ready: say where BT-1 and BT-2 stand;")


def test_paths_of_xml_are_known_by_their_names() -> None:
    """The lines are the elements that repeat."""
    line = "<Line><Qty>2</Qty><Amount>5.00</Amount></Line>"
    text = propose(f"<I><Number>1</Number><Date>2026-01-02</Date><Ls>{line}{line}</Ls></I>".encode(), None)
    assert text.startswith("# it reads the sample")
    assert "each: Ls/Line" in text


@pytest.mark.parametrize(
    ("data", "base"),
    [
        (b"UNB+UNOC:3+A+B'UNH+1+INVOIC:D:96A:UN'", "extends: eancom-invoic-d96a-read\n"),
        (b"UNB+UNOC:3+A+B'UNH+1+INVOIC:D:01B:UN'", "# eancom-invoic-d01b-read"),
        (b"ISA*00*", "extends: x12-810-read\n"),
    ],
)
def test_edi_is_an_extension_of_what_the_gateway_brings(data: bytes, base: str) -> None:
    """By the directory of the message, written out where one level is used up; that the sample cannot be read is said."""
    text = propose(data, None)
    assert base in text
    assert text.startswith("# it does not read")


@given(st.binary(max_size=200), st.sampled_from([b"", b"a;b\n", b"<a>", b'{"a":', b"UNB+", b"ISA*"]))
def test_any_bytes_give_a_proposal_or_are_refused(data: bytes, start: bytes) -> None:
    """Never another exception."""
    try:
        propose(start + data, None)
    except Refused as refused:
        assert refused.code  # either is right
