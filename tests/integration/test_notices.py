# mypy: disable-error-code="no-untyped-call"
"""Findings reach people: by a receiver that is well, fails, is slow, sends us elsewhere or dies, and after a crash."""

import hmac
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from gateway.app import build
from gateway.flow import notices as flow_notices
from gateway.formats.json import invoice_to_json
from gateway.store import notices, work
from gateway.store.notices import Told
from gateway.testing import sample
from tests.cli_site import run, small_site
from tests.cli_store import writing
from tests.integration.running import BRICO, RunningSite, reactor

SECRET = "a secret of the receiver"
UNKNOWN = "9999999999994"


class Receiver:
    """Keeps what is posted to it; answers with the statuses given, in their order, and 204 after them.

    The status 0 ends the connection without an answer; a function is called before 204 is answered.
    """

    def __init__(self, *answers: int | Callable[[], object]) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self._answers = list(answers)
        receiver = self

        class Page(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, dict(self.headers), body))
                answer = receiver._answers.pop(0) if receiver._answers else 204
                if callable(answer):
                    answer()
                    answer = 204
                if answer == 0:
                    self.close_connection = True
                    return
                try:
                    self.send_response(answer)
                    if answer == 302:
                        self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was posted, read."""
        return [json.loads(body) for _, _, body in self.got]

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class NoticesTest(RunningSite):
    """The daemon and a receiver of notices on real sockets."""

    extra = ""

    async def begin(self, *answers: int | Callable[[], object], extra: str = "") -> Receiver:
        """Start both, the site with one notice `desk`."""
        self.receiver = Receiver(*answers)
        self.addCleanup(self.receiver.close)
        self.extra = extra
        await self.start()
        return self.receiver

    def adapt(self) -> None:
        """One notice, tried again at once."""
        (self.root / "desk.secret").write_text(SECRET, encoding="utf-8")
        (self.root / "desk.secret").chmod(0o600)
        path = self.root / "gateway.toml"
        text = f"""
[pace]
stop_grace = "100ms"

