"""What is shipped for operation fits the daemon: metrics, alerts, runbooks, dashboard and service."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.endpoints import KINDS
from gateway.monitoring.metrics import Metrics
from tests.conftest import require_peer

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTS: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "gateway.json").read_text())
FOREIGN = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}


def catalogue() -> list[tuple[str, str, str]]:
    """Name, type and labels of every metric of ours."""
    found = []
    collectors: list[Any] = [each for each in Metrics().registry._collector_to_names if hasattr(each, "_labelnames")]
    for collector in collectors:
        ending = "_total" if collector._type == "counter" else ""
        found.append((collector._name + ending, collector._type, ", ".join(collector._labelnames)))
    return sorted(found)


def names_in(expression: str) -> set[str]:
    """The metrics an expression is about, without the endings of histograms."""
    found = set(re.findall(r"\b((?:gateway|process)_[a-z_]+|up)\b(?=[{\s\[)]|$)", re.sub(r'"[^"]*"', '""', expression)))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found}


def expressions() -> list[str]:
    """Every expression of the dashboard."""
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def promtool(*arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run promtool, or skip when it is not installed."""
    found = shutil.which("promtool")
    if found is None:
        require_peer("promtool is not installed")
        raise AssertionError
    return subprocess.run([found, *arguments], input=given, capture_output=True, check=False)


def test_metrics_are_documented() -> None:
    """docs/reference/metrics.md lists every metric with its type and labels, and no other."""
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*?) ?\|", page, re.MULTILINE)
    assert sorted(documented) == catalogue()


def test_every_alert_has_its_runbook() -> None:
    """Each alert names its runbook, which exists; there is no other, and each alert is tested."""
    names = [alert["alert"] for alert in ALERTS]
    assert sorted(names) == sorted(path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md"))
    assert [alert["annotations"]["runbook_url"] for alert in ALERTS] == [f"docs/runbooks/{name}.md" for name in names]
    assert {alert["labels"]["severity"] for alert in ALERTS} <= {"critical", "warning", "info"}
    tests = (PROMETHEUS / "alerts_test.yml").read_text()
    assert [name for name in names if f"alertname: {name}\n" not in tests] == []
    for name in names:
        text = (ROOT / "docs" / "runbooks" / f"{name}.md").read_text()
        assert text.startswith(f"# {name}\n")
        assert "## What to do" in text


def test_alerts_and_dashboard_use_metrics_that_exist() -> None:
    """No alert and no panel is about a metric the daemon does not have."""
    known = {name for name, _, _ in catalogue()} | FOREIGN
    for expression in [alert["expr"] for alert in ALERTS] + expressions():
        assert names_in(expression), expression
        assert names_in(expression) <= known, expression


def test_dashboard_shows_every_metric() -> None:
    """Every metric is on the dashboard or in an alert: none is measured for nobody."""
    shown = set().union(*map(names_in, [alert["expr"] for alert in ALERTS] + expressions()))
    assert {name for name, _, _ in catalogue()} - shown == {"gateway_config_last_reload_success_timestamp_seconds"}


def test_promtool_takes_the_rules() -> None:
    """Prometheus' own tool reads the alerts, and each fires when it must and only then."""
    for arguments in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")):
        ended = promtool(*arguments[:2], str(PROMETHEUS / arguments[2]))
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_promtool_takes_the_dashboard(tmp_path: Path) -> None:
    """Every expression of the dashboard is valid."""
    rules = []
    for number, expression in enumerate(expressions()):
        plain = expression.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$channel", ".*")
        rules.append({"record": f"panel:{number}", "expr": plain})
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    ended = promtool("check", "rules", str(path))
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_promtool_takes_the_metrics() -> None:
    """What /metrics answers is well-formed and well named."""
    ended = promtool("check", "metrics", given=Metrics(version="1", channels=KINDS).render())
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, b"")


def test_service() -> None:
    """The unit is shut in well, as systemd itself judges."""
    if shutil.which("systemd-analyze") is None:
        require_peer("systemd-analyze is not installed")
    unit = str(ROOT / "deploy" / "gateway.service")
    security = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", unit], capture_output=True, check=False, text=True
    )
    exposure = re.search(r"exposure level for gateway.service: ([\d.]+)", security.stdout)
    if exposure is None:
        pytest.skip(f"systemd-analyze cannot be used here: {security.stderr.strip()}")
    assert float(exposure[1]) <= 2.0
