"""`gateway cert proposals`, `accept` and `reject`: certificates that partners propose over AS2."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from lxml import etree

from gateway.flow.lifecycle import Move
from gateway.message import MessageState
from gateway.store import events
from tests.cem_messages import TYPE, exchange, request_xml
from tests.certificates import issue, key
from tests.cli_site import run, small_site, with_as2
from tests.cli_store import writing
from tests.rows import add_message

NEXT = issue("SHOP next", key())
SOON = f"{datetime.now(UTC) + timedelta(days=20):%Y-%m-%d}"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The small site with an AS2 endpoint."""
    root = small_site(tmp_path / "site")
    with_as2(root, "http://127.0.0.1:8081/as2")
    return root


def proposed(
    site: Path,
    xml: bytes,
    *chain: x509.Certificate,
    content_type: str = 'multipart/related; boundary="=_exchange"',
    state: MessageState = MessageState.REFUSED,
) -> str:
    """A stored message of the shop with this request; its id."""
    with writing(site) as tx:
        body = exchange(xml, *chain)[1]
        message = add_message(tx, content=body, partner="shop", content_type=content_type, state=state, endpoint="main")
        return message.id


def test_proposals_are_listed(site: Path) -> None:
    """The certificate, what for, until when, and that it is to be decided; other messages are not listed."""
    assert "no partner has proposed" in run(site, "cert", "proposals").output
    message = proposed(site, request_xml(NEXT), NEXT)
    with writing(site) as tx:
        add_message(tx, content=b"--x\r\n\r\nattachment", partner="shop", content_type="multipart/related")
        add_message(tx, content=b"UNB+", partner="shop", content_type="application/edifact")
    (row,) = [json.loads(line) for line in run(site, "cert", "proposals", "--json").stdout.splitlines()]
    assert (row["id"], row["partner"], row["decided"], row["problem"]) == (message, "shop", "", "")
    assert row["certificates"][0]["serial"] == f"{NEXT.serial_number:x}"
    assert row["certificates"][0]["usages"] == ["digitalSignature", "keyEncipherment"]
    text = run(site, "cert", "proposals").output
    assert "to decide" in text
    assert "answer by 2027-01-15" in text
    assert "SHA-256" in text


def test_accepting_writes_the_file_and_prints_the_lines(site: Path, tmp_path: Path) -> None:
    """The certificate is written, the configuration is not; the answer is made on request; the decision is kept."""
    message = proposed(site, request_xml(NEXT), NEXT)
    before = (site / "partners" / "shop.yaml").read_bytes()
    answer = tmp_path / "answer.xml"
    result = run(site, "cert", "accept", message, "--from", SOON, "--answer", str(answer))
    assert result.exit_code == 0, result.output
    assert f"from: {SOON}" in result.stdout
    assert (site / "partners" / "shop.yaml").read_bytes() == before
    written = next(file for file in (site / "certs" / "shop").iterdir() if file.name != "2026.pem")
    assert x509.load_pem_x509_certificate(written.read_bytes()) == NEXT
    assert etree.fromstring(answer.read_bytes()).findtext(".//{*}CertStatus") == "Accepted"
    again = run(site, "cert", "accept", message)
    assert "NOT-POSSIBLE" in again.stderr
    assert "certificates accepted" in run(site, "cert", "proposals").output
    with writing(site) as tx:
        (line,) = events.of(tx, message)
        assert (line.what, line.before, line.after) == ("certificates accepted", "refused", "refused")
        assert line.actor.startswith("person:")


def test_two_certificates_come_in_one_block(site: Path) -> None:
    """One to verify with and one to encrypt to, in one message, are printed together."""
    second = issue("SHOP encryption", key())
    one = request_xml(NEXT, usages=["digitalSignature"])
    two = request_xml(second, usages=["keyEncipherment"])
    start, end = two.index(b"<TrustRequest>"), two.index(b"</EDIINT")
    message = proposed(site, one.replace(b"</EDIINT", two[start:end] + b"</EDIINT"), NEXT, second)
    result = run(site, "cert", "accept", message, "--from", SOON)
    assert result.exit_code == 0, result.output
    files = sorted(file.name for file in (site / "certs" / "shop").iterdir() if file.name != "2026.pem")
    assert len(files) == 2
    assert result.stdout.count("certificates:") == 1
    assert result.stdout.count("from: ") == 1


