"""Certificates around the moment one follows another: what is signed with, encrypted to and accepted, on both sides."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.config.certificates import Dated, OwnIdentity, OwnKey, PartnerCertificates
from gateway.config.load import check
from gateway.endpoints.as2.message import Protection, compose, open_message
from gateway.endpoints.as2.mime import Part
from gateway.errors import Refused
from tests import as2_parties as parties
from tests.certificates import issue, key, pem
from tests.config_kinds import CATALOGUE, site

SWITCH = datetime(2027, 3, 28, tzinfo=UTC)  # clocks change in Europe on this day; days begin in UTC all the same
INSTANT = timedelta(microseconds=1)
OLD_KEY, NEW_KEY = key(), key()
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
OLD = issue("old", OLD_KEY, since=START, until=END)
NEW = issue("new", NEW_KEY, since=START, until=END)


def loaded(
    tmp_path: Path, verify: str, encrypt: str, *, now: datetime = SWITCH - timedelta(days=30)
) -> PartnerCertificates:
    """The certificates of a partner file that says this."""
    site(tmp_path, partners__a=f"name: A\ncertificates:\n  verify: {verify}\n  encrypt: {encrypt}\n")
    (tmp_path / "old.pem").write_bytes(pem(OLD))
    (tmp_path / "new.pem").write_bytes(pem(NEW))
    snapshot, problems = check(tmp_path, CATALOGUE, now=now, environment={})
    assert snapshot is not None, problems
    return snapshot.certificates["a"]


@pytest.mark.parametrize(
    ("at", "verifying", "encrypting"),
    [
        (SWITCH - INSTANT, (OLD,), OLD),
        (SWITCH, (NEW,), NEW),
        (SWITCH + INSTANT, (NEW,), NEW),
    ],
)
def test_one_follows_the_other_at_midnight_utc(
    tmp_path: Path, at: datetime, verifying: object, encrypting: object
) -> None:
    """Without overlap there is no moment with none and no moment with two."""
    entries = "[{file: old.pem, until: 2027-03-28}, {file: new.pem, from: 2027-03-28}]"
    certificates = loaded(tmp_path, entries, entries)
    assert certificates.verifying(at) == verifying
    assert certificates.encrypting(at) == encrypting


@pytest.mark.parametrize(
    ("at", "verifying", "encrypting"),
    [
        (SWITCH - INSTANT, (OLD, NEW), OLD),
        (SWITCH, (OLD, NEW), NEW),
        (SWITCH + timedelta(days=14) - INSTANT, (OLD, NEW), NEW),
        (SWITCH + timedelta(days=14), (NEW,), NEW),
    ],
)
def test_two_overlap(tmp_path: Path, at: datetime, verifying: object, encrypting: object) -> None:
    """Signatures of both are accepted while both are in force; what we encrypt to changes on its day."""
    certificates = loaded(
        tmp_path,
        "[{file: old.pem, until: 2027-04-11}, new.pem]",
        "[old.pem, {file: new.pem, from: 2027-03-28}]",
    )
    assert certificates.verifying(at) == verifying
    assert certificates.encrypting(at) == encrypting


@pytest.mark.parametrize(
    ("at", "accepted"), [(START - INSTANT, False), (START, True), (SWITCH - INSTANT, True), (SWITCH, True)]
)
def test_one_on_trial_verifies_before_its_day(tmp_path: Path, at: datetime, *, accepted: bool) -> None:
    """From the first moment of the certificate itself, and nothing is encrypted to it before its day."""
    certificates = loaded(tmp_path, "[old.pem, {file: new.pem, from: 2027-03-28, trial: true}]", "[]")
    assert (NEW in certificates.verifying(at)) == accepted
    assert certificates.encrypting(at) == (None if at < START else OLD if at < SWITCH else NEW)


def test_without_trial_it_is_not_accepted(tmp_path: Path) -> None:
    """The same entry without the word waits for its day."""
    certificates = loaded(tmp_path, "[old.pem, {file: new.pem, from: 2027-03-28}]", "[]")
    assert certificates.verifying(SWITCH - INSTANT) == (OLD,)


def test_what_is_encrypted_to_cannot_be_on_trial(tmp_path: Path) -> None:
    """It would say nothing there."""
    site(tmp_path, partners__a="name: A\ncertificates:\n  encrypt:\n    - {file: old.pem, trial: true}\n")
    (tmp_path / "old.pem").write_bytes(pem(OLD))
    _, problems = check(tmp_path, CATALOGUE, now=SWITCH, environment={})
    assert [(each.code, each.line) for each in problems] == [("E410", 4)]


@pytest.mark.parametrize("overlap", [timedelta(0), timedelta(days=14)])
@pytest.mark.parametrize("at", [SWITCH - INSTANT, SWITCH, SWITCH + INSTANT])
def test_our_key_follows_and_both_sides_understand(at: datetime, overlap: timedelta) -> None:
    """We sign with the new key from its day on, and open what is encrypted to either key at any time."""
    old = OwnKey(Dated(OLD, START, SWITCH + overlap, "old.pem"), OLD_KEY)
    new = OwnKey(Dated(NEW, SWITCH, END, "new.pem"), NEW_KEY)
    us = OwnIdentity(name="us", as2_id="US", keys=(old, new))
    known_there = PartnerCertificates(
        verify=(old.dated, Dated(NEW, START, END, "new.pem")), encrypt=(old.dated, new.dated)
    )
    signing = us.signing(at)
    assert signing is (old if at < SWITCH else new)
    assert signing is not None
    assert known_there.encrypting(at) == signing.certificate
    for recipient in (OLD, NEW):
        made = compose(
            parties.PAYLOAD,
            filename="a.edi",
            content_type="application/edifact",
            protection=Protection(
                key=signing, digest="sha256", recipient=recipient, cipher="aes256-cbc", compress=None
            ),
            at=at,
        )
        fields = {name.lower(): value for name, value in made.headers.items()}
        opened = open_message(
            Part(fields, made.body, made.body),
            keys=us.keys,
            certificates=known_there.verifying(at),
            limit=10_000_000,
        )
        assert opened.payload.decoded() == parties.PAYLOAD


def test_a_signature_with_a_key_that_has_ended_is_refused() -> None:
    """Once the old certificate has ended at the partner, what is signed with it is not accepted."""
    old = OwnKey(Dated(OLD, START, SWITCH, "old.pem"), OLD_KEY)
    known_there = PartnerCertificates(verify=(old.dated, Dated(NEW, SWITCH, END, "new.pem")))
    made = compose(
        parties.PAYLOAD,
        filename="a.edi",
        content_type="application/edifact",
        protection=Protection(key=old, digest="sha256", recipient=None, cipher="aes256-cbc", compress=None),
        at=SWITCH,
    )
    fields = {name.lower(): value for name, value in made.headers.items()}
    with pytest.raises(Refused) as caught:
        open_message(
            Part(fields, made.body, made.body), keys=(), certificates=known_there.verifying(SWITCH), limit=10_000_000
        )
    assert caught.value.code == "AS2-SIGNATURE"
