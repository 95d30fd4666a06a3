"""What is printed on an invoice, in which words, and what a partner's file may say about its looks."""

import datetime
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.pdf import codes, countries
from gateway.formats.pdf.labels import LABELS, LANGUAGES, language_for
from gateway.formats.pdf.options import PdfOptions
from gateway.formats.pdf.values import values
from gateway.formats.pdf.writing_style import STYLES, account, amount, breakable, clean, date, number, percent
from gateway.invoice import Address, Card, Identifier, Note, Party, Payment, PrecedingInvoice
from gateway.testing import sample
from tests.pdf_documents import rich


def shown(found: list[dict[str, str]]) -> Mapping[str, str]:
    return {each["label"]: each["value"] for each in found}


def test_every_label_in_every_language() -> None:
    """Every table has a text in every language, with the same places to fill in as the English one."""
    for language in LANGUAGES:
        assert LABELS[language].keys() == LABELS["en"].keys()
        for key, text in LABELS[language].items():
            assert text
            assert text.count("{") == LABELS["en"][key].count("{")
    for words in (codes.DOCUMENT_TYPES, codes.VAT_CATEGORIES, codes.PAYMENT_MEANS, codes.UNITS, countries.COUNTRIES):
        assert all(all(words[language].values()) for language in LANGUAGES)
    assert set(STYLES) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("buyer", "seller", "language"),
    [
        ("FR", "DE", "fr"),
        ("BE", "FR", "fr"),
        ("BE", "SE", "nl"),
        ("CH", "IT", "it"),
        ("PL", "FR", "en"),
        (None, None, "en"),
    ],
)
def test_the_language_of_the_buyer(buyer: str | None, seller: str | None, language: str) -> None:
    """The buyer's country decides; where several languages are spoken, the one the seller speaks too."""
    assert language_for(buyer, seller) == language


def test_numbers_as_readers_write_them() -> None:
    """Groups, decimal marks and percent signs follow the language; digits are never lost or rounded."""
    million = Decimal("-1234567.8900")
    assert number(million, STYLES["en"]) == "−1,234,567.89"
    assert number(million, STYLES["de"]) == "−1.234.567,89"
    assert number(million, STYLES["fr"]) == "−1\u202f234\u202f567,89"
    assert amount(Decimal("8.5"), STYLES["it"], "EUR") == "8,50"
    assert amount(Decimal("8.505"), STYLES["en"], "EUR") == "8.505"
    assert amount(Decimal(1200), STYLES["en"], "JPY") == "1,200"
    assert amount(Decimal(1), STYLES["en"], "TND") == "1.000"
    assert number(Decimal("1E+3"), STYLES["en"]) == "1,000"
    assert percent(Decimal("5.50"), STYLES["fr"]) == "5,5\u00a0%"
    assert number(Decimal("123456789012.123456"), STYLES["en"]).replace("\u200b", "") == "123,456,789,012.123456"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1E+999999", "1E-999999", "1" * 60])
def test_numbers_that_are_none(value: str) -> None:
    """What would fill pages, or is no number, is refused."""
    with pytest.raises(Refused, match="PDF-VALUE"):
        number(Decimal(value), STYLES["en"])


def test_dates_and_accounts() -> None:
    """Dates follow the language, an IBAN is grouped, another account number is left alone."""
    day = datetime.date(2026, 2, 1)
    written = {language: date(day, STYLES[language]) for language in LANGUAGES}
    assert written["en"] == "1\u00a0Feb\u00a02026"
    assert written["de"] == "01.02.2026"
    assert written["fr"] == written["es"] == written["it"] == "01/02/2026"
    assert written["nl"] == "01-02-2026"
    assert account("FR76 30006000011234567890189") == "FR76 3000 6000 0112 3456 7890 189".replace(" ", "\u00a0")
    assert account("12-345 678") == "12-345 678"


