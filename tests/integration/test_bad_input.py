# mypy: disable-error-code="no-untyped-call"
"""Bad input of every kind through the whole daemon: what is not refused at the door is kept, and says what is wrong."""

import json
from collections.abc import Iterable
from typing import Any

import treq
from twisted.internet.threads import deferToThread  # noqa: TID251  # the peer of the test runs in a thread
from twisted.web.client import HTTPConnectionPool
from twisted.web.http_headers import Headers

from tests import hostile
from tests.hostile import Bad
from tests.integration.running import MESSAGE_BYTES, Kept, RunningSite, reactor, talk

MOST_TOLD = 60_000
"""Most characters in which one file may be told: a hundred problems with the names an object has."""
OTHER_TOKEN = "the-token-of-another-partner"
OTHER = """
  api:
    kind: api
    token: {file: var/other.token}

sends:
  - over: api
    match: "order-*"
    format: ubl-order
"""


class BadInputTest(RunningSite):
    """The sample site, running."""

    def adapt(self) -> None:
        """A second partner may send as well: its orders, over the API."""
        (self.root / "var/other.token").write_text(OTHER_TOKEN)
        self._change("partners/grossiste.yaml", "direction: out\n", f"direction: out\n{OTHER}")

    async def start(self) -> None:
        """Run it, with a client."""
        await super().start()
        self.token = (self.root / "var/secrets/erp-api.token").read_text().strip()
        self.pool = HTTPConnectionPool(reactor, persistent=False)

    async def test_files_of_the_erp(self) -> None:
        """Each is kept byte for byte and refused or held with its code, place and reason, and the daemon goes on."""
        await self.start()
        bad = list(hostile.files())
        await self.drop("var/erp/out", *((each.name, each.data) for each in bad))
        self._check(bad, await self.kept())
        await self.is_well()

    async def test_files_of_a_customer(self) -> None:
        """A customer that may send orders only is told of everything else, and its bad orders are as clearly refused."""
        await self.start()
        bad = list(hostile.orders())
        await self.drop("var/hypermarche/orders", *((each.name, each.data) for each in bad))
        self._check(bad, await self.kept())
        await self.is_well()

    def _check(self, bad: Iterable[Bad], kept: dict[str, Kept]) -> None:
        wrong = [text for each in bad if (text := _mistake(each, kept.get(each.name)))]
        assert wrong == [], "\n".join(wrong)

    async def test_files_no_message_can_be_made_of(self) -> None:
        """Empty files, files above the limit, and those that cannot be read are put aside whole, with the reason."""
        await self.start()
        folder = self.root / "var/erp/out"
        with (folder / "huge.part").open("wb") as huge:
            huge.truncate(100 * 1024**2)
        (folder / "huge.part").rename(folder / "huge.xml")
        await self.drop("var/erp/out", ("empty.xml", b""))
        refused = {path.name.partition("__")[2]: path for path in (folder / ".refused").iterdir()}
        assert refused["huge.xml"].stat().st_size == 100 * 1024**2
        assert f"at most {MESSAGE_BYTES}" in refused["huge.xml.why.txt"].read_text()
        assert "it is empty" in refused["empty.xml.why.txt"].read_text()
        assert await self.kept() == {}
        await self.is_well()

    async def _ask(self, method: str, path: str, data: bytes = b"", *, token: str = "") -> Any:
        """Status and JSON of an answer of the API."""
        answer = await treq.request(
            method,
            f"{self.url}{path}",
            data=data,
            pool=self.pool,
            headers=Headers({"Authorization": [f"Bearer {token or self.token}"]}),
        )
        body = await answer.content()
        return answer.code, json.loads(body)

    async def test_api(self) -> None:
        """Whoever sends a bad document by HTTP reads why it was refused, with the place, where the answer points to."""
        await self.start()
        wanted = {"cut-at-50.json", "latin-1.csv", "deep.xml", "billion-laughs.xml", "day-2026-02-30.csv", "pdf.xml"}
        bad = [each for each in hostile.files() if each.name in wanted | {"buyer-unknown.json", "bell.csv"}]
        assert len(bad) == len(wanted) + 2
        status = {}
        for each in bad:
            code, said = await self._ask("POST", f"/api/documents?filename={each.name}", each.data)
            assert code == 202
            status[each.name] = said["status"]
        await self.rest()
        self._check(bad, await self.kept())
        for each in bad:
            code, said = await self._ask("GET", status[each.name])
            findings = [finding for document in said["documents"] for finding in document["findings"]]
            told = (
                said["why"]
                or f"{findings[0]['rule']} {findings[0]['text']} {findings[0]['place'] or findings[0]['term']}"
            )
            assert (each.code in told, each.place in told, each.says in told) == (True, True, True), (each.name, said)
            assert (await self._ask("GET", status[each.name], token=OTHER_TOKEN))[0] == 404
        await self.is_well()

    async def test_api_of_a_wrong_partner(self) -> None:
        """Nobody's token opens nothing; a partner that may send orders only is told so of an invoice."""
        await self.start()
        path = "/api/documents?filename=invoice.json"
        code, said = await self._ask("POST", path, hostile.JSON, token="nobody-s-token-0123456789")
        assert (code, "bearer token" in said["detail"]) == (401, True)
        assert await self.kept() == {}
        _, said = await self._ask("POST", path, hostile.JSON, token=OTHER_TOKEN)
        await self._ask("POST", "/api/documents?filename=order-1.xml", hostile.UBL, token=OTHER_TOKEN)
        await self.rest()
        kept = await self.kept()
        assert {name: each.message.state for name, each in kept.items()} == {
            "invoice.json": "refused",
            "order-1.xml": "refused",
        }
        assert "partners/grossiste.yaml fits a file named 'invoice.json' over api" in kept["invoice.json"].why
        assert kept["order-1.xml"].why.startswith("XML-ROOT")
        await self.is_well()

    async def test_requests_that_are_refused_at_the_door(self) -> None:
        """Each gets a 4xx that says why, before its body is taken; nothing is kept of it."""
        await self.start()
        post, token = "POST /api/documents HTTP/1.1\r\nHost: x\r\n", f"Authorization: Bearer {self.token}\r\n"
        flood = "".join(f"X-{number}: y\r\n" for number in range(200))
        chunk = b"%x\r\n" % 2**20 + b"x" * 2**20 + b"\r\n"
        for status, head, body, says in (
            (401, f"{post}Content-Length: 3\r\n\r\n", b"abc", "bearer token"),
            (400, f"{post}{token}Content-Length: 0\r\n\r\n", b"", "the body is empty"),
            (413, f"{post}{token}Content-Length: {MESSAGE_BYTES + 1}\r\n\r\n", b"x", f"at most {MESSAGE_BYTES} bytes"),
            (413, f"{post}{token}Transfer-Encoding: chunked\r\n\r\n", chunk * 13, f"at most {MESSAGE_BYTES} bytes"),
            (400, f"{post}{token}{flood}Content-Length: 3\r\n\r\n", b"abc", "not well-formed HTTP/1.1, or its head"),
            (400, f"{post}X: {'y' * 20_000}\r\n\r\n", b"", "its head is too large"),
            (400, f"{post}{token}Content-Length: -1\r\n\r\n", b"", "not well-formed"),
            (400, f"{post}{token}Content-Length: 3\r\nContent-Length: 4\r\n\r\n", b"abcd", "not well-formed"),
            (400, f"{post}{token}Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n", "not well-formed"),
            (400, f"{post}{token}Idempotency-Key: a b\r\nContent-Length: 3\r\n\r\n", b"abc", "Idempotency-Key is one"),
            (404, "POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n", b"abc", "nothing at this address"),
        ):
            close = head.replace("\r\n", "\r\nConnection: close\r\n", 1)
            said: bytes = await deferToThread(talk, self.port, close.encode(), body)
            assert said.startswith(f"HTTP/1.1 {status} ".encode()), (status, says, said)
            assert says.encode() in said
        # a length that is larger than what comes: the sender went, and nothing was promised to it
        short = f"{post}{token}Content-Length: 100\r\n\r\n".encode()
        assert await deferToThread(talk, self.port, short, b"abc", close=True) == b""
        assert await self.kept() == {}
        assert self.spooled() == []
        await self.is_well()


def _mistake(bad: Bad, kept: Kept | None) -> str:
    """How what became of a file differs from what must; empty when it does not."""
    if kept is None:
        return f"{bad.name} is lost"
    if kept.data != bad.data:
        return f"{bad.name} is kept with other bytes"
    finding = next((each for document in kept.documents for each in document.findings), None)
    if bad.state == "refused":
        state: str = kept.message.state
        told, place = kept.why, kept.why.rpartition(" (")[2] if bad.place else ""
        fits = not kept.documents
    else:
        state = kept.documents[0].state if kept.documents else "none"
        told = f"{finding.rule}: {finding.text}" if finding else "without a finding"
        place = finding.place or finding.term if finding else ""
        fits = finding is not None and bool(finding.fix)
    fits = fits and state == bad.state and told.startswith(bad.code) and bad.says in told
    if not fits or bad.place not in place:
        return f"{bad.name}: {state} at {place}: {told[:400]}"
    return f"{bad.name} is told in {len(told)} characters" if len(told) > MOST_TOLD else ""
