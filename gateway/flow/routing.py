"""Who a document is for and how it leaves: pure decisions over the snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gateway.config.model import Organisation, Partner, Receives, Sends
from gateway.invoice import Identifier, Invoice, Party
from gateway.message import DocumentKind

MOST_SHOWN = 10
LONGEST_SHOWN = 100
"""What texts for people show of identifiers: a stranger chose their number and length."""

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
                found.setdefault(name, []).append(f"{scheme} {value[:LONGEST_SHOWN]}")
    if len(found) == 1:
        name, hits = next(iter(found.items()))
        return Identified(name, f"found by {', '.join(hits)}")
    said = _said(wanted)
    if found:
        several = "; ".join(f"{name} by {', '.join(hits)}" for name, hits in sorted(found.items()))
        return Identified(None, f"the buyer ({said}) fits several partners: {several}")
    return Identified(None, f"no partner file lists the buyer ({said})")


def foreign(seller: Party, organisation: Organisation) -> str:
    """How the seller goes by other identifiers than the organisation's, in words; empty when it may be ours.

    One identifier that is the organisation's is enough; one of a scheme that the organisation lists none of says nothing.
    """
    own = organisation.identifiers
    said = [(scheme, value) for scheme, value in _identifiers(seller) if scheme in own]
    if not said or any(_plain(value) in map(_plain, own[scheme]) for scheme, value in said):
        return ""
    ours = ", ".join(f"{scheme} {' or '.join(own[scheme])}" for scheme in dict.fromkeys(scheme for scheme, _ in said))
    return f"the seller ({_said(said)}) is not {organisation.name} ({ours})"


def _plain(value: str) -> str:
    return "".join(value.split()).upper()


def _said(identifiers: Sequence[tuple[str, str]]) -> str:
    texts = [f"{scheme[:LONGEST_SHOWN]} {value[:LONGEST_SHOWN]}" for scheme, value in identifiers[:MOST_SHOWN]]
    more = len(identifiers) - len(texts)
    return ", ".join(texts) + (f" and {more} more" if more else "") if texts else "no identifier at all"


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
