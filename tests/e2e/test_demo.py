"""`gateway demo`: two daemons, twenty invoices, and a report that is true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


def run(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "demo", str(directory)]
    return subprocess.run(command, capture_output=True, check=False, text=True)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where the demo ran, and what it printed; it ran twice, and the second run replaced the first."""
    directory = tmp_path_factory.mktemp("demo") / "demo"
    done = [run(directory), run(directory)]
    assert [each.returncode for each in done] == [0, 0], done[-1].stdout + done[-1].stderr
    return directory, done[-1].stdout


def test_the_demo_shows_the_whole_way(shown: tuple[Path, str]) -> None:
    """Seventeen are delivered with proof and three held for three reasons."""
    directory, text = shown
    assert "Delivered, with proof: 17" in text
    assert "Held, and why: 3" in text
    assert len(re.findall("proof: signed MDN: processed, MIC sha-256 .* fits, signed by CN=HYPERMARCHE", text)) == 11
    assert all(rule in text for rule in ("order-number:", "lines-add-up:", "PARTNER-UNKNOWN:"))
    assert len(list((directory / "customer/var/accounting/inbox").iterdir())) == 11
    own, other = ((directory / side / "certs/own/2026.key").read_bytes() for side in ("supplier", "customer"))
    assert own != other


def test_what_it_says_to_look_at_is_there(shown: tuple[Path, str]) -> None:
    """Each command it prints, but the one that would run on, ends well."""
    _, text = shown
    commands = re.findall(r"^  (python -m gateway --site .*|ls .*|cat .*)$", text, re.MULTILINE)
    assert len(commands) == 8
    for command in commands:
        if not command.endswith(" run"):
            what = [sys.executable if word == "python" else word for word in command.split()]
            assert subprocess.run(what, capture_output=True, check=False).returncode == 0, command


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """What somebody keeps there is not removed, and the text says what to do."""
    (tmp_path / "mine").write_text("kept")
    done = run(tmp_path)
    assert done.returncode == 1
    assert "name a directory that is empty or new" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
