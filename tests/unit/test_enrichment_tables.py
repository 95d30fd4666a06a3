"""The enrichments `table` and `compute`: what they add, where it came from, and what they say when they cannot."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.enrichment import ENRICHMENTS
from gateway.enrichment.base import Enriched
from gateway.enrichment.run import enrich
from gateway.finding import Provenance, Severity
from gateway.invoice import Delivery, Identifier, Invoice, Item
from gateway.language import speaking
from gateway.terms import get
from tests.unit.rule_samples import facts, invoice, line

STORES = "place,department,centre,due,qty\n3020000000029, 42 ,CC-LYON,2026-04-01,7\n3020000000036,43,,,\n"
ITEMS = "customer;sku;buyer_item\nHypermarché;A-1;K-100\n"


@pytest.fixture
def stores(tmp_path: Path) -> Path:
    """A table of stores."""
    file = tmp_path / "stores.csv"
    file.write_text(STORES, encoding="utf-8")
    return file


def _table(document: Invoice, file: Path, /, **settings: Any) -> Enriched:
    step = ENRICHMENTS["table"].settings.model_validate({"kind": "table", "file": file, **settings})
    return enrich((step,), document, facts())


def _compute(document: Invoice, /, **settings: Any) -> Enriched:
    step = ENRICHMENTS["compute"].settings.model_validate({"kind": "compute", **settings})
    return enrich((step,), document, facts())


def _at(place: str) -> Invoice:
    return invoice(delivery=Delivery(location=Identifier(place, "0088")))


def test_a_row_gives_its_values(stores: Path) -> None:
    """Values of the row are added with the table, its line and what stood there before; white space does not count."""
    add = {"x:department": "department", "BT-19": "centre", "BT-9": "due"}
    enriched = _table(_at("3020000000029"), stores, key={"place": "BT-71"}, add=add)
    assert enriched.findings == ()
    source = "the table stores.csv, line 2"
    assert set(enriched.provenance) == {
        Provenance(term="BT-9", before="", after="2026-04-01", rule="table", source=source),
        Provenance(term="BT-19", before="", after="CC-LYON", rule="table", source=source),
        Provenance(term="x:department", before="", after="42", rule="table", source=source),
    }


def test_lines_are_looked_up_by_line_and_invoice(tmp_path: Path) -> None:
    """Each line gets the value of the row for it and its customer."""
    file = tmp_path / "items.csv"
    file.write_text("\ufeff" + ITEMS, encoding="utf-8")
    document = invoice(lines=(line(1), line(2, item=Item(seller_id="A-9"))))
    settings: dict[str, Any] = {"separator": ";", "each": "BG-25", "add": {"BT-156": "buyer_item"}}
    enriched = _table(document, file, key={"customer": "BT-44", "sku": "BT-155"}, missing="hold", **settings)
    assert [get(each, "BT-156") for each in enriched.invoice.lines] == ["K-100", None]
    assert [each.term for each in enriched.provenance] == ["BG-25[1]/BT-156"]
    (missing,) = enriched.findings
    assert (missing.severity, missing.term, missing.owner) == (Severity.HOLD, "BG-25[2]/BT-156", "gateway")
    assert "has no row for Buyer name (BT-44) = Hypermarché, Item Seller's identifier (BT-155) = A-9" in missing.text


def test_without_a_row_nothing_is_said_unless_wanted(stores: Path) -> None:
    """`ignore` is the default; a condition that does not hold looks nothing up; empty cells add nothing."""
    settings: dict[str, Any] = {"key": {"place": "BT-71"}, "add": {"BT-19": "centre"}}
    assert _table(_at("1"), stores, **settings) == Enriched(invoice=_at("1"))
    assert _table(_at("1"), stores, missing="warn", when={"BT-5": "USD"}, **settings).findings == ()
    assert _table(_at("3020000000036"), stores, **settings).provenance == ()
    with speaking("fr"):
        (told,) = _table(_at("1"), stores, missing="warn", **settings).findings
    assert told.text == "la table stores.csv n'a pas de ligne pour Identifiant du lieu de livraison (BT-71) = 1"


def test_a_value_of_the_invoice_is_kept_unless_overwritten(stores: Path) -> None:
    """A different value is told; with `overwrite` it is replaced and what stood there is recorded."""
    document = invoice(delivery=_at("3020000000029").delivery, accounting_reference="OLD")
    settings: dict[str, Any] = {"key": {"place": "BT-71"}, "add": {"BT-19": "centre"}}
    kept = _table(document, stores, **settings)
    assert kept.invoice == document
    assert [each.severity for each in kept.findings] == [Severity.WARN]
    replaced = _table(document, stores, overwrite=True, **settings)
    assert replaced.invoice.accounting_reference == "CC-LYON"
    assert replaced.provenance[0].before == "OLD"


def test_a_changed_file_is_read_again_and_a_broken_one_holds(stores: Path) -> None:
    """Without a reload: a new row is there, and what cannot be read, or is no value of the term, holds the document."""
    step = ENRICHMENTS["table"].settings.model_validate(
        {"kind": "table", "file": stores, "key": {"place": "BT-71"}, "add": {"BT-9": "due"}}
    )
    stores.write_text(STORES + "9,1,,2026-05-01,\n8,1,,tomorrow,\n", encoding="utf-8")
    os.utime(stores, ns=(1, 1))
    assert [each.after for each in enrich((step,), _at("9"), facts()).provenance] == ["2026-05-01"]
    (wrong,) = enrich((step,), _at("8"), facts()).findings
    assert (wrong.severity, wrong.found) == (Severity.HOLD, "tomorrow")
    for content in (b"place,due\n1,2,3\n", b"place,due\n1,2\n1,3\n", b"\xff\xfe", b"", b"other\n"):
        stores.write_bytes(content)
        (told,) = enrich((step,), _at("9"), facts()).findings
        assert (told.severity, told.owner) == (Severity.HOLD, "gateway")
    stores.unlink()
    (told,) = enrich((step,), _at("9"), facts()).findings
    assert "cannot be read" in told.text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"key": {"plase": "BT-71"}, "add": {"BT-19": "centre"}}, "has no column 'plase'"),
        ({"key": {"place": "BT-71"}, "add": {"BT-19": "center"}}, "has no column 'center'"),
        ({"key": {"place": "BT-155"}, "add": {"BT-19": "centre"}}, "belongs to BG-25"),
        ({"key": {"place": "BT-71"}, "add": {"BT-133": "centre"}}, "adds to the invoice itself"),
        ({"key": {"place": "BT-71"}, "add": {"BT-19": "centre"}, "each": "BG-25"}, "adds to lines"),
        ({"key": {"place": "BT-71"}, "add": {"BT-19": "centre"}, "when": {"BT-2": "x"}}, "calendar date"),
        ({"key": {}, "add": {"BT-19": "centre"}}, "at least 1"),
    ],
)
def test_mistakes_of_a_table_are_told_when_the_file_is_read(stores: Path, settings: dict[str, Any], words: str) -> None:
    """Columns, terms and levels are checked with the configuration."""
    with pytest.raises(ValidationError, match=words):
        _table(invoice(), stores, **settings)


def test_a_term_is_computed() -> None:
    """On the invoice and on each line, where there is none, with the expression as the source."""
    due = _compute(invoice(), term="BT-9", value="BT-2 + 30")
    assert due.provenance == (
        Provenance(term="BT-9", before="", after="2026-03-31", rule="compute", source="the expression BT-2 + 30"),
    )
    bare = invoice(lines=(line(net_amount=None),))
    lines = _compute(bare, each="BG-25", term="BT-131", value="round(BT-129 * BT-146, 2)")
    assert lines.invoice.lines[0].net_amount == Decimal("25.00")
    assert _compute(invoice(), term="BT-9", value="BT-72 + 30") == Enriched(invoice=invoice())
    assert _compute(invoice(), term="BT-9", value="BT-2 + 30", when={"BT-3": "381"}) == Enriched(invoice=invoice())
    assert _compute(invoice(), term="BT-1", value="BT-1 + '/1'", overwrite=True).invoice.number == "INV-1/1"


@pytest.mark.parametrize("value", ["BT-112 / 0", "BT-112 / 7"])
def test_what_cannot_be_computed_holds(value: str) -> None:
    """A division by zero, or a number without end, is a finding and adds nothing."""
    enriched = _compute(invoice(), term="BT-113", value=value)
    assert enriched.provenance == ()
    assert [each.severity for each in enriched.findings] == [Severity.HOLD]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"term": "BT-9", "value": "BT-112"}, "is a date, but 'BT-112' is a number"),
        ({"term": "BT-131", "value": "BT-112"}, "adds to the invoice itself"),
        ({"term": "BT-9", "value": "BT-2 +"}, "the expression ends"),
        ({"term": "BT-125", "value": "'x'", "each": "BG-25"}, "belongs to BG-24"),
    ],
)
def test_mistakes_of_an_expression_are_told(settings: dict[str, Any], words: str) -> None:
    """The kinds of term and value are compared with the configuration."""
    with pytest.raises(ValidationError, match=words):
        _compute(invoice(), **settings)
