"""Invoices as EDIFACT: golden interchanges, envelopes, character sets, and that all of it reads back."""

import datetime
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from gateway.config.catalogue import MappingSource
from gateway.config.source import read_yaml
from gateway.errors import Refused
from gateway.formats import recognise
from gateway.formats.base import ReadDocument, Reading, Writing
from gateway.formats.csv import CsvOptions
from gateway.formats.csv import read as read_csv
from gateway.formats.edifact.envelope import encoder
from gateway.formats.edifact.interchange import Interchange, Message, read_interchanges
from gateway.formats.edifact.invoic import EDIFACT, write
from gateway.formats.edifact.options import EdifactOptions
from gateway.formats.edifact.reading import read
from gateway.invoice import Identifier, Invoice, Party
from gateway.mapping.compile import compile_mapping
from gateway.mapping.read import ReadPlan
from gateway.mapping.write import WritePlan
from gateway.testing import sample
from tests.strategies import invoices

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "tests" / "samples"
WRITING = Writing(
    sender=Identifier("3012345000017", "0088"),
    receiver=Identifier("3020000000012", "gln"),
    control=42,
    at=datetime.datetime(2026, 11, 3, 9, 30, tzinfo=datetime.UTC),
)


def mapping(name: str) -> Any:
    """A mapping of the site."""
    files = {file.stem: read_yaml(file.name, file.read_bytes()).data for file in (ROOT / "mappings").glob("*.yaml")}
    library = {key: MappingSource(key, data) for key, data in files.items()}
    made = compile_mapping(library[name], library)
    assert isinstance(made, (ReadPlan, WritePlan)), made
    return made


def exported() -> Iterator[Invoice]:
    """The invoices of the sample export."""
    data = (SAMPLES / "csv" / "invoices.csv").read_bytes()
    for each in read_csv(data, Reading(mapping=mapping("erp-csv"), options=CsvOptions())):
        assert isinstance(each, ReadDocument)
        assert each.invoice
        yield each.invoice


def read_back(data: bytes) -> tuple[Interchange, Message]:
    """The one interchange and its one message, counts and references checked."""
    [interchange] = read_interchanges(data)
    assert isinstance(interchange, Interchange), interchange
    [message] = interchange.messages()
    assert isinstance(message, Message), message
    return interchange, message


def written(invoice: Invoice, **options: Any) -> bytes:
    """The interchange with these options."""
    return write(invoice, replace(WRITING, options=EdifactOptions(**options)))


@pytest.mark.parametrize("position", range(4))
def test_the_export_of_the_erp_becomes_the_golden_interchanges(position: int) -> None:
    """Byte for byte; GATEWAY_RECORD=1 writes them anew."""
    invoice = list(exported())[position]
    plan = mapping("hypermarche-invoic") if invoice.buyer.name == "Hypermarché Centrale" else None
    data = write(invoice, replace(WRITING, mapping=plan, options=EdifactOptions(line_breaks=True)))
    golden = SAMPLES / "edifact" / f"{invoice.number}.edi"
    if os.environ.get("GATEWAY_RECORD") == "1":
        golden.write_bytes(data)
    assert data == golden.read_bytes()
    interchange, message = read_back(data)
    assert interchange.recipient == Identifier("3020000000012", "14")
    assert message.segments[1].get(1) == invoice.number
    assert recognise(data) == "edifact"


def test_the_header_says_what_the_options_say() -> None:
    """Test indicator, acknowledgement, references, qualifiers and separators."""
    data = written(sample(), test=True, acknowledge=True, application_reference="", una=False, sender_qualifier="ZZ")
    assert data.startswith(
        b"UNB+UNOC:3+3012345000017:ZZ+3020000000012:14+261103:0930+42++++1++1'UNH+1+INVOIC:D:96A:UN:EAN008'"
    )
    assert data.endswith(b"'UNZ+1+42'")
    assert b"\r\n" in written(sample(), line_breaks=True)
    bare = write(sample(), replace(WRITING, sender=Identifier("ACME"), receiver=Identifier("732829320", "siren")))
    assert b"+ACME+732829320:22+" in bare