def test_texts_are_made_fit_to_print() -> None:
    """Controls and marks that turn the direction go, lines stay, a word longer than its column may break."""
    assert clean("\x00 a\u202e21\x1b\r\nb\tc\ud800 ") == "a21\nb   c"
    assert clean("ن\u200cم") == "ن\u200cم"
    assert breakable("short words stay") == "short words stay"
    assert breakable("x" * 40).replace("\u200b", "") == "x" * 40
    assert max(map(len, breakable("x" * 40).split("\u200b"))) <= 30


def test_all_references_are_printed() -> None:
    """Every reference of the invoice stands among the facts, with its date where it has one."""
    found = shown(values(rich(), PdfOptions(language="en"))["facts"])
    assert found["Your order"] == "4500012345 of 20\u00a0Oct\u00a02026"
    assert found["Preceding invoice"] == "F-0900 of 1\u00a0Sep\u00a02026"
    assert found["VAT falls due"] == "on payment"
    assert found["Period"] == "1\u00a0Oct\u00a02026 – 31\u00a0Oct\u00a02026"
    expected = {"SO-99", "C-2026-7", "P-1", "BL-77123", "GR-1", "T-1", "CTR-0815", "Service Achats", "6071"}
    assert expected <= set(found.values())


def test_a_line_in_full() -> None:
    """A line has its words, numbers, ids, price, allowances and charges."""
    (first, _) = values(rich(), PdfOptions(language="en"))["lines"]
    assert (first["name"], first["description"]) == ("Café moulu 250 g", "Origine Éthiopie")
    assert (first["quantity"], first["unit"], first["price"], first["price_per"]) == ("8", "pc", "1.62", "per 100 kg")
    assert (first["vat"], first["amount"], first["note"]) == ("20%", "12.96", "Livré partiellement")
    details = shown(first["details"])
    assert details["GTIN"] == "3000000000014"
    assert details["Your item no."] == "HM-7001"
    assert details["Couleur"] == "noir"
    assert details["Order line"] == "10"
    assert details[""] == "Gross price 1.80, discount 0.18"
    assert [(each["label"], each["amount"]) for each in first["adjustments"]] == [
        ("Remise fidélité", "−1.20"),
        ("Freight", "0.50"),
    ]


def test_adjustments_taxes_and_totals() -> None:
    """Allowances and what is paid have a minus, categories have names, the amount due stands out."""
    found = values(rich(), PdfOptions(language="fr"))
    assert [(each["label"], each["share"], each["amount"]) for each in found["adjustments"]] == [
        ("Remise", "5\u00a0% de 100,00", "−5,00"),
        ("Frais de port", "", "12,50"),
    ]
    assert [each["category"] for each in found["vat"]] == ["Taux applicable", "Exonéré de TVA", "Autoliquidation"]
    assert found["vat"][1]["reason"] == "Article 261-4 du CGI · VATEX-EU-132"
    totals = {each["label"]: each["amount"] for each in found["totals"]}
    assert totals["Déjà réglé"] == "−1\u202f000,00"
    assert totals["Arrondi"] == "−0,02"
    assert [each["label"] for each in found["totals"] if each["is_due"]] == ["Net à payer"]


def test_payment_and_notes() -> None:
    """The account is grouped and called IBAN, legal notes have their names, notes for machines are left out."""
    found = values(rich(), PdfOptions(language="fr"))
    payment = shown(found["payment"])
    assert payment["Mode de règlement"] == "Virement SEPA"
    assert payment["IBAN"].replace("\u00a0", " ") == "FR76 3000 6000 0112 3456 7890 189"
    assert (payment["BIC"], payment["Conditions"]) == ("AGRIFRPP", "30 jours fin de mois")
    assert [each["label"] for each in found["notes"]] == ["Indemnité de recouvrement", "Pénalités de retard", "", ""]
    assert found["notes"][-1]["text"] == "SAS au capital de 500 000 €"


def test_a_card_number_is_never_printed() -> None:
    """Only the last four digits of a payment card are."""
    paid = replace(sample(), payment=Payment(means="48", card=Card(number="4111111111111111", holder="J. Dupont")))
    assert shown(values(paid, PdfOptions(language="en"))["payment"])["Card"] == "**** 1111 J. Dupont"


