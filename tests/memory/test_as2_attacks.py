# mypy: disable-error-code="no-untyped-call"
"""Attacks on the AS2 listener: whatever is sent, there is one answer, no change of state, and no exception."""

import os
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

from gateway.config.certificates import OwnIdentity, OwnKey
from gateway.endpoints.as2 import ber, compressed, der, enveloped, mdn
from gateway.endpoints.as2.certificates import facts
from gateway.endpoints.as2.listener import As2Listener
from gateway.endpoints.as2.message import Composed, mic
from tests import as2_attacks as attack
from tests import as2_exchange as exchange
from tests import as2_parties as parties
from tests.as2_attack_tables import (
    ENVELOPES,
    KEY_IDENTIFIER,
    MEGABYTE,
    OAEPS,
    SIGNATURES,
    WRAPPINGS,
    encrypted_key,
    noise,
    pss,
    signed_by,
    swapped_content,
    transported_keys,
)  # fmt: skip
from tests.as2_attacks import OTHER, OTHER_PART, PART, THEM, US, Attack, Counting, Envelope, SignedData, Signer
from tests.as2_house import House, read, told


@pytest.fixture(name="house", params=["in threads", "in processes"])
def _house(request: pytest.FixtureRequest) -> House:
    return House(workers=exchange.Workers() if request.param == "in processes" else None)


def test_the_uniform_answer_is_an_unsigned_mdn_that_names_no_cause(house: House) -> None:
    """What all attacks below are compared with proves nothing and says only that authentication failed."""
    found = read(house.post(attack.made({"Content-Type": "text/plain"}, b"")))
    assert found.signature is None
    assert found.disposition == mdn.AUTHENTICATION_FAILED


def test_what_attacks_are_made_of_is_taken_when_nothing_is_changed() -> None:
    """The same builders make honest messages, so that what is refused is refused for what was changed."""
    honest = (
        attack.signed(),
        attack.opaque(PART),
        attack.squeezed(attack.signed()),
        attack.signed(content=attack.entity(attack.squeezed(PART))),
        attack.signed(SignedData(carried=PART)),
        signed_by(Signer(bare=True)),
        signed_by(Signer(), Signer(key=OTHER)),
        signed_by(Signer(sid=KEY_IDENTIFIER, version=3)),
        pss(der.integer(32)),
        noise(b"text"),
    )
    for made in honest:
        for cipher in ("aes256-cbc", "aes256-gcm"):
            house = House()
            whole = made if made.headers is attack.PKCS7 else Envelope(attack.sealed(made, cipher)).rebuilt()
            assert read(house.post(whole)).disposition == mdn.PROCESSED
            assert house.kept.messages[0].body.data == parties.PAYLOAD


@pytest.mark.parametrize("one", [*SIGNATURES, *WRAPPINGS, *ENVELOPES], ids=lambda one: one.name)
def test_an_attack_is_answered_as_every_other_and_leaves_nothing(one: Attack) -> None:
    """Forged, wrapped, downgraded and damaged messages get the one answer there is, and nothing of them is kept."""
    house = House(**one.site)
    house.refuses(one.make())


@pytest.mark.parametrize("one", [*SIGNATURES, *WRAPPINGS[3:]], ids=lambda one: one.name)
def test_an_attack_inside_an_envelope_is_answered_as_every_other(one: Attack) -> None:
    """Encrypting to us, which anyone can, gains nothing: neither for a forged signature nor for a wrapping."""
    house = House(**one.site)
    house.refuses(attack.sealed(one.make()))
    house.refuses(attack.sealed(one.make(), "aes128-gcm", "oaep-sha256"))


@pytest.mark.parametrize("one", SIGNATURES, ids=lambda one: one.name)
def test_a_forged_signature_is_not_taken_compressed(one: Attack) -> None:
    """Compressing before or after signing is no way around a signature."""
    house = House(**one.site)
    house.refuses(attack.squeezed(one.make()))


