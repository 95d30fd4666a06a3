"""How a site comes to be: the sample's files, and the keys, certificates, tokens and folders they name."""

import ipaddress
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

import gateway
from gateway.app import catalogue
from gateway.config.load import PROCESS
from gateway.config.model import Gateway, Partner
from gateway.config.models import models
from gateway.config.new_certificate import new_certificate
from gateway.config.source import read_yaml
from gateway.config.toml_source import read_toml
from gateway.endpoints.api import ApiSettings
from gateway.endpoints.folder import FolderSettings
from gateway.errors import Permanent

CERTIFICATE_DAYS = 3 * 365
PRACTICE_KEYS = Path("certs/practice")
DIRECTORIES = ("partners", "mappings")
GITIGNORE = """\
# What the daemon keeps, keys and secrets: never in git.
/var/
*.key
*.p12
"""
_RESERVED = (".example", ".test", ".invalid", ".localhost")


@dataclass(slots=True)
class Making:
    """What was made in a site, what was there already and kept, and what somebody else must bring."""

    root: Path
    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)

    def file(self, path: Path, data: bytes, *, secret: bool = False) -> None:
        """Write a file unless one is there; one with a secret is readable by its owner only."""
        name = shown_in(self.root, path)
        if path.exists():
            self.kept.append(name)
            return
        write_new(path, data, secret=secret)
        self.made.append(name)

    def directory(self, path: Path) -> None:
        """Make a directory unless it is there."""
        if not path.is_dir():
            try:
                path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _unwritable(path, error) from None
            self.made.append(f"{shown_in(self.root, path)}/")


def site_template() -> Path:
    """The sample site: package data when the gateway is installed, the top of the checkout otherwise."""
    package = Path(gateway.__file__).resolve().parent
    for place in (package / "site", package.parent):
        if (place / PROCESS).is_file() and (place / "partners").is_dir():
            return place
    raise Permanent(f"this installation lacks its sample site ({package / 'site'}); install the gateway again")


def make_site(root: Path, *, now: datetime) -> Making:
    """Bring the sample site into `root` and complete it; nothing that is there is changed."""
    template, making = site_template(), Making(root)
    if not (root.is_dir() and template.samefile(root)):
        for file in _sample_files(template):
            making.file(root / file.relative_to(template), file.read_bytes())
    making.file(root / ".gitignore", GITIGNORE.encode())
    complete_site(making, now=now)
    return making


def _sample_files(template: Path) -> Iterator[Path]:
    yield template / PROCESS
    for directory in DIRECTORIES:
        for file in sorted((template / directory).rglob("*")):
            hidden = any(part.startswith((".", "__")) for part in file.relative_to(template).parts)
            if file.is_file() and not hidden:
                yield file


def complete_site(making: Making, *, now: datetime) -> None:
    """Make what the files of a site name and is missing, as far as it is ours to make.

    That is: our keys with their certificates, the tokens of API endpoints, folders inside the site, and certificates of
    practice partners (those whose addresses are reserved for examples), with their keys in certs/practice.
    """
    for directory in ("certs", "var"):
        making.directory(making.root / directory)
    settings = _settings(making.root)
    if settings is not None:
        for identity in settings.identities.values():
            for each in identity.keys:
                _pair(making, each.certificate, each.key.file, name=identity.as2_id, now=now)
    for name, partner in _partners(making.root):
        for endpoint, ways in partner.endpoints.items():
            if isinstance(ways, ApiSettings) and ways.token.file is not None:
                making.file(ways.token.file, f"{secrets.token_urlsafe(32)}\n".encode(), secret=True)
            elif isinstance(ways, ApiSettings):
                making.wanted.append(f"environment variable {ways.token.env}: the token of {name} over {endpoint}")
            elif isinstance(ways, FolderSettings) and ways.path.is_relative_to(making.root):
                making.directory(ways.path)
        _certificates(making, name, partner, now)


def _certificates(making: Making, name: str, partner: Partner, now: datetime) -> None:
    listed = dict.fromkeys(each.file for each in (*partner.certificates.verify, *partner.certificates.encrypt))
    for certificate in listed:
        if certificate.exists():
            making.kept.append(shown_in(making.root, certificate))
        elif not _is_practice(partner):
            making.wanted.append(f"{shown_in(making.root, certificate)}: ask {partner.name} for it")
        else:
            key = making.root / PRACTICE_KEYS / f"{name}.key"
            if key.exists():
                key = key.with_name(f"{name}-{certificate.stem}.key")
            _pair(making, certificate, key, name=partner.name, now=now)


def _pair(making: Making, certificate: Path, key: Path | None, *, name: str, now: datetime) -> None:
    """Make a certificate with its key when both are missing; one without the other stays what it is."""
    there = [path for path in (certificate, key) if path is not None and path.exists()]
    making.kept += [shown_in(making.root, path) for path in there]
    if key is None or not certificate.is_relative_to(making.root):
        if not there:
            making.wanted.append(f"{shown_in(making.root, certificate)}: our certificate, with its key")
        return
    if not there:
        public, private = new_certificate(name, days=CERTIFICATE_DAYS, now=now)
        making.file(key, private, secret=True)
        making.file(certificate, public)
    elif there == [certificate]:
        making.wanted.append(f"{shown_in(making.root, key)}: the key of {shown_in(making.root, certificate)}")
    elif there == [key]:
        making.wanted.append(f"{shown_in(making.root, certificate)}: the certificate of {shown_in(making.root, key)}")


def _is_practice(partner: Partner) -> bool:
    """True when the partner cannot be a real one: each of its URLs leads to a name or address reserved for examples."""
    urls = [url for each in partner.endpoints.values() if isinstance(url := getattr(each, "url", None), str)]
    return bool(urls) and all(_is_reserved(urlsplit(url).hostname or "") for url in urls)


def _is_reserved(host: str) -> bool:
    """RFC 2606 section 2, RFC 6761 section 6, and addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return f".{host}".endswith(_RESERVED)


def _settings(root: Path) -> Gateway | None:
    """gateway.toml as a model; None when it is wrong, which `gateway check` tells in full."""
    source = read_toml(PROCESS, (root / PROCESS).read_bytes())
    try:
        return Gateway.model_validate(source.data, context={"root": root})
    except ValidationError:
        return None


def _partners(root: Path) -> Iterator[tuple[str, Partner]]:
    """The partner files that are right."""
    model = models(catalogue()).partner
    for file in sorted((root / "partners").glob("*.yaml")):
        if not file.name.endswith(".test.yaml"):
            source = read_yaml(file.name, file.read_bytes())
            try:
                yield file.stem, model.model_validate(source.data, context={"root": root})
            except ValidationError:
                continue


def write_new(path: Path, data: bytes, *, secret: bool = False) -> None:
    """Write a file that must not be there yet, with its directories; raises `Permanent`.

    One with a secret has mode 0600 before its first byte is written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if secret else 0o644)
        with os.fdopen(handle, "wb") as opened:
            opened.write(data)
    except FileExistsError:
        raise Permanent(f"{path} is there already and was kept; choose another name, or move it away") from None
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> Permanent:
    return Permanent(f"cannot make {path}: {error.strerror}; choose a directory you may write to")


def shown_in(root: Path, path: Path) -> str:
    """A path as people read it: relative to the site when it lies there."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
