"""Invoices that say much, for tests of what is printed, and Apache PDFBox preflight to look at the PDFs."""

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from gateway.invoice import (
    Account,
    Address,
    Adjustment,
    Attachment,
    Attribute,
    Contact,
    Delivery,
    Identifier,
    Invoice,
    Line,
    Note,
    Party,
    Payment,
    Period,
    PrecedingInvoice,
    Price,
    Totals,
    VatBreakdown,
)
from gateway.testing import sample
from tests.conftest import require_peer

_JARS = Path("/usr/share/java")
_NEEDED = ("preflight", "pdfbox2", "fontbox2", "xmpbox", "commons-logging", "javax.activation", "jaxb-api")
_ONLY_PDFA_1 = re.compile(r"^(1\.4\.7|1\.2\.9|1\.2\.7|7\.11\.\d+|2\.1\.6|7\.3 : .*pdfua/ns/id)")
"""What PDF/A-1 forbids and PDF/A-3 allows: attached files, ICC profiles of version 4, declared schemas of others."""


def rich(lines: int = 2) -> Invoice:
    """An invoice that fills nearly every field."""
    plain = sample()
    return replace(
        plain,
        lines=tuple(_line(plain.lines[index % 2], index + 1) for index in range(lines)),
        sales_order="SO-99",
        contract="C-2026-7",
        project="P-1",
        despatch_advice="BL-77123",
        receiving_advice="GR-1",
        tender="T-1",
        buyer_reference="Service Achats",
        accounting_reference="6071",
        object_id=Identifier("CTR-0815", "AUN"),
        period=Period(start=date(2026, 10, 1), end=date(2026, 10, 31)),
        tax_point_code="432",
        extensions={"x:order_date": "2026-10-20"},
        preceding=(PrecedingInvoice(number="F-0900", issue_date=date(2026, 9, 1)),),
        seller=replace(
            plain.seller,
            legal_id=Identifier("302000005", "0002"),
            legal_information="SAS au capital de 500 000 €",
            contact=Contact(name="Jeanne Dupont", phone="+33 1 23 45 67 89", email="compta@acme.example"),
        ),
        payee=Party(name="Factor SA"),
        tax_representative=Party(name="Fisc & Co", vat_id="FR00987654321"),
        delivery=Delivery(
            name="Entrepôt Lyon-Est",
            location=Identifier("3020180000017", "0088"),
            date=date(2026, 10, 30),
            address=Address(city="Saint-Priest", country="FR"),
        ),
        payment=Payment(
            means="58",
            remittance="F-1001",
            accounts=(Account(id="FR7630006000011234567890189", name="ACME France SAS", service_provider="AGRIFRPP"),),
        ),
        payment_terms="30 jours fin de mois",
        allowances=(
            Adjustment(
                amount=Decimal("5.00"),
                base=Decimal(100),
                percent=Decimal(5),
                vat_category="S",
                vat_rate=Decimal(20),
                reason_code="95",
            ),
        ),
        charges=(Adjustment(amount=Decimal("12.50"), vat_category="S", vat_rate=Decimal(20), reason="Frais de port"),),
        notes=(
            Note(text="Indemnité forfaitaire : 40 €.", subject="PMT"),
            Note(text="Trois fois l'intérêt légal.", subject="PMD"),
            Note(text="B2B", subject="BAR"),
            Note(text="Merci de votre confiance."),
        ),
        vat_breakdown=(
            VatBreakdown(category="S", rate=Decimal("20.00"), taxable=Decimal("12042.81"), tax=Decimal("2408.56")),
            VatBreakdown(
                category="E",
                rate=Decimal(0),
                taxable=Decimal(100),
                tax=Decimal(0),
                exemption_reason="Article 261-4 du CGI",
                exemption_code="VATEX-EU-132",
            ),
            VatBreakdown(category="AE", rate=Decimal(0), taxable=Decimal(50), tax=Decimal(0)),
        ),
        totals=Totals(
            lines=Decimal("12035.31"),
            allowances=Decimal(5),
            charges=Decimal("12.5"),
            without_vat=Decimal("12042.81"),
            vat=Decimal("2408.56"),
            with_vat=Decimal("14451.37"),
            paid=Decimal(1000),
            rounding=Decimal("-0.02"),
            due=Decimal("13451.35"),
        ),
        attachments=(
            Attachment(
                id="BL-77123",
                description="Bon de livraison",
                content=b"\x00signed",
                media_type="application/pdf",
                filename="../bl.pdf",
            ),
            Attachment(id="LINK", url="https://acme.example/proof"),
        ),
    )


def _line(line: Line, number: int) -> Line:
    return replace(
        line,
        id=str(number),
        order_line=str(number * 10),
        note="Livré partiellement",
        price=Price(
            net=Decimal("1.62"),
            gross=Decimal("1.80"),
            discount=Decimal("0.18"),
            base_quantity=Decimal(100),
            base_unit="KGM",
        ),
        item=replace(
            line.item,
            description="Origine Éthiopie",
            buyer_id="HM-7001",
            attributes=(Attribute(name="Couleur", value="noir"),),
        ),
        allowances=(Adjustment(amount=Decimal("1.20"), reason="Remise fidélité"),),
        charges=(Adjustment(amount=Decimal("0.50"), reason_code="FC"),),
    )


def preflight(file: Path) -> list[str]:
    """What PDFBox preflight finds in a PDF, without what only PDF/A-1 forbids; the test is skipped without it."""
    jars = [_JARS / f"{name}.jar" for name in _NEEDED]
    missing = [each.name for each in jars if not each.exists()]
    if shutil.which("java") is None or missing:
        require_peer(
            "no PDFBox preflight (apt: default-jre-headless libpdfbox2-java libactivation-java libjaxb-api-java)"
        )
    command = ["java", "-cp", ":".join(map(str, jars)), "org.apache.pdfbox.preflight.Validator_A1b", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    told = [line for line in done.stdout.splitlines() if re.match(r"\d+(\.\d+)+ : ", line)]
    assert told, f"preflight said nothing: {done.stdout}{done.stderr}"  # a PDF/A-3 is never a valid PDF/A-1
    return [line for line in told if not _ONLY_PDFA_1.match(line)]