def test_partners_that_must_not_sign_are_not_believed_when_their_signature_is_wrong() -> None:
    """A wrong signature is refused even where none would be needed: what is signed must be signed rightly."""
    for one in SIGNATURES:
        house = House(**one.site, require={"signed": False, "encrypted": False})
        house.refuses(one.make())


def _downgrades() -> Iterator[tuple[str, Composed, str]]:
    """Messages an authenticated partner may not send: they are kept as refused, and a signed MDN says why."""
    yield "not encrypted", attack.signed(), mdn.INSUFFICIENT_SECURITY
    yield "compressed, not encrypted", attack.squeezed(attack.signed()), mdn.INSUFFICIENT_SECURITY
    yield "opaque, not encrypted", attack.opaque(PART), mdn.INSUFFICIENT_SECURITY
    yield "3DES", _with_3des(), mdn.INSUFFICIENT_SECURITY


def test_what_an_authenticated_partner_may_not_send_is_refused_by_name(house: House) -> None:
    """Policy is judged by what a message turned out to be; who is authenticated is told, signed, and nothing is processed."""
    for number, (name, made, disposition) in enumerate(_downgrades()):
        answer = house.post(made, message_id=f"<{number}@them.example>")
        found = read(answer)
        assert found.signature is not None, name
        assert found.disposition == disposition, name
        assert house.kept.messages[-1].refusal, name
    assert house.unhandled() == 0


def _with_3des() -> Composed:
    """An honest signed message under 3DES, as old products send it."""
    plain = attack.entity(attack.signed())
    missing = 8 - len(plain) % 8
    key, vector = os.urandom(24), os.urandom(8)
    encryptor = Cipher(TripleDES(key), CBC(vector)).encryptor()
    encrypted = encryptor.update(plain + bytes((missing,)) * missing) + encryptor.finalize()
    whole = Envelope(attack.sealed(b"x"))
    return whole.rebuilt(
        algorithm=attack.algorithm("3des-cbc", der.octet_string(vector)), encrypted=encrypted, key=encrypted_key(key)
    )


def test_no_guess_of_a_padding_shows(house: House) -> None:
    """All 256 values of a byte before the last block, before a block in the middle moved to the end, and of the vector
    before the only block: one answer.
    """
    whole = Envelope(attack.sealed(attack.signed()))
    blocks = [whole.encrypted[at : at + 16] for at in range(0, len(whole.encrypted), 16)]
    answers = set()
    for guess in range(256):
        before = bytes(15) + bytes((guess,))
        vector = attack.algorithm("aes256-cbc", der.octet_string(before))
        for changes in (
            {"encrypted": b"".join(blocks[:-2]) + before + blocks[-1]},
            {"encrypted": whole.encrypted + before + blocks[3]},
            {"encrypted": before + blocks[2]},
            {"encrypted": blocks[4], "algorithm": vector},
        ):
            answers.add(told(house.post(whole.rebuilt(**changes))))
    assert answers == {house.uniform()}
    assert not house.kept.messages
    assert house.unhandled() == 0


@pytest.mark.parametrize("cipher", ["aes256-cbc", "aes256-gcm"])
def test_no_state_of_a_transported_key_shows(house: House, cipher: str) -> None:
    """Bleichenbacher and Manger: right and wrong padding, right and wrong lengths, small and large numbers, under PKCS #1
    v1.5 and under OAEP with every digest, get one answer.
    """
    whole = Envelope(attack.sealed(attack.signed(), cipher))
    answers = set()
    for number, key in enumerate(transported_keys()):
        for how in (attack.RSA, OAEPS[number % len(OAEPS)]):
            answers.add(told(house.post(whole.rebuilt(key=key, transport=how))))
    for how in OAEPS:
        answers.add(told(house.post(whole.rebuilt(transport=how))))
    for key in (b"", b"x", bytes(255), bytes(257), bytes(10**5)):
        answers.add(told(house.post(whole.rebuilt(key=key))))
    assert answers == {house.uniform()}
    assert not house.kept.messages
    assert house.unhandled() == 0


