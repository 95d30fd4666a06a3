"""PDFs made by typst: what they hold, how they are built, what they refuse, and what Apache PDFBox says of them."""

import importlib
import io
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats.base import Writing
from gateway.formats.pdf import PDF, typesetting
from gateway.formats.pdf.options import PdfOptions
from gateway.formats.pdf.render import MOST_DATA, MOST_LINES, EmbeddedFile, render, supporting
from gateway.invoice import Attachment, Identifier, Invoice, Item, Note
from gateway.testing import sample
from tests.pages import DOCS, blocks
from tests.pdf_documents import preflight, rich

rendering = importlib.import_module("gateway.formats.pdf.render")  # the package has a function of that name
LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#a00"/></svg>'
)


def opened(data: bytes) -> pikepdf.Pdf:
    return pikepdf.Pdf.open(io.BytesIO(data))


def fonts_of(document: pikepdf.Pdf) -> Sequence[Any]:
    return [each for each in document.objects if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == "/Font"]


def written(invoice: Invoice, options: PdfOptions | None = None) -> bytes:
    assert PDF.write
    return PDF.write(
        invoice,
        Writing(
            sender=Identifier("1"),
            receiver=Identifier("2"),
            control=0,
            at=datetime(2026, 11, 24, tzinfo=UTC),
            options=options or PdfOptions(),
        ),
    )


def test_it_is_built_as_pdf_a_3_and_pdf_ua_1() -> None:
    """Tagged, with language and title, an output intent, every font embedded, and metadata that say what it is."""
    with opened(written(rich())) as document:
        root = document.Root
        assert root.MarkInfo.Marked
        assert root.StructTreeRoot.K
        assert str(root.Lang) == "fr"
        assert root.ViewerPreferences.DisplayDocTitle
        (intent,) = list(root.OutputIntents)
        assert intent.S == "/GTS_PDFA1"
        assert intent.DestOutputProfile.N == 3
        assert not document.is_encrypted
        with document.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"] == "Facture F-1001"
        fonts = fonts_of(document)
        descriptors = [each for font in fonts for each in font.get("/DescendantFonts", [font])]
        assert descriptors
        for each in descriptors:
            assert any(key in each.FontDescriptor for key in ("/FontFile", "/FontFile2", "/FontFile3"))


def test_supporting_documents_lie_inside() -> None:
    """A supporting document with content is attached as it came, under a safe name, related to the invoice."""
    with opened(written(rich())) as document:
        (name,) = document.attachments
        assert name == "_bl.pdf"
        attached = document.attachments[name]
        assert attached.get_file().read_bytes() == b"\x00signed"
        assert attached.get_file().mime_type == "application/pdf"
        assert attached.obj.AFRelationship == "/Supplement"
        assert len(list(document.Root.AF)) == 1


def test_names_and_media_types_of_attachments_are_made_safe() -> None:
    """Names without paths that differ from each other, and a media type that is one."""
    twice = Attachment(id="1", content=b"a", filename="a/b.txt", media_type="nonsense;\n")
    found = supporting(
        replace(sample(), attachments=(twice, replace(twice, content=b"b"), Attachment(id="…", content=b"c")))
    )
    assert [each.name for each in found] == ["a_b.txt", "2-a_b.txt", "_"]
    assert {each.media_type for each in found} == {"application/octet-stream"}
    with opened(render(sample(), PdfOptions(), attachments=found)) as document:
        assert set(document.attachments) == {each.name for each in found}


def test_the_caller_says_what_is_attached() -> None:
    """An invoice as data beside the page keeps its relation and its bytes."""
    xml = EmbeddedFile(name="factur-x.xml", content=b"<a/>", media_type="text/xml", relationship="alternative")
    with opened(render(rich(), PdfOptions(), attachments=[xml])) as document:
        assert list(document.attachments) == ["factur-x.xml"]
        assert document.attachments["factur-x.xml"].obj.AFRelationship == "/Alternative"


def test_the_same_bytes_again() -> None:
    """The same invoice and options give the same bytes: again, in other threads at once, and in another process."""
    first = render(sample(), PdfOptions())
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: render(sample(), PdfOptions()), range(12))) == {first}
    program = (
        "import sys; from gateway.testing import sample; from gateway.formats.pdf import PdfOptions, render; "
        "sys.stdout.buffer.write(render(sample(), PdfOptions()))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == first


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1969, 12, 31), date(9999, 12, 31)])
def test_any_day_can_be_printed(day: date) -> None:
    """The first and the last day of the calendar are days too."""
    assert render(replace(sample(), issue_date=day), PdfOptions()).startswith(b"%PDF-1.7")


@given(text=st.text(max_size=200), name=st.text(alphabet=st.characters(max_codepoint=0x24F), max_size=80))
def test_any_text_gives_a_pdf_or_is_refused(text: str, name: str) -> None:
    """Whatever an invoice says is printed, or refused because no font has a character of it."""
    line = replace(sample().lines[0], id=name, unit=name, note=text, item=Item(name=name))
    hostile = replace(
        rich(),
        number=name,
        currency=name[:3],
        lines=(line,),
        notes=(Note(text=text),),
        attachments=(Attachment(id=name, description=text, content=text.encode(errors="ignore"), media_type=name),),
    )
    try:
        assert written(hostile).startswith(b"%PDF-")
    except Refused as refused:
        assert refused.code == "PDF-GLYPH"


def test_texts_are_never_code() -> None:
    """What looks like the template's language in an invoice is printed as it stands."""
    code = '#panic("x") #read("/etc/passwd") $x$ *b* \\u{41} @preview/x "]'
    assert render(replace(sample(), number=code, notes=(Note(text=code),)), PdfOptions())


