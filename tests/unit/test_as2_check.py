"""What only the AS2 kind can see in a partner's file."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.app import catalogue
from gateway.config.catalogue import PartnerContext
from gateway.config.model import Certificates, DatedCertificate, Listen
from gateway.endpoints.as2.check import check, claims
from gateway.endpoints.as2.settings import As2Settings

ONE = (DatedCertificate(file=Path("a.pem")),)
SHOWN = {"user": "a", "password": {"env": "A"}}


def found(
    *,
    sends: bool = False,
    receives: bool = False,
    certificates: Certificates,
    identities: str = "acme",
    settings: Mapping[str, object] | None = None,
) -> list[tuple[str, str]]:
    context = PartnerContext(
        named=False,
        partner="a",
        endpoint="main",
        sends=sends,
        receives=receives,
        certificates=certificates,
        identities=frozenset(identities.split()),
    )
    made = As2Settings.model_validate(
        {"kind": "as2", "url": "https://a.example/as2", "as2_id": "A", **(settings or {})}
    )
    return [(".".join(map(str, problem.path)), problem.code) for problem in check(made, context)]


@pytest.mark.parametrize(
    ("identities", "identity", "expected"),
    [
        ("acme", "acme", []),
        ("acme", None, []),
        ("acme other", "other", []),
        ("acme other", None, [("identity", "E217")]),
        ("", None, [("identity", "E217")]),
        ("acme", "amce", [("identity", "E217")]),
    ],
)
def test_we_are_somebody_to_every_endpoint(
    identities: str, identity: str | None, expected: list[tuple[str, str]]
) -> None:
    """The identity named exists, or there is exactly one."""
    assert found(certificates=Certificates(), identities=identities, settings={"identity": identity}) == expected


@pytest.mark.parametrize(
    ("sends", "receives", "certificates", "settings", "expected"),
    [
        (False, False, Certificates(), {}, []),
        (True, False, Certificates(), {}, [("encrypt", "E221")]),
        (True, False, Certificates(verify=ONE), {}, []),
        (True, False, Certificates(encrypt=ONE), {}, [("mdn.signed", "E221")]),
        (True, False, Certificates(encrypt=ONE), {"mdn": {"signed": False}}, []),
        (True, False, Certificates(), {"encrypt": "none", "mdn": {"signed": False}}, []),
        (False, True, Certificates(), {}, [("require.signed", "E221")]),
        (False, True, Certificates(encrypt=ONE), {}, [("require.signed", "E221")]),
        (False, True, Certificates(), {"require": {"signed": False}}, [("require.signed", "W302")]),
        (False, True, Certificates(), {"require": {"signed": False}, "client": SHOWN}, []),
        (False, True, Certificates(verify=ONE), {}, []),
    ],
)
def test_certificates_are_there_for_what_is_asked(
    sends: bool,
    receives: bool,
    certificates: Certificates,
    settings: dict[str, object],
    expected: list[tuple[str, str]],
) -> None:
    """Encryption needs one to encrypt to; signed messages and MDNs need one to verify them with."""
    assert found(sends=sends, receives=receives, certificates=certificates, settings=settings) == expected


@pytest.mark.parametrize(
    ("public", "sends", "expected"), [(True, True, []), (False, True, ["E224"]), (False, False, [])]
)
def test_a_partner_must_know_where_its_mdn_goes(*, public: bool, sends: bool, expected: list[str]) -> None:
    """Asynchronous MDNs need our public address, when something is sent at all."""
    settings = {"kind": "as2", "url": "https://a.example/as2", "as2_id": "A", "mdn": {"mode": "async"}}
    context = PartnerContext(
        partner="a",
        endpoint="main",
        sends=sends,
        receives=False,
        named=False,
        certificates=Certificates(verify=ONE),
        identities=frozenset({"acme"}),
        public=public,
    )
    assert [problem.code for problem in check(As2Settings.model_validate(settings), context)] == expected


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://edi.acme.example", "https://edi.acme.example"),
        ("http://10.0.0.1:8080/", "http://10.0.0.1:8080"),
        ("edi.acme.example", None),
        ("https://edi.acme.example/as2", None),
        ("https://user@edi.acme.example", None),
        ("https://edi.acme.example:99999", None),
        ("https://edi.acmé.example", None),
        ("https://edi.acme.example\r\nX: y", None),
        ("ftp://edi.acme.example", None),
    ],
)
def test_a_public_address_has_no_path(given: str, kept: str | None) -> None:
    """Scheme, host and port: what stands below it is ours to choose."""
    if kept is None:
        with pytest.raises(ValueError):
            Listen(public_url=given)
    else:
        assert Listen(public_url=given).public_url == kept


def test_an_as2_name_is_claimed_towards_one_identity() -> None:
    """Two partners may share a name towards different identities of ours only."""
    settings = {"kind": "as2", "url": "https://a.example/as2", "as2_id": "A"}
    ours = [
        list(claims(As2Settings.model_validate(settings | more))) for more in ({}, {"identity": "x"}, {"identity": "y"})
    ]
    assert ours[0] == [("as2_id", "the AS2 name 'A' towards our only identity")]
    assert ours[1] != ours[2]


def test_the_real_list_lets_one_partner_use_its_as2_name_twice() -> None:
    """A partner's backup URL stands under the same AS2 name: the name is claimed by the partner, not the endpoint."""
    assert catalogue().endpoints["as2"].claimed_by == "partner"
