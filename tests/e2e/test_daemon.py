"""The daemon as a process: started, fed, killed and stopped as its users do."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.testing import BUYER_GLN, sample
from tests.e2e.daemon import ERP, Daemon

HYPER = f"""
name: Hypermarché SA
identifiers: {{gln: "{BUYER_GLN}"}}
endpoints:
  inbox: {{kind: folder, path: out, direction: out}}
receives:
  invoice: {{format: ubl, filename: "{{number}}.xml", route: [inbox]}}
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that is not started yet, and does not outlive the test."""
    with Daemon(tmp_path, {"erp": ERP, "hyper": HYPER}) as daemon:
        yield daemon


def test_a_file_goes_through_and_the_daemon_stops_cleanly(daemon: Daemon) -> None:
    """What the ERP drops arrives in the customer's folder; SIGTERM ends the process with exit code 0."""
    daemon.start()
    daemon.drop(sample("F-1"))
    daemon.until(lambda: daemon.delivered() == ["F-1.xml"])
    assert daemon.end(signal.SIGTERM) == 0
    assert '"event":"stopped"' in (daemon.root / "log").read_text()
    assert (daemon.root / "out/F-1.xml").read_bytes().startswith(b"<?xml")


def test_show_takes_an_id_or_a_number(daemon: Daemon) -> None:
    """A clerk finds a document by its number, and is told its story with the proof."""
    daemon.start()
    daemon.drop(sample("F-1"))
    daemon.until(lambda: daemon.delivered() == ["F-1.xml"])
    assert daemon.end(signal.SIGTERM) == 0
    told = subprocess.run(daemon.command("show", "F-1"), capture_output=True, check=True, text=True).stdout
    assert "delivered" in told
    assert "proof: written to" in told


def test_a_bad_configuration_ends_the_start_with_78(daemon: Daemon) -> None:
    """Every problem is told with its place, and nothing is started."""
    (daemon.root / "partners/hyper.yaml").write_text(HYPER.replace("[inbox]", "[inbx]"))
    ended = subprocess.run(daemon.command("run"), capture_output=True, check=False)
    assert ended.returncode == 78
    assert b"partners/hyper.yaml:7:" in ended.stderr
    assert b"inbox" in ended.stderr
