"""The files of a site become a `Snapshot`, or every problem with its file, line and column."""

import hashlib
import ipaddress
import itertools
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway.config.catalogue import Catalogue, CompiledMapping, EndpointFacts, MappingSource, PartnerContext
from gateway.config.certificates import HttpsKey, OwnIdentity, PartnerCertificates
from gateway.config.credentials import Credentials
from gateway.config.model import Certificates, EndpointSettings, Gateway, Identity, Partner
from gateway.config.models import models
from gateway.config.problems import Problems, shown
from gateway.config.references import References, mapping_at, mappings_at, route_steps, texts
from gateway.config.secrets import Secrets
from gateway.config.snapshot import Snapshot
from gateway.config.source import MOST_BYTES, Source, Steps, read_yaml
from gateway.config.toml_source import read_toml
from gateway.config.translate import translate
from gateway.errors import ConfigRefused, Problem

PROCESS = "gateway.toml"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_CERTIFICATES = frozenset({".pem", ".crt", ".cer", ".der"})
_PASSWORD_IN_URL = re.compile(r"://[^/@]*:[^/@]+@")
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, not listened on


def load(
    root: Path,
    catalogue: Catalogue,
    *,
    now: datetime,
    version: int = 1,
    environment: Mapping[str, str] = os.environ,
) -> Snapshot:
    """The snapshot of the site in the directory `root`; raises `ConfigRefused` with every problem there is."""
    snapshot, problems = check(root, catalogue, now=now, version=version, environment=environment)
    if snapshot is None:
        raise ConfigRefused(problems)
    return snapshot


def check(
    root: Path,
    catalogue: Catalogue,
    *,
    now: datetime,
    version: int = 1,
    environment: Mapping[str, str] = os.environ,
) -> tuple[Snapshot | None, tuple[Problem, ...]]:
    """The snapshot (None when there are errors) and all errors and warnings, sorted by file, line and column."""
    site = _Site(root.absolute(), catalogue, now=now, environment=environment)
    site.read()
    site.join()
    problems = site.problems.all()
    if any(problem.severity == "error" for problem in problems) or site.settings is None:
        return None, problems
    files = site.files()
    snapshot = Snapshot(
        version=version,
        hash=hashlib.sha256(json.dumps(files).encode()).hexdigest(),
        root=site.root,
        loaded_at=now,
        settings=site.settings,
        partners=site.partners,
        mappings=site.compiled,
        identities=site.identities,
        certificates=site.certificates,
        warnings=problems,
        files=files,
        https=site.https,
        tls=site.tls,
    )
    return snapshot, problems


def certified(
    root: Path, catalogue: Catalogue, *, now: datetime, environment: Mapping[str, str] = os.environ
) -> tuple[dict[str, OwnIdentity], dict[str, PartnerCertificates], tuple[Problem, ...]]:
    """Our identities and the partners' certificates, as far as they can be read, with all problems of the site.

    A configuration that is refused for an expired certificate is when its certificates are asked for.
    """
    site = _Site(root.absolute(), catalogue, now=now, environment=environment)
    site.read()
    site.join()
    return site.identities, site.certificates, site.problems.all()


