"""Who a document is for and how it leaves: pure decisions over the snapshot."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gateway.config.model import Partner, Receives, Sends
from gateway.invoice import Identifier, Invoice, Party
from gateway.message import DocumentKind

SCHEMES: Mapping[str, str] = {
    "0088": "gln",
    "0002": "siren",
    "0009": "siret",
    "0060": "duns",
    "9957": "vat",
    "0225": "siren",
}
"""ISO 6523 and EAS codes by the names under which partner files list identifiers."""


def entry(partner: Partner, *, endpoint: str, filename: str | None) -> Sends | None:
    """How a message of this partner is read: the first entry of `sends` that fits the endpoint and the file name."""
    for sends in partner.sends:
        if sends.over and endpoint not in sends.over:
            continue
        if fnmatchcase((filename or "").lower(), sends.match.lower()):
            return sends
    return None


@dataclass(frozen=True, slots=True)
class Identified:
    """Whom a document is for: `partner` is None when nobody, or more than one, fits; `why` says it for people."""

    partner: str | None
    why: str


def identify(party: Party, partners: Mapping[str, Partner]) -> Identified:
    """Find the partner a buyer is, by the identifiers its file lists; by name only when it carries no identifier.

    A buyer whose identifier no file lists is nobody, even when its name is known: two companies may share a name.
    """
    wanted = list(_identifiers(party))
    found: dict[str, list[str]] = {}
    for name, partner in partners.items():
        for scheme, value in wanted:
            if value in partner.identifiers.get(scheme, ()) or (scheme == "name" and value == partner.name):
                found.setdefault(name, []).append(f"{scheme} {value}")
    if len(found) == 1:
        name, hits = next(iter(found.items()))
        return Identified(name, f"found by {', '.join(hits)}")
    said = ", ".join(f"{scheme} {value}" for scheme, value in wanted) or "no identifier at all"
    if found:
        several = "; ".join(f"{name} by {', '.join(hits)}" for name, hits in sorted(found.items()))
        return Identified(None, f"the buyer ({said}) fits several partners: {several}")
    return Identified(None, f"no partner file lists the buyer ({said})")


def _identifiers(party: Party) -> Iterator[tuple[str, str]]:
    listed = [each for each in (*party.ids, party.legal_id, party.electronic_address) if each is not None]
    for each in listed:
        yield _name(each)
    if party.vat_id:
        yield "vat", party.vat_id
    if party.name and not listed and not party.vat_id:
        yield "name", party.name


def _name(identifier: Identifier) -> tuple[str, str]:
    scheme = (identifier.scheme or "number").lower()
    return SCHEMES.get(scheme, scheme), identifier.value


def receives(partner: Partner, kind: DocumentKind) -> Receives | None:
    """How documents of that kind leave to the partner; a credit note goes the way of invoices unless it has its own."""
    found = partner.receives.get(kind)
    if found is None and kind is DocumentKind.CREDIT_NOTE:
        found = partner.receives.get(DocumentKind.INVOICE)
    return found


@dataclass(frozen=True, slots=True)
class Planned:
    """One delivery of a plan: `position` in the route, `rank` 0 for the endpoint itself, 1… for its fallbacks."""

    position: int
    rank: int
    endpoint: str


def plan(way: Receives) -> tuple[Planned, ...]:
    """The deliveries of a route, the fallbacks of each step behind it."""
    return tuple(
        Planned(position, rank, endpoint)
        for position, step in enumerate(way.route)
        for rank, endpoint in enumerate((step.endpoint, *step.fallback))
    )


def own_identifier(invoice: Invoice) -> Identifier:
    """The identifier the seller goes by in an interchange: its GLN when it has one, else its first, else its VAT id."""
    return _preferred(invoice.seller)


def buyer_identifier(invoice: Invoice) -> Identifier:
    """The identifier the buyer goes by in an interchange."""
    return _preferred(invoice.buyer)


def _preferred(party: Party) -> Identifier:
    gln = next((each for each in party.ids if each.scheme == "0088"), None)
    if gln is not None:
        return gln
    if party.electronic_address is not None and party.electronic_address.scheme == "0088":
        return party.electronic_address
    if party.ids:
        return party.ids[0]
    if party.electronic_address is not None:
        return party.electronic_address
    return Identifier(party.vat_id or party.name or "", None)
