"""The whole checked configuration, frozen; whoever starts a piece of work takes it once and keeps it to the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509

from gateway.config.catalogue import CompiledMapping
from gateway.config.certificates import HttpsKey, OwnIdentity, PartnerCertificates
from gateway.config.model import Gateway, Partner
from gateway.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The configuration of a site at one moment; `hash` covers every file that went into it (hex SHA-256).

    `files` holds the SHA-256 of each of them, by its path relative to the site. `tls` holds the certificates that the
    endpoints of partners name for their connections, by the file they name: a chain, or authorities.
    """

    version: int
    hash: str
    root: Path
    loaded_at: datetime
    settings: Gateway
    partners: Mapping[str, Partner]
    mappings: Mapping[str, CompiledMapping]
    identities: Mapping[str, OwnIdentity] = field(default_factory=dict)
    certificates: Mapping[str, PartnerCertificates] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    https: HttpsKey | None = None
    tls: Mapping[Path, tuple[x509.Certificate, ...]] = field(default_factory=dict)


class Current:
    """The snapshot in force: one reference, swapped whole."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._watchers: list[Callable[[Snapshot], None]] = []

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force now."""
        return self._snapshot

    def swap(self, snapshot: Snapshot) -> None:
        """Put another snapshot in force and tell those who asked to know."""
        self._snapshot = snapshot
        for watcher in tuple(self._watchers):
            watcher(snapshot)

    def watch(self, watcher: Callable[[Snapshot], None]) -> None:
        """Call `watcher` with every snapshot that comes into force from now on."""
        self._watchers.append(watcher)