class _Site:
    """One reading of a site: first every file by itself, then all of them together."""

    def __init__(self, root: Path, catalogue: Catalogue, *, now: datetime, environment: Mapping[str, str]) -> None:
        self.root = root
        self.problems = Problems()
        self.settings: Gateway | None = None
        self.partners: dict[str, Partner] = {}
        self.compiled: dict[str, CompiledMapping] = {}
        self.identities: dict[str, OwnIdentity] = {}
        self.certificates: dict[str, PartnerCertificates] = {}
        self.https: HttpsKey | None = None
        self._catalogue = catalogue
        self._models = models(catalogue)
        self._endpoint: TypeAdapter[EndpointSettings] = TypeAdapter(self._models.endpoint)
        self._secrets = Secrets(environment, self.problems)
        self._credentials = Credentials(root, now=now, environment=environment, problems=self.problems)
        self.tls = self._credentials.tls
        self._bytes: dict[str, bytes] = {}
        self._claimed: dict[tuple[str, str], tuple[Source, Steps]] = {}
        self._process = Source(file=PROCESS)
        self._partner_sources: dict[str, Source] = {}
        self._mapping_sources: dict[str, Source] = {}

    @property
    def _context(self) -> Mapping[str, Any]:
        """What validators need to know of the rest of the site."""
        return {"root": self.root, "python": self.settings.python.modules if self.settings else ()}

    def read(self) -> None:
        """Read every file."""
        if (self.root / PROCESS).exists():
            raw = self._raw(self.root / PROCESS)
            if raw is not None:
                self._process = self._told(read_toml(PROCESS, raw))
        else:
            self.problems.at(PROCESS, (1, 1), "E012", f"{self.root} has no gateway.toml")
        self._partner_sources = self._directory("partners")
        self._mapping_sources = self._directory("mappings")

    def join(self) -> None:
        """Check the files together and make what the snapshot holds."""
        self._compile()
        readable = {name: each for name, each in self._partner_sources.items() if isinstance(each.data, Mapping)}
        references = References(
            self._catalogue,
            partners=self._partner_sources,
            mappings=self._mapping_sources,
            compiled=self.compiled,
            problems=self.problems,
        )
        references.check(readable)
        references.identifiers(self._process, mapping_at(self._process.data, "organisation"), ("organisation",))
        self._gateway()
        for name, source in self._partner_sources.items():
            self._partner(name, source)
        self._unused(references.used)

    def files(self) -> dict[str, str]:
        """The hex SHA-256 of every file that was read, and of every file that is named by a path other than a secret's.

        Secrets are read where they are used, so a changed one is in force without a reload.
        """
        found = {name: hashlib.sha256(raw).hexdigest() for name, raw in self._bytes.items()}
        read = {file: hashlib.sha256(raw).hexdigest() for file, raw in self._credentials.files.items()}
        for file in self._secrets.named - read.keys():
            if file.is_file():
                with file.open("rb") as opened:
                    read[file] = hashlib.file_digest(opened, "sha256").hexdigest()
        for file, digest in read.items():
            found[file.relative_to(self.root).as_posix() if file.is_relative_to(self.root) else str(file)] = digest
        return dict(sorted(found.items()))

    def _raw(self, file: Path) -> bytes | None:
        name = file.relative_to(self.root).as_posix()
        try:
            with file.open("rb") as opened:
                self._bytes[name] = opened.read(MOST_BYTES + 1)
        except OSError as error:
            self.problems.at(name, (1, 1), "E011", f"the file cannot be read: {error.strerror}")
            return None
        return self._bytes[name]

    def _told(self, source: Source) -> Source:
        for mistake in source.mistakes:
            self.problems.at(source.file, mistake.place, mistake.code, mistake.text)
        return source

    def _directory(self, directory: str) -> dict[str, Source]:
        """The files of a directory by name; one that cannot be read is there without data, so that its name is known."""
        found: dict[str, Source] = {}
        files = sorted((self.root / directory).iterdir()) if (self.root / directory).is_dir() else []
        names = {file.name for file in files}
        for file in files:
            shown_as = f"{directory}/{file.name}"
            if file.suffix.lower() in {".yml", ".yaml"} and file.suffix != ".yaml":
                self.problems.at(
                    shown_as, (1, 1), "W001", f"'{file.name}' is not read: rename it to '{file.stem}.yaml'"
                )
            elif file.name.endswith(".test.yaml"):
                tested = file.name.removesuffix(".test.yaml") + ".yaml"
                if tested not in names:
                    self.problems.at(shown_as, (1, 1), "W002", f"it tests {directory}/{tested}, which is not there")
            elif file.suffix == ".yaml":
                if not _NAME.fullmatch(file.stem):
                    self.problems.at(shown_as, (1, 1), "E013", f"{shown(file.stem)} cannot be a name")
                raw = self._raw(file)
                source = Source(file=shown_as) if raw is None else self._told(read_yaml(shown_as, raw))
                found[file.stem] = source
        return found

    def _compile(self) -> None:
        sources: dict[str, MappingSource] = {}
        for name, source in self._mapping_sources.items():
            if isinstance(source.data, Mapping):
                sources[name] = MappingSource(name, source.data)
            elif source.data is not None:
                self.problems.add(source, (), "E106", f"{shown(source.data)} stands here; a mapping is expected")
        for name, mapping in sources.items():
            compiled = self._catalogue.compile_mapping(mapping, sources)
            if not isinstance(compiled, Sequence):
                self.compiled[name] = compiled
                continue
            for problem in compiled:
                source = self._mapping_sources[name]
                self.problems.add(source, problem.path, problem.code, problem.text, at_key=problem.at_key)

    def _gateway(self) -> None:
        source = self._process
        if source.data is None:
            return
        try:
            self.settings = Gateway.model_validate(source.data, context={"root": self.root})
        except ValidationError as error:
            translate(error, source, self.problems, model=Gateway, catalogue=self._catalogue)
        identities: dict[str, Identity] = {}
        if self.settings is not None:
            identities = dict(self.settings.identities)
            self._secrets.check(source, self.settings, ())
            self._process_checks(source, self.settings)
            if self.settings.listen.https is not None:
                self.https = self._credentials.https(source, self.settings.listen.https)
        else:
            for name, data in mapping_at(source.data, "identities").items():
                made = self._made(Identity, data)
                if isinstance(made, Identity):
                    identities[name] = made
                    self._secrets.check(source, made, ("identities", name))
        for name, identity in identities.items():
            self.identities[name] = self._credentials.identity(source, name, identity)

    def _process_checks(self, source: Source, settings: Gateway) -> None:
        listen = settings.listen
        named = (("http", listen.plain), ("https", listen.https), ("monitoring", listen.monitoring))
        addresses = [(name, address) for name, address in named if address is not None]
        for name, address in addresses:
            try:
                ipaddress.ip_address(address.address)
            except ValueError:
                text = f"{shown(address.address)} is not an IP address"
                self.problems.add(source, ("listen", name, "address"), "E102", text)
        for (one, first), (other, second) in itertools.combinations(addresses, 2):
            meet = first.address == second.address or {first.address, second.address} & _ANY_ADDRESS
            if first.port == second.port != 0 and meet:
                text = f"{one} and {other} both listen on port {first.port}"
                path = ("listen", other, "port")
                self.problems.add(source, path if path in source.values else ("listen", one, "port"), "E218", text)
        url = settings.database.url
        if not url.startswith(("sqlite:///", "postgresql://")):
            text = "the database URL begins with neither sqlite:/// nor postgresql://"
            self.problems.add(source, ("database", "url"), "E222", text)
        elif _PASSWORD_IN_URL.search(url):
            text = "a password stands in the database URL; name it by [database] password = {env = NAME} instead"
            self.problems.add(source, ("database", "url"), "E300", text)
        for index, notice in enumerate(settings.notices):
            self._credentials.endpoint(source, ("notices", index), notice)
            for position, partner in enumerate(notice.partners):
                if partner not in self._partner_sources:
                    self.problems.refer(
                        source,
                        ("notices", index, "partners", position),
                        "E209",
                        f"there is no partners/{partner}.yaml",
                    )

    def _partner(self, name: str, source: Source) -> None:
        if source.data is None:
            return
        endpoints: dict[str, EndpointSettings] = {}
        certificates = Certificates()
        try:
            partner = self._models.partner.model_validate(source.data, context=self._context)
        except ValidationError as error:
            translate(error, source, self.problems, model=self._models.partner, catalogue=self._catalogue)
            for endpoint, data in mapping_at(source.data, "endpoints").items():
                settings = self._made(self._endpoint, data)
                if isinstance(settings, EndpointSettings):
                    endpoints[endpoint] = settings
                    self._secrets.check(source, settings, ("endpoints", endpoint))
            made = self._made(Certificates, mapping_at(source.data, "certificates"))
            certificates = made if isinstance(made, Certificates) else certificates
        else:
            self.partners[name] = partner
            endpoints, certificates = dict(partner.endpoints), partner.certificates
            self._secrets.check(source, partner, ())
            self._official(source, partner)
        self.certificates[name] = self._credentials.partner(source, certificates)
        if isinstance(source.data, Mapping):
            self._endpoints(name, source, endpoints, certificates)

    def _official(self, source: Source, partner: Partner) -> None:
        """The packs that the partner's documents need: those it names have to be there."""
        check = self._catalogue.check_official
        if check is None:
            return
        packs = self.settings.official.packs if self.settings else None
        for kind, way in partner.receives.items():
            path: Steps = ("receives", kind.value)
            entry = mapping_at(mapping_at(source.data, "receives"), kind.value)
            named = {text: inner for inner, text in texts(entry, "official")}
            for problem in check(packs, way.format, way.official, way.options):
                if problem.name is None:
                    self.problems.refer(source, (*path, "format"), "W201", problem.text)
                else:
                    self.problems.refer(source, (*path, *named.get(problem.name, ("official",))), "E225", problem.text)

    def _made(self, model: type[BaseModel] | TypeAdapter[Any], data: Any) -> object:
        """A part of a file that is wrong elsewhere, or None when the part is wrong as well (and has been told)."""
        validate = model.validate_python if isinstance(model, TypeAdapter) else model.model_validate
        try:
            return validate(data, context=self._context)
        except ValidationError:
            return None

    def _endpoints(
        self, name: str, source: Source, endpoints: Mapping[str, EndpointSettings], certificates: Certificates
    ) -> None:
        over = [{each for _, each in texts(entry, "over")} for _, entry in mappings_at(source.data, "sends")]
        receives = mapping_at(source.data, "receives")
        routed = {each for kind in receives for _, step in route_steps(mapping_at(receives, kind)) for _, each in step}
        for endpoint, settings in endpoints.items():
            facts = self._catalogue.endpoints[settings.kind]
            context = PartnerContext(
                partner=name,
                endpoint=endpoint,
                sends=endpoint in routed,
                receives=facts.receives and any(not each or endpoint in each for each in over),
                named=any(endpoint in each for each in over),
                certificates=certificates,
                identities=frozenset(mapping_at(self._process.data, "identities")),
                https="https" in mapping_at(self._process.data, "listen"),
                public="public_url" in mapping_at(self._process.data, "listen"),
            )
            path: Steps = ("endpoints", endpoint)
            self._credentials.endpoint(source, path, settings)
            for problem in facts.check(settings, context) if facts.check else ():
                self.problems.refer(source, (*path, *problem.path), problem.code, problem.text)
            self._claims(source, path, settings, facts)

    def _claims(self, source: Source, path: Steps, settings: EndpointSettings, facts: EndpointFacts) -> None:
        for key, words in facts.claims(settings) if facts.claims else ():
            other, place = self._claimed.setdefault((settings.kind, words), (source, (*path, key)))
            shared = facts.claimed_by == "partner" and other is source
            if not shared and (other, place) != (source, (*path, key)):
                text = f"{words} is claimed in {other.file} line {other.place(place)[0]} too"
                self.problems.refer(source, (*path, key), "E219", text)

    def _unused(self, used: set[str]) -> None:
        for name, source in self._mapping_sources.items():
            base = mapping_at({"": source.data}, "").get("extends")
            if isinstance(base, str) and base != name:
                used.add(base)
        for name, source in self._mapping_sources.items():
            if name not in used:
                self.problems.at(source.file, (1, 1), "W200", f"no partner names the mapping '{name}'")
        directory, named = self.root / "certs", self._secrets.named | self._credentials.named
        files = sorted(directory.rglob("*")) if directory.is_dir() else []
        for file in files:
            if file.suffix.lower() in _CERTIFICATES and file not in named and file.is_file():
                text = "no partner file and no identity names this certificate"
                self.problems.at(file.relative_to(self.root).as_posix(), (1, 1), "W401", text)