def test_every_cause_costs_the_same_private_operations() -> None:
    """An unknown partner, a wrong key, bad padding, a bad signature and none: one decryption each, nothing signed."""
    assert isinstance(US.key, RSAPrivateKey)
    good, gcm = Envelope(attack.sealed(attack.signed())), Envelope(attack.sealed(attack.signed(), "aes256-gcm"))
    causes: dict[str, tuple[Composed, dict[str, str | None]]] = {
        "unknown partner": (good.rebuilt(), {"as2_from": "NOBODY"}),
        "unknown identity": (good.rebuilt(), {"as2_to": "NOBODY"}),
        "wrong transport": (good.rebuilt(key=bytes(255) + b"x"), {}),
        "wrong content key": (good.rebuilt(key=encrypted_key(bytes(32))), {}),
        "short content key": (good.rebuilt(key=encrypted_key(bytes(16))), {}),
        "bad padding": (good.rebuilt(encrypted=good.encrypted[:-16]), {}),
        "bad tag": (gcm.rebuilt(tag=bytes(16)), {}),
        "bad signature": (attack.sealed(swapped_content()), {}),
        "foreign signature": (attack.sealed(signed_by(Signer(key=OTHER))), {}),
        "no signature": (attack.sealed(PART), {}),
        "noise": (attack.sealed(os.urandom(64)), {}),
        "bomb": (attack.sealed(attack.compressed_data(attack.bomb(3 * MEGABYTE))), {}),
    }
    done = {}
    for name, (made, changes) in causes.items():
        counting = Counting(US.key)
        house = House(keys=(OwnKey(US.dated, counting),))
        house.refuses(made, **changes)
        done[name] = counting.done
    assert done == {name: ["decrypt"] for name in causes}


def test_unknown_partners_get_the_answer_of_known_ones(house: House) -> None:
    """Whether a partner or an identity exists cannot be told from the answer but for the names the sender wrote."""
    made = attack.sealed(swapped_content())
    for sender, receiver in (("NOBODY", "US"), ("THEM", "NOBODY"), ("them", "US"), ("US", "THEM"), ("US", "US")):
        answer = house.post(made, as2_from=sender, as2_to=receiver)
        said = answer.body.replace(receiver.encode() + b"\r", b"US\r")
        assert said == house.post(made).body
        assert (answer.headers["as2-from"], answer.headers["as2-to"]) == (receiver, sender)
    assert not house.kept.messages


@pytest.mark.parametrize("inside", ["nothing", "envelope", "signature", "envelope and signature"])
@pytest.mark.parametrize("size", [3 * MEGABYTE, 200 * MEGABYTE])
def test_a_bomb_takes_no_more_memory_than_the_limit(size: int, inside: str) -> None:
    """Whatever it would become: expansion ends at the limit, before and after authentication."""
    house = House()
    house.limit(expanded_bytes=2 * MEGABYTE)
    made = attack.compressed_data(attack.bomb(size))
    if "signature" in inside:
        made = attack.signed(content=attack.entity(made))
    if "envelope" in inside:
        made = attack.sealed(made)
    house.tasks.measuring = True
    house.refuses(made)
    assert house.tasks.peak < 2 * 2 * MEGABYTE + 6 * len(made.body)


def test_a_bomb_under_the_limit_ends_at_the_ratio(house: House) -> None:
    """A limit of 200 MiB does not mean that 200 kB may become so much."""
    stream = attack.bomb(200 * MEGABYTE)
    house.tasks.measuring = True
    house.refuses(attack.compressed_data(stream))
    assert house.tasks.peak < compressed.RATIO * len(stream) * 2.5


def test_streams_that_do_not_end_rightly_are_refused(house: House) -> None:
    """Cut-off streams, streams with something behind them, raw and gzip streams, and empty blocks in great number."""
    whole = zlib.compress(attack.entity(attack.signed()))
    raw = zlib.compressobj(wbits=-15)
    gzip = zlib.compressobj(wbits=31)
    flushed = zlib.compressobj()
    idle = b"".join(flushed.compress(b"") + flushed.flush(zlib.Z_FULL_FLUSH) for _ in range(2 * 10**4))
    for stream in (
        b"",
        whole[:1],
        whole[:-1],
        whole[:-4] + bytes(4),
        whole + b"x",
        whole + whole,
        raw.compress(PART) + raw.flush(),
        gzip.compress(PART) + gzip.flush(),
        idle,
    ):
        house.refuses(attack.compressed_data(stream))


