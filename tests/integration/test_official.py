"""A worker process with the official rules: what it says of good, bad and hostile documents, and when it cannot say it."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import Transient
from gateway.official.alone import Alone
from gateway.official.check import MODULE
from gateway.official.job import Answer, Sheet, Task, pack_job, tasks, unpack_answer
from gateway.official.library import open_library
from tests.official_packs import sheet

SAMPLES = Path(__file__).parents[1] / "samples" / "ubl"
LIBRARY = open_library(None)
EN_UBL = LIBRARY.named("eu.cen.en16931:ubl:1.3.16")
MINIMUM = LIBRARY.named("fr.factur-x:minimum:1.09")
INVOICE = (SAMPLES / "invoice.xml").read_bytes()
_ENTITIES = "".join(f"<!ENTITY e{number} '{f'&e{number - 1};' * 2 if number else 'ha'}'>" for number in range(40))
LAUGHS = f"<!DOCTYPE a [{_ENTITIES}]><a>&e39;</a>".encode()


@pytest.fixture(scope="module")
def worker() -> Iterator[Alone]:
    """One process for all tests that leave it whole."""
    with Alone(MODULE) as alone:
        yield alone


def _asked(worker: Alone, data: bytes, *todo: Task) -> Answer:
    assert EN_UBL is not None
    return unpack_answer(worker.run(pack_job(todo or tasks([EN_UBL]), data)))


def _fine(answer: Answer) -> bool:
    """True when every rule was run and none is broken."""
    return not answer.refused and not answer.failed and {each.flag for each in answer.results} <= {"warning"}


def _task(path: Path, data: bytes, *, sha256: str | None = None) -> Task:
    assert EN_UBL is not None
    path.write_bytes(data)
    digest = sha256 or hashlib.sha256(data).hexdigest()
    (whole,) = tasks([EN_UBL])
    return Task(pack="x", schemas=whole.schemas, sheets=(Sheet(path=str(path), sha256=digest, reads_files=False),))


def test_a_right_invoice_keeps_every_rule(worker: Alone) -> None:
    """Schema and rules of EN 16931 have nothing to say of the sample documents."""
    for name in ("invoice.xml", "credit-note.xml"):
        assert _fine(_asked(worker, (SAMPLES / name).read_bytes()))


def test_a_wrong_sum_is_told_with_its_rule_and_place(worker: Alone) -> None:
    """The answer has the official id, text and flag, and the line of the element."""
    head, mark, tail = INVOICE.rpartition(b"<cac:LegalMonetaryTotal>")
    amount = tail.index(b">", tail.index(b"<cbc:LineExtensionAmount")) + 1
    wrong = head + mark + tail[:amount] + b"9" + tail[amount:]
    (told, *_) = [each for each in _asked(worker, wrong).results if each.rule == "BR-CO-10"]
    assert told.flag == "fatal"
    assert told.text.startswith("[BR-CO-10]")
    assert told.path == "/Invoice/cac:LegalMonetaryTotal"
    assert b"<cac:LegalMonetaryTotal>" in wrong.splitlines()[told.line - 1]


def test_what_breaks_the_schema_is_told_with_its_line(worker: Alone) -> None:
    """An element that UBL does not know is found by the schema; the rules run all the same."""
    wrong = INVOICE.replace(b"</cbc:ID>", b"</cbc:ID><cbc:Surprise/>", 1)
    told = [each for each in _asked(worker, wrong).results if each.rule == "XSD"]
    assert len(told) == 1
    assert "Surprise" in told[0].text
    assert told[0].line == wrong[: wrong.index(b"<cbc:Surprise/>")].count(b"\n") + 1


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-16", "UTF-16"), ("utf-16", ""), ("iso-8859-1", "ISO-8859-1"), ("utf-8-sig", "UTF-8"), ("utf-8-sig", "")],
)
def test_other_encodings_are_read(worker: Alone, encoding: str, declared: str) -> None:
    """A document in another encoding is judged like the same one in UTF-8."""
    _, _, body = INVOICE.decode().partition("?>")
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    data = (head + body).encode(encoding, "xmlcharrefreplace")
    assert _fine(_asked(worker, data))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (LAUGHS, "XML-DOCTYPE"),
        (b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "XML-DOCTYPE"),
        (b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/a.dtd'><a/>", "XML-DOCTYPE"),
        (b"<a>" * 5000 + b"</a>" * 5000, "XML-TOO-DEEP"),
        (b"<a>" * 100_000, "XML-TOO-DEEP"),
        (b"<a " + b"b='' " * 3_000_000 + b"/>", "XML-TOO-LARGE"),
        (b"", "XML-MALFORMED"),
        (b"UNA:+.? 'UNB+UNOC:3", "XML-MALFORMED"),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", "XML-ENCODING"),
        (b" " * (33 * 1024**2), "XML-TOO-LARGE"),
    ],
    ids=["laughs", "file", "dtd", "deep", "open", "attributes", "empty", "edifact", "encoding", "large"],
)
def test_hostile_documents_are_refused(worker: Alone, data: bytes, code: str) -> None:
    """Neither files nor the network are touched, and the process lives on."""
    refused = _asked(worker, data).refused
    assert refused is not None
    assert refused[0] == code
    assert _fine(_asked(worker, INVOICE))


def test_a_text_of_more_than_10_mb_is_judged(worker: Alone) -> None:
    """An attachment may be large; it is no reason to hold a document."""
    large = INVOICE.replace(b"<cbc:Note>", b"<cbc:Note>" + b"x" * (11 * 1024**2), 1)
    assert len(large) > len(INVOICE) + 10 * 1024**2
    assert _fine(_asked(worker, large))


def test_another_document_is_not_given_to_the_rules(worker: Alone) -> None:
    """Rules for invoices find nothing wrong in an order, so the order is refused by its root element."""
    (told,) = _asked(worker, (SAMPLES / "order.xml").read_bytes()).results
    assert (told.rule, told.flag) == ("XSD", "fatal")
    assert "Order" in told.text


def test_data_files_of_a_pack_are_read(worker: Alone) -> None:
    """The rules of Factur-X have their code lists beside them."""
    assert MINIMUM is not None
    answer = _asked(worker, INVOICE, *tasks([MINIMUM]))
    assert answer.failed == ()
    assert [each.rule for each in answer.results] == ["XSD"]


def test_a_stylesheet_of_another_hash_is_not_run(worker: Alone, tmp_path: Path) -> None:
    """What was changed behind the gateway's back says nothing about a document."""
    answer = _asked(worker, INVOICE, _task(tmp_path / "a.xslt", sheet(), sha256="0" * 64))
    ((pack, why),) = answer.failed
    assert (pack, "was changed" in why, answer.results) == ("x", True, ())


