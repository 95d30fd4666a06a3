"""Tries every endpoint of a configuration: names, ports, TLS and directories, one step after the other."""

import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config.model import EndpointSettings
from gateway.config.snapshot import Snapshot
from gateway.endpoints.folder import FolderSettings

SECONDS = 10.0
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried for an endpoint (`partner/endpoint`), and what came of it in words."""

    endpoint: str
    text: str
    well: bool


def steps(snapshot: Snapshot) -> Iterator[Step]:
    """Try every endpoint of the active partners; of each, what comes after a failed step is left out."""
    for name, partner in snapshot.partners.items():
        for endpoint, settings in partner.endpoints.items():
            if partner.active:
                yield from _endpoint(f"{name}/{endpoint}", settings)


def _endpoint(where: str, settings: EndpointSettings) -> Iterator[Step]:
    url = getattr(settings, "url", None)
    if isinstance(settings, FolderSettings):
        yield _directory(where, settings.path)
    elif isinstance(url, str):
        yield from _address(where, url)


def _directory(where: str, path: Path) -> Step:
    if not path.is_dir():
        return Step(where, f"the directory {path} is not there; make it, or correct `path`", well=False)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Step(
            where, f"the directory {path} cannot be read and written by this user; correct its mode", well=False
        )
    return Step(where, f"the directory {path} can be read and written", well=True)


def _address(where: str, url: str) -> Iterator[Step]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        why = error.strerror or str(error)
        yield Step(where, f"the name {host} cannot be resolved: {why}; correct `url`, or ask the partner", well=False)
        return
    addresses = ", ".join(dict.fromkeys(str(each[4][0]) for each in found))
    yield Step(where, f"{host} is {addresses}", well=True)
    try:
        connection = socket.create_connection((host, port), timeout=SECONDS)
    except OSError as error:
        why = error.strerror or str(error)
        text = (
            f"no connection to {host} port {port}: {why}; is a firewall between, or our address unknown to the partner?"
        )
        yield Step(where, text, well=False)
        return
    with connection:
        yield Step(where, f"connected to port {port}", well=True)
        if parts.scheme == "https":
            yield _tls(where, host, connection)


def _tls(where: str, host: str, connection: socket.socket) -> Step:
    try:
        with ssl.create_default_context().wrap_socket(connection, server_hostname=host) as secured:
            return Step(where, f"{secured.version()}, and the certificate is one this machine trusts", well=True)
    except OSError as error:
        return Step(where, f"TLS failed: {error}; the partner must renew or complete its certificate", well=False)
