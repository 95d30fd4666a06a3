"""Findings in the store: those of earlier versions are still read."""

from gateway.finding import Finding, Severity
from gateway.store.columns import Several
from gateway.store.tables import document


def test_findings_of_earlier_versions_are_read() -> None:
    """What a row lacks has the value that was meant then."""
    column = document.c.findings.type
    assert isinstance(column, Several)
    written = '[{"rule":"R-1","severity":"hold","text":"t","term":"BT-1","owner":"erp"}]'
    (found,) = column.process_result_value(written, None) or ()  # type: ignore[arg-type]  # no dialect is needed
    assert found == Finding(rule="R-1", severity=Severity.HOLD, text="t", term="BT-1", level="business", output="")


def test_what_is_written_is_read() -> None:
    """Every field comes back, level and place in the output among them."""
    column = document.c.findings.type
    assert isinstance(column, Several)
    finding = Finding(rule="R", severity=Severity.WARN, text="t", level="official", output="line 7, /Invoice")
    written = column.process_bind_param((finding,), None)  # type: ignore[arg-type]  # no dialect is needed
    assert column.process_result_value(written, None) == (finding,)  # type: ignore[arg-type]  # as above
