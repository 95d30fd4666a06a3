"""Messages opened and composed from file to file: the same as in memory, with a window of memory."""

import functools
import itertools
import random
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.as2 import message, mime, window
from gateway.endpoints.as2.message import Composed, Message, Protection, open_message
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.spooled import SpooledMessage, open_spooled
from gateway.endpoints.as2.spooled_compose import compose_spooled
from gateway.endpoints.as2.window import Window
from gateway.errors import Refused
from gateway.message import Body
from tests import as2_parties as parties

US, THEM = parties.own_key("us"), parties.own_key("them")
LARGE = 24 * 1024**2


OPENED = ExitStack()


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    OPENED.close()


def file(data: bytes) -> BinaryIO:
    """A file with these bytes, closed after the test."""
    made = tempfile.TemporaryFile()  # noqa: SIM115
    OPENED.callback(made.close)
    made.write(data)
    made.flush()
    made.seek(0)
    return made


def spooled(made: Composed, directory: Path, **changes: Any) -> SpooledMessage:
    """The message as US opens it from a file."""
    head = Part({name.lower(): value for name, value in made.headers.items()}, b"", b"")
    arguments: dict[str, Any] = {"keys": [US], "certificates": [THEM.certificate], "limit": 10**8, **changes}
    return OPENED.enter_context(open_spooled(head, file(made.body), directory=directory, **arguments))


def bytes_of(body: Body | None) -> bytes:
    """What a body holds."""
    assert body is not None
    if body.path is None:
        assert body.data is not None
        return body.data
    return body.path.read_bytes()


def protection(**changes: Any) -> Protection:
    base: dict[str, Any] = {
        "key": THEM,
        "digest": "sha256",
        "recipient": US.certificate,
        "cipher": "aes256-cbc",
        "compress": None,
    }
    return Protection(**{**base, **changes})


