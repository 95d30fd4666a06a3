# mypy: disable-error-code="no-untyped-call"
"""Bad AS2 messages through the whole daemon: strangers learn and change nothing, partners are told what is wrong."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import treq
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.internet.threads import deferToThread  # noqa: TID251  # the peer of the test runs in a thread
from twisted.web.http_headers import Headers

from gateway.config.certificates import OwnKey
from gateway.endpoints.as2 import compressed, mdn, receive
from gateway.endpoints.as2.mdn import Mdn
from gateway.endpoints.as2.message import Composed, Protection, compose
from gateway.message import Answer
from tests import as2_parties as parties
from tests.hostile import EDIFACT, ORDER, UBL
from tests.integration.running import RunningSite, talk

NAMES = {"as2_from": "HYPERMARCHE", "as2_to": "ACME-FRANCE"}
STRANGER = parties.own_key("stranger")


class BadAs2Test(RunningSite):
    """The sample site, running, and its customer that speaks AS2."""

    async def start(self) -> None:
        """Run it, and take up the customer's practice key."""
        await super().start()
        (dated,) = self.snapshot.certificates["hypermarche"].verify
        key = load_pem_private_key((self.root / "certs/practice/hypermarche.key").read_bytes(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.customer = OwnKey(dated, key)
        (self.ours,) = self.snapshot.identities["acme"].keys
        self.sent = 0

    def composed(self, payload: bytes = ORDER, **changes: Any) -> Composed:
        """A message of the customer, signed and encrypted unless changed."""
        protection: dict[str, Any] = {
            "key": self.customer,
            "digest": "sha256",
            "recipient": self.ours.certificate,
            "cipher": "aes256-cbc",
            "compress": None,
            **changes,
        }
        content_type = changes.pop("content_type", protection.pop("content_type", "application/xml"))
        return compose(
            payload,
            filename=f"{self.sent}.xml",
            content_type=content_type,
            protection=Protection(**protection),
            at=datetime.now(UTC),
        )

    async def post(self, made: Composed, **changes: str | None) -> Answer:
        """Post it with headers changed; every message has a Message-ID of its own."""
        self.sent += 1
        fields = parties.fields(made, **{"message_id": f"<{self.sent}@hypermarche.example>", **NAMES, **changes})
        answer = await treq.post(
            f"{self.url}/as2", data=made.body, headers=Headers({k: [v] for k, v in fields.items()}), persistent=False
        )
        headers = {k.decode().lower(): v[0].decode() for k, v in answer.headers.getAllRawHeaders()}
        return Answer(status=answer.code, headers=headers, body=await answer.content())

    def told(self, answer: Answer) -> Mdn:
        """The MDN of an answer."""
        assert answer.status == 200
        return mdn.read(parties.entity(answer.headers, answer.body), [self.ours.certificate])

    def _messages(self) -> Iterator[tuple[str, Composed, dict[str, str | None]]]:
        good = self.composed()
        yield "an AS2-From nobody has", good, {"as2_from": "NOBODY"}
        yield "an AS2-To that is not us", good, {"as2_to": "NOBODY"}
        yield "signed by a stranger", self.composed(key=STRANGER), {}
        yield "not for our key", self.composed(recipient=STRANGER.certificate), {}
        yield "neither signed nor encrypted", self.composed(key=None, recipient=None), {}
        yield "encrypted only", self.composed(key=None), {}
        for part in (0, 1, 10, 50, 90, 99):
            yield f"cut off at {part} %", replace(good, body=good.body[: len(good.body) * part // 100]), {}
        yield "bytes behind it", replace(good, body=good.body + b"\0" * 100), {}
        yield "garbage", replace(good, body=os.urandom(5_000)), {}
        yield "zeros", replace(good, body=bytes(5_000)), {}
        yield "nested without end", replace(good, body=b"\x30\x80" * 100_000), {}
        yield "a length without end", replace(good, body=b"\x30\x84\xff\xff\xff\xff" + good.body[4:]), {}
        bomb = self.composed(bytes(60 * 1024**2), compress="before-signing")
        yield "a zip bomb, signed and encrypted", bomb, {}
        yield "a zip bomb as it is", self._packed(bytes(60 * 1024**2)), {}
        inner = compressed.compress(b"Content-Type: application/xml\r\n\r\n" + ORDER)
        nested = "application/pkcs7-mime; smime-type=compressed-data; name=smime.p7z"
        yield "compressed twice", self.composed(inner, compress="before-signing", content_type=nested), {}
        yield "compressed a hundred times", self._packed(b"", times=100), {}
        yield "a multipart without an end", self._typed("multipart/signed; boundary=b", b"--b\r\n" * 10_000), {}
        yield "a boundary of a megabyte", self._typed("multipart/signed; boundary=" + "b" * 5_000, b"--b\r\n"), {}
        yield "base64 that is none", replace(good, body=b"!" * 100, headers={**good.headers, **_BASE64}), {}

    def _typed(self, content_type: str, body: bytes) -> Composed:
        return Composed(headers={"Content-Type": content_type}, body=body, mic="", digest="sha256")

    def _packed(self, data: bytes, times: int = 1) -> Composed:
        content_type = "application/pkcs7-mime; smime-type=compressed-data"
        for _ in range(times):
            data = compressed.compress(f"Content-Type: {content_type}\r\n\r\n".encode() + data)
        return self._typed(content_type, data)

    async def test_strangers(self) -> None:
        """Whatever cannot be authenticated gets one answer, with the usual causes in words, and nothing is kept."""
        await self.start()
        for what, made, changes in self._messages():
            found = self.told(await self.post(made, **changes))
            assert found.disposition == mdn.AUTHENTICATION_FAILED, what
            assert found.signature is None, what
            assert found.mic == "", what
        assert await self.kept() == {}
        await self.is_well()

    async def test_headers_that_are_not_as2(self) -> None:
        """Without usable names or Message-ID the same words come with status 400; a flood of headers is not read."""
        await self.start()
        good = self.composed()
        for changes in ({"message_id": None}, {"as2_from": None}, {"as2_to": 'A"B'}):
            answer = await self.post(good, **changes)
            assert (answer.status, answer.body.decode().strip()) == (400, receive.UNIFORM_TEXT)
        for flood in ("X: y\r\n" * 200, f"As2-From: {'y' * 20_000}\r\n"):
            head = f"POST /as2 HTTP/1.1\r\nHost: x\r\n{flood}Content-Length: 1\r\n\r\n".encode()
            said: bytes = await deferToThread(talk, self.port, head, b"x")
            assert said.startswith(b"HTTP/1.1 400 ")
            assert b"its head is too large" in said
        assert await self.kept() == {}
        await self.is_well()

    async def test_a_partner_is_told_what_is_wrong(self) -> None:
        """A message that is not encrypted is refused by its signed MDN and kept; a good one goes on to be read."""
        await self.start()
        found = self.told(await self.post(self.composed(recipient=None)))
        assert (found.disposition, found.signature is not None) == (mdn.INSUFFICIENT_SECURITY, True)
        assert "signed but not encrypted" in found.text
        (kept,) = (await self.kept()).values()
        assert (kept.message.state, kept.data, kept.documents) == ("refused", ORDER, ())
        assert "must be" in kept.why
        await self.is_well()

    async def test_what_a_partner_may_not_send(self) -> None:
        """A message that came right is confirmed; what it holds is kept and refused with its place."""
        await self.start()
        cut = ORDER[:1000]
        for number, (payload, code) in enumerate(
            ((UBL, "XML-ROOT"), (EDIFACT, "XML-MALFORMED"), (b"", "XML-MALFORMED"), (cut, "XML-MALFORMED"))
        ):
            assert self.told(await self.post(self.composed(payload))).disposition == mdn.PROCESSED
            await self.rest()
            kept = (await self.kept())[f"{number}.xml"]
            assert (kept.message.state, kept.data) == ("refused", payload)
            assert kept.why.startswith(code)
            assert "(line " in kept.why
        await self.is_well()


_BASE64 = {"Content-Transfer-Encoding": "base64"}