def _cut(body: bytes) -> Iterator[bytes]:
    """A body cut at, and just beside, every boundary of its ASN.1."""
    for element in attack.elements(body):
        for at in {element.start, element.start + 1, element.begin, element.begin + 1, element.end - 1, element.after}:
            if 0 <= at < len(body):
                yield body[:at]


def test_messages_cut_anywhere_are_refused(house: House) -> None:
    """Truncated at every boundary of the envelope, of the signature, and of the MIME structure."""
    honest = attack.signed()
    for body in _cut(attack.sealed(honest).body):
        house.refuses(attack.made(attack.PKCS7, body))
    for body in _cut(SignedData().encoded(PART)):
        house.refuses(attack.multipart(PART, body))
    for at in range(0, len(honest.body) - 8, 37):
        house.refuses(attack.made(honest.headers, honest.body[:at]))
        house.refuses(attack.sealed(attack.made(honest.headers, honest.body[:at])))


def test_elements_in_another_order_or_number_change_nothing_that_is_read(house: House) -> None:
    """Every element of the envelope and of the signature left out, doubled, or exchanged with its neighbour: refused, or
    the content is the signed one, as when a version is left out that nobody reads.
    """
    envelope, signature = attack.sealed(attack.signed()).body, SignedData(signers=[Signer()]).encoded(PART)
    bodies = [attack.made(attack.PKCS7, changed) for changed in _rearranged(envelope)]
    bodies += [attack.sealed(attack.multipart(PART, changed)) for changed in _rearranged(signature)]
    uniform = house.uniform()
    refused = 0
    for number, made in enumerate(bodies):
        answer = house.post(made, message_id=f"<{number:04}@them.example>")
        found = read(answer)
        if found.signature is None:
            refused += 1
            assert answer.body.replace(b"%04d@them" % number, b"1@them") == uniform[2]
        else:
            assert found.mic == mic("sha256", PART)
    assert len(house.kept.messages) == len(bodies) - refused
    assert refused > len(bodies) * 0.7
    assert house.unhandled() == 0


def _rearranged(data: bytes) -> Iterator[bytes]:
    whole = ber.read(data)

    def built(element: ber.Element, target: int, order: list[int]) -> bytes:
        if not element.tag & 0x20:
            return element.raw
        parts = [built(child, target, order) for child in element.children()]
        return der.tlv(element.tag, *([parts[at] for at in order] if element.start == target else parts))

    for element in attack.elements(data):
        if not element.tag & 0x20:
            continue
        usual = list(range(len(element.children())))
        for at in usual:
            yield built(whole, element.start, usual[:at] + usual[at + 1 :])
            yield built(whole, element.start, [*usual[: at + 1], *usual[at:]])
            if at:
                yield built(whole, element.start, [*usual[: at - 1], at, at - 1, *usual[at + 1 :]])


_HUGE = [
    b"\x30\x80" * 10**5,
    b"\x24\x80" * 10**5,
    b"\x30\x80" + b"\x30\x00" * 10**5,
    b"\x30\x80" + b"\x04\x00" * 10**6,
    b"\x30\x83\x03\x0d\x40" + b"\x05\x00" * 10**5,
    b"\x30\x84\xff\xff\xff\xff" + bytes(100),
    b"\x30\x88" + b"\xff" * 8 + bytes(100),
    b"\x30\x88\x7f" + b"\xff" * 7 + bytes(100),
    b"\x30\xff" + b"\xff" * 127 + bytes(100),
    b"\x30\x89\x01" + bytes(8) + bytes(100),
    b"\x30\x81\x00",
    b"\x30\x80\x00\x00" + bytes(4),
    b"\x1f" * 1000,
    b"\x3f\xff" * 1000,
    b"\xff" * 1000,
    bytes(10**6),
]


