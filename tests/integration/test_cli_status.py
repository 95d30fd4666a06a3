"""`gateway status` and `gateway verify-history`."""

import json
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.config.new_certificate import new_certificate
from gateway.message import DeliveryState, MessageState, Processing, Receipt, ReceiptOutcome
from gateway.store import events, payloads, receipts
from tests.cli_site import run, small_site, with_as2
from tests.cli_store import writing
from tests.rows import add_delivery, add_document, add_message, next_id

Pages = Mapping[str, tuple[int, bytes]]


@contextmanager
def daemon(pages: Pages) -> Iterator[int]:
    """Something that answers on a port of its own."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = pages[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def ready(config_hash: str = "0" * 64, **checks: str) -> Pages:
    """What the daemon answers; `checks` are those that are not well."""
    told = json.dumps({"status": "x", "checks": {"database": "ok", **checks}}).encode()
    metrics = f'# HELP x\ngateway_config_info{{hash="{config_hash}"}} 1.0\n'.encode()
    return {"/readyz": (503 if checks else 200, told), "/metrics": (200, metrics)}


def stand(site: Path) -> dict[str, Any]:
    """What `status --json` says."""
    found: dict[str, Any] = json.loads(run(site, "status", "--json").output)
    return found


def on_port(site: Path, port: int) -> None:
    """Let the site's daemon be looked for on that port."""
    (site / "gateway.toml").write_text(
        f'[organisation]\nname = "ACME"\n[listen.monitoring]\nport = {port}\n', encoding="utf-8"
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The small site."""
    return small_site(tmp_path / "site")


def test_all_is_well(site: Path) -> None:
    """A daemon that is ready with the configuration of the files, and nothing held: nobody need act."""
    with daemon(pages := dict(ready())) as port:
        on_port(site, port)
        pages.update(ready(stand(site)["configuration"]["hash"]))
        result = run(site, "status", "--exit-code")
        assert f"running on 127.0.0.1:{port}, ready" in result.output
        assert "nothing needs a person" in result.output
        assert result.exit_code == 0


def test_a_daemon_with_an_older_configuration_is_told(site: Path) -> None:
    """Files were changed and not reloaded."""
    with daemon(ready("1" * 64)) as port:
        on_port(site, port)
        told = stand(site)
        assert told["configuration"]["in_force"] == "1" * 64
        assert told["needs_a_person"] == [
            "the daemon runs another configuration than the files hold; reload it: SIGHUP, or systemctl reload gateway"
        ]


def test_a_daemon_that_is_not_well_says_why(site: Path) -> None:
    """The checks that fail are told in the daemon's own words."""
    with daemon(ready(queue_disk="5 bytes free")) as port:
        on_port(site, port)
        told = stand(site)
        assert told["daemon"]["up"]
        assert not told["daemon"]["ready"]
        assert "the daemon is not well: queue_disk: 5 bytes free" in told["needs_a_person"]


def test_no_daemon_is_told(site: Path) -> None:
    """Nothing answers: the command that starts it is named, and the exit code asked for is 2."""
    with daemon(ready()) as port:
        on_port(site, port)
    result = run(site, "status", "--exit-code")
    assert f"nothing answers on 127.0.0.1:{port} (Connection refused); start it: gateway run" in result.output
    assert result.exit_code == 2
    assert run(site, "status").exit_code == 0


@pytest.mark.parametrize("body", [b"", b"[]", b'{"checks": 1}', b"\xff", b"<html>"])
def test_another_program_on_the_port_is_told(site: Path, body: bytes) -> None:
    """Whatever answers: words, and no traceback."""
    with daemon({"/readyz": (200, body), "/metrics": (200, b"")}) as port:
        on_port(site, port)
        assert "is not this gateway" in stand(site)["daemon"]["said"]


def test_a_port_chosen_at_start_cannot_be_asked(site: Path) -> None:
    """Port 0 is told with what to do."""
    assert "give [listen.monitoring] a port" in stand(site)["daemon"]["said"]


def test_what_needs_a_person_is_counted(site: Path) -> None:
    """Held and parked documents, stopped messages and ended deliveries, each with the command that shows it."""
    with writing(site) as tx:
        for _ in range(2):
            add_document(tx, state=Processing.HELD)
        add_document(tx, state=Processing.PARKED)
        add_document(tx, state=Processing.RELEASED)
        add_message(tx, state=MessageState.REFUSED)
        released = add_document(tx, state=Processing.RELEASED).id
        oldest = add_delivery(tx, document_id=released, state=DeliveryState.QUEUED).created_at
        add_delivery(tx, document_id=released, state=DeliveryState.FAILED)
        add_delivery(tx, document_id=released, state=DeliveryState.DELIVERED)
    told = stand(site)
    assert told["documents"] == {"held": 2, "parked": 1, "released": 2}
    assert told["deliveries"] == {"queued": 1, "failed": 1}
    assert told["oldest_waiting"] == oldest.isoformat(timespec="seconds")
    assert told["stopped_messages"] == {"refused": 1}
    calls = told["needs_a_person"][1:]
    assert calls == [
        "2 document(s) held; see them: gateway list --held",
        "1 document(s) parked; see them: gateway list --held",
        "1 message(s) refused; see them: gateway list --held",
        "1 delivery(ies) failed; see the document: gateway show ID, then: gateway resend ID",
    ]
    output = run(site, "status").output
    assert "2 held" in output
    assert "1 queued, 1 failed; first waiting since " in output
    assert all(call in output for call in calls)


def test_receipts_that_fit_nothing_are_shown(site: Path) -> None:
    """They are counted and listed, and call for nobody."""
    with writing(site) as tx:
        for partner in ("shop", "other"):
            receipt = Receipt(
                id=next_id(),
                kind="mdn",
                outcome=ReceiptOutcome.UNMATCHED,
                partner=partner,
                text="we sent this partner no message 'x'",
                received_at=tx.now,
            )
            receipts.add(tx, receipt)
    told = stand(site)
    assert told["unmatched_receipts"] == 2
    assert not any("receipt" in call for call in told["needs_a_person"])
    assert "2 that fit no message of ours; see them: gateway list --held" in run(site, "status").output
    listed = run(site, "list", "--held", "--partner", "shop").output
    assert "from shop: we sent this partner no message 'x'" in listed
    assert "from other" not in listed
    assert "receipt" not in run(site, "list").output


def test_an_acknowledgement_that_is_overdue_is_told(site: Path) -> None:
    """With its partner and the command that shows the document; one that is not due yet calls for nobody."""
    with writing(site) as tx:
        late = add_document(tx, state=Processing.RELEASED).id
        due = tx.now - timedelta(hours=3)
        add_delivery(tx, document_id=late, state=DeliveryState.HANDED_OVER, acknowledge_by=due, attempts=1)
        soon = add_document(tx, state=Processing.RELEASED).id
        add_delivery(tx, document_id=soon, state=DeliveryState.DELIVERED, acknowledge_by=tx.now + timedelta(hours=3))
    told = stand(site)
    assert [each["document"] for each in told["overdue_acknowledgements"]] == [late]
    (call,) = told["needs_a_person"][1:]
    assert call.startswith("1 acknowledgement(s) overdue, the first from acme since ")
    assert f"see it: gateway show {late}" in call
    shown = run(site, "show", late).output
    assert "handed over, acknowledgement awaited" in shown
    assert f"acknowledgement awaited until {due:%Y-%m-%d %H:%M} UTC, overdue" in shown
    assert "UTC, overdue" not in run(site, "show", soon).output


def test_what_a_sender_signed_is_printed(site: Path) -> None:
    """Byte for byte, by the message or a document of it; one that was not signed has none."""
    signed = b"Content-Type: multipart/signed\r\n\r\n\xff\x00"
    with writing(site) as tx:
        message = add_message(tx, evidence=payloads.put(tx, payloads.body_of(signed)))
        document = add_document(tx, message_id=message.id)
        bare = add_message(tx)
    for subject in (message.id, document.id):
        assert run(site, "show", subject, "--evidence").stdout_bytes == signed
    refused = run(site, "show", bare.id, "--evidence")
    assert refused.exit_code != 0
    assert "was not signed" in refused.output


def test_certificates_that_expire_are_told(site: Path) -> None:
    """A certificate without a successor calls for one thirty days ahead."""
    with_as2(site, "http://127.0.0.1:8081/as2")
    soon, _ = new_certificate("SHOP", days=20, now=datetime.now(UTC))
    (site / "certs" / "shop" / "2026.pem").write_bytes(soon)
    (call,) = [call for call in stand(site)["needs_a_person"] if "certificate" in call]
    until = datetime.now(UTC) + timedelta(days=20)
    assert call.startswith("the certificate of shop (verify, serial ")
    assert call.endswith(f"is valid until {until:%Y-%m-%d}; ask the partner for the next")


def history(site: Path) -> str:
    """A document with a history of two lines; its id."""
    with writing(site) as tx:
        document = add_document(tx, number="F-1", message_id=add_message_with_history(tx))
        for what in ("read", "hold"):
            events.append(tx, document.id, actor="node:x", axis="processing", what=what)
    return document.id


def add_message_with_history(tx: Any) -> str:
    """A message with a history of one line; its id."""
    message = add_message(tx)
    events.append(tx, message.id, actor="node:x", axis="message", what="received")
    return message.id


def test_whole_histories_are_counted(site: Path) -> None:
    """Every message and document is verified; nothing is wrong."""
    identifier = history(site)
    result = run(site, "verify-history")
    assert result.output == "histories verified: 2, 0 break(s)\n"
    assert result.exit_code == 0
    one = run(site, "verify-history", "--document", "F-1")
    assert one.output == "history verified, 2 line(s), 0 break(s)\n"
    assert run(site, "verify-history", "--document", identifier).output == one.output


def test_a_line_that_was_changed_is_told(site: Path) -> None:
    """Each break is told with what it belongs to; the exit code is 1."""
    identifier = history(site)
    with writing(site) as tx:
        tx.connection.execute(text("UPDATE event SET why = 'forged' WHERE what = 'hold'"))
    for arguments in ((), ("--document", "F-1")):
        result = run(site, "verify-history", *arguments)
        assert f"{identifier}: line 2 was changed\n" in result.stdout
        assert "1 break(s)" in result.stdout
        assert "compare with a backup" in result.stderr
        assert result.exit_code == 1


def test_an_unknown_document_is_told(site: Path) -> None:
    """There is nothing of that id or number."""
    result = run(site, "verify-history", "--document", "none")
    assert result.exit_code == 1
    assert "NOT-FOUND" in result.stderr