def test_time_is_written_in_utc() -> None:
    """Whatever zone the time of writing was given in."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    at = datetime.datetime(2026, 11, 4, 1, 15, tzinfo=zone)
    assert b"+261103:2315+" in write(sample(), replace(WRITING, at=at))


def test_charsets_of_version_4_are_written_by_its_rules() -> None:
    """Eight digits in the date, a repetition separator that is released in texts, UTF-8."""
    invoice = replace(sample(), buyer=Party(name="Żółw * 漢"))
    data = written(invoice, charset="UNOY")
    assert data.startswith(b"UNA:+.?*'UNB+UNOY:4+")
    assert b"+20261103:0930+" in data
    assert "Żółw ?* 漢".encode() in data
    assert any(each.get(3) == "Żółw * 漢" for each in read_back(data)[1].segments)


def test_signs_outside_the_charset_are_folded_or_refused() -> None:
    """Typography is spelled out; what cannot be, or may not be, is refused with the term."""
    invoice = replace(sample(), buyer=Party(name="L’Œuvre – 5 €"))
    assert b"+++L?'OEuvre - 5 EUR'" in written(invoice)
    assert b"+++L?'OEUVRE - 5 EUR'" in written(invoice, charset="UNOA")
    with pytest.raises(Refused) as refused:
        written(invoice, characters="refuse")
    assert "BT-44 (Buyer name)" in refused.value.text
    assert "'’' (U+2019) is not in the character set UNOC" in refused.value.text
    with pytest.raises(Refused, match=r"U\+6F22"):
        written(replace(invoice, buyer=Party(name="漢")))


def test_separators_in_texts_are_released() -> None:
    """Every sign of the syntax can stand in a text."""
    data = written(replace(sample(), buyer=Party(name="a'b+c:d?e")))
    assert b"a?'b?+c?:d??e" in data
    assert any(each.get(3) == "a'b+c:d?e" for each in read_back(data)[1].segments)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sender": Identifier("x" * 36)}, "1 to 35 characters"),
        ({"receiver": Identifier("漢")}, "cannot be written"),
        ({"receiver": Identifier("FR1", "vat")}, "set receiver_qualifier"),
        ({"control": 10**14}, "1 to 14 characters"),
    ],
)
def test_an_envelope_that_cannot_be_is_refused(change: dict[str, Any], words: str) -> None:
    """Identifiers and references have their limits."""
    with pytest.raises(Refused) as refused:
        write(sample(), replace(WRITING, **change))
    assert refused.value.code == "EDI-ENVELOPE"
    assert words in refused.value.text


def test_a_mapping_that_reads_cannot_write() -> None:
    """The wrong mapping is told, not run."""
    with pytest.raises(Refused) as refused:
        write(sample(), replace(WRITING, mapping=mapping("erp-csv")))
    assert refused.value.code == "MAP-FORMAT"


def test_the_partner_is_not_sent_an_invoice_without_its_order_number() -> None:
    """The sample overlay requires it."""
    with pytest.raises(Refused) as refused:
        write(sample(order=None), replace(WRITING, mapping=mapping("hypermarche-invoic")))
    assert refused.value.code == "MAP-WRITE"
    assert "segment RFF[ON] is required and BT-13" in refused.value.text


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50, deadline=None)
@given(invoices())
def test_any_invoice_is_written_and_reads_back_or_is_refused(invoice: Invoice) -> None:
    """What is written has the right counts and separators, whatever the texts hold."""
    for charset in ("UNOC", "UNOY"):
        try:
            data = written(invoice, charset=charset)
        except Refused as refused:
            assert refused.code == "MAP-WRITE"
            continue
        _, message = read_back(data)
        lines = [each for each in message.segments if each.tag == "LIN"]
        assert len(lines) == len(invoice.lines)


def test_encoders_know_their_repertoire() -> None:
    """Level A has capitals only; white space becomes a space; an encoder without folding changes nothing else."""
    assert encoder("UNOA", folding=True)("Été\n(1)") == "ETE (1)"
    assert encoder("UNOC", folding=False)(" Été\t1 ") == "Été 1"
    for text in ("a@b", "a#b"):
        with pytest.raises(ValueError, match="UNOB"):
            encoder("UNOB", folding=True)(text)
    with pytest.raises(ValueError, match=r"U\+0007"):
        encoder("UNOC", folding=True)("\x07")


def test_the_format_is_what_the_catalogue_needs() -> None:
    """It reads and writes, takes a mapping if there is one, and has a control number."""
    assert (EDIFACT.read, EDIFACT.mapping, EDIFACT.numbered, EDIFACT.options) == (
        read,
        "optional",
        True,
        EdifactOptions,
    )
