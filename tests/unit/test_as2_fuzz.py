"""Valid AS2 damaged in every way: by bytes, and by the structure of its ASN.1 and MIME. Refused, or what was signed."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cryptography import x509
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.endpoints.as2 import algorithms, ber, compressed, der, enveloped, headers, mdn, mime, signed, spooled
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Composed, Message, mic, open_message, signed_parts
from gateway.endpoints.as2.mime import Part
from gateway.errors import Refused
from tests import as2_attacks as attack
from tests import as2_parties as parties
from tests.as2_attacks import OTHER_PART, PART, THEM, US, SignedData, Signer

CERTIFICATES: list[x509.Certificate] = [THEM.certificate]
SIGNATURE = parties.signature(PART)
SIGNATURES = [
    SIGNATURE,
    SignedData(signers=[Signer(), Signer(key=attack.OTHER)]).encoded(PART),
    SignedData(signers=[Signer(bare=True)]).encoded(PART),
    parties.signature(PART, digest="sha512"),
]
ENVELOPES = [attack.sealed(attack.signed(), cipher, how).body for cipher, how in (
    ("aes256-cbc", "pkcs1"), ("aes128-gcm", "oaep-sha256"), ("aes256-gcm", "pkcs1"), ("aes128-cbc", "oaep-sha1"),
)]  # fmt: skip
COMPRESSED = attack.squeezed(attack.signed()).body
DOCUMENTS = [*SIGNATURES, *ENVELOPES, COMPRESSED, attack.opaque(PART).body]
REPORT = Report(
    sender="THEM",
    receiver="US",
    original_message_id="<1@us>",
    disposition=mdn.PROCESSED,
    text="Received.",
    mic="abcd",
    digest="sha256",
)
MDN = mdn.answer(REPORT, key=THEM, digest="sha256", at=parties.NOW)


@dataclass
class Node:
    """An element that can be changed: its content, or the elements it is made of."""

    tag: int
    content: bytes
    children: list["Node"] | None
    form: int = 0

    def encoded(self) -> bytes:
        """It in BER: with its length (form 0), an indefinite one (1), a long one (2), or a wrong one (3, 4, 5)."""
        inner = self.content if self.children is None else b"".join(child.encoded() for child in self.children)
        head = bytes((self.tag,))
        size = len(inner)
        if self.form == 1:
            return head + b"\x80" + inner + b"\0\0"
        if self.form == 2:
            return head + b"\x88" + size.to_bytes(8, "big") + inner
        if self.form == 3:
            return head + b"\x84" + (size + 1).to_bytes(4, "big") + inner
        if self.form == 4:
            return head + b"\x84" + max(size - 1, 0).to_bytes(4, "big") + inner
        if self.form == 5:
            return head + b"\x88" + b"\xff" * 8 + inner
        return der.tlv(self.tag, inner)

    def all(self) -> list["Node"]:
        """It and all below it."""
        return [self, *(node for child in self.children or () for node in child.all())]


def tree(element: ber.Element) -> Node:
    """An element as a node; an octet string that holds ASN.1 stays a string."""
    if element.tag & 0x20:
        return Node(element.tag, b"", [tree(child) for child in element.children()])
    return Node(element.tag, element.content, None)


CHANGES = (
    "delete", "double", "swap", "splice", "tag", "bytes", "form", "empty", "wrap", "pieces", "integer", "move", "oid",
)  # fmt: skip
OIDS = [
    *algorithms.DIGESTS, *algorithms.CIPHERS, *algorithms.RSA_SIGNATURES, *algorithms.EC_SIGNATURES, algorithms.OAEP,
    algorithms.MGF1, algorithms.PSS, algorithms.LABEL, algorithms.DATA, algorithms.SIGNED_DATA, algorithms.ENVELOPED_DATA,
    algorithms.AUTH_ENVELOPED_DATA, algorithms.COMPRESSED_DATA, algorithms.ZLIB, algorithms.CONTENT_TYPE,
    algorithms.MESSAGE_DIGEST, algorithms.SIGNING_TIME, b"", b"\x80",
]  # fmt: skip


@st.composite
def restructured(draw: st.DrawFn, documents: list[bytes]) -> bytes:
    """One of the documents with a few of its elements left out, doubled, exchanged, retagged, or taken from another."""
    root = tree(ber.read(draw(st.sampled_from(documents))))
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=5)):
        nodes = root.all()
        node = nodes[draw(st.integers(0, len(nodes) - 1))]
        _change(draw, change, node, nodes)
    return root.encoded()


def _change(draw: st.DrawFn, change: str, node: Node, nodes: list[Node]) -> None:
    children = node.children
    at = draw(st.integers(0, len(children) - 1)) if children else 0
    if change == "delete" and children:
        del children[at]
    elif change == "double" and children:
        children[at:at] = [children[at]] * draw(st.sampled_from([1, 2, 9, 70]))
    elif change == "swap" and children:
        children.insert(draw(st.integers(0, len(children))), children.pop(at))
    elif change == "splice":
        donor = tree(ber.read(draw(st.sampled_from(DOCUMENTS)))).all()
        taken = donor[draw(st.integers(0, len(donor) - 1))]
        node.tag, node.content, node.children, node.form = taken.tag, taken.content, taken.children, taken.form
    elif change == "move" and children is not None:
        other = nodes[draw(st.integers(0, len(nodes) - 1))]
        if node not in other.all():
            children.insert(at, other)
    elif change == "tag":
        node.tag = draw(st.one_of(st.integers(0, 255), st.sampled_from([2, 4, 6, 0x30, 0x31, 0x80, 0xA0, 0xA1, 0x24])))
    elif change == "bytes" and children is None:
        where = draw(st.integers(0, len(node.content)))
        until = where + draw(st.integers(0, 16))
        node.content = node.content[:where] + draw(st.binary(max_size=16)) + node.content[until:]
    elif change == "form":
        node.form = draw(st.integers(0, 5))
    elif change == "empty":
        node.content, node.children = b"", None if children is None else []
    elif change == "wrap":
        inner = Node(node.tag, node.content, node.children, node.form)
        node.tag, node.children, node.form = draw(st.sampled_from([0x30, 0x31, 0xA0, 0x24])), [inner], 0
    elif change == "pieces" and children is None and node.tag in {4, 0x80}:
        half = draw(st.integers(0, len(node.content)))
        pieces = [Node(4, node.content[:half], None), Node(4, node.content[half:], None)]
        node.tag, node.children, node.form = node.tag | 0x20, pieces, draw(st.integers(0, 1))
    elif change == "integer" and children is None and node.tag == 2:
        node.content = draw(
            st.sampled_from([b"", b"\0", b"\xff", b"\x7f", bytes(8) + b"\1", b"\x7f" * 20, b"\x7f" * 9000])
        )
    elif change == "oid" and children is None and node.tag == 6:
        node.content = draw(st.sampled_from(OIDS))


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with some of them changed, left out, doubled or taken from elsewhere."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.integers(0, 40))
        how = draw(st.sampled_from(["change", "delete", "double", "copy", "line"]))
        if how == "change":
            data[at : at + size] = draw(st.binary(max_size=8))
        elif how == "delete":
            del data[at : at + size]
        elif how == "double":
            data[at:at] = data[at : at + size]
        elif how == "copy":
            start = draw(st.integers(0, len(data)))
            data[at:at] = data[start : start + size * 8]
        else:
            data[at:at] = draw(st.sampled_from([b"\r\n", b"\n", b"\r\n\r\n", b"\0", b"--", b";", b'"', b"\r"]))
    return bytes(data)


def message(made: Composed) -> Message | None:
    """A message as US opens it; None when it is refused."""
    try:
        found = open_message(parties.entity(made.headers, made.body), keys=[US], certificates=CERTIFICATES, limit=10**6)
        found.payload.decoded()
        _ = found.payload.filename, found.payload.type, found.mic("sha256")
    except Refused:
        return None
    return found


def holds(found: Message | None) -> None:
    """A message with a signature that counts has the payload that was signed, and nothing else has a signature."""
    if found is not None and found.intact and found.signature is not None:
        assert found.signature.certificate == THEM.certificate
        assert found.payload.decoded() == parties.PAYLOAD
        assert found.mic("sha256") == mic("sha256", PART)


def walked(element: ber.Element) -> None:
    """Read all of an element as everything it might be."""
    for read in (element.oid, element.integer, element.octets, element.only):
        try:
            _ = read()
        except Refused:
            pass
    if element.tag & 0x20:
        for child in element.children():
            walked(child)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=300), restructured(DOCUMENTS), st.sampled_from(DOCUMENTS).flatmap(damaged)))
@example(b"\x30\x80" * 30)
@example(b"\x24\x80\x04\x01a\x00\x00")
@example(b"\x02\x82\x27\x10" + b"\x7f" * 10000)
def test_any_ber_is_read_or_refused(data: bytes) -> None:
    """Whatever the bytes: an element all of which can be read, or `Refused`; what DER it has, has the same DER."""
    try:
        element = ber.read(data)
        walked(element)
        encoded = element.to_der()
    except Refused:
        return
    assert ber.read(encoded).to_der() == encoded


@settings(deadline=None)
@given(st.one_of(restructured(SIGNATURES), st.sampled_from(SIGNATURES).flatmap(damaged)))
def test_no_damage_makes_a_signature_of_other_content(data: bytes) -> None:
    """A damaged signature is refused or still the partner's over its content; over other content it is never one."""
    for content in (PART, OTHER_PART, b"", b"1"):
        covered = signed.covered(content)
        try:
            found = signed.verify(data, content=covered, certificates=CERTIFICATES, sha1=True)
        except Refused:
            continue
        assert content == PART
        assert found.certificate == THEM.certificate


