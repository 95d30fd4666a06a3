"""`gateway check` asks for samples of rules, and takes sets; `gateway test` knows what was accepted before."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.app import catalogue
from gateway.cli.new_site import make_site
from gateway.config.load import load
from gateway.flow.rehearse import rehearse_with
from gateway.formats.json import invoice_to_json
from tests.cli_site import run

RULES = """\
    rules:
      - use: invoice-arithmetic
        change: {arithmetic-line: warn}
      - id: has-order
        kind: require
        terms: BT-13
        severity: warn
      - id: few-lines
        kind: expr
        that: count(BG-25) <= 10
    route: [inbox]
"""
TESTS = """\
tests:
  - name: an invoice leaves
    given: {file: partners/samples/grossiste.csv, from: erp, on: 2026-11-10}
    expect: {state: released, partner: grossiste}
  - name: an invoice without order leaves with a warning
    given: {file: partners/samples/grossiste.csv, from: erp, on: 2026-11-11}
    expect: {state: released, findings: [has-order]}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The sample site, with rules for the wholesaler."""
    root = tmp_path / "site"
    make_site(root, now=datetime.now(UTC))
    partner = root / "partners" / "grossiste.yaml"
    text = partner.read_text(encoding="utf-8")
    partner.write_text(text.replace("    route: [inbox]\n", RULES, 1), encoding="utf-8")
    (root / "partners" / "grossiste.test.yaml").write_text(TESTS, encoding="utf-8")
    return root


def _told(site: Path) -> list[str]:
    return [line.split(" ", 1)[1] for line in run(site, "check").stdout.splitlines()[:-1]]


def test_rules_without_samples_are_told(site: Path) -> None:
    """A released document is no sample for a rule that only warns; rules of sets need none."""
    assert _told(site) == [
        "W202 warning: no test in partners/grossiste.test.yaml passes the rule 'has-order'",
        "W202 warning: no test in partners/grossiste.test.yaml fails the rule 'few-lines'",
    ]
    assert run(site, "check").exit_code == 0
    result = run(site, "check", "--require-samples")
    assert result.exit_code == 1
    assert "2 error(s), 0 warning(s)" in result.stderr


def test_without_a_test_file_every_rule_lacks_both(site: Path) -> None:
    """The file that is not there has no samples; a wrong one is left to `gateway test`."""
    tests = site / "partners" / "grossiste.test.yaml"
    tests.unlink()
    assert [each.partition("yaml ")[2] for each in _told(site)] == [
        "passes or fails the rule 'has-order'",
        "passes or fails the rule 'few-lines'",
    ]
    tests.write_text("tests: 1\n", encoding="utf-8")
    assert _told(site) == []


def test_with_both_samples_nothing_is_said(site: Path) -> None:
    """One document may be the sample of several rules."""
    more = TESTS.replace("findings: [has-order]", "findings: [has-order, few-lines]")
    more += (
        "  - name: clean\n    given: {file: partners/samples/grossiste.csv, from: erp, on: 2026-11-12}\n"
        "    expect: {state: released, findings: []}\n"
    )
    (site / "partners" / "grossiste.test.yaml").write_text(more, encoding="utf-8")
    assert _told(site) == []


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("use: invoice-arithmetics", "use: invoice-arithmetic", "12:14: E102 receives.invoice.rules.0.use: there is no rule set"),
        ("changes: {", "change: {", "13:9: E100 receives.invoice.rules.0.changes: unknown key 'changes'; did you mean 'change'?"),
        ("arithmetic-lines: warn", "arithmetic-line: warn", "E102 receives.invoice.rules.0: the set invoice-arithmetic has no rule"),
        ("arithmetic-line: warning", "arithmetic-line: warn", "E103 receives.invoice.rules.0.change.arithmetic-line: unknown value 'warning'"),
        ("that: count(BG-25) <=", "that: count(BG-25) <= 10", "E102 receives.invoice.rules.2.that: the expression ends"),
    ],
)  # fmt: skip
def test_mistakes_in_sets_have_their_place(site: Path, wrong: str, right: str, told: str) -> None:
    """Line, column and path are those of the entry, though it says `use` and no kind."""
    partner = site / "partners" / "grossiste.yaml"
    partner.write_text(partner.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    result = run(site, "check")
    assert result.exit_code == 1
    assert told.partition(": ")[2] in result.stdout, result.stdout


def test_the_organisation_chooses_the_language(site: Path) -> None:
    """Findings of a test are in French when the organisation's language is."""
    process = site / "gateway.toml"
    text = process.read_text(encoding="utf-8").replace("[organisation]\n", '[organisation]\nlanguage = "fr"\n', 1)
    process.write_text(text, encoding="utf-8")
    tests = TESTS.replace("findings: [has-order]", "findings: []")
    (site / "partners" / "grossiste.test.yaml").write_text(tests, encoding="utf-8")
    partner = site / "partners" / "grossiste.yaml"
    partner.write_text(
        partner.read_text(encoding="utf-8").replace("terms: BT-13\n", "terms: BT-17\n"), encoding="utf-8"
    )
    result = run(site, "test", str(site / "partners" / "grossiste.yaml"))
    assert "Référence de l'appel d'offres ou du lot (BT-17) : valeur absente" in result.stdout


def test_what_was_accepted_before_is_given(site: Path) -> None:
    """A credit note of a test names an invoice that `invoices` holds; without it the invoice is not known."""
    partner = site / "partners" / "hypermarche.yaml"
    text = partner.read_text(encoding="utf-8")
    rule = "    rules:\n      - {id: credited, kind: credit}\n"
    partner.write_text(text.replace("    rules:\n", rule, 1), encoding="utf-8")
    case = """\
tests:
  - name: a credit note
    given:
      file: partners/samples/hypermarche-credit-note.csv
      from: erp
      on: 2026-11-10
      orders: partners/samples/hypermarche-order.xml
      invoices: partners/samples/before.json
    expect: {state: released, findings: []}
"""
    (site / "partners" / "samples" / "before.json").write_bytes(_accepted(site))
    file = site / "partners" / "hypermarche.test.yaml"
    file.write_text(case, encoding="utf-8")
    result = run(site, "test", str(file))
    assert result.exit_code == 0, result.stdout
    file.write_text(case.replace("      invoices: partners/samples/before.json\n", ""), encoding="utf-8")
    assert "invoice FA-2026-0201 is not known here for this customer" in run(site, "test", str(file)).stdout
    (site / "partners" / "samples" / "before.json").write_bytes(b"{")
    file.write_text(case, encoding="utf-8")
    assert "an invoice cannot be read: NOT-AN-INVOICE" in run(site, "test", str(file)).stdout


def _accepted(site: Path) -> bytes:
    """The invoice that the sample's credit note corrects, in the canonical form."""
    now = datetime(2026, 11, 9, 12, tzinfo=UTC)
    name = "hypermarche.csv"
    data = (site / "partners" / "samples" / name).read_bytes()
    snapshot = load(site, catalogue(), now=datetime.now(UTC))
    rehearsal = rehearse_with(
        snapshot, sender="erp", endpoint="drop", filename=name, data=data, find_order=lambda *_: None, at=now
    )
    invoice = rehearsal.documents[0].invoice
    assert invoice is not None
    return invoice_to_json(invoice)
