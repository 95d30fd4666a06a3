"""Settings about acknowledgements: only where a format has them, and over endpoints that send."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.app import catalogue
from gateway.config.load import check
from gateway.message import DocumentKind
from tests.config_kinds import NOW, site

HEAD = """\
name: Hyper
identifiers: {gln: "3020180000000"}
endpoints:
  api: {kind: api, token: {env: TOKEN}}
  out: {kind: folder, direction: out, path: out}
"""


def sends(entry: str) -> str:
    """A partner that sends us something."""
    return f"{HEAD}sends:\n  - {{{entry}}}\n"


def receives(entry: str) -> str:
    """A partner that receives invoices."""
    return f"{HEAD}receives:\n  invoice: {{route: [out], {entry}}}\n"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (sends("format: edifact, acknowledge: '997', acknowledge_over: out"), "E226", "are acknowledged by contrl"),
        (sends("format: x12, acknowledge: contrl, acknowledge_over: out"), "E226", "are acknowledged by 997"),
        (sends("format: ubl, acknowledge: contrl, acknowledge_over: out"), "E226", "no functional acknowledgement"),
        (sends("format: x12, acknowledge: '997', acknowledge_over: oot"), "E200", "did you mean 'out'?"),
        (sends("format: x12, acknowledge: '997', over: api"), "E207", "nothing can be sent over 'api'"),
        (sends("format: x12, acknowledge: '997', acknowledge_over: api"), "E207", "only receive"),
        (receives("format: ubl, acknowledgement: required"), "E226", "no functional acknowledgement"),
        (receives("format: ubl, acknowledgement: {awaited: expected, within: 1h}"), "E226", "no functional"),
        (
            f"{HEAD}receives:\n  acknowledgement: {{format: x12, route: [out]}}\n",
            "E226",
            "acknowledgements are made by the gateway",
        ),
    ],
)
def test_what_cannot_be_acknowledged_is_told(tmp_path: Path, text: str, code: str, words: str) -> None:
    """With the line and what to write instead."""
    _, problems = check(site(tmp_path, partners__hyper=text), catalogue(), now=NOW, environment={"TOKEN": "x" * 20})
    assert [problem.code for problem in problems if problem.code.startswith("E")] == [code]
    (problem,) = [problem for problem in problems if problem.code == code]
    assert words in problem.text
    assert problem.line > 1


def test_what_may_be_written(tmp_path: Path) -> None:
    """One word, or with a deadline; an unwritten `acknowledge` leaves it to the sender."""
    text = sends("format: x12, acknowledge: '997', over: api, acknowledge_over: out")
    text += "receives:\n  invoice: {route: [out], format: x12, acknowledgement: required}\n"
    text += "  credit-note: {route: [out], format: edifact, acknowledgement: {awaited: expected, within: 4h}}\n"
    snapshot, problems = check(
        site(tmp_path, partners__hyper=text), catalogue(), now=NOW, environment={"TOKEN": "x" * 20}
    )
    assert snapshot is not None, problems
    partner = snapshot.partners["hyper"]
    assert partner.sends[0].acknowledge == "997"
    wanted = partner.receives[DocumentKind.INVOICE].acknowledgement
    assert (wanted.awaited, wanted.within) == ("required", timedelta(days=1))
    wanted = partner.receives[DocumentKind.CREDIT_NOTE].acknowledgement
    assert (wanted.awaited, wanted.within) == ("expected", timedelta(hours=4))
