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
    if context.receives and not settings.require.signed and settings.client is None:
        text = "messages need not be signed and their client shows nothing, so that they are taken from anybody"
        yield EndpointProblem(("require", "signed"), "W302", text)
    yield from _connection(settings, context)
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
    if context.sends and settings.mdn.mode == "async" and not context.public:
        text = "gateway.toml has no public_url under [listen], so the partner cannot be told where to send its MDN"
        yield EndpointProblem(("mdn", "mode"), "E224", text)


def _connection(settings: As2Settings, context: PartnerContext) -> Iterable[EndpointProblem]:
    """Halves of what belongs together, and what needs TLS and has none."""
    yield from _pair((), "user", settings.user, "password", settings.password)
    yield from _pair(("tls",), "certificate", settings.tls.certificate, "key", settings.tls.key)
    if settings.proxy is not None:
        yield from _pair(("proxy",), "user", settings.proxy.user, "password", settings.proxy.password)
    secure = settings.url.lower().startswith("https:")
    for name in ("ca", "certificate") if not secure else ():
        if getattr(settings.tls, name) is not None:
            yield EndpointProblem(("tls", name), "E223", f"'url' is not https://, so that tls.{name} would do nothing")
    if settings.user is not None and not secure:
        yield EndpointProblem(("user",), "W301", "'url' is not https://, and the password goes over it in clear text")
    client = settings.client
    if client is None:
        return
    yield from _pair(("client",), "user", client.user, "password", client.password)
    if client.certificate is None and client.user is None:
        yield EndpointProblem(
            ("client",), "E101", "it names neither 'certificate' nor 'user'; nothing would be asked for"
        )
    if client.certificate is not None and not context.https:
        text = "gateway.toml has no [listen.https], and only over TLS can a client show a certificate"
        yield EndpointProblem(("client", "certificate"), "E223", text)


def _pair(path: tuple[str, ...], one: str, first: object, other: str, second: object) -> Iterable[EndpointProblem]:
    """A problem when only one of two settings is there."""
    if (first is None) != (second is None):
        there, missing = (one, other) if second is None else (other, one)
        yield EndpointProblem((*path, there), "E101", f"'{there}' stands here without '{missing}'")


def claims(settings: As2Settings) -> Iterable[tuple[str, str]]:
    """What no two partners may share: the AS2 name towards one of our identities."""
    identity = f"our identity {settings.identity}" if settings.identity else "our only identity"
    yield "as2_id", f"the AS2 name '{settings.as2_id}' towards {identity}"