@pytest.mark.parametrize("data", _HUGE, ids=range(len(_HUGE)))
def test_absurd_lengths_depths_and_numbers_are_refused(house: House, data: bytes) -> None:
    """Indefinite lengths without an end, lengths near 2^64, 100,000 levels and 100,000 elements: refused, in memory in
    proportion to what was sent.
    """
    house.tasks.measuring = True
    house.refuses(attack.made(attack.PKCS7, data))
    house.refuses(attack.multipart(PART, data))
    assert house.tasks.peak < MEGABYTE + 6 * len(data)


def test_garbage_of_every_size_is_refused(house: House) -> None:
    """From no byte to a thousand, under every content type that is looked into, in an envelope and outside."""
    types = ("application/pkcs7-mime", "multipart/signed; boundary=b", "multipart/report", "text/plain")
    for size in [*range(70), 127, 128, 255, 256, 1000]:
        noise = os.urandom(size)
        house.refuses(attack.made({"Content-Type": types[size % len(types)]}, noise))
        house.refuses(attack.made({"Content-Type": types[0]}, b"\x30" + noise))
        house.refuses(attack.sealed(noise))


_NAMES = [
    "THEM\r\nX-Evil: 1", "THEM\n X: 1", "\x00THEM", "TH\x00EM", "THEM\x7f", "TH\xc9M", "x" * 129, "x" * 4000, "",
    '"THEM', 'THEM"', '"TH"EM"', "\\THEM", '"THEM\\"', '""', " ", "THEM, THEM",
]  # fmt: skip
_IDS = [
    "<a@b>\r\nX-Evil: 1", "<a\n b@c>", "<\x00@b>", "<a@b>\x00", "<\x7f>", "<\xe9@b>", "<" + "x" * 999 + ">", "x" * 4000,
    "", "<>", "<a b@c>", "<a@b> <c@d>", "\t",
]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [{"as2_from": name} for name in _NAMES]
    + [{"as2_to": name} for name in _NAMES]
    + [{"message_id": one} for one in _IDS],
)
def test_headers_that_are_not_as2_say_nothing_of_what_came_with_them(house: House, changes: dict[str, str]) -> None:
    """Names and Message-IDs with line ends, NUL, controls, 8-bit characters and of any length: whatever cannot be
    authenticated gets one answer, what can is refused, and nothing of them makes a header.
    """
    bad = {told(house.post(made, **changes)) for made in (attack.sealed(PART), attack.sealed(swapped_content()))}
    assert len(bad) == 1
    assert not house.kept.messages
    good = house.post(attack.sealed(attack.signed()), **changes)
    for status, headers, _ in (*bad, told(good)):
        assert status in {200, 400}
        assert not any(name == "x-evil" or "\n" in value or "\r" in value for name, value in headers)
    if house.kept.messages:  # the name is right and the Message-ID is not
        assert house.kept.messages[0].refusal
        assert read(good).disposition == mdn.INVALID_MESSAGE_ID
    else:
        assert told(good) in bad
    assert house.unhandled() == 0


@pytest.mark.parametrize(
    "options",
    [
        "",
        ";",
        "=",
        ";;;===,,,",
        "signed-receipt-micalg",
        "signed-receipt-protocol=",
        "a=b;" * 2000,
        "," * 8000,
        "signed-receipt-micalg=optional," + "x," * 3000,
        "\xff\xfe",
        "signed-receipt-protocol=required, pgp-signature",
    ],
)
def test_wishes_for_receipts_of_any_form_change_nothing_before_authentication(house: House, options: str) -> None:
    """Whatever is asked for, the answer to what cannot be authenticated is the same, and never signed."""
    house.refuses(attack.sealed(PART), disposition_notification_options=options)
    assert told(house.post(attack.sealed(PART), disposition_notification_options=options)) == house.uniform()


