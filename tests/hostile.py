"""Bad input of every kind, as files the ERP could drop, and what must become of each."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.cli.new_site import site_template
from gateway.formats.json import invoice_to_json
from gateway.testing import sample

_SAMPLES = site_template() / "partners/samples"
UBL = (_SAMPLES / "brico.xml").read_bytes()
ORDER = (_SAMPLES / "hypermarche-order.xml").read_bytes()
CSV = (_SAMPLES / "brico.csv").read_bytes()
EDIFACT = (_SAMPLES / "hypermarche.edi").read_bytes()
JSON = invoice_to_json(sample(buyer_gln="3020000001019"))
CREDIT_NOTE = (
    UBL.replace(b"Invoice-2", b"CreditNote-2")
    .replace(b"<Invoice ", b"<CreditNote ")
    .replace(b"</Invoice>", b"</CreditNote>")
    .replace(b"InvoiceTypeCode>380", b"CreditNoteTypeCode>381")
    .replace(b"InvoiceTypeCode>", b"CreditNoteTypeCode>")
    .replace(b"InvoiceLine>", b"CreditNoteLine>")
    .replace(b"InvoicedQuantity", b"CreditedQuantity")
    .replace(b"FA-2026-0203", b"AV-2026-0001")
    .replace(b"<cbc:DueDate>2026-12-09</cbc:DueDate>", b"")
)


@dataclass(frozen=True, slots=True)
class Bad:
    """A file: its code and place are those of the refusal of the message, or of the first finding of its document.

    `state` is the message's when it is `refused`, else the document's.
    """

    name: str
    data: bytes
    code: str
    place: str = ""
    state: str = "refused"
    says: str = ""


def files() -> Iterator[Bad]:
    """Files for the folder and the API of the sample's ERP."""
    yield from _empty()
    yield from _cut_off()
    yield from _charsets()
    yield from _deep()
    yield from _entities()
    yield from _values()
    yield from _other_kinds()
    yield from _large()
    yield from _other_partners()