@settings(deadline=None)
@given(st.one_of(restructured(ENVELOPES), st.sampled_from(ENVELOPES).flatmap(damaged)))
def test_a_damaged_envelope_is_opened_or_refused(data: bytes) -> None:
    """Nothing but `Refused` comes of it, and what a damaged message holds counts only when it is what was signed."""
    try:
        _ = enveloped.open_envelope(ber.read(data), [US])
    except (Refused, ValueError) as error:
        if not isinstance(error, Refused):
            assert "unpack" in str(error)  # `message` asks for two fields before it opens
    holds(message(attack.made(attack.PKCS7, data)))


@settings(deadline=None)
@given(restructured([COMPRESSED, attack.opaque(PART).body, *ENVELOPES, *SIGNATURES]))
def test_any_cms_is_a_message_or_refused(data: bytes) -> None:
    """Compressed, opaque, enveloped and detached structures under any name, also inside an envelope."""
    made = attack.made({"Content-Type": "application/pkcs7-mime"}, data)
    holds(message(made))
    holds(message(attack.sealed(made)))
    holds(message(attack.multipart(PART, data)))


@settings(deadline=None)
@given(damaged(attack.entity(attack.signed())))
def test_a_message_damaged_before_it_is_encrypted_is_what_was_signed_or_refused(data: bytes) -> None:
    """What one can do to a message inside its envelope leaves the payload that was signed, or nothing."""
    holds(message(attack.sealed(data)))


