"""What can be wrong with an AS2 endpoint in its surroundings: identities of ours, certificates of the partner."""

from collections.abc import Iterable

from gateway.config.catalogue import EndpointProblem, PartnerContext
from gateway.endpoints.as2.settings import As2Settings


def check(settings: As2Settings, context: PartnerContext) -> Iterable[EndpointProblem]:
    """Identities that are not there, and certificates without which messages cannot be sent or are all refused."""
    known = ", ".join(sorted(context.identities)) or "there is none"
    if settings.identity is not None and settings.identity not in context.identities:
        text = f"gateway.toml has no identity '{settings.identity}'; known: {known}"
        yield EndpointProblem(("identity",), "E217", text)
    elif settings.identity is None and len(context.identities) != 1:
        text = f"which of our identities we are to this endpoint is not said; known: {known}"
        yield EndpointProblem(("identity",), "E217", text)
    certificates = context.certificates
    if context.sends and settings.encrypt != "none" and not (certificates.encrypt or certificates.verify):
        text = f"messages are encrypted ({settings.encrypt}), and `certificates` has none to encrypt to"
        yield EndpointProblem(("encrypt",), "E221", text)
    elif context.receives and settings.require.signed and not certificates.verify:
        text = "messages must be signed, and `certificates.verify` has no certificate to verify signatures with"
        yield EndpointProblem(("require", "signed"), "E221", text)
    elif context.sends and settings.mdn.signed and not certificates.verify:
        text = "MDNs must be signed, and `certificates.verify` has no certificate to verify signatures with"
        yield EndpointProblem(("mdn", "signed"), "E221", text)


def claims(settings: As2Settings) -> Iterable[tuple[str, str]]:
    """What no two partners may share: the AS2 name towards one of our identities."""
    identity = f"our identity {settings.identity}" if settings.identity else "our only identity"
    yield "as2_id", f"the AS2 name '{settings.as2_id}' towards {identity}"
