"""The format `edifact`: an invoice as an interchange with one INVOIC message, laid out by a write mapping."""

from functools import cache

from gateway.errors import Refused
from gateway.formats.base import Format, Writing
from gateway.formats.edifact.directory_choice import refuse_written
from gateway.formats.edifact.envelope import QUALIFIERS, Header, encoder, write_interchange
from gateway.formats.edifact.interchange import recognise
from gateway.formats.edifact.options import EdifactOptions
from gateway.formats.edifact.reading import read
from gateway.formats.edifact.reply import replies
from gateway.invoice import Identifier, Invoice
from gateway.mapping.builtin import EANCOM_INVOIC, builtin
from gateway.mapping.compile import compile_mapping
from gateway.mapping.write import WritePlan


def write(invoice: Invoice, writing: Writing) -> bytes:
    """The interchange; raises `Refused`: MAP-WRITE for what the mapping cannot lay out, EDI-GRAMMAR for what the directory
    of the options has otherwise, EDI-ENVELOPE for the envelope.
    """
    options = writing.options if isinstance(writing.options, EdifactOptions) else EdifactOptions()
    plan = _standard() if writing.mapping is None else writing.mapping
    if not isinstance(plan, WritePlan) or plan.format != EDIFACT.name:
        raise Refused("MAP-FORMAT", f"the mapping {plan.name} does not write EDIFACT")
    encode = encoder(options.charset, folding=options.characters == "fold")
    segments = plan.segments(invoice, encode=encode)
    refuse_written(plan.message, segments, options)
    header = Header(
        charset=options.charset,
        sender=_qualified("sender", writing.sender, options.sender_qualifier),
        recipient=_qualified("receiver", writing.receiver, options.receiver_qualifier),
        at=writing.at,
        reference=str(writing.control),
        application_reference=options.application_reference,
        acknowledge=options.acknowledge,
        test=options.test,
        una=options.una,
        line_breaks=options.line_breaks,
    )
    return write_interchange(header, [(plan.message, segments)], encode)


def _qualified(role: str, party: Identifier, chosen: str | None) -> Identifier:
    if chosen is not None or party.scheme is None:
        return Identifier(party.value, chosen)
    qualifier = QUALIFIERS.get(party.scheme.lower())
    if qualifier is None:
        text = f"the {role} {party.value[:40]} is a {party.scheme}, which has no qualifier in EDIFACT; set {role}_qualifier"
        raise Refused("EDI-ENVELOPE", text)
    return Identifier(party.value, qualifier)


@cache
def _standard() -> WritePlan:
    plan = compile_mapping(builtin()[EANCOM_INVOIC], {})
    assert isinstance(plan, WritePlan), plan
    return plan


EDIFACT = Format(
    name="edifact",
    title="UN/EDIFACT INVOIC and ORDERS",
    media_type="application/EDIFACT",
    extension="edi",
    recognise=recognise,
    read=read,
    write=write,
    mapping="optional",
    options=EdifactOptions,
    numbered=True,
    acknowledged="contrl",
    replies=replies,
)