@settings(deadline=None)
@given(damaged(MDN.body))
def test_a_damaged_receipt_says_what_was_signed_or_is_refused(data: bytes) -> None:
    """What is read of a signed receipt is what its signer wrote, whatever stands around it."""
    fields = {name.lower(): value for name, value in MDN.headers.items()}
    try:
        found = mdn.read(Part(fields, data, data), CERTIFICATES)
    except Refused:
        return
    assert found.signature is not None
    assert (found.disposition, found.original_message_id) == (mdn.PROCESSED, "1@us")
    assert (found.mic, found.digest) == ("abcd", "sha256")


@settings(deadline=None)
@given(damaged(signed_parts(Part({"content-type": MDN.headers["Content-Type"]}, MDN.body, MDN.body))[0]))
def test_a_damaged_report_is_read_or_refused(data: bytes) -> None:
    """An unsigned report is read or refused, and never has a signature."""
    try:
        found = mdn.read(mime.read(data), CERTIFICATES)
    except Refused:
        return
    assert found.signature is None
    _ = found.outcome, found.disposition
    assert found.text.isprintable()


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=400), damaged(attack.entity(attack.signed()))), st.text(max_size=210))
def test_any_mime_is_read_or_refused(data: bytes, boundary: str) -> None:
    """Any bytes are a part or refused, its values can all be read, and its parts are pieces of it."""
    try:
        part = mime.read(data)
    except Refused:
        return
    assert part.raw == data
    assert data.endswith(part.body)
    _ = part.type, part.filename
    assert not any("\n" in value or "\r" in value or "\0" in value for value in part.headers.values())
    for mark in (part.type.parameters.get("boundary", ""), boundary):
        try:
            pieces = mime.split(part.body, mark)
        except Refused:
            continue
        assert len(pieces) <= mime.MOST_PARTS
        assert all(piece in part.body for piece in pieces)
    try:
        part.decoded()
    except Refused:
        pass


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255), max_size=300))
def test_any_header_is_read_or_refused(text: str) -> None:
    """Names, Message-IDs, structured values and wishes for receipts: read or refused, and fit to be written again."""
    for read, write in ((headers.unquote, headers.quote), (headers.message_id, mime.field)):
        try:
            found = read(text)
        except Refused:
            continue
        assert write(found).isprintable()
    try:
        assert headers.unquote(headers.quote(text)) == text
    except Refused:
        pass
    value = mime.value(text)
    assert value.word == value.word.lower()
    _ = Part({"content-disposition": text, "content-type": text}, b"", b"").filename
    for name in ("signed-receipt-micalg", "signed-receipt-protocol", ""):
        asked = headers.asked({"disposition-notification-options": f"{name}={text}"})
        assert set(asked.digests) <= set(algorithms.DIGEST_OIDS)
    plain = headers.plain(text, 100)
    assert len(plain) <= 100
    assert plain.isprintable()


