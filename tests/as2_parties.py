"""Two parties that speak AS2 with each other, made new for every run of the tests."""

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from gateway.config.certificates import (
    ALWAYS_SINCE,
    ALWAYS_UNTIL,
    Dated,
    OwnIdentity,
    OwnKey,
    PartnerCertificates,
    PrivateKey,
)
from gateway.config.model import Gateway, Organisation, Partner
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2 import algorithms, signed
from gateway.endpoints.as2.algorithms import Digest
from gateway.endpoints.as2.message import Composed, Protection, compose
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.settings import As2Settings

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
PAYLOAD = b"UNB+UNOC:3+3012345000017:14+3020180000000:14+261124:1200+1'" + b"LIN+1++4000862141404:SRV'\r\n" * 40


@functools.cache
def own_key(
    name: str, *, since: datetime = ALWAYS_SINCE, until: datetime = ALWAYS_UNTIL, curve: str | None = None
) -> OwnKey:
    """A key with a self-signed certificate, RSA unless it names a curve; the same one for the same name."""
    private: PrivateKey = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if curve is not None:
        private = ec.generate_private_key(CURVES[curve])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    return OwnKey(Dated(certificate, since, until, f"certs/{name}.pem"), private)


def settings(**changes: Any) -> As2Settings:
    """The settings of an endpoint towards `them`."""
    return As2Settings.model_validate({"kind": "as2", "url": "http://them.example/as2", "as2_id": "THEM", **changes})


def snapshot(
    *,
    us: str = "us",
    them: str = "them",
    endpoint: Mapping[str, Any] | None = None,
    active: bool = True,
    keys: tuple[OwnKey, ...] = (),
) -> Snapshot:
    """A site whose identity is `us` (AS2 name US) with one partner `them` (AS2 name THEM)."""
    changes = {"as2_id": them.upper(), **(endpoint or {})}
    certificate = own_key(them).dated
    identity = OwnIdentity(name=us, as2_id=us.upper(), keys=keys or (own_key(us),))
    return Snapshot(
        version=1,
        hash="0" * 64,
        root=Path("/site"),
        loaded_at=NOW,
        settings=Gateway(organisation=Organisation(name="Us")),
        partners={them: Partner(name=them, active=active, endpoints={"as2": settings(**changes)})},
        mappings={},
        identities={us: identity},
        certificates={them: PartnerCertificates(verify=(certificate,))},
    )


def composed(sender: str = "them", receiver: str = "us", payload: bytes = PAYLOAD, **changes: Any) -> Composed:
    """A message from one party to the other, signed and encrypted unless changed."""
    protection: dict[str, Any] = {
        "key": own_key(sender),
        "digest": "sha256",
        "recipient": own_key(receiver).certificate,
        "cipher": "aes256-cbc",
        "compress": None,
        **changes,
    }
    if isinstance(protection["compress"], bool):
        protection["compress"] = "before-signing" if protection["compress"] else None
    return compose(
        payload,
        filename="invoice.edi",
        content_type="application/edifact",
        protection=Protection(**protection),
        at=NOW,
    )


def signature(content: bytes, sender: str = "them", digest: Digest = "sha256") -> bytes:
    """A detached signature of a party over content."""
    return signed.sign(algorithms.digest(digest, content), key=own_key(sender), with_digest=digest, at=NOW)


def entity(headers: Mapping[str, str], body: bytes) -> Part:
    """An HTTP body with its headers, as the reader takes it."""
    return Part({name.lower(): value for name, value in headers.items()}, body, body)


def fields(made: Composed, **changes: str | None) -> dict[str, str]:
    """The HTTP headers of a message from THEM to US that asks for a signed MDN; None leaves one out."""
    base: dict[str, str | None] = {
        "as2-from": "THEM",
        "as2-to": "US",
        "as2-version": "1.2",
        "message-id": "<1@them.example>",
        "disposition-notification-to": "mdn@them.example",
        "disposition-notification-options": (
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256"
        ),
        **{name.lower(): value for name, value in made.headers.items()},
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return {name: value for name, value in base.items() if value is not None}
