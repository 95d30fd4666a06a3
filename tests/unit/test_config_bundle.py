"""Files of certificates that somebody sends, and what a certificate is fit for."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.bundle import PasswordNeeded, chain_of, read_bundle, subject_of
from gateway.config.fitness import fitness
from gateway.errors import Refused
from tests.certificates import issue, key, pem

ROOT_KEY, MIDDLE_KEY, KEY, OTHER_KEY = (key() for _ in range(4))
ROOT = issue("root", ROOT_KEY, authority=True, usage=("key_cert_sign", "crl_sign"))
MIDDLE = issue("middle", MIDDLE_KEY, issuer=("root", ROOT_KEY), authority=True, usage=("key_cert_sign",))
LEAF = issue(
    "leaf", KEY, issuer=("middle", MIDDLE_KEY), authority=False, usage=("digital_signature", "key_encipherment")
)
OTHER = issue("other", OTHER_KEY, issuer=("middle", MIDDLE_KEY), authority=False)
ALONE = issue("alone", OTHER_KEY)
NOW = datetime.now(UTC)
DER = LEAF.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("raw", "form", "count"),
    [
        (pem(LEAF), "PEM", 1),
        (b"Bag Attributes\n    friendlyName: x\n" + pem(LEAF, MIDDLE), "PEM", 2),
        (LEAF.public_bytes(Encoding.DER), "DER", 1),
        (pkcs7.serialize_certificates([LEAF, MIDDLE, ROOT], Encoding.PEM), "PKCS #7, PEM", 3),
        (pkcs7.serialize_certificates([LEAF, MIDDLE], Encoding.DER), "PKCS #7, DER", 2),
        (pkcs12.serialize_key_and_certificates(b"x", KEY, LEAF, [MIDDLE], NoEncryption()), "PKCS #12", 2),
    ],
)
def test_every_form_is_read(raw: bytes, form: str, count: int) -> None:
    """The form is recognised by the bytes, not by the name of the file."""
    bundle = read_bundle(raw, name="file")
    assert (bundle.form, len(bundle.certificates)) == (form, count)
    assert LEAF in bundle.certificates
    assert (bundle.key is not None) == (form == "PKCS #12")


def test_a_pkcs12_needs_its_password() -> None:
    """Without one, or with another, it is said that a password is missing; with it the key is there."""
    raw = pkcs12.serialize_key_and_certificates(b"x", KEY, LEAF, [MIDDLE], BestAvailableEncryption(b"secret"))
    for password in (None, "wrong"):
        with pytest.raises(PasswordNeeded) as caught:
            read_bundle(raw, name="a.p12", password=password)
        assert caught.value.code == "CERT-PASSWORD"
    bundle = read_bundle(raw, name="a.p12", password="secret")
    assert bundle.key is not None
    assert chain_of(bundle.certificates, name="a.p12", key=bundle.key).leaf == LEAF


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "holds no X.509 certificate"),
        (b"\x30\x82\x01\x00", "holds no X.509 certificate"),
        (KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "is a private key"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "is a request"),
        (b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n", "holds no X.509 certificate"),
    ],
)
def test_what_holds_no_certificate_is_told(raw: bytes, told: str) -> None:
    """The usual wrong files are named for what they are."""
    with pytest.raises(Refused, match=told) as caught:
        read_bundle(raw, name="file")
    assert caught.value.code == "CERT-FILE"


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda data: pem(LEAF)[:300] + data))
def test_any_bytes_are_a_bundle_or_refused(raw: bytes) -> None:
    """Nothing but `Refused` comes out of a file from outside."""
    try:
        assert read_bundle(raw, name="file").certificates
    except Refused as refused:
        assert refused.code.startswith("CERT-")


@given(st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_certificate_is_read_or_refused(changes: list[tuple[int, int]]) -> None:
    """Whatever bytes of it are changed, choosing and judging it gives a result or `Refused`."""
    raw = bytearray(DER)
    for at, value in changes:
        raw[at] = value
    try:
        found = read_bundle(bytes(raw), name="file")
        fitness(chain_of(found.certificates, name="file").leaf, now=NOW)
    except Refused as refused:
        assert refused.code.startswith("CERT-")


def test_names_do_not_steer_the_terminal() -> None:
    """Control characters in a subject are shown as question marks."""
    assert subject_of(issue("a\x1b[2Jb", KEY)) == "CN=a?[2Jb"


@pytest.mark.parametrize("order", [(LEAF, MIDDLE, ROOT), (ROOT, MIDDLE, LEAF), (MIDDLE, LEAF, ROOT, LEAF)])
def test_the_leaf_is_found_in_any_order(order: tuple[x509.Certificate, ...]) -> None:
    """The chain is put right: the leaf, then each issuer."""
    chain = chain_of(order, name="file")
    assert (chain.leaf, chain.issuers, chain.others) == (LEAF, (MIDDLE, ROOT), ())
    assert x509.load_pem_x509_certificates(chain.pem()) == [LEAF, MIDDLE, ROOT]


def test_what_does_not_belong_is_left_out() -> None:
    """An authority that issued nothing in the file is told apart from the chain."""
    stray = issue("stray", ROOT_KEY, authority=True, usage=("key_cert_sign",))
    chain = chain_of((stray, LEAF, MIDDLE), name="file")
    assert (chain.issuers, chain.others) == ((MIDDLE,), (stray,))


@pytest.mark.parametrize(
    ("certificates", "code", "told"),
    [
        ((ROOT,), "CERT-CA", "certificates of authorities only"),
        ((MIDDLE, ROOT), "CERT-CA", "ask for the certificate the partner signs with"),
        ((LEAF, OTHER, MIDDLE), "CERT-SEVERAL", "2 certificates to choose from"),
        ((LEAF, ALONE), "CERT-SEVERAL", "--serial SERIAL"),
    ],
)
def test_what_cannot_be_chosen_is_told(certificates: tuple[x509.Certificate, ...], code: str, told: str) -> None:
    """Authorities only, and several leaves, are refused with what to do."""
    with pytest.raises(Refused, match=told) as caught:
        chain_of(certificates, name="file")
    assert caught.value.code == code


def test_self_signed_as_openssl_makes_them_is_a_leaf() -> None:
    """Marked as an authority and without usages: that is what `openssl req -x509` makes."""
    made = issue("partner", KEY, authority=True)
    assert chain_of((made,), name="file").leaf == made


@pytest.mark.parametrize(
    ("usage", "kind", "verifies", "encrypts"),
    [
        (None, "rsa2048", True, True),
        (("digital_signature", "key_encipherment"), "rsa2048", True, True),
        (("content_commitment",), "rsa2048", True, False),
        (("key_encipherment",), "rsa2048", False, True),
        (None, "p256", True, False),
    ],
)
def test_usage_decides_what_for(usage: tuple[str, ...] | None, kind: str, *, verifies: bool, encrypts: bool) -> None:
    """Key usage and kind of key say whether it verifies signatures and can be encrypted to."""
    private = KEY if kind == "rsa2048" else key(kind)
    fit = fitness(issue("x", private, usage=usage), now=NOW)
    assert (fit.verifies, fit.encrypts) == (verifies, encrypts)


@pytest.mark.parametrize(
    ("certificate", "code"),
    [
        (issue("x", key("rsa1024")), "CERT-WEAK"),
        (issue("x", KEY, since=NOW - timedelta(days=9), until=NOW - timedelta(days=1)), "CERT-EXPIRED"),
        (issue("x", KEY, usage=("key_cert_sign",)), "CERT-USAGE"),
    ],
)
def test_what_cannot_be_used_is_refused(certificate: x509.Certificate, code: str) -> None:
    """Short keys, expired certificates, and usages that leave nothing to do."""
    with pytest.raises(Refused) as caught:
        fitness(certificate, now=NOW)
    assert caught.value.code == code


def test_what_should_be_known_is_remarked() -> None:
    """Dates that are near or strange do not forbid anything."""
    soon = fitness(issue("x", KEY, until=NOW + timedelta(days=10)), now=NOW)
    late = fitness(issue("x", KEY, since=NOW + timedelta(days=5), until=NOW + timedelta(days=9000)), now=NOW)
    assert any("expires in" in remark for remark in soon.remarks)
    assert any("not valid before" in remark for remark in late.remarks)
    assert any("valid for 24 years" in remark for remark in late.remarks)
