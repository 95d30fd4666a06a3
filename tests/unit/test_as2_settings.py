"""What the surroundings of an AS2 endpoint must have."""

from typing import Any

from gateway.config.catalogue import PartnerContext
from gateway.config.model import Certificates
from gateway.endpoints.as2.settings import As2Settings, check, claims
from tests import as2_parties as parties

KNOWN = Certificates.model_validate({"verify": "certs/them.pem"})


def problems(settings: As2Settings, **changes: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """Places and codes of what is wrong."""
    base: dict[str, Any] = {
        "partner": "them",
        "endpoint": "as2",
        "sends": True,
        "receives": True,
        "certificates": KNOWN,
        "identities": frozenset({"us"}),
    }
    return [(found.path, found.code) for found in check(settings, PartnerContext(**{**base, **changes}))]


def test_an_endpoint_with_identity_and_certificate_is_right() -> None:
    """One identity and one certificate are enough."""
    assert problems(parties.settings()) == []
    assert problems(parties.settings(identity="us"), identities=frozenset({"us", "we"})) == []


def test_the_identity_must_be_clear() -> None:
    """Two identities and none named, or one named that is not there."""
    assert problems(parties.settings(), identities=frozenset({"us", "we"})) == [((), "E217")]
    assert problems(parties.settings(), identities=frozenset()) == [((), "E217")]
    assert problems(parties.settings(identity="you")) == [(("identity",), "E217")]


def test_certificates_are_needed_for_what_is_switched_on() -> None:
    """Encrypting, signed MDNs and signed messages each need one; what is off needs none."""
    none = Certificates()
    assert problems(parties.settings(), certificates=none) == [
        (("encrypt",), "E221"),
        (("mdn",), "E221"),
        (("require",), "E221"),
    ]
    off = parties.settings(encrypt="none", mdn={"signed": False}, require={"signed": False})
    assert problems(off, certificates=none) == []
    assert problems(parties.settings(), certificates=none, sends=False, receives=False) == []


def test_the_two_names_are_claimed() -> None:
    """No other endpoint may have the same AS2 name towards the same identity."""
    assert list(claims(parties.settings(identity="us"))) == [
        ("as2_id", "the AS2 name 'THEM' towards our identity 'us'")
    ]
    assert list(claims(parties.settings())) == [("as2_id", "the AS2 name 'THEM' towards our identity")]
