"""The rules of XRechnung as KoSIT publishes them, out of a package that carries them: imported, chosen by BT-24, run."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.finding import Finding, Severity
from gateway.formats import FORMATS
from gateway.formats.base import Writing
from gateway.invoice import Account, Contact, Delivery, Identifier, Invoice, Payment
from gateway.official.alone import Alone
from gateway.official.archive import Told, find_packs
from gateway.official.check import MODULE, examine, findings
from gateway.official.library import Library, open_library
from gateway.official.shelf import put
from gateway.testing import sample
from tests.conftest import require_peer
from tests.interop.installation import NotInstallable, download

VERSION = "2.6.0"


@pytest.fixture(scope="module", name="library")
def _library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The packs of a site that has imported them."""
    try:
        file = download("xrechnung")
    except NotInstallable as error:
        require_peer(str(error))
        raise
    directory = tmp_path_factory.mktemp("rules")
    for found in find_packs(file, Told(version=VERSION, valid_from=date(2026, 9, 2))):
        put(directory, found)
    return open_library(directory)


@pytest.fixture(scope="module", name="worker")
def _worker() -> Iterator[Alone]:
    with Alone(MODULE) as alone:
        yield alone


def right() -> Invoice:
    """An invoice with all that the German rules ask for."""
    one = sample()
    seller = replace(
        one.seller,
        contact=Contact(name="Comptabilité", phone="+33 1 23 45 67 89", email="factures@acme.example"),
        electronic_address=Identifier("factures@acme.example", "EM"),
    )
    buyer = replace(one.buyer, electronic_address=Identifier("rechnung@kunde.example", "EM"))
    paid = Payment(means="58", accounts=(Account(id="FR1420041010050500013M02606"),))
    delivery = Delivery(date=date(2026, 10, 30))
    return replace(
        one, seller=seller, buyer=buyer, buyer_reference="04011000-12345-03", payment=paid, delivery=delivery
    )


def judged(library: Library, worker: Alone, invoice: Invoice, kind: str) -> tuple[Finding, ...]:
    """What the rules that its own BT-24 asks for say of it."""
    write = FORMATS[kind].write
    assert write
    options = FORMATS[kind].options.model_validate({"profile": "xrechnung"})
    at = datetime(2026, 11, 3, tzinfo=UTC)
    data = write(invoice, Writing(sender=Identifier("S"), receiver=Identifier("R"), control=1, at=at, options=options))
    examined = examine(library, ("auto",), data)
    assert [pack.family for pack in examined.chosen.packs] == [f"eu.cen.en16931:{kind}", f"de.xrechnung:{kind}"]
    assert examined.job is not None
    return findings(examined, worker.run(examined.job))


def test_the_packs_are_recognised(library: Library) -> None:
    """Both syntaxes, in the version and from the date that the operator says."""
    for kind in ("ubl", "cii"):
        pack = library.named(f"de.xrechnung:{kind}:{VERSION}")
        assert pack is not None
        assert pack.valid_from == date(2026, 9, 2)


@pytest.mark.parametrize("kind", ["ubl", "cii"])
def test_a_right_invoice_keeps_the_rules(library: Library, worker: Alone, kind: str) -> None:
    """What the gateway writes as XRechnung passes: nothing is held, nothing even noted."""
    assert judged(library, worker, right(), kind) == ()


@pytest.mark.parametrize("kind", ["ubl", "cii"])
@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("BR-DE-15", replace(right(), buyer_reference=None)),
        ("BR-DE-2", replace(right(), seller=replace(right().seller, contact=None))),
        ("BR-DE-1", replace(right(), payment=None)),
    ],
    ids=["reference", "contact", "payment"],
)
def test_what_german_rules_ask_for_is_told(
    library: Library, worker: Alone, *, kind: str, rule: str, wrong: Invoice
) -> None:
    """EN 16931 does without; the document is held with the official id and words of the German rule."""
    (told,) = judged(library, worker, wrong, kind)
    assert (told.rule, told.severity) == (rule, Severity.HOLD)
    assert told.text.startswith(f"[{rule}] ")