def test_rejecting_keeps_the_reason(site: Path, tmp_path: Path) -> None:
    """Nothing is written into certs; the partner's answer says why."""
    message = proposed(site, request_xml(NEXT), NEXT)
    answer = tmp_path / "answer.xml"
    result = run(site, "cert", "reject", message, "--reason", "not from our contact", "--answer", str(answer))
    assert result.exit_code == 0
    assert etree.fromstring(answer.read_bytes()).findtext(".//{*}ReasonForRejection") == "not from our contact"
    assert [file.name for file in (site / "certs" / "shop").iterdir()] == ["2026.pem"]
    assert "certificates rejected" in run(site, "cert", "proposals").output


@pytest.mark.parametrize(
    ("xml", "told"),
    [
        (request_xml(NEXT, sender="ELSE"), "it says it comes from 'ELSE'"),
        (request_xml(NEXT, content_id="other"), "is not in the message"),
        (request_xml(NEXT, usages=["tlsServer"]), "for TLS only"),
    ],
)
def test_what_cannot_be_accepted_is_listed_and_refused(site: Path, xml: bytes, told: str) -> None:
    """A request for another, without its certificate, or for TLS changes nothing."""
    message = proposed(site, xml, NEXT)
    assert message in run(site, "cert", "proposals").output
    result = run(site, "cert", "accept", message)
    assert result.exit_code == 1
    assert told in result.stderr
    assert [file.name for file in (site / "certs" / "shop").iterdir()] == ["2026.pem"]


def test_xml_alone_and_unknown_ids(site: Path) -> None:
    """A message of the type itself is listed with what it lacks; an id that is not there is told."""
    with writing(site) as tx:
        add_message(tx, content=request_xml(NEXT), partner="shop", content_type=TYPE)
    assert "problem: " in run(site, "cert", "proposals").output
    assert "NOT-FOUND" in run(site, "cert", "accept", "f00").stderr


@pytest.mark.parametrize(
    ("words", "what"), [(("accept", "--from", SOON), Move.TAKE), (("reject", "--reason", "no"), Move.DECLINE)]
)
def test_a_proposal_waits_until_a_person_decides(site: Path, words: tuple[str, ...], what: Move) -> None:
    """The list of what waits and the status name it, until it is accepted or rejected; it is never read as a document."""
    message = proposed(site, request_xml(NEXT), NEXT, state=MessageState.PROPOSAL)
    assert "proposes certificates and waits for a person: gateway cert proposals" in run(site, "list", "--held").output
    assert "1 proposal(s) of certificates wait for a person: gateway cert proposals" in run(site, "status").output
    assert f"gateway cert accept {message}" in run(site, "show", message).output
    assert "only messages that were received can be replayed" in run(site, "replay", message).stderr
    assert "to decide" in run(site, "cert", "proposals").output
    assert run(site, "cert", words[0], message, *words[1:]).exit_code == 0
    with writing(site) as tx:
        (line,) = events.of(tx, message)
        assert (line.what, line.before, line.after) == (what, "proposal", "decided")
    assert "proposes" not in run(site, "list", "--held").output
    assert "proposal" not in run(site, "status").output
    assert what in run(site, "cert", "proposals").output
    assert "NOT-POSSIBLE" in run(site, "cert", *words[:1], message, *words[1:]).stderr


def test_a_proposal_that_cannot_be_read_is_shown_and_can_be_rejected(site: Path) -> None:
    """It does not vanish: neither one that is no request, nor one that is too large."""
    broken = proposed(site, b"<nonsense/>", state=MessageState.PROPOSAL)
    large = proposed(site, b"<a>" + b" " * 2**21 + b"</a>", state=MessageState.PROPOSAL)
    rows = {
        row["id"]: row["problem"]
        for row in map(json.loads, run(site, "cert", "proposals", "--json").stdout.splitlines())
    }
    assert "root element" in rows[broken]
    assert "at most" in rows[large]
    assert "cannot be accepted" in run(site, "cert", "accept", broken).stderr
    assert run(site, "cert", "reject", broken, "--reason", "no").exit_code == 0