def test_parties() -> None:
    """Identifiers are called what people call them; a country has a name; the city stands where the country wants it."""
    found = values(rich(), PdfOptions(language="en"))
    assert shown(found["seller"]["ids"])["SIREN"] == "302000005"
    assert found["seller"]["address"] == ["12 rue de l'Industrie", "75011 Paris", "France"]
    assert found["seller"]["contact"] == ["Jeanne Dupont", "+33 1 23 45 67 89", "compta@acme.example"]
    assert (found["payee"]["name"], found["delivery"]["name"]) == ("Factor SA", "Entrepôt Lyon-Est")
    british = Party(name="Mill Ltd", address=Address(city="Leeds", post_code="LS1 1AA", country="GB"))
    assert values(replace(sample(), buyer=british), PdfOptions())["buyer"]["address"] == [
        "Leeds LS1 1AA",
        "United Kingdom",
    ]
    unknown = replace(sample().buyer, legal_id=Identifier("77", "9999"))
    assert shown(values(replace(sample(), buyer=unknown), PdfOptions(language="en"))["buyer"]["ids"])[
        "Registration no."
    ]


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("380", "Facture F-1"),
        ("381", "Avoir F-1"),
        ("384", "Facture rectificative F-1"),
        ("420", "Avoir F-1"),
        ("9", "Facture F-1"),
    ],
)
def test_the_title_says_what_it_is(code: str, title: str) -> None:
    """A credit note is called one; an unknown code counts as invoice or credit note as the standard has it."""
    document = replace(sample("F-1"), type_code=code, preceding=(PrecedingInvoice(number="F-0"),))
    assert values(document, PdfOptions(language="fr"))["title"] == title


def test_what_is_owed_on_a_credit_note() -> None:
    """Nobody is told to pay a credit note."""
    totals = values(replace(sample(), type_code="381"), PdfOptions(language="en"))["totals"]
    assert [each["label"] for each in totals if each["is_due"]] == ["Amount in your favour"]


def test_unknown_codes_are_printed_as_they_are() -> None:
    """A code without a word is not lost."""
    odd = replace(
        sample(),
        lines=(replace(sample().lines[0], unit="ZZ9", vat_category="X"),),
        notes=(Note(text="n", subject="ZZ"),),
    )
    found = values(odd, PdfOptions(language="en"))
    assert (found["lines"][0]["unit"], found["lines"][0]["vat"], found["notes"][0]["text"]) == ("ZZ9", "X", "n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"language": "pt"}, "language"),
        ({"accent": "red"}, "accent"),
        ({"paper": "a5"}, "paper"),
        ({"margin": "5"}, "margin"),
        ({"logo": "logo.gif"}, "no logo"),
        ({"template": "a.txt"}, "no template"),
        ({"fonts": "nowhere"}, "holds no font"),
        ({"template": "missing.typ"}, "no template missing.typ"),
        ({"logo": "missing.png"}, "cannot be read"),
        ({"logo": "false.png"}, "not what its name says"),
        ({"logo": "broken.png"}, "a PDF for trial cannot be made"),
        ({"template": "wrong/layout.typ"}, "unknown variable: dat"),
        ({"template": "package/layout.typ"}, "none is fetched"),
        ({"font": "Comic Sans"}, "no font 'Comic Sans'"),
    ],
)
def test_mistakes_are_told_by_the_check(tmp_path: Path, options: dict[str, str], said: str) -> None:
    """A look that would not work is found while the site is checked."""
    (tmp_path / "false.png").write_bytes(b"GIF89a")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name, text in (("wrong", "#dat"), ("package", '\n#import "@preview/x:1.0.0": y')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "layout.typ").write_text(text)
    with pytest.raises(ValidationError) as caught:
        PdfOptions.model_validate(options, context={"root": tmp_path})
    assert said in str(caught.value)


def test_a_pdf_is_written_and_never_read() -> None:
    """The format takes no document from those who can read it."""
    assert FORMATS["pdf"].read is None
    assert recognise(b"%PDF-1.7\n") != "pdf"