FORMS: list[dict[str, Any]] = [
    {"key": key, "recipient": recipient, "compress": compress, "cipher": cipher}
    for key, recipient, compress, cipher in itertools.product(
        [THEM, None], [US.certificate, None], [None, "before-signing", "after-signing"], ["aes256-cbc", "aes128-gcm"]
    )
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("payload", [parties.PAYLOAD, b"", bytes(range(256)) * 3000])
def test_a_file_is_opened_as_bytes_are(form: dict[str, Any], payload: bytes, tmp_path: Path) -> None:
    """Whatever the form: the same payload, name, MIC, signer and signed entity from a file as from memory."""
    made = parties.composed(payload=payload, **form)
    entity = parties.entity(made.headers, made.body)
    in_memory = open_message(entity, keys=[US], certificates=[THEM.certificate], limit=10**7)
    found = spooled(made, tmp_path)
    assert bytes_of(found.content()) == in_memory.payload.decoded() == payload
    assert found.payload.filename == in_memory.payload.filename
    assert found.mic("sha256") == in_memory.mic("sha256") == made.mic
    assert (found.signature, found.cipher, found.compressed, found.intact) == (
        in_memory.signature,
        in_memory.cipher,
        in_memory.compressed,
        in_memory.intact,
    )
    if form["key"]:
        assert bytes_of(found.evidence()) == in_memory.signed_entity


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("payload", [parties.PAYLOAD, b"", bytes(range(256)) * 3000])
def test_a_file_is_composed_as_bytes_are(form: dict[str, Any], payload: bytes, tmp_path: Path) -> None:
    """Whatever the form: what is composed from a file opens to the same, with the same MIC."""
    in_memory = parties.composed(payload=payload, **form)
    made = compose_spooled(
        file(payload),
        filename="invoice.edi",
        content_type="application/edifact",
        protection=protection(**form),
        at=parties.NOW,
        directory=tmp_path,
    )
    OPENED.callback(made.close)
    body = b"".join(window.chunks(made.body))
    assert len(body) == made.size
    assert made.mic == in_memory.mic
    found = open_message(parties.entity(made.headers, body), keys=[US], certificates=[THEM.certificate], limit=10**7)
    assert found.payload.decoded() == payload
    assert found.mic("sha256") == made.mic
    assert found.mic("sha384") == made.mic_with("sha384") == in_memory.mic_with("sha384")
    assert found.intact


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_transfer_encodings_of_the_payload(encoding: str, tmp_path: Path) -> None:
    """A payload in base64 or quoted-printable is decoded piece by piece."""
    data = "Épicerie; 3 × 5\r\n".encode() * 40_000
    body = {"base64": mime.base64_lines(data), "8bit": data}.get(encoding)
    if body is None:
        body = data.replace(b"=", b"=3D").replace(b"\xc3", b"=C3")
    headers = {"Content-Type": "text/plain", "Content-Transfer-Encoding": encoding}
    made = Composed(headers=headers, body=body, mic="", digest="sha256")
    assert bytes_of(spooled(made, tmp_path).content()) == data


@pytest.mark.parametrize("form", [{}, {"cipher": "aes256-gcm"}, {"compress": "before-signing"}])
def test_large_messages_need_a_window_of_memory(form: dict[str, Any], tmp_path: Path) -> None:
    """A message of 24 MiB is composed and opened with less than 4 MiB of memory."""
    payload = file(b"")
    rng = random.Random(24)
    for _ in range(LARGE // 2**16):
        payload.write(rng.randbytes(2**15).hex().encode())
    payload.flush()
    tracemalloc.start()
    try:
        made = compose_spooled(
            payload,
            filename="large.bin",
            content_type="application/octet-stream",
            protection=protection(**form),
            at=parties.NOW,
            directory=tmp_path,
        )
        head = Part({name.lower(): value for name, value in made.headers.items()}, b"", b"")
        arguments: dict[str, Any] = {"keys": [US], "certificates": [THEM.certificate], "limit": 10**8}
        body = file(b"")
        for piece in window.chunks(made.body):
            body.write(piece)
        body.flush()
        made.close()
        found = OPENED.enter_context(open_spooled(head, body, directory=tmp_path, **arguments))
        content, evidence = found.content(), found.evidence()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 1024**2
    assert content.size == LARGE
    assert found.mic("sha256") == made.mic
    OPENED.close()
    assert evidence is not None
    assert {content.path, evidence.path} == set(tmp_path.iterdir())


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    """A message changed on the way is refused, and no file is left."""
    made = parties.composed(recipient=None, payload=b"x" * 500_000)
    at = made.body.index(b"xxxx") + 1000
    changed = Composed(
        headers=made.headers, body=made.body[:at] + b"y" + made.body[at + 1 :], mic=made.mic, digest="sha256"
    )
    with pytest.raises(Refused, match="digest differs"):
        spooled(changed, tmp_path)
    assert list(tmp_path.iterdir()) == []


@functools.cache
def composed_once(form: int) -> Composed:
    """A message in each form."""
    return parties.composed(**FORMS[form])


@given(st.data())
def test_whatever_is_cut_or_changed_is_refused_or_opened(data: st.DataObject) -> None:
    """Damaged messages end in `Refused`, or come back as not intact, and never otherwise than from memory."""
    made = composed_once(data.draw(st.integers(0, len(FORMS) - 1)))
    body = bytearray(made.body)
    for _ in range(data.draw(st.integers(0, 3))):
        body[int(data.draw(st.floats(0, 0.999)) * len(body))] = data.draw(st.integers(0, 255))
    del body[int(data.draw(st.floats(0, 1)) * len(body)) if data.draw(st.booleans()) else len(body) :]
    damaged = Composed(headers=made.headers, body=bytes(body), mic="", digest="sha256")
    entity = parties.entity(made.headers, bytes(body))
    why = ""
    expected: Message | None = None
    try:
        expected = open_message(entity, keys=[US], certificates=[THEM.certificate], limit=10**7)
    except Refused as refused:
        why = refused.code
    with tempfile.TemporaryDirectory() as directory:
        try:
            found = spooled(damaged, Path(directory), limit=10**7)
        except Refused as refused:
            assert expected is None or not expected.intact
            assert expected is not None or refused.code == why
        else:
            assert expected is not None
            assert found.intact == expected.intact
        OPENED.close()


@given(st.binary(max_size=2000), st.binary(min_size=1, max_size=4), st.integers(0, 2100), st.integers(0, 2100))
def test_a_window_is_like_bytes(data: bytes, what: bytes, begin: int, end: int) -> None:
    """Indexing, slicing and finding give what they give on the bytes."""
    window = Window(file(data))
    assert len(window) == len(data)
    assert window[begin:end] == data[begin:end]
    assert window.find(what, begin) == data.find(what, begin)
    assert b"".join(window.chunks()) == data
    for at in range(0, len(data), 97):
        assert window[at] == data[at]
    with pytest.raises(IndexError):
        _ = window[len(data)]


def test_find_sees_what_lies_across_two_windows() -> None:
    """A boundary that begins at the end of what is held is found."""
    data = b"x" * (256 * 1024 - 3) + b"--boundary" + b"y" * 300_000
    assert Window(file(data)).find(b"--boundary") == 256 * 1024 - 3
    assert message.looks_like_cms(b"0\x82")
