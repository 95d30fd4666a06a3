"""`gateway evidence`: what it writes of a real exchange is checked with OpenSSL, by the commands it prints."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config.new_certificate import new_certificate
from gateway.message import DeliveryState, Direction
from gateway.store import deliveries, documents, messages
from tests.e2e.daemon import As2Site

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the command openssl")

PEER = """
name: The other site
certificates: {{verify: certs/peer.pem}}
endpoints:
  edi: {{kind: as2, url: "http://127.0.0.1:{port}/as2", as2_id: {name}, sign: sha512, compress: true}}
sends:
  - {{over: edi, format: file, partner: desk}}
receives:
  file: {{format: file, filename: "{{name}}", route: [edi]}}
"""
CONTENT = "UNB+UNOC:3'\nnot quite EDIFACT, with LF\n"


class Site(As2Site):
    """A site that is asked for evidence."""

    def proved(self) -> bool:
        """True when its only delivery has its MDN."""
        with self.store() as tx:
            return [each.state for each in deliveries.recent(tx)] == [DeliveryState.DELIVERED]

    def evidence(self, what: str, out: Path) -> str:
        """Write it; what the command says."""
        command = self.command("evidence", what, "--out", str(out))
        done = subprocess.run(command, stdout=-1, stderr=-2, timeout=60, check=False)
        assert done.returncode == 0, done.stdout.decode()
        return done.stdout.decode()


@pytest.fixture(name="sites", scope="module")
def _sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    root = tmp_path_factory.mktemp("evidence")
    one, two = Site(root / "one", "ONE"), Site(root / "two", "TWO")
    one.meet(two, PEER)
    two.meet(one, PEER)
    with one, two:
        two.start()
        one.start()
        one.hand_in("a b.edi", CONTENT)
        two.until(lambda: two.delivered() == ["a b.edi"])
        one.until(one.proved)
        one.end(signal.SIGTERM)
        yield one, two


def checked(directory: Path) -> int:
    """Run every command of README.txt as it stands there; how many there are."""
    lines = (directory / "README.txt").read_text().splitlines()
    commands = [
        (line.strip(), lines[at + 1].strip()) for at, line in enumerate(lines) if line.startswith("    openssl")
    ]
    for command, shows in commands:
        done = subprocess.run(["bash", "-c", command], cwd=directory, stdout=-1, stderr=-2, timeout=30, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout.decode()}"
        assert done.stdout.decode().strip() == shows.removeprefix("shows: ")
    return len(commands)


def test_what_was_sent_is_proved_by_the_mdn(sites: tuple[Site, Site], tmp_path: Path) -> None:
    """Payload, MDN, certificates and the MIC made anew; the history with its hashes; the same by document or delivery."""
    one, _ = sites
    with one.store() as tx:
        (document,) = documents.recent(tx)
        (delivery,) = deliveries.recent(tx)
    for what in (document.id, document.id[:20], delivery.id, delivery.message_id):
        out = tmp_path / what
        said = one.evidence(what, out)
        assert "the MIC of the payload, computed anew, is that of the MDN\n" in said
        assert checked(out) == 2
        (folder,) = out.glob("sent-*")
        assert (folder / "payload.bin").read_text() == CONTENT
        assert b"disposition-notification" in (folder / "mdn-1.eml").read_bytes()
        assert said.count("\n  openssl") == 2
        lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
        assert lines[-1]["what"] == "deliver"
        assert [each["previous"] for each in lines[-2:]] == [lines[-3]["hash"], lines[-2]["hash"]]
        assert "its chain of hashes is whole" in said


def test_what_was_received_is_proved_by_its_signature(sites: tuple[Site, Site], tmp_path: Path) -> None:
    """The signed entity as it came, our answer, the certificates of both; a change in any of them is found."""
    _, two = sites
    with two.store() as tx:
        (message,) = messages.recent(tx, direction=Direction.IN)
    said = two.evidence(message.id, tmp_path / "e")
    assert "what the sender signed is signed by CN=ONE" in said
    assert "the MDN we answered with is signed by CN=TWO" in said
    assert checked(tmp_path / "e") == 3
    (folder,) = (tmp_path / "e").glob("received-*")
    content = folder / "signed-content.bin"
    content.write_bytes(content.read_bytes() + b" ")
    with pytest.raises(AssertionError):
        checked(tmp_path / "e")


def test_changed_settings_are_named(sites: tuple[Site, Site], tmp_path: Path) -> None:
    """The MIC is found all the same, in the form of then; a certificate that is not listed any more is said to be so."""
    one, _ = sites
    with one.store() as tx:
        (document,) = documents.recent(tx)
    partner = (one.root / "partners/peer.yaml").read_text()
    try:
        one.write("partners/peer.yaml", partner.replace("compress: true", "compress: false").encode())
        said = one.evidence(document.id, tmp_path / "a")
        assert "compressed before signing" in said
        assert "the settings of the endpoint have changed since" in said
        one.write("certs/peer.pem", new_certificate("TWO", days=30, now=datetime.now(UTC))[0])
        said = one.evidence(document.id, tmp_path / "b")
        assert "no certificate that is listed now fits" in said
        assert checked(tmp_path / "b") == 2
    finally:
        one.write("partners/peer.yaml", partner.encode())
    with pytest.raises(AssertionError, match="is not empty"):
        one.evidence(document.id, tmp_path / "a")
