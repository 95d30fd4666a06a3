"""Certificates and keys as the configuration names them, loaded and checked once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Dated:
    """A certificate and the time in which it is in force: the file's dates cut by the certificate's own.

    One on `trial` verifies signatures before that time already; nothing is encrypted to it earlier.
    """

    certificate: x509.Certificate
    since: datetime
    until: datetime
    file: str
    trial: bool = False

    def in_force(self, at: datetime) -> bool:
        """True when it is in force at that time."""
        return self.since <= at < self.until

    def verifies(self, at: datetime) -> bool:
        """True when signatures made with it are accepted at that time."""
        begins = self.certificate.not_valid_before_utc if self.trial else self.since
        return begins <= at < self.until


@dataclass(frozen=True, slots=True)
class OwnKey:
    """One of our keys with its certificate; `dated` says when we sign with it, we decrypt with it always."""

    dated: Dated
    key: PrivateKey

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate that belongs to the key."""
        return self.dated.certificate


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """Who we are towards AS2 partners, with all our keys."""

    name: str
    as2_id: str
    keys: tuple[OwnKey, ...]

    def signing(self, at: datetime) -> OwnKey | None:
        """The key to sign with at that time: of those in force the one that came into force last."""
        return max((key for key in self.keys if key.dated.in_force(at)), key=lambda key: key.dated.since, default=None)


@dataclass(frozen=True, slots=True)
class PartnerCertificates:
    """A partner's certificates."""

    verify: tuple[Dated, ...] = ()
    encrypt: tuple[Dated, ...] = ()

    def verifying(self, at: datetime) -> tuple[x509.Certificate, ...]:
        """All certificates whose signatures are accepted at that time."""
        return tuple(dated.certificate for dated in self.verify if dated.verifies(at))

    def encrypting(self, at: datetime) -> x509.Certificate | None:
        """The certificate to encrypt to at that time: of those in force the one that came into force last."""
        return latest(self.encrypt or self.verify, at)


def latest(certificates: Iterable[Dated], at: datetime) -> x509.Certificate | None:
    """Of the certificates in force the one that came into force last."""
    chosen = max((dated for dated in certificates if dated.in_force(at)), key=lambda dated: dated.since, default=None)
    return chosen.certificate if chosen else None


@dataclass(frozen=True, slots=True)
class HttpsKey:
    """What the HTTPS listener shows: its certificate with those of its issuers, and the key; `authorities` issue the
    certificates of its clients (none: no client needs one).
    """

    chain: tuple[x509.Certificate, ...]
    key: PrivateKey
    authorities: tuple[x509.Certificate, ...] = ()

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate that belongs to the key."""
        return self.chain[0]


ALWAYS_SINCE = datetime.min.replace(tzinfo=UTC)
ALWAYS_UNTIL = datetime.max.replace(tzinfo=UTC)
