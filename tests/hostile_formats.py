"""Bad input for every format that is read on its own or with a mapping, and what must become of each."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import openpyxl
import pikepdf
from pikepdf import Name

from gateway.errors import Refused
from gateway.formats import FORMATS
from gateway.formats.base import Reading, Writing
from gateway.invoice import Identifier
from gateway.testing import sample
from tests.hostile import ORDER
from tests.reading_rows import plan

WRITTEN = ("edifact", "x12", "cii", "facturx")
_SAMPLES = Path(__file__).parent / "samples"
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "idoc": {"vat": {"A0": "E"}},
    "fixed": {
        "columns": {
            "number": "1-4", "date": "5-14", "order": "15-24", "note": "25-34", "line": "35-37",
            "amount": {"at": "38-46", "decimals": "2"}, "vat": "47-48", "gtin": "49-62",
        }
    },
}  # fmt: skip
_INVOICE = "invoice: {BT-1: number, BT-2: date, BT-3: \"= '380'\", BT-5: \"= 'EUR'\"}\n"
_MAPPINGS: Mapping[str, str] = {
    "json": _INVOICE + "lines: {each: 'lines[]', BT-126: id, BT-131: net}\n",
    "xml": _INVOICE + "lines: {each: line, BT-126: id, BT-131: net}\n",
}
_ROWS = ("number", "date", "order", "note", "line", "amount", "vat", "gtin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """Bytes read as a format: the first thing that is said of them has this code, and a place that holds `place`."""

    form: str
    name: str
    make: Callable[[], bytes]
    code: str
    place: str = ""


def reading(form: str, **options: Any) -> Reading:
    """How the samples are read."""
    mapping = None
    if form in _MAPPINGS:
        mapping = plan(form, _MAPPINGS[form])
    elif FORMATS[form].mapping == "required":
        mapping = plan(form)
    return Reading(mapping=mapping, options=FORMATS[form].options.model_validate({**_OPTIONS.get(form, {}), **options}))


def outcomes(form: str, data: bytes, **options: Any) -> list[Any]:
    """What reading gives; the refusal of the whole is one of them."""
    read = FORMATS[form].read
    assert read
    try:
        return list(read(data, reading(form, **options)))
    except Refused as refused:
        return [refused]


@cache
def good(form: str) -> bytes:
    """An invoice in that format, or an order for `ubl-order`."""
    if form in WRITTEN:
        write = FORMATS[form].write
        assert write
        at = datetime(2026, 11, 9, tzinfo=UTC)
        writing = Writing(
            sender=Identifier("3012345000017", "0088"), receiver=Identifier("3020000000012", "0088"), control=1, at=at
        )
        return write(sample(), writing)
    return _MADE[form]()


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(list(_ROWS))
    book.active.append(["A1", "2026-11-02", "0123", None, 1, 12.96, 20, "3012345001014"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


_MADE: Mapping[str, Callable[[], bytes]] = {
    "excel": _workbook,
    "fixed": lambda: b"A1  2026-11-02O1                  1  00000129620  3012345001014\r\n",
    "json": lambda: b'{"number":"A1","date":"2026-11-02","lines":[{"id":"1","net":12.96}]}',
    "xml": lambda: b"<i><number>A1</number><date>2026-11-02</date><line><id>1</id><net>12.96</net></line></i>",
    "ubl-order": lambda: ORDER,
    "cxml": (_SAMPLES / "cxml/invoice.xml").read_bytes,
    "idoc": (_SAMPLES / "idoc/invoic02.xml").read_bytes,
}
FORMS = (*WRITTEN, *_MADE)


def cases() -> Iterator[Bad]:
    """Every case."""
    yield from _edifact()
    yield from _x12()
    yield from _xml()
    yield from _facturx()
    yield from _excel()
    yield from _mapped()


def _changed(form: str, *pairs: tuple[bytes, bytes]) -> Callable[[], bytes]:
    def make() -> bytes:
        data = good(form)
        for old, new in pairs:
            assert old in data, (form, old)
            data = data.replace(old, new, 1)
        return data

    return make


def _cut(form: str, part: int) -> Callable[[], bytes]:
    return lambda: good(form)[: len(good(form)) * part // 100]


def _edifact() -> Iterator[Bad]:
    def bad(name: str, make: Callable[[], bytes], code: str, place: str = "") -> Bad:
        return Bad(form="edifact", name=name, make=make, code=f"EDI-{code}", place=place)

    unb = b"UNB+UNOC:3+1+2+261109:1200+7'"
    for part in (25, 50, 75):
        yield bad(f"cut-at-{part}", _cut("edifact", part), "TERMINATOR", "segment ")
    yield bad("nothing", lambda: b" \r\n\t", "EMPTY")
    yield bad("una-alone", lambda: b"UNA:+.? '", "UNB", "byte 10")
    yield bad("una-of-letters", lambda: b"UNAabcdef" + good("edifact")[9:], "UNA", "byte 1")
    yield bad("no-unz", lambda: good("edifact").rpartition(b"UNZ")[0], "STRUCTURE", "interchange 1")
    yield bad("no-unt", lambda: good("edifact").replace(b"UNT+", b"UNX+"), "STRUCTURE", "interchange 1")
    yield bad("bare-segments", lambda: unb + b"A'" * 1_000_000 + b"UNZ+1+7'", "EMPTY")
    yield bad("bare-tags", lambda: unb + b"UNT'" * 1_000_000, "STRUCTURE", "segment 2")
    yield bad("terminators", lambda: unb + b"'" * 1_000_000 + b"UNZ+1+7'", "EMPTY")
    body = b"UNH+1+INVOIC:D:96A:UN'" + b"LIN'" * 1_000_000
    yield bad("segments-of-a-message", lambda: unb + body + b"UNT+1000002+1'UNZ+1+7'", "TOO-MANY", "segment 2")
    many = b"".join(b"UNH+%d+INVOIC:D:96A:UN'UNT+2+%d'" % (n, n) for n in range(10_001))
    yield bad("messages", lambda: unb + many + b"UNZ+10001+7'", "TOO-MANY", "segment ")
    long = b"x" * 10_000_000
    yield bad("element", _changed("edifact", (b"BGM+380+", b"BGM+380+" + long)), "SEGMENT-LENGTH", "segment 3")
    yield bad("element-of-releases", lambda: unb + b"UNH+" + b"?'" * 5_000_000, "SEGMENT-LENGTH", "segment 2")
    yield bad("releases", lambda: unb + b"?" * 5_000_000, "SEGMENT-LENGTH", "segment 2")
    yield bad("tag", _changed("edifact", (b"BGM", b"bgm")), "TAG", "segment 3")
    yield bad("nul-in-tag", _changed("edifact", (b"BGM", b"B\0M")), "CHARSET", "segment 2")
    yield bad("nul", _changed("edifact", (b"F-1001", b"F-1001\0")), "CHARSET", "segment 2")
    yield bad("unknown-charset", _changed("edifact", (b"BGM", b"bgm"), (b"UNOC", b"UNOX")), "TAG", "segment 3")
    yield bad("object-of-lies", lambda: unb + b"UNO+1+1:x+13+9999999999'abcUNP+3+1'UNZ+1+7'", "STRUCTURE", "segment 2")
    yield bad("utf-16", lambda: good("edifact").decode("latin-1").encode("utf-16"), "UNB", "byte 1")


def _x12() -> Iterator[Bad]:
    def bad(name: str, make: Callable[[], bytes], code: str, place: str = "") -> Bad:
        return Bad(form="x12", name=name, make=make, code=f"X12-{code}", place=place)

    def isa() -> bytes:
        return good("x12").partition(b"~")[0] + b"~"

    def group() -> bytes:
        return good("x12").partition(b"~ST*")[0] + b"~"

    end = b"GE*1*1~IEA*1*000000001~"
    for part in (25, 50, 75, 99):
        yield bad(f"cut-at-{part}", _cut("x12", part), "", "")
    yield bad("nothing", lambda: b" \r\n\t", "EMPTY")
    yield bad("isa-alone", isa, "STRUCTURE", "interchange ")
    yield bad("isa-cut", lambda: isa()[:60], "ISA", "byte 1")
    yield bad("no-iea", lambda: good("x12").rpartition(b"IEA")[0], "STRUCTURE", "interchange ")
    yield bad("no-se", lambda: good("x12").replace(b"~SE*", b"~SX*"), "STRUCTURE", "segment ")
    yield bad("bare-segments", lambda: isa() + b"A~" * 1_000_000 + b"IEA*0*000000001~", "EMPTY")
    yield bad("groups", lambda: isa() + b"GS*IN~GE~" * 10_001, "TOO-MANY", "segment ")
    sets = b"ST*810*1~SE*2*1~" * 10_001
    yield bad("sets", lambda: group() + sets + end, "TOO-MANY", "segment ")
    body = b"ST*810*1~" + b"IT1~" * 1_000_000 + b"SE*1000002*1~"
    yield bad("segments-of-a-set", lambda: group() + body + end, "TOO-MANY", "segment ")
    yield bad("element", _changed("x12", (b"BIG*", b"BIG*" + b"9" * 10_000_000)), "SEGMENT-LENGTH", "segment ")
    yield bad("nul", _changed("x12", (b"F-1001", b"F-1001\0")), "CHARSET", "segment ")
    yield bad("tag", _changed("x12", (b"~BIG*", b"~b/g*")), "TAG", "segment ")
    yield bad("utf-16", lambda: good("x12").decode("latin-1").encode("utf-16"), "ISA", "byte 1")


def _subset(form: str) -> bytes:
    """A document type with an internal subset, where cXML has one without."""
    data = good(form)
    if b'.dtd">' in data:
        return data.replace(b'.dtd">', b'.dtd" [<!ENTITY x "y">]>', 1)
    return b'<!DOCTYPE a [<!ENTITY x "y">]>' + data.rpartition(b"?>")[2]


def _xml() -> Iterator[Bad]:
    def bad(form: str, name: str, make: Callable[[], bytes], code: str, place: str = "line ") -> Bad:
        return Bad(form=form, name=name, make=make, code=f"XML-{code}", place=place)

    for form in ("cii", "cxml", "idoc", "xml"):
        for part in (25, 50, 75, 99):
            yield bad(form, f"cut-at-{part}", _cut(form, part), "MALFORMED")
        yield bad(form, "nothing", lambda: b"", "MALFORMED")
        yield bad(form, "internal-subset", partial(_subset, form), "DOCTYPE")
        yield bad(form, "deep", lambda: b"<a>" * 100_000, "TOO-DEEP")
        yield bad(form, "tags", lambda: b"<a>" + b"<b/>" * 2_000_001 + b"</a>", "TOO-LARGE", "")
        yield bad(form, "nul", _changed(form, (b"</", b"\0</")), "MALFORMED")
        yield bad(form, "not-utf-8", _changed(form, (b"</", b"\xe9</")), "ENCODING")


def _facturx() -> Iterator[Bad]:
    def bad(name: str, make: Callable[[], bytes], code: str, place: str = "") -> Bad:
        return Bad(form="facturx", name=name, make=make, code=code, place=place)

    def saved(change: Callable[[pikepdf.Pdf], None], **options: Any) -> bytes:
        buffer = io.BytesIO()
        with pikepdf.open(io.BytesIO(good("facturx"))) as pdf:
            change(pdf)
            pdf.save(buffer, **options)
        return buffer.getvalue()

    def bomb(pdf: pikepdf.Pdf) -> None:
        packed = zlib.compressobj(9)
        data = b"".join(packed.compress(b" " * 2**20) for _ in range(300)) + packed.flush()
        for stream in (each for each in pdf.objects if isinstance(each, pikepdf.Stream)):
            if stream.get("/Type") == Name.EmbeddedFile:
                stream.write(data, filter=Name.FlateDecode)

    def emptied(pdf: pikepdf.Pdf) -> None:
        del pdf.Root.Names
        del pdf.Root.AF

    yield bad(
        "encrypted",
        lambda: saved(lambda pdf: None, encryption=pikepdf.Encryption(user="u", owner="o")),
        "PDF-ENCRYPTED",
    )
    yield bad("bomb", lambda: saved(bomb), "PDF-BROKEN")
    yield bad("without-xml", lambda: saved(emptied), "FACTURX-NO-XML")
    yield bad("begin", lambda: b"%PDF-1.7\n", "PDF-BROKEN")
    yield bad("other", lambda: good("cii"), "PDF-BROKEN")


def _excel() -> Iterator[Bad]:
    def bad(name: str, make: Callable[[], bytes], code: str, place: str = "") -> Bad:
        return Bad(form="excel", name=name, make=make, code=code, place=place)

    def part(change: Callable[[bytes], bytes], name: str = "xl/worksheets/sheet1.xml") -> bytes:
        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(good("excel"))) as old,
            zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for each in old.namelist():
                new.writestr(each, change(old.read(each)) if each == name else old.read(each))
        return buffer.getvalue()

    def formula(sheet: bytes) -> bytes:
        return sheet.replace(b"<v>12.96</v>", b"<f>WEBSERVICE(&quot;http://127.0.0.1:9/&quot;)</f>")

    for share in (25, 50, 75, 99):
        yield bad(f"cut-at-{share}", _cut("excel", share), "EXCEL-MALFORMED")
    yield bad("zip-bomb", lambda: part(lambda body: body + b" " * 201 * 2**20), "EXCEL-TOO-LARGE")
    yield bad("formula", lambda: part(formula), "EXCEL-ROW", "row 2")
    yield bad(
        "doctype",
        lambda: part(lambda body: b'<!DOCTYPE a [<!ENTITY x "y">]>' + body.rpartition(b"?>")[2]),
        "XML-DOCTYPE",
    )
    yield bad("empty-zip", lambda: b"PK\5\6" + b"\0" * 18, "EXCEL-MALFORMED")
    yield bad("old", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "EXCEL-OLD")
    yield bad("text", lambda: b"number;date\n", "EXCEL-MALFORMED")


def _mapped() -> Iterator[Bad]:
    def fixed(name: str, make: Callable[[], bytes], code: str, place: str = "") -> Bad:
        return Bad(form="fixed", name=name, make=make, code=code, place=place)

    def tree(name: str, make: Callable[[], bytes], code: str, place: str = "") -> Bad:
        return Bad(form="json", name=name, make=make, code=code, place=place)

    yield fixed("nothing", lambda: b"", "FIXED-EMPTY", "row 1")
    yield fixed("cut", lambda: good("fixed")[:20], "MAP-VALUE", "row 1")
    yield fixed("nul", lambda: good("fixed").replace(b"O1", b"\0\0"), "FIXED-CHARSET", "row 1")
    yield fixed("latin-1", lambda: good("fixed").replace(b"O1", b"\xe9\xe9"), "FIXED-CHARSET", "row 1")
    yield fixed("endless-record", lambda: b"x" * 10_000_000, "FIXED-TOO-LARGE", "row 1")
    yield fixed("records", lambda: good("fixed") * 250_001, "FIXED-TOO-LARGE", "row ")
    yield fixed("line-breaks", lambda: b"\n" * 2_000_000, "FIXED-EMPTY", "row 1")
    yield tree("cut", _cut("json", 50), "JSON-MALFORMED", "line 1")
    yield tree("nul", _changed("json", (b"A1", b"\0")), "JSON-MALFORMED", "line 1")
    yield tree("latin-1", _changed("json", (b"A1", b"\xe9")), "JSON-ENCODING", "line 1")
    yield tree("deep", lambda: b"[" * 100_000, "JSON-TOO-DEEP", "line 1")
    yield tree("documents", lambda: b"[" + b"{}," * 10_000 + b"{}]", "JSON-TOO-LARGE")
    yield tree("lines", lambda: b'{"number":"1","lines":[' + b"{}," * 300_000 + b"{}]}", "MAP-VALUE")
    yield tree("amount", _changed("json", (b"12.96", b"1e999999999")), "MAP-VALUE", "/")
    yield Bad(form="xml", name="amount", make=_changed("xml", (b"12.96", b"NaN")), code="MAP-VALUE", place="line 1")
    yield Bad(
        form="cii",
        name="amount",
        make=_changed("cii", (b"<ram:LineTotalAmount>", b"<ram:LineTotalAmount>x")),
        code="CII-VALUES",
        place="line ",
    )


def said(found: list[Any]) -> tuple[str, str]:
    """Code and place of the first thing that reading says against a file; of a document `read` and its number."""
    first = found[0]
    return (first.code, first.place or "") if isinstance(first, Refused) else ("read", first.number)