def orders() -> Iterator[Bad]:
    """Files for the folder of a customer that may send UBL orders."""
    yield Bad("space.xml", b" \n", "XML-MALFORMED", "line 2")
    for part in (1, 25, 50, 75, 99):
        yield Bad(f"cut-at-{part}.xml", ORDER[: len(ORDER) * part // 100], "XML-MALFORMED", "line ")
    yield Bad("latin-1.xml", ORDER.replace(b"4500019001", b"\xe9"), "XML-ENCODING", "line 3")
    yield Bad("without-number.xml", ORDER.replace(b"4500019001", b""), "UBL-VALUES", "line 2", says="has no cbc:ID")
    yield Bad("quantity.xml", ORDER.replace(b">24<", b">NaN<", 1), "UBL-VALUES", "line ")
    yield Bad("day.xml", ORDER.replace(b"2026-10-26", b"2026-13-01"), "UBL-VALUES", "line 4, cbc:IssueDate")
    yield Bad("bomb.xml", b'<!DOCTYPE a [<!ENTITY x "y">]>' + ORDER.partition(b"?>")[2], "XML-DOCTYPE", "line 1")
    yield Bad("deep.xml", ORDER.replace(b"4500019001", b"<x>" * 80 + b"</x>" * 80), "XML-TOO-DEEP", "line 3")
    yield Bad("invoice.xml", UBL, "XML-ROOT", "line 2", says="Invoice")
    yield Bad("order.pdf", b"%PDF-1.7", "XML-MALFORMED", "line 1", says="look like a PDF")
    yield Bad("order.csv", CSV, "XML-MALFORMED", "line 1")


def _empty() -> Iterator[Bad]:
    for what, data in (("space", b" \r\n\t "), ("mark", b"\xef\xbb\xbf"), ("line", b"\n")):
        yield Bad(f"{what}.xml", data, "XML-MALFORMED", "line ")
        yield Bad(f"{what}.json", data, "JSON-MALFORMED", "line ")
        yield Bad(f"{what}.csv", data, "CSV-EMPTY", "row 1")
    yield Bad("empty-list.json", b"[]", "JSON-EMPTY")
    yield Bad("header-only.csv", CSV.partition(b"\n")[0] + b"\n", "CSV-EMPTY", "row 1")


def _cut_off() -> Iterator[Bad]:
    for part in (1, 25, 50, 75, 99):
        for kind, whole in (("invoice", UBL), ("credit-note", CREDIT_NOTE)):
            cut = whole[: len(whole) * part // 100]
            yield Bad(f"{kind}-cut-at-{part}.xml", cut, "XML-MALFORMED", "line ")
        yield Bad(f"cut-at-{part}.json", JSON[: len(JSON) * part // 100], "JSON-MALFORMED", "line 1, column ")
    yield Bad("cut-header.csv", CSV[:20], "MAP-COLUMN", "row 1")
    yield Bad("cut-row.csv", CSV[: len(CSV) // 2], "CSV-ROW", "row 2", "rejected", "17 cells, the header 28")
    quoted = CSV.replace(b"Merci", b'"Merci', 1)
    yield Bad("open-quote.csv", quoted, "CSV-SYNTAX", "row 2", says="never closed")
    yield Bad("twice.xml", UBL + UBL, "XML-MALFORMED", "line ")
    yield Bad("twice.json", JSON + JSON, "JSON-MALFORMED", "line 1, column ")


def _charsets() -> Iterator[Bad]:
    for kind, whole, code in (
        ("xml", UBL, "XML-ENCODING"),
        ("json", JSON, "JSON-ENCODING"),
        ("csv", CSV, "CSV-CHARSET"),
    ):
        latin = whole.decode().replace("Brico", "Bricé").replace("Café", "Cafe\xe9").encode("latin-1", "replace")
        yield Bad(f"latin-1.{kind}", latin, code, "line ")
    for name in ("utf-16", "utf-16-le", "utf-32"):
        yield Bad(f"{name}.csv", CSV.decode().encode(name), "CSV-CHARSET", "line 1", says="UTF-16")
        found = "JSON-MALFORMED" if name == "utf-16-le" and JSON.isascii() else "JSON-ENCODING"
        yield Bad(f"{name}.json", JSON.decode().encode(name), found, "line 1")
    lies = UBL.replace(b'"UTF-8"', b'"US-ASCII"').replace(b"Brico", "Bricé".encode(), 1)
    yield Bad("declared-ascii.xml", lies, "XML-ENCODING", "line 1")
    yield Bad("declared-utf-16.xml", UBL.replace(b'"UTF-8"', b'"UTF-16"'), "XML-", "line 1")
    yield Bad("declared-klingon.xml", UBL.replace(b'"UTF-8"', b'"X-KLINGON"'), "XML-ENCODING", "line 1")
    yield Bad("ebcdic.xml", UBL.decode().encode("cp037", "replace"), "XML-ENCODING", "line 1")
    for what, sign in (("nul", b"\0"), ("bell", b"\7")):
        yield Bad(f"{what}.xml", UBL.replace(b"Vis", sign), "XML-MALFORMED", "line ")
        yield Bad(f"{what}.json", JSON.replace(b"Lyon", sign), "JSON-MALFORMED", "line 1, column ")
    yield Bad("nul.csv", CSV.replace(b"Vis", b"\0"), "CSV-CHARSET", "line 2")
    yield Bad("nul-escaped.json", JSON.replace(b"Lyon", b"\\u0000"), "JSON-VALUES", "/buyer/address/city")
    yield Bad("half-character.json", JSON.replace(b"Lyon", b"\\ud800"), "JSON-VALUES", "/buyer/address/city")
    yield Bad("bell-escaped.json", _numbered("\7"), "UBL-LACKS", "BT-1", "held", "U+0007")
    yield Bad("bell.csv", CSV.replace(b"0203", b"0203\7"), "UBL-LACKS", "BT-1", "held", "U+0007")


def _deep() -> Iterator[Bad]:
    yield Bad("deep.xml", b"<a>" * 100_000, "XML-TOO-DEEP", "line 1")
    yield Bad("deep-invoice.xml", UBL.replace(b"FA-2026-0203", b"<x>" * 80 + b"</x>" * 80), "XML-TOO-DEEP", "line 4")
    yield Bad("deep-list.json", b"[" * 100_000 + b"]" * 100_000, "JSON-TOO-DEEP", "line 1, column 101")
    yield Bad("deep-object.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "JSON-TOO-DEEP", "line 1, column 501")


def _entities() -> Iterator[Bad]:
    laughs = b'<!ENTITY l0 "ha">' + b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 12))
    far = b"<!--" + b" " * 70_000 + b"-->"
    bombs = {
        "billion-laughs": b"<!DOCTYPE a [" + laughs + b"]><a>&l11;</a>",
        "laughs-in-attribute": b"<!DOCTYPE a [" + laughs + b"]><a b='&l11;'/>",
        "quadratic": b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 50_000 + b'">]><a>' + b"&x;" * 50_000 + b"</a>",
        "external-entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "external-dtd": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
        "parameter-entity": b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><a/>',
        "doctype-invoice": UBL.replace(b"<Invoice ", b"<!DOCTYPE Invoice><Invoice ", 1),
    }
    for name, data in bombs.items():
        yield Bad(f"{name}.xml", data, "XML-DOCTYPE", "line ")
    yield Bad("far-external-entity.xml", far + bombs["external-entity"], "XML-DOCTYPE", "before line 1")
    yield Bad("far-billion-laughs.xml", far + bombs["billion-laughs"], "XML-", "line 1")
    yield Bad("far-laughs-in-attribute.xml", far + bombs["laughs-in-attribute"], "XML-", "line 1")
    include = b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    yield Bad("xinclude.xml", UBL.replace(b"FA-2026-0203", include), "UBL-VALUES", "line 4, cbc:ID")
    yield Bad("entity-unknown.xml", UBL.replace(b"FA-2026-0203", b"&nothing;"), "XML-MALFORMED", "line 4")


def _values() -> Iterator[Bad]:
    long = "9" * 100_000
    for what, number in (("nan", "NaN"), ("infinity", "Infinity"), ("exponent", "1e999999999"), ("long", long)):
        written = json.dumps(number)
        yield Bad(f"amount-{what}.xml", UBL.replace(b">588.00<", f">{number}<".encode(), 1), "UBL-VALUES", "line ")
        yield Bad(f"amount-{what}-text.json", _amount(written), "JSON-VALUES", "/totals/lines")
        code, place = ("JSON-MALFORMED", "line 1, column ") if number[0] in "NI" else ("JSON-VALUES", "/totals/lines")
        yield Bad(f"amount-{what}.json", _amount(number), code, place)
        code, state = ("CSV-TOO-LARGE", "refused") if number is long else ("MAP-VALUE", "rejected")
        yield Bad(f"amount-{what}.csv", CSV.replace(b"588,00", number.encode()), code, "row 2", state)
    for day in ("2026-02-30", "0000-01-01", "10000-01-01", "20261109", "2026-11-09T00:00:00", "-2026-01-01"):
        yield Bad(f"day-{day}.xml", UBL.replace(b"2026-11-09", day.encode(), 1), "UBL-VALUES", "line 5, cbc:IssueDate")
        yield Bad(f"day-{day}.json", JSON.replace(b"2026-11-02", day.encode(), 1), "JSON-VALUES", "/issue_date")
        data = CSV.replace(b"09/11/2026", day.encode())
        yield Bad(f"day-{day}.csv", data, "MAP-VALUE", "row 2", "rejected", "column date")
    yield Bad(
        "name-twice.json", JSON.replace(b'{"number"', b'{"number":"A","number"', 1), "JSON-VALUES", "", says="'number'"
    )
    twice = JSON.replace(b'"lines":[{"id"', b'"lines":[{"id":"9","id"', 1)
    yield Bad("line-name-twice.json", twice, "JSON-VALUES", "/lines/0", says="'id' more than once")
    names = ",".join(f'"n{number // 2}":0' for number in range(100_000))
    yield Bad("many-names-twice.json", f"{{{names}}}".encode(), "JSON-VALUES", "", says="more than once")
    yield Bad("header-twice.csv", CSV.replace(b"due;", b"number;", 1), "CSV-HEADER", "row 1", says="number")


def _other_kinds() -> Iterator[Bad]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("invoice.xml", UBL)
    for what, data, said in (
        ("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "look like a PDF"),
        ("zip", packed.getvalue(), "look like a ZIP archive"),
        ("gzip", gzip.compress(UBL, mtime=0), "look like gzip"),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "look like a PNG"),
        ("edifact", EDIFACT, "look like EDIFACT"),
        ("web-page", b"<!DOCTYPE html><html><body>Log in</body></html>", "look like a web page"),
    ):
        for kind in ("xml", "json", "csv"):
            yield Bad(f"{what}.{kind}", data, kind.upper(), "line 1" if kind == "xml" else "", says=said)
    yield Bad("order.xml", ORDER, "XML-ROOT", "line 2", says="Order")
    yield Bad("other-root.xml", b'<Order xmlns="urn:other"/>', "XML-ROOT", "line 1", says="{urn:other}Order")
    yield Bad("invoice-as-xml.json", UBL, "JSON-MALFORMED", "line 1, column 1", says="look like a UBL Invoice")
    yield Bad("invoice-as-json.xml", JSON, "XML-MALFORMED", "line 1", says="look like JSON")
    yield Bad("number-alone.json", b"17", "JSON-VALUES", "", says="where an object is expected")
    yield Bad("list-of-numbers.json", b"[1]", "JSON-VALUES", "/0", "rejected", "where an object is expected")


def _large() -> Iterator[Bad]:
    million = b"x" * 1_000_000
    yield Bad("long-text.json", b'"' + million + b'"', "JSON-VALUES", "", says="where an object is expected")
    yield Bad("many-lines.json", b'{"lines":[' + b"0," * 300_000 + b"0]}", "JSON-VALUES", "/lines/0", says="more")
    yield Bad("many-values.json", b"[" + b"0," * 2_000_000 + b"0]", "JSON-TOO-LARGE")
    yield Bad("many-documents.json", b"[" + b"{}," * 10_000 + b"{}]", "JSON-TOO-LARGE", says="at most 10000")
    yield Bad("long-cell.csv", CSV.replace(b"Merci", million, 1), "CSV-", "row 2")
    yield Bad("many-columns.csv", b"a;" * 2_000 + b"\n1;2\n", "CSV-TOO-LARGE", "row 1")
    yield Bad("many-rows.csv", CSV + b"\n" * 1_000_001, "CSV-TOO-LARGE", "row 1000001")
    invoices = b"".join(CSV.partition(b"\n")[2].replace(b"0203", b"%d" % number) for number in range(10_001))
    yield Bad("many-documents.csv", CSV.partition(b"\n")[0] + b"\n" + invoices, "CSV-TOO-LARGE", "row ")
    yield Bad("many-tags.xml", b"<a>" + b"<b/>" * 2_000_001 + b"</a>", "XML-TOO-LARGE")
    yield Bad("one-text.xml", UBL.replace(b"FA-2026-0203", b"x" * 10_000_001), "XML-TOO-LARGE", "line 4")
    wrong = b"<cac:InvoiceLine><cbc:LineExtensionAmount>x</cbc:LineExtensionAmount></cac:InvoiceLine>" * 10_000
    data = UBL.replace(b"</Invoice>", wrong + b"</Invoice>")
    yield Bad("many-wrong-lines.xml", data, "UBL-VALUES", "line ", says=" more")


def _other_partners() -> Iterator[Bad]:
    yield Bad("no-entry.pdf", b"%PDF-1.7", "NO-ENTRY", says="'no-entry.pdf' over")
    stranger = invoice_to_json(sample("F-7001", buyer_gln="9999999999994"))
    yield Bad("buyer-unknown.json", stranger, "PARTNER-UNKNOWN", "BG-7", "held", "gln 9999999999994")
    value = json.loads(_numbered("7002"))
    value["buyer"]["ids"] = [{"value": "y" * 100_000, "scheme": "0088"}] * 40
    yield Bad("buyer-enormous.json", json.dumps(value).encode(), "PARTNER-UNKNOWN", "BG-7", "held", "and 30 more")
    value = json.loads(_numbered("7003"))
    value["seller"] = {"name": "Somebody Else SARL", "ids": [{"value": "3012345999993", "scheme": "0088"}]}
    yield Bad("seller-other.json", json.dumps(value).encode(), "SELLER-FOREIGN", "BG-4", "held", "3012345999993")


def _numbered(tail: str) -> bytes:
    value: dict[str, Any] = json.loads(JSON)
    value["number"] = f"F-{tail}"
    return json.dumps(value).encode()


def _amount(written: str) -> bytes:
    return JSON.replace(b'"42.81"', written.encode(), 1)
