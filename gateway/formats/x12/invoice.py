"""The format `x12`: an invoice as an interchange with one 810, laid out by a write mapping."""

from functools import cache

from gateway.errors import Refused
from gateway.formats.base import Format, Writing
from gateway.formats.x12.envelope import QUALIFIERS, Envelope, encoder, write_interchange
from gateway.formats.x12.functional import FUNCTIONAL_GROUPS
from gateway.formats.x12.interchange import recognise
from gateway.formats.x12.options import X12Options
from gateway.formats.x12.reading import read
from gateway.formats.x12.reply import replies
from gateway.formats.x12.syntax import Separators
from gateway.invoice import Identifier, Invoice
from gateway.mapping.builtin import X12_810, builtin
from gateway.mapping.compile import compile_mapping
from gateway.mapping.write import WritePlan

REPEATS_FROM = "004020"
"""The first version whose interchanges have a repetition separator."""


def write(invoice: Invoice, writing: Writing) -> bytes:
    """The interchange; raises `Refused`: MAP-WRITE for what the mapping cannot lay out, X12-… for the envelope."""
    options = writing.options if isinstance(writing.options, X12Options) else X12Options()
    plan = _standard() if writing.mapping is None else writing.mapping
    if not isinstance(plan, WritePlan) or plan.format != X12.name:
        raise Refused("MAP-FORMAT", f"the mapping {plan.name} does not write X12")
    identifier, version = plan.message
    envelope = envelope_of(writing, options, version)
    functional = FUNCTIONAL_GROUPS.get(identifier)
    if functional is None:
        text = f"the mapping {plan.name} writes {identifier}; {', '.join(FUNCTIONAL_GROUPS)} have a functional group"
        raise Refused("MAP-FORMAT", text)
    segments = plan.segments(invoice, encode=encoder(envelope))
    lines = [(each.tag, [[cell.text for cell in element] for element in each.elements]) for each in segments]
    return write_interchange(envelope, functional, [(identifier, lines)])


def envelope_of(writing: Writing, options: X12Options, version: str) -> Envelope:
    """The envelope of an interchange to a partner; `version` holds where the options name none."""
    sender = _party("sender", writing.sender, options.sender, options.sender_qualifier)
    receiver = _party("receiver", writing.receiver, options.receiver, options.receiver_qualifier)
    version = options.version or version
    return Envelope(
        sender=sender,
        receiver=receiver,
        group_sender=options.group_sender or sender.value,
        group_receiver=options.group_receiver or receiver.value,
        at=writing.at,
        control=writing.control,
        version=version,
        test=options.test,
        acknowledge=options.acknowledge,
        separators=Separators(
            element=options.element_separator,
            component=options.component_separator,
            repetition=options.repetition_separator if version >= REPEATS_FROM else "",
            segment=options.segment_terminator,
        ),
        line_breaks=options.line_breaks,
        charset=options.charset,
        folding=options.characters == "fold",
    )


def _party(role: str, party: Identifier, value: str | None, chosen: str | None) -> Identifier:
    written = value or party.value
    if chosen is not None or party.scheme is None or value is not None:
        return Identifier(written, chosen)
    qualifier = QUALIFIERS.get(party.scheme.lower())
    if qualifier is None:
        text = f"the {role} {written[:40]} is a {party.scheme}, which has no qualifier in X12; set {role}_qualifier"
        raise Refused("X12-ENVELOPE", text)
    return Identifier(written, qualifier)


@cache
def _standard() -> WritePlan:
    plan = compile_mapping(builtin()[X12_810], {})
    assert isinstance(plan, WritePlan), plan
    return plan


X12 = Format(
    name="x12",
    title="X12 810 and 850",
    media_type="application/EDI-X12",
    extension="x12",
    recognise=recognise,
    read=read,
    write=write,
    mapping="optional",
    options=X12Options,
    numbered=True,
    acknowledged="997",
    replies=replies,
)