@settings(deadline=None)
@given(st.text(max_size=300))
def test_a_safe_name_is_one_component(name: str) -> None:
    """Whatever a file is called: no path, no control character, no leading dot, no more than a file system takes."""
    safe = mime.safe_name(name)
    if safe is not None:
        assert not set(safe) & set("/\\\0\r\n")
        assert safe.isprintable()
        assert not safe.startswith(".")
        assert len(safe.encode()) <= 255
        assert mime.safe_name(safe) == safe.strip(" .")


@settings(deadline=None)
@given(st.binary(max_size=2000), st.integers(0, 3000), st.data())
def test_what_is_compressed_comes_back_within_the_limit(content: bytes, limit: int, data: Any) -> None:
    """Expanding gives the content when the limit allows it; damaged streams are refused or give no more than the limit."""
    whole = compressed.compress(content)
    try:
        assert compressed.expand(ber.read(whole), limit=limit) == content
    except Refused:
        assert len(content) > limit
    try:
        assert len(compressed.expand(ber.read(data.draw(damaged(whole))), limit=limit)) <= limit
    except (Refused, IndexError) as error:
        if isinstance(error, IndexError):
            assert "list index" in str(error)  # `message` asks for two fields before it expands


def _as_file(made: Composed, file: BinaryIO, directory: Path) -> spooled.SpooledMessage | None:
    file.write(made.body)
    file.flush()
    fields = {name.lower(): value for name, value in made.headers.items()}
    try:
        return spooled.open_spooled(
            Part(fields, b"", b""), file, keys=[US], certificates=CERTIFICATES, limit=10**6, directory=directory
        )
    except Refused:
        return None


@settings(deadline=None)
@given(
    st.one_of(
        restructured([*ENVELOPES, COMPRESSED, attack.opaque(PART).body]).map(
            lambda body: attack.made(attack.PKCS7, body)
        ),
        restructured(SIGNATURES).map(lambda body: attack.multipart(PART, body)),
        damaged(attack.entity(attack.signed())).map(attack.sealed),
        damaged(attack.signed().body).map(lambda body: attack.made(attack.signed().headers, body)),
    )
)
def test_from_a_file_a_damaged_message_is_read_as_in_memory(made: Composed) -> None:
    """Large messages take another way through the same steps: what is refused, what counts and what is read agree."""
    found = message(made)
    with tempfile.TemporaryDirectory() as name, (Path(name) / "body").open("wb+") as file:
        filed = _as_file(made, file, Path(name))
        counts = found is not None and found.intact
        assert counts == (filed is not None and filed.intact)
        if found is not None and filed is not None and counts:
            assert (found.signature, found.cipher, found.compressed, found.weak) == (
                filed.signature,
                filed.cipher,
                filed.compressed,
                filed.weak,
            )
            assert found.mic("sha256") == filed.mic("sha256")
            content = filed.content()
            data = content.data if content.path is None else content.path.read_bytes()
            assert data == found.payload.decoded()
        if filed is not None:
            filed.files.close()
