"""When the certificates of a configuration expire, as metrics."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from cryptography import x509

from gateway.monitoring.metrics import Metrics


class _Certified(Protocol):
    @property
    def certificate(self) -> x509.Certificate: ...


class _Identity(Protocol):
    @property
    def keys(self) -> Sequence[_Certified]: ...


class _Partner(Protocol):
    @property
    def verify(self) -> Sequence[_Certified]: ...

    @property
    def encrypt(self) -> Sequence[_Certified]: ...


class Certified(Protocol):
    """What is asked of a snapshot: our identities and the partners' certificates, by name."""

    @property
    def identities(self) -> Mapping[str, _Identity]:
        """Our own identities."""

    @property
    def certificates(self) -> Mapping[str, _Partner]:
        """The certificates of partners."""

    @property
    def https(self) -> _Certified | None:
        """What the HTTPS listener shows; None when there is none."""


def expiries(snapshot: Certified) -> Iterator[tuple[str, str, str, datetime]]:
    """The certificates as (role, owner, serial number in hex, not after).

    The role is `own`, `verify`, `encrypt`, or `https` for that of the listener. Of each role and owner only the one that lasts longest is given: where a
    certificate has its successor already, nobody must act.
    """
    groups: list[tuple[str, str, Sequence[_Certified]]] = [
        ("own", name, identity.keys) for name, identity in snapshot.identities.items()
    ]
    if snapshot.https is not None:
        groups.append(("https", "gateway", (snapshot.https,)))
    for name, partner in snapshot.certificates.items():
        groups += [("verify", name, partner.verify), ("encrypt", name, partner.encrypt)]
    for role, owner, members in groups:
        latest = max((member.certificate.not_valid_after_utc for member in members), default=None)
        for certificate in {member.certificate.serial_number: member.certificate for member in members}.values():
            if certificate.not_valid_after_utc == latest:
                yield role, owner, f"{certificate.serial_number:x}", certificate.not_valid_after_utc


def show_certificates(metrics: Metrics, snapshot: Certified) -> None:
    """Bring the expiry gauge up to a snapshot."""
    metrics.certificates(expiries(snapshot))