@pytest.mark.parametrize(
    ("micalgs", "digest", "disposition"),
    [
        ("sha-512, sha1", "sha256", mdn.PROCESSED),
        ("md5, rc4, sha1, sha-256", "sha256", mdn.PROCESSED),
        ("sha1, md5", None, mdn.UNSUPPORTED_MIC),
        ("md5", None, mdn.UNSUPPORTED_MIC),
        ("pkcs7-signature", None, mdn.UNSUPPORTED_MIC),
        ("", "sha256", mdn.PROCESSED),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_no_order_of_the_wishes_makes_a_weaker_mic(
    house: House, micalgs: str, digest: str | None, disposition: str, *, first: bool
) -> None:
    """Last or first, before or after the protocol: SHA-1 and MD5 are never used, and none is used in place of another."""
    parts = [f"signed-receipt-micalg=required, {micalgs}", "signed-receipt-protocol=required, pkcs7-signature"]
    options = "; ".join(parts if first else parts[::-1])
    found = read(house.post(attack.sealed(attack.signed()), disposition_notification_options=options))
    assert found.signature is not None
    assert found.signature.digest != "sha1"
    assert (found.digest, found.disposition) == (digest, disposition.lower())


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/abs/olute", "olute"),
        ("C:\\x.edi", "x.edi"),
        ("..", None),
        (".", None),
        ("", None),
        ("a\x7fb", "ab"),
        (".ssh", "ssh"),
        ("x" * 4000, "x" * 255),
        ("a/../b/", None),
    ],
)
def test_a_file_name_is_no_path(house: House, said: str, kept: str | None) -> None:
    """What the sender calls its file is cut to one plain name, though it is signed."""
    for form in (
        f'attachment; filename="{said.replace(chr(92), chr(92) * 2)}"',
        f"attachment; filename*=utf-8''{_percent(said)}",
    ):
        headers = {"Content-Type": "application/edifact", "Content-Disposition": form}
        content = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1") + b"\r\nx"
        house.kept.messages.clear()
        house.post(attack.sealed(attack.signed(content=content)))
        if "\x7f" in form:
            assert not house.kept.messages
            continue
        assert house.kept.messages[0].filename == kept


def _percent(text: str) -> str:
    return "".join(f"%{octet:02X}" for octet in text.encode("latin-1"))


def test_a_message_id_is_no_path_and_no_markup(house: House) -> None:
    """Dots, slashes and quotes in a Message-ID come back inside one line of the MDN and name no file."""
    for one in (
        "<../../../../tmp/x@y>",
        "</etc/passwd>",
        '<"a;b"@c>',
        "<a%00b@c>",
        "<x" + "y" * 900 + "@z>",
        "<<a@b>>",
    ):
        answer = house.post(attack.sealed(attack.signed()), message_id=one)
        assert read(answer).original_message_id == one[1:-1]
        assert house.kept.messages[-1].peer_id == one[1:-1]


def test_a_replayed_message_gets_the_stored_answer_and_no_effect(house: House) -> None:
    """The same id with the same bytes, with other bytes, without brackets, or with other wishes: the first answer, once."""
    captured = attack.sealed(attack.signed())
    first = house.post(captured)
    for made, changes in (
        (captured, {}),
        (attack.sealed(attack.signed(content=OTHER_PART)), {}),
        (captured, {"message_id": "1@them.example"}),
        (captured, {"message_id": " <1@them.example> "}),
        (captured, {"disposition_notification_to": None}),
        (captured, {"disposition_notification_options": None}),
        (captured, {"subject": "another"}),
        (attack.signed(), {}),
    ):
        again = house.post(made, **changes)
        assert (again.status, again.body) == (first.status, first.body)
    assert len(house.kept.messages) == 1
    assert house.kept.messages[0].body.data == parties.PAYLOAD


