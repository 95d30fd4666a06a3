"""The TLS listener of the daemon as a process: its certificate is renewed by SIGHUP while the port stays open."""

import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tls_parties as tls

WAIT = 60.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, int, "subprocess.Popen[bytes]"]]:
    """A site with `[listen.https]` only, its port, and the daemon that serves it; it does not outlive the test."""
    (tmp_path / "certs").mkdir()
    tls.party("server").written(tmp_path / "certs", "https")
    port = _free_port()
    (tmp_path / "gateway.toml").write_text(
        f'[organisation]\nname = "ACME"\n[listen.monitoring]\nport = {_free_port()}\n[listen.https]\nport = {port}\n'
        'certificate = "certs/https.pem"\nkey = {file = "certs/https.key"}\n'
    )
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "gateway", "--site", str(tmp_path), "run"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    yield tmp_path, port, process
    if process.poll() is None:
        process.kill()
        process.wait()


def _asked(port: int, server: tls.Party) -> bytes | None:
    """What the front answers to one that trusts this server; None when it cannot be reached or is another."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            tls.trusting(server).wrap_socket(plain, server_hostname="localhost") as peer,
        ):
            peer.sendall(b"GET /as2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            said = b""
            while piece := peer.recv(65536):
                said += piece
            return said
    except (OSError, ssl.SSLError):
        return None


def _until_asked(port: int, server: tls.Party, log: Path) -> bytes:
    end = time.monotonic() + WAIT
    while (said := _asked(port, server)) is None:
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.05)
    return said


def test_a_certificate_is_renewed(served: tuple[Path, int, "subprocess.Popen[bytes]"]) -> None:
    """SIGHUP brings the new certificate into force; HTTP without TLS is not listened for."""
    root, port, process = served
    old, new = tls.party("server"), tls.party("server2")
    assert b"This is an AS2 server" in _until_asked(port, old, root / "log")
    new.written(root / "certs", "https")
    process.send_signal(signal.SIGHUP)
    assert b"This is an AS2 server" in _until_asked(port, new, root / "log")
    assert _asked(port, old) is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT) == 0
    log = (root / "log").read_text()
    assert '"http":null' in log
    assert f'"https":"127.0.0.1:{port}"' in log
