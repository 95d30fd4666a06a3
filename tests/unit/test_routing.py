"""Who a document is for and how it leaves."""

from gateway.config.model import EndpointSettings, Organisation, Partner, Receives, RouteStep, Sends
from gateway.flow.routing import Planned, entry, foreign, identify, plan, receives
from gateway.invoice import Identifier, Party
from gateway.message import DocumentKind

WAY = Receives(format="ubl", route=(RouteStep(endpoint="main", fallback=("mail", "print")), RouteStep(endpoint="copy")))
PARTNERS = {
    "hyper": Partner(
        name="Hypermarché SA",
        identifiers={"gln": ("3020180000000", "3020180000017"), "vat": ("FR98765432101",)},
        receives={DocumentKind.INVOICE: WAY},
    ),
    "brico": Partner(name="Brico SARL", identifiers={"gln": ("3012345678902",), "number": ("C-42",)}),
}


def test_a_buyer_is_found_by_gln() -> None:
    """The scheme 0088 of EN 16931 is the gln of a partner file."""
    found = identify(Party(ids=(Identifier("3020180000017", "0088"),)), PARTNERS)
    assert found.partner == "hyper"
    assert "gln 3020180000017" in found.why


def test_a_buyer_is_found_by_electronic_address_vat_or_number() -> None:
    """Every identifier a document may carry leads to the partner that lists it."""
    assert identify(Party(electronic_address=Identifier("3012345678902", "0088")), PARTNERS).partner == "brico"
    assert identify(Party(vat_id="FR98765432101"), PARTNERS).partner == "hyper"
    assert identify(Party(ids=(Identifier("C-42"),)), PARTNERS).partner == "brico"


def test_a_seller_with_other_identifiers_is_foreign() -> None:
    """One identifier of ours is enough, however it is spaced; only other ones of a scheme we list contradict it."""
    us = Organisation(name="ACME", identifiers={"gln": ("3012345000017",), "vat": ("FR23301234506", "BE0301234506")})
    ours, other = Identifier("3012345000017", "0088"), Identifier("3012345999993", "0088")
    assert foreign(Party(name="ACME", ids=(ours, other)), us) == ""
    assert foreign(Party(ids=(other,), vat_id="fr 23 301234506"), us) == ""
    assert foreign(Party(name="Somebody Else", ids=(Identifier("C-42"),)), us) == ""
    assert foreign(Party(ids=(other,)), Organisation(name="ACME")) == ""
    said = foreign(Party(ids=(other,), vat_id="DE1"), us)
    assert (
        said
        == "the seller (gln 3012345999993, vat DE1) is not ACME (gln 3012345000017, vat FR23301234506 or BE0301234506)"
    )


def test_identifiers_of_strangers_are_told_in_few_words() -> None:
    """However many and long the identifiers of a document are, what is said of them is short."""
    ids = tuple(Identifier("9" * 100_000, "0088") for _ in range(500))
    why = identify(Party(ids=ids), PARTNERS).why
    assert "and 490 more" in why
    assert len(why) < 2000


def test_a_name_counts_only_when_there_is_nothing_better() -> None:
    """An identifier nobody lists is not made up for by a name: two companies may share one."""
    assert identify(Party(name="Brico SARL"), PARTNERS).partner == "brico"
    assert identify(Party(name="Brico SARL", vat_id="FR00000000000"), PARTNERS).partner is None


def test_identifiers_of_two_partners_are_nobody() -> None:
    """A buyer that fits two partners is not guessed at; the words name both."""
    party = Party(ids=(Identifier("3020180000000", "0088"), Identifier("C-42")))
    found = identify(party, PARTNERS)
    assert found.partner is None
    assert "hyper" in found.why
    assert "brico" in found.why


def test_an_unknown_buyer_is_told_with_its_identifiers() -> None:
    """The words repeat what the document said, so that it can be added to a file."""
    found = identify(Party(name="Nobody", vat_id="XX1"), PARTNERS)
    assert found.partner is None
    assert "vat XX1" in found.why


def test_the_first_entry_that_fits_reads_the_message() -> None:
    """Endpoint and file name choose the entry; an entry without endpoints fits all of them."""
    partner = Partner(
        name="ERP",
        endpoints={"drop": EndpointSettings(kind="folder"), "api": EndpointSettings(kind="api")},
        sends=(
            Sends(over=("drop",), match="*.csv", format="csv"),
            Sends(match="*.XML", format="ubl"),
            Sends(over=("api",), format="json"),
        ),
    )
    assert entry(partner, endpoint="drop", filename="A.CSV") is partner.sends[0]
    assert entry(partner, endpoint="drop", filename="a.xml") is partner.sends[1]
    assert entry(partner, endpoint="api", filename=None) is partner.sends[2]
    assert entry(partner, endpoint="drop", filename="a.txt") is None


def test_a_credit_note_goes_the_way_of_invoices() -> None:
    """Unless the partner has a way of its own for credit notes."""
    assert receives(PARTNERS["hyper"], DocumentKind.CREDIT_NOTE) is WAY
    assert receives(PARTNERS["brico"], DocumentKind.INVOICE) is None


def test_the_plan_has_fallbacks_behind_their_step() -> None:
    """Steps go side by side; the fallbacks of a step come one after the other."""
    assert plan(WAY) == (
        Planned(0, 0, "main"),
        Planned(0, 1, "mail"),
        Planned(0, 2, "print"),
        Planned(1, 0, "copy"),
    )