def test_a_captured_message_under_another_id_gets_the_stored_answer(house: House) -> None:
    """Headers are not signed: wrapped, encrypted and named anew it is the message it was, and names no other partner."""
    house.kept.by_signature = True
    captured = attack.signed()
    first = house.post(attack.sealed(captured))
    for number, made in enumerate(
        (
            attack.sealed(captured),
            attack.sealed(attack.squeezed(captured)),
            attack.sealed(captured, cipher="aes256-gcm"),
            attack.sealed(attack.multipart(PART, SignedData().encoded(PART), boundary="other")),
            attack.sealed(attack.opaque(PART)),
            attack.sealed(attack.signed(SignedData(signers=[Signer(sid=KEY_IDENTIFIER, version=3)]))),
            attack.sealed(attack.signed(SignedData(certificates=[facts(OTHER.certificate).encoded]))),
        )
    ):
        again = house.post(made, message_id=f"<anew-{number}@them.example>")
        assert (again.status, again.body) == (first.status, first.body)
    assert len(house.kept.messages) == 1
    house.post(attack.sealed(attack.signed(content=OTHER_PART)), message_id="<other@them.example>")
    assert len(house.kept.messages) == 2


def test_an_over_long_or_malformed_message_id_is_no_key(house: House) -> None:
    """What a partner writes there at will does not grow the store: its identity is a digest."""
    for number, one in enumerate(("<" + "x" * 5000 + "@y>", "<a b@c>", "<a\xff@c>", "a" * 999)):
        house.post(attack.sealed(attack.signed()), message_id=one)
        assert house.kept.messages[number].refusal
        assert house.kept.messages[number].peer_id.startswith("malformed-")
        assert len(house.kept.messages[number].peer_id) == 74


def test_a_message_to_one_of_us_does_not_pass_for_another() -> None:
    """The key that opened it must be one of the identity it is sent to; who holds ours knows only one of us."""
    second = parties.own_key("second")
    house = House(identity="us")
    identities = {"second": OwnIdentity(name="second", as2_id="SECOND", keys=(second,)), **house.snapshot.identities}
    object.__setattr__(house.snapshot, "identities", identities)
    envelope = enveloped.envelop(attack.entity(attack.signed()), recipients=[second.certificate], cipher="aes256-cbc")
    answer = house.post(attack.made(attack.PKCS7, envelope))
    assert read(answer).disposition == mdn.INSUFFICIENT_SECURITY
    assert house.kept.messages[0].refusal


def test_a_stranger_cannot_fetch_the_stored_answer(house: House) -> None:
    """Who knows a Message-ID and cannot authenticate gets what everyone gets, not the MDN of the message."""
    house.post(attack.sealed(attack.signed()))
    for made in (attack.sealed(PART), attack.sealed(swapped_content()), attack.made({"Content-Type": "a/b"}, b"x")):
        house.refuses(made)
    assert len(house.kept.messages) == 1


def test_the_message_ids_of_partners_do_not_meet() -> None:
    """A partner that uses the Message-ID of another neither gets its answer nor keeps its message from coming."""
    made = parties.snapshot()
    other = parties.snapshot(them="other")
    both = replace(
        made,
        partners={**made.partners, **other.partners},
        certificates={**made.certificates, **other.certificates},
    )
    kept = exchange.Kept()
    agent = exchange.site(As2Listener(exchange.parts(both, kept.accept)))
    for sender, key in (("OTHER", OTHER), ("THEM", THEM)):
        message = attack.sealed(signed_by(Signer(key=key)))
        answer = exchange.post(agent, parties.fields(message, as2_from=sender), message.body)
        assert read(answer).disposition == mdn.PROCESSED
        assert answer.headers["as2-to"] == sender
    assert [message.partner for message in kept.messages] == ["other", "them"]
    crossed = attack.sealed(signed_by(Signer(key=OTHER)))
    answer = exchange.post(agent, parties.fields(crossed, message_id="<9@x>"), crossed.body)
    assert read(answer).disposition == mdn.AUTHENTICATION_FAILED
    assert len(kept.messages) == 2


def test_a_message_over_the_limit_is_not_opened() -> None:
    """One byte too many is answered with 413, without a private operation."""
    assert isinstance(US.key, RSAPrivateKey)
    counting = Counting(US.key)
    house = House(keys=(OwnKey(US.dated, counting),))
    made = attack.sealed(attack.signed())
    house.limit(message_bytes=len(made.body) - 1)
    assert house.post(made).status == 413
    assert not counting.done
    assert not house.kept.messages