[[notices]]
name = "desk"
url = "http://127.0.0.1:{self.receiver.port}/hook"
secret = {{ file = "desk.secret" }}
retry = {{ first = "100ms", factor = 1.0 }}
{self.extra}
"""
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")

    def put(self, number: str, gln: str = UNKNOWN) -> None:
        """Let the ERP write an invoice; one for nobody we know is held."""
        directory = self.root / "var/erp/out"
        (directory / f"{number}.part").write_bytes(invoice_to_json(sample(number, buyer_gln=gln)))
        (directory / f"{number}.part").rename(directory / f"{number}.json")

    async def posted(self, count: int) -> None:
        """Wait until so much was posted."""

        async def enough() -> bool:
            return len(self.receiver.got) >= count

        await self.until(enough)

    async def nothing_left(self) -> None:
        """Wait until all was told, and nothing is under way."""

        async def told() -> bool:
            def unit(tx: Any) -> bool:
                return not notices.has_news(tx) and not notices.waiting_names(tx) and not any(work.depth(tx).values())

            return await self.app._store.read(unit)

        await self.until(told)

    async def again(self) -> None:
        """Stop the daemon and start another on the same store."""
        await self.app.stop()
        self._cleanups = [each for each in self._cleanups if each[0] != self.app.stop]
        self.app = build(self.snapshot, reactor)
        await self.app.start()
        self.addCleanup(self.app.stop)

    def test_a_held_document_is_told_once(self) -> Any:
        """A signed notice with every finding comes once, also when the daemon starts again."""
        return Deferred.fromCoroutine(self._told_once())

    async def _told_once(self) -> None:
        receiver = await self.begin()
        self.put("F-1")
        await self.posted(1)
        await self.nothing_left()
        path, headers, body = receiver.got[0]
        told = json.loads(body)
        stamp = headers["Gateway-Timestamp"]
        mac = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
        assert (path, headers["Gateway-Signature"], headers["Gateway-Notice"]) == ("/hook", f"v1={mac}", told["id"])
        assert (told["version"], told["type"], told["notice"], told["kind"]) == (1, "notice", "desk", "held")
        document = told["document"]
        assert (document["number"], document["state"], document["label"]) == ("F-1", "held", "held: waits for a person")
        assert told["text"] == "Invoice F-1 waits for a person."
        assert told["links"]["command"] == f"gateway show {document['id']}"
        assert [each["rule"] for each in told["findings"]] == ["PARTNER-UNKNOWN"]
        assert told["findings_total"] == 1
        assert told["findings"][0].keys() == {
            *("rule", "severity", "level", "text", "term", "name"),
            *("found", "expected", "place", "output", "fix", "owner"),
        }
        await self.again()
        self.put("F-2")
        await self.posted(2)
        await self.nothing_left()
        assert [each["document"]["number"] for each in receiver.bodies] == ["F-1", "F-2"]

    def test_a_receiver_that_fails_gets_it_again_and_holds_up_nothing(self) -> Any:
        """Through 503, a refusal, an end without an answer and a redirect the notice keeps its id; documents flow."""
        return Deferred.fromCoroutine(self._failing())

    async def _failing(self) -> None:
        receiver = await self.begin(503, 400, 0, 302)
        self.put("F-1")
        await self.posted(1)
        self.put("GOOD", BRICO)
        await self.posted(5)
        await self.nothing_left()
        assert len({each["id"] for each in receiver.bodies}) == 1
        assert {path for path, _, _ in receiver.got} == {"/hook"}, "a redirect was followed"
        assert len(receiver.got) == 5
        kept = await self.kept()
        assert kept["GOOD.json"].documents[0].state == "released"

    def test_a_slow_receiver_is_not_waited_for(self) -> Any:
        """What was not answered in time is told again under the same id."""
        return Deferred.fromCoroutine(self._slow())

    async def _slow(self) -> None:
        answered = threading.Event()
        self.addCleanup(answered.set)
        receiver = await self.begin(lambda: answered.wait(20), extra='timeout = "300ms"')
        self.put("F-1")
        await self.posted(2)
        await self.nothing_left()
        first, second = receiver.bodies
        assert first["id"] == second["id"]

    def test_a_notice_that_is_refused_does_not_hold_up_the_next(self) -> Any:
        """The receiver never takes the first; the second is told."""
        return Deferred.fromCoroutine(self._refused())

    async def _refused(self) -> None:
        receiver = await self.begin(*[422] * 1000)
        self.put("F-1")
        await self.posted(1)
        late = await self.app._store.read(notices.late)
        assert [each.name for each in late] == ["desk"]
        receiver._answers[:] = [422, 422]
        self.put("F-2")
        await self.nothing_left()
        assert {each["document"]["number"] for each in receiver.bodies} == {"F-1", "F-2"}

    def test_a_crash_in_between_loses_nothing(self) -> Any:
        """The daemon ends while the receiver has the notice and has not answered: it is told again, same id."""
        return Deferred.fromCoroutine(self._crash())

    async def _crash(self) -> None:
        answered = threading.Event()
        self.addCleanup(answered.set)
        receiver = await self.begin(lambda: answered.wait(20))
        self.put("F-1")
        await self.posted(1)
        await self.again()
        await self.posted(2)
        await self.nothing_left()
        first, second = receiver.bodies
        assert first["id"] == second["id"]

    def test_it_is_told_and_not_noted(self) -> Any:
        """When the answer cannot be written down it is told again under the same id: at least once, never not at all."""
        return Deferred.fromCoroutine(self._not_noted())

    async def _not_noted(self) -> None:
        receiver = await self.begin()
        real, calls = notices.told, []

        def failing(tx: Any, items: Any) -> None:
            calls.append(items)
            if len(calls) == 1:
                raise RuntimeError("the disk is full")
            real(tx, items)

        self.patch(notices, "told", failing)
        self.patch(flow_notices, "AFTER_TROUBLE", timedelta(0))
        self.put("F-1")
        await self.posted(2)
        await self.nothing_left()
        first, second = receiver.bodies
        assert first["id"] == second["id"]

    def test_only_what_was_asked_for(self) -> Any:
        """A filter on owners lets pass what they can fix only."""
        return Deferred.fromCoroutine(self._filtered())

    async def _filtered(self) -> None:
        receiver = await self.begin(extra='on = ["unreadable"]')
        self.put("F-1")
        directory = self.root / "var/erp/out"
        (directory / "bad.part").write_bytes(b"no json at all")
        (directory / "bad.part").rename(directory / "bad.json")
        await self.posted(1)
        await self.nothing_left()
        (told,) = receiver.bodies
        assert (told["kind"], told["message"]["file"], told["document"]) == ("unreadable", "bad.json", None)

    def test_a_digest_is_sent_once(self) -> Any:
        """A digest whose hour has come is posted, again under its id after a failure, and then is over."""
        return Deferred.fromCoroutine(self._digest())

    async def _digest(self) -> None:
        self.patch(flow_notices, "next_time", lambda now, **_: now)
        receiver = await self.begin(503, extra='every = "1h"')
        self.put("F-1")
        await self.posted(2)
        await self.nothing_left()
        first, second = receiver.bodies
        assert first == second
        (group,) = first["groups"]
        assert (first["type"], group["rule"], group["count"]) == ("digest", "PARTNER-UNKNOWN", 1)
        assert (receiver.got[0][1]["Gateway-Notice"], first["count"]) == (first["id"], 1)

    def test_nobody_is_told_in_quiet_hours(self) -> Any:
        """What happens in them waits for their end, also when it is due already."""
        return Deferred.fromCoroutine(self._quiet())

    async def _quiet(self) -> None:
        now = datetime.now(UTC)
        hours = f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=2):%H:%M}"
        self.patch(flow_notices, "next_time", lambda now, **_: now)
        receiver = await self.begin(extra=f'quiet = "{hours}"')
        self.put("F-1")

        async def postponed() -> bool:
            due = await self.app._store.read(lambda tx: work.next_due(tx, ("notice",)))
            return due is not None and due > now + timedelta(hours=1)

        await self.until(postponed)
        assert receiver.got == []


def site_of(root: Path, port: int) -> Path:
    """The small site with one notice."""
    site = small_site(root)
    (site / "desk.secret").write_text(SECRET, encoding="utf-8")
    (site / "desk.secret").chmod(0o600)
    path = site / "gateway.toml"
    notice = f'[[notices]]\nname = "desk"\nurl = "http://127.0.0.1:{port}/hook"\nsecret = {{ file = "desk.secret" }}\n'
    path.write_text(path.read_text(encoding="utf-8") + notice, encoding="utf-8")
    return site


def tried(site: Path) -> subprocess.CompletedProcess[str]:
    """`gateway notice test desk`, in a process of its own: it runs a reactor."""
    command = [sys.executable, "-m", "gateway", "--site", str(site), "notice", "test", "desk"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_sample_notice_is_taken(tmp_path: Path) -> None:
    """`gateway notice test` sends what says that it is a test, signed, and shows the answer."""
    receiver = Receiver()
    try:
        ended = tried(site_of(tmp_path / "site", receiver.port))
    finally:
        receiver.close()
    assert ended.returncode == 0, ended.stderr
    assert "taken: the receiver answered 204" in ended.stdout
    (told,) = receiver.bodies
    assert (told["type"], told["notice"]) == ("test", "desk")
    assert receiver.got[0][1]["Gateway-Signature"].startswith("v1=")


@pytest.mark.parametrize(
    ("answer", "cause"),
    [(302, "the address has moved"), (401, "its secret"), (503, "trouble of its own"), (0, "is the receiver up")],
)
def test_an_answer_is_explained(tmp_path: Path, answer: int, cause: str) -> None:
    """What the receiver says instead of taking it, with the usual cause; the exit code is 1."""
    receiver = Receiver(answer)
    try:
        ended = tried(site_of(tmp_path / "site", receiver.port))
    finally:
        receiver.close()
    assert ended.returncode == 1
    assert "not taken: http://127.0.0.1" in ended.stdout
    assert cause in ended.stdout
    assert len(receiver.got) == 1


def test_a_notice_that_is_not_there(tmp_path: Path) -> None:
    """The names that are there are told."""
    ended = run(site_of(tmp_path / "site", 9), "notice", "test", "other")
    assert ended.exit_code == 1
    assert "there are: desk" in ended.output


def test_late_notices_are_in_the_status(tmp_path: Path) -> None:
    """What was to be told a while ago and is not needs a person, with the last trouble and what to try."""
    site = site_of(tmp_path / "site", 9)
    with writing(site) as tx:
        at = tx.now - timedelta(hours=1)
        item = Told(id="1", name="desk", kind="held", subject="x", at=at, wanted_at=at, due_at=at)
        assert notices.add(tx, item)
        notices.postpone(tx, [item], due=tx.now, why="it answered 503")
        gone = Told(id="2", name="gone", kind="held", subject="x", at=at, wanted_at=at, due_at=at)
        assert notices.add(tx, gone)
    ended = run(site, "status")
    assert "the notice 'desk' has not told 1 thing(s) since" in ended.output
    assert "it answered 503; try it: gateway notice test desk" in ended.output
    assert "'gone'" not in ended.output


def test_mistakes_of_a_notice_are_told_with_their_line(tmp_path: Path) -> None:
    """A partner that is not there, a name twice, no TLS, a secret in clear text."""
    site = site_of(tmp_path / "site", 9)
    path = site / "gateway.toml"
    good = path.read_text(encoding="utf-8")
    for added, code, text in (
        ('partners = ["shop", "nobody"]', "E209", "there is no partners/nobody.yaml"),
        ('tls = { ca = "certs/gone.pem" }', "E400", "certs/gone.pem"),
        ('retry = { frist = "1m" }', "E100", "frist"),
        ('on = ["helt"]', "E103", "held"),
        ('every = "now and then"', "E102", "is no such time"),
    ):
        path.write_text(good + added + "\n", encoding="utf-8")
        ended = run(site, "check")
        assert ended.exit_code == 1, ended.output
        assert f"gateway.toml:{len(good.splitlines()) + 1}:" in ended.output, ended.output
        assert code in ended.output, ended.output
        assert text in ended.output, ended.output
    notice = good[good.index("[[notices]]") :]
    for wrong, text in (
        (good + notice, "two notices have the name 'desk'"),
        (good.replace("http://127.0.0.1:9", "http://hooks.example"), "a notice goes to an https:// address"),
        (good.replace('{ file = "desk.secret" }', '"word"'), "a secret stands here in clear text"),
    ):
        path.write_text(wrong, encoding="utf-8")
        ended = run(site, "check")
        assert (ended.exit_code, text in ended.output) == (1, True), ended.output