def test_a_character_that_no_font_has() -> None:
    """The characters are named, and what to do about them."""
    with pytest.raises(Refused, match=r"PDF-GLYPH.*'会' \(U\+4F1A\), '社' \(U\+793E\).*option fonts"):
        render(replace(sample(), notes=(Note(text="会社"),)), PdfOptions())


def test_what_is_too_long() -> None:
    """Lines, texts and attached files have a limit."""
    for invoice in (
        replace(sample(), lines=sample().lines[:1] * (MOST_LINES + 1)),
        replace(sample(), notes=(Note(text="word " * 1_500_000),)),
    ):
        with pytest.raises(Refused, match="PDF-TOO-LONG"):
            render(invoice, PdfOptions())
    file = EmbeddedFile(name="a", content=bytes(30_000_000), media_type="application/zip")
    with pytest.raises(Refused, match="PDF-TOO-LONG"):
        render(sample(), PdfOptions(), attachments=[file, file])


def test_a_large_document_is_made_by_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives the bytes that this process would give, says why it refuses, and has a limit of time."""
    large = replace(sample(), notes=(Note(text="word " * 120_000),))
    made = render(large, PdfOptions())
    with pytest.raises(Refused, match="PDF-GLYPH"):
        render(replace(large, buyer_reference="会社"), PdfOptions())
    with monkeypatch.context() as patched:
        patched.setattr(rendering, "LARGE_DATA", MOST_DATA)
        assert render(large, PdfOptions()) == made
    monkeypatch.setattr(typesetting, "LONGEST", 0.001)
    with pytest.raises(Refused, match="PDF-TOO-LONG"):
        render(large, PdfOptions())


def test_a_long_invoice_goes_over_many_pages() -> None:
    """A thousand lines, each with everything, are all there."""
    with opened(render(rich(1000), PdfOptions())) as document:
        assert len(document.pages) > 50


def test_a_template_of_the_site(tmp_path: Path) -> None:
    """It may import our parts and its own files, it keeps metadata and language, and a logo is an image with a name."""
    (tmp_path / "look").mkdir()
    (tmp_path / "logo.svg").write_bytes(LOGO)
    (tmp_path / "look/brand.typ").write_text('#let slogan = "Fast and green"')
    (tmp_path / "look/ours.typ").write_text(
        '#import "/gateway/parts.typ": *\n#import "brand.typ": slogan\n#logo\n= #data.title\n#slogan\n#lines\n#totals\n'
    )
    options = PdfOptions.model_validate(
        {"template": "look/ours.typ", "logo": "logo.svg", "paper": "us-letter", "accent": "#8b0000"},
        context={"root": tmp_path},
    )
    with opened(written(rich(), options)) as document:
        assert str(document.Root.Lang) == "fr"
        with document.open_metadata() as metadata:
            assert metadata["dc:title"] == "Facture F-1001"


def test_the_layout_of_the_documentation(tmp_path: Path) -> None:
    """The layout that the documentation shows makes a PDF."""
    [shown] = [each.text for each in blocks(DOCS / "howto/make-the-pdf-yours.md") if each.language == "text"]
    (tmp_path / "ours.typ").write_text(shown, encoding="utf-8")
    assert render(rich(), PdfOptions(template=tmp_path / "ours.typ"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('#read("/secret.key")', "file not found"),
        ('#read("../secret.key")', "escape"),
        ('#read("link.txt")', "file not found"),
        ('#import "@preview/cetz:0.3.0": *', "none is fetched"),
        ('#import "sub.typ"', "none is fetched"),
        ("#while true { }", "typst says"),
        ("#let f(x) = f(x)\n#f(1)", "maximum function call depth"),
        ("\n\n#nothing", "unknown variable: nothing"),
    ],
)
def test_what_a_template_cannot_do(tmp_path: Path, text: str, said: str) -> None:
    """It reads nothing outside its folder, not even by a link, fetches nothing, and does not run for ever."""
    folder = tmp_path / "look"
    folder.mkdir()
    (tmp_path / "secret.key").write_text("secret")
    (folder / "secret.key").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.key")
    (folder / "ours.typ").write_text(text)
    if "sub.typ" in text:
        (folder / "sub.typ").write_text('#import "@local/x:1.0.0"')
    with pytest.raises(Refused, match="PDF-TEMPLATE") as caught:
        render(sample(), PdfOptions(template=folder / "ours.typ"))
    assert said in caught.value.text
    if "nothing" in text:
        assert caught.value.place == "ours.typ line 3 column 1"


def test_a_template_that_has_gone(tmp_path: Path) -> None:
    """What was there at the check and is not there now is told."""
    with pytest.raises(Refused, match="there is no template"):
        render(sample(), PdfOptions(template=tmp_path / "gone.typ"))
    with pytest.raises(Refused, match=r"logo gone\.png cannot be read"):
        render(sample(), PdfOptions(logo=tmp_path / "gone.png"))


@pytest.mark.parametrize("language", ["en", "fr", "de", "es", "it", "nl"])
def test_every_language_is_printed(language: Any) -> None:
    """Our fonts have every character of our labels, and the document says its language."""
    with opened(render(rich(), PdfOptions(language=language))) as document:
        assert str(document.Root.Lang) == language


def test_preflight_finds_nothing(tmp_path: Path) -> None:
    """Apache PDFBox preflight finds nothing but what PDF/A-1 forbids and PDF/A-3 allows."""
    logo = tmp_path / "logo.svg"
    logo.write_bytes(LOGO)
    greek = replace(rich(60), notes=(Note(text="Ελληνικά, Łódź, חברה, شركة"),))
    for position, data in enumerate((written(sample()), written(greek, PdfOptions(logo=logo, footer="ACME SAS")))):
        file = tmp_path / f"{position}.pdf"
        file.write_bytes(data)
        assert preflight(file) == []
