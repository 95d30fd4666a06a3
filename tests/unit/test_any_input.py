"""Every reader gets what nobody would send: there is a result or a refusal that says why, never anything else."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.app import catalogue
from gateway.cli.new_site import make_site
from gateway.config.load import check, load
from gateway.config.snapshot import Snapshot
from gateway.config.source import read_yaml
from gateway.config.toml_source import read_toml
from gateway.endpoints.as2 import ber, compressed, enveloped, mdn, mime, signed
from gateway.endpoints.as2.mdn import Report
from gateway.endpoints.as2.message import Composed, open_message
from gateway.endpoints.as2.receive import Relation, receive, uniform_answer
from gateway.endpoints.as2.receive import directory as directory_of
from gateway.errors import Refused
from gateway.flow.rehearse import rehearse_with
from gateway.formats import recognise
from gateway.formats.base import ReadDocument
from gateway.formats.edifact.interchange import Interchange, read_interchanges
from gateway.formats.json import invoice_from_json, invoice_to_json, order_from_json
from gateway.formats.likeness import likeness
from gateway.testing import sample_order
from tests import as2_parties as parties
from tests import hostile, hostile_formats
from tests.strategies import mutated

MOST_TOLD = 100_000
"""Most characters in which what is wrong with a document is told."""
AT = datetime(2026, 11, 24, tzinfo=UTC)
US, THEM = parties.own_key("us"), parties.own_key("them")
SAMPLES: Mapping[str, tuple[str, str, bytes]] = {
    "invoice.xml": ("erp", "drop", hostile.UBL),
    "credit-note.xml": ("erp", "drop", hostile.CREDIT_NOTE),
    "invoice.json": ("erp", "drop", hostile.JSON),
    "invoices.json": ("erp", "drop", b"[" + hostile.JSON + b"," + hostile.JSON + b"]"),
    "invoice.csv": ("erp", "drop", hostile.CSV),
    "edifact.csv": ("erp", "drop", hostile.EDIFACT),
    "order.xml": ("hypermarche", "orders", hostile.ORDER),
}
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@cache
def _site() -> tuple[Path, Snapshot]:
    root = Path(tempfile.mkdtemp())
    make_site(root, now=AT)
    return root, load(root, catalogue(), now=AT)


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[Path, Snapshot]]:
    """The sample site: its directory and its snapshot."""
    yield _site()
    shutil.rmtree(_site()[0])
    _site.cache_clear()


def _becomes(snapshot: Snapshot, name: str, data: bytes) -> None:
    """Read a file as the daemon does, decide on its documents, and write them as their partners want them."""
    sender, endpoint, _ = SAMPLES[name]
    rehearsed = rehearse_with(
        snapshot,
        sender=sender,
        endpoint=endpoint,
        filename=name,
        data=data,
        find_order=lambda partner, number: sample_order(number),
        at=AT,
    )
    assert rehearsed.documents or rehearsed.refused
    for document in rehearsed.documents:
        assert document.outcome
        assert document.state not in {"held", "rejected"} or all(each.text for each in document.findings)
        if document.invoice is not None:
            assert invoice_from_json(invoice_to_json(document.invoice)) == document.invoice


@pytest.mark.parametrize("name", SAMPLES)
@SLOW
@given(data=st.data())
def test_any_file(site: tuple[Path, Snapshot], name: str, data: st.DataObject) -> None:
    """A file changed anywhere, and one of any bytes, becomes documents that can be decided on and kept, or is refused."""
    _becomes(site[1], name, data.draw(mutated(SAMPLES[name][2])))
    _becomes(site[1], name, data.draw(st.binary(max_size=200)))


@pytest.mark.parametrize("bad", list(hostile_formats.cases()), ids=lambda bad: f"{bad.form}-{bad.name}")
def test_bad_bytes_of_every_format(bad: hostile_formats.Bad) -> None:
    """What is said first has its code and place, in words of bounded length."""
    found = hostile_formats.outcomes(bad.form, bad.make())
    code, place = hostile_formats.said(found)
    assert (code.startswith(bad.code), bad.place in place) == (True, True), (code, place)
    assert max(len(str(each)) for each in found) < MOST_TOLD


@pytest.mark.parametrize("form", hostile_formats.FORMS)
def test_samples_of_every_format_are_good(form: str) -> None:
    """Before they are changed each gives one document, and nothing to warn of."""
    [document] = hostile_formats.outcomes(form, hostile_formats.good(form))
    assert isinstance(document, ReadDocument), document
    assert document.warnings == ()


@pytest.mark.parametrize("form", [each for each in hostile_formats.FORMS if each != "facturx"])  # has a test of its own
@SLOW
@given(data=st.data())
def test_any_bytes_of_every_format(form: str, data: st.DataObject) -> None:
    """A file changed anywhere, and one of any bytes, gives documents or refusals with words."""
    changed = data.draw(mutated(hostile_formats.good(form)) | st.binary(max_size=200))
    for each in hostile_formats.outcomes(form, changed):
        assert not isinstance(each, Refused) or each.text
    recognise(changed)


@SLOW
@given(st.sampled_from([each for _, _, each in SAMPLES.values()]).flatmap(mutated) | st.binary(max_size=300))
def test_any_bytes_are_recognised_or_not(data: bytes) -> None:
    """Telling what bytes are never fails."""
    recognise(data)
    likeness(data, expected="xml")


@SLOW
@given(mutated(hostile.JSON) | st.binary(max_size=200))
def test_any_stored_copy(data: bytes) -> None:
    """A canonical copy that was damaged is read or refused."""
    for read in (invoice_from_json, order_from_json):
        with suppress(Refused):
            read(data)


@SLOW
@given(mutated(b"UNA:+.? '\r\n" + hostile.EDIFACT) | st.binary(max_size=300), st.booleans())
def test_any_interchange(data: bytes, strict: bool) -> None:
    """Envelopes, messages and segments are read or refused, leniently or not."""
    with suppress(Refused):
        for each in read_interchanges(data, strict=strict, max_messages=20):
            if isinstance(each, Interchange):
                list(each.messages())


def _cms() -> Iterator[bytes]:
    sealed = parties.composed(compress=True).body
    yield sealed
    yield signed.sign(parties.PAYLOAD, key=THEM, with_digest="sha256", at=parties.NOW)
    yield compressed.compress(parties.PAYLOAD)


@SLOW
@given(st.sampled_from(list(_cms())).flatmap(mutated) | st.binary(max_size=200))
def test_any_cms(data: bytes) -> None:
    """Structures of CMS are opened, verified and expanded, or refused."""
    with suppress(Refused):
        element = ber.read(data)
        element.to_der()
        if len(element.children()) == 2:  # a ContentInfo
            with suppress(Refused):
                enveloped.open_envelope(element, [US])
            compressed.expand(element, limit=10_000)
    with suppress(Refused):
        signed.verify(data, content=signed.covered(parties.PAYLOAD), certificates=[THEM.certificate])


SEALED, OPEN = parties.composed(compress=True), parties.composed(recipient=None, compress=True)


@SLOW
@given(st.sampled_from([SEALED, OPEN]).flatmap(lambda made: mutated(made.body).map(lambda body: (made, body))))
def test_any_as2_message(changed: tuple[Composed, bytes]) -> None:
    """A message changed anywhere is opened or refused; one that is taken for authentic is what was sent."""
    made, body = changed
    entity = parties.entity(made.headers, body)
    with suppress(Refused):
        message = open_message(entity, keys=[US], certificates=[THEM.certificate], limit=10_000)
        assert not message.intact or message.signature is None or message.payload.decoded() == parties.PAYLOAD


_SITE_OF_AS2 = directory_of(parties.snapshot())


@SLOW
@given(
    st.dictionaries(
        st.sampled_from(sorted(parties.fields(OPEN))),
        st.text(max_size=60) | st.sampled_from(["<a@b>", '"', "THEM"]),
        max_size=4,
    ),
    mutated(OPEN.body),
)
def test_any_headers(changes: dict[str, str], body: bytes) -> None:
    """Whatever the headers say, a message is taken or refused, and who is refused can be answered."""
    assert all(isinstance(each, Relation) for each in _SITE_OF_AS2.relations.values())
    fields = {**parties.fields(OPEN), **changes}
    with suppress(Refused):
        receive(fields, body, known=_SITE_OF_AS2, at=parties.NOW, limit=10_000)
    assert uniform_answer(fields).status in {200, 400}


def _mdns() -> Iterator[tuple[dict[str, str], bytes]]:
    report = Report(
        sender="THEM",
        receiver="US",
        original_message_id="<1@us.example>",
        disposition=mdn.PROCESSED,
        text="Received.",
        mic=SEALED.mic,
        digest="sha256",
    )
    for key in (None, THEM):
        answer = mdn.answer(report, key=key, digest="sha256", at=parties.NOW)
        yield dict(answer.headers), answer.body


@SLOW
@given(st.sampled_from(list(_mdns())).flatmap(lambda each: mutated(each[1]).map(lambda body: (each[0], body))))
def test_any_mdn(changed: tuple[dict[str, str], bytes]) -> None:
    """A receipt changed anywhere is read or refused."""
    with suppress(Refused):
        mdn.read(parties.entity(*changed), [THEM.certificate])


@SLOW
@given(mutated(mime.part(dict(OPEN.headers), OPEN.body)), st.text(max_size=80))
def test_any_mime(raw: bytes, value: str) -> None:
    """Parts and values of MIME are read or refused."""
    mime.value(value)
    with suppress(Refused):
        part = mime.read(raw)
        _ = part.filename
        with suppress(Refused):
            part.decoded()
        for each in mime.split(part.body, part.type.parameters.get("boundary", "")):
            with suppress(Refused):
                mime.read(each)


CONFIGURATION = (
    "gateway.toml",
    "partners/erp.yaml",
    "partners/hypermarche.yaml",
    "mappings/erp-csv.yaml",
    "mappings/hypermarche-invoic.yaml",
    "certs/hypermarche/2026.pem",
    "certs/own/2026.pem",
    "certs/own/2026.key",
)


@SLOW
@given(name=st.sampled_from(CONFIGURATION), data=st.data())
def test_any_configuration(site: tuple[Path, Snapshot], name: str, data: st.DataObject) -> None:
    """A file of the site changed anywhere makes a snapshot or problems, each with a place in a file and words."""
    root = site[0]
    path = root / name
    good = path.read_bytes()
    changed = data.draw(mutated(good))
    path.write_bytes(changed)
    try:
        snapshot, problems = check(root, catalogue(), now=AT, environment={})
    finally:
        path.write_bytes(good)
    assert snapshot is not None or any(each.severity == "error" for each in problems)
    assert all(each.file and each.line >= 1 and each.column >= 1 and each.code and each.text for each in problems)


@SLOW
@given(st.binary(max_size=300) | mutated(b'a: &a [1, "x"]\nb: {c: *a}\nd: |\n  text\n'))
def test_any_yaml(raw: bytes) -> None:
    """Data with a place for every value, or mistakes."""
    source = read_yaml("f", raw)
    assert source.values or source.mistakes


@SLOW
@given(st.binary(max_size=300) | mutated(b'[a.b]\nc = "x"\n[[d]]\ne = { f = [1, 2] }\ng = """x"""\n'))
def test_any_toml(raw: bytes) -> None:
    """Data with a place for every value, or mistakes."""
    source = read_toml("f", raw)
    assert source.values or source.mistakes


def test_samples_are_good(site: tuple[Path, Snapshot]) -> None:
    """What is changed above is right before: else little would be tried."""
    for name, (sender, endpoint, data) in SAMPLES.items():
        rehearsed = rehearse_with(
            site[1],
            sender=sender,
            endpoint=endpoint,
            filename=name,
            data=data,
            find_order=lambda partner, number: sample_order(number),
            at=AT,
        )
        good = name != "edifact.csv"
        assert (rehearsed.refused is None) == good, rehearsed.refused
        assert {each.state for each in rehearsed.documents} <= {"released", "stored"}, rehearsed