@pytest.mark.parametrize(
    "body",
    [
        '<xsl:message terminate="yes">no</xsl:message>',
        '<xsl:value-of select="xs:integer(\'x\')" xmlns:xs="http://www.w3.org/2001/XMLSchema"/>',
        "<xsl:value-of select=\"document('file:///etc/hostname')\"/>",
        "<xsl:value-of select=\"unparsed-text('/etc/hostname')\"/>",
        "<xsl:value-of select=\"doc('http://127.0.0.1:1/')\"/>",
        "<xsl:value-of select='1 +'/>",
    ],
    ids=["message", "type", "document", "text", "http", "syntax"],
)
def test_a_stylesheet_that_fails_is_told(worker: Alone, tmp_path: Path, body: str) -> None:
    """No report is not a good report; and no file or address can be reached."""
    answer = _asked(worker, INVOICE, _task(tmp_path / "a.xslt", sheet(body)))
    assert [pack for pack, _ in answer.failed] == ["x"]
    assert _fine(_asked(worker, INVOICE))


def test_what_is_no_report_is_told(worker: Alone, tmp_path: Path) -> None:
    """A stylesheet that answers with something else has not judged the document."""
    other = b"""<xsl:stylesheet version="2.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
    <xsl:template match="/"><fine/></xsl:template></xsl:stylesheet>"""
    answer = _asked(worker, INVOICE, _task(tmp_path / "a.xslt", other))
    assert "no Schematron report" in answer.failed[0][1]


def test_reports_are_counted_beyond_the_limit(worker: Alone, tmp_path: Path) -> None:
    """A document with endless errors gives an answer of bounded size that says how many there are."""
    many = """<xsl:for-each select="1 to 1500"><svrl:failed-assert id="MANY" location="/*">
    <svrl:text>again</svrl:text></svrl:failed-assert></xsl:for-each>"""
    answer = _asked(worker, INVOICE, _task(tmp_path / "a.xslt", sheet(many)))
    assert (len(answer.results), answer.more > 0) == (1000, True)


def test_a_process_that_takes_too_long_is_ended_and_replaced(tmp_path: Path) -> None:
    """The job fails, the next one has a new process."""
    endless = """<xsl:for-each select="1 to 2000000000"><xsl:if test=". = -1"><a/></xsl:if></xsl:for-each>"""
    with Alone(MODULE, deadline=3.0) as alone:
        with pytest.raises(Transient, match="too long"):
            _asked(alone, INVOICE, _task(tmp_path / "a.xslt", sheet(endless)))
        alone.deadline = 60.0
        assert _fine(_asked(alone, INVOICE))


def test_a_process_that_dies_is_replaced() -> None:
    """A job given to a dead process fails, and the next one is answered."""
    with Alone(MODULE) as alone:
        assert _fine(_asked(alone, INVOICE))
        assert alone.pid is not None
        os.kill(alone.pid, signal.SIGKILL)
        with pytest.raises(Transient):
            _asked(alone, INVOICE)
        assert _fine(_asked(alone, INVOICE))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.binary(max_size=40).map(lambda cut: INVOICE[:400] + cut + INVOICE[400:]))
def test_any_bytes_give_an_answer(worker: Alone, data: bytes) -> None:
    """Whatever comes, the process answers and lives."""
    answer = _asked(worker, data)
    assert answer.refused or answer.results


def test_the_daemon_does_not_import_saxon() -> None:
    """Neither the daemon nor a command holds the engine: it lives in worker processes."""
    code = "import sys, gateway.app, gateway.cli; sys.exit('saxonche' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
