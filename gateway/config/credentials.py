"""Certificates and private keys of a site: read once, checked against each other and against the calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.config.certificates import Dated, HttpsKey, OwnIdentity, OwnKey, PartnerCertificates, PrivateKey
from gateway.config.model import (
    Certificates,
    ClientLogin,
    DatedCertificate,
    EndpointSettings,
    Https,
    Identity,
    Notice,
    ServerTls,
)
from gateway.config.problems import Problems
from gateway.config.source import MOST_BYTES, Source, Steps
from gateway.config.types import Secret, SecretMissing

LEAST_RSA_BITS = 2048
CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})
WARN_BEFORE = timedelta(days=30)


class Unusable(Exception):  # becomes a problem with the place where the file is named
    """A certificate or key that cannot be used."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class _Entry:
    """A certificate as it is listed, with the place in the file and the time in which it is in force."""

    path: Steps
    dated: Dated


class Credentials:
    """Reads the certificates and keys of one site.

    `files` are the certificate files read, with their bytes; `named` are all that were asked for; `tls` are the
    certificates that endpoints name for their connections.
    """

    def __init__(self, root: Path, *, now: datetime, environment: Mapping[str, str], problems: Problems) -> None:
        self._root = root
        self._now = now
        self._environment = environment
        self._problems = problems
        self._read: dict[Path, tuple[x509.Certificate, ...] | Unusable] = {}
        self.tls: dict[Path, tuple[x509.Certificate, ...]] = {}
        self.files: dict[Path, bytes] = {}
        self.named: set[Path] = set()

    def partner(self, source: Source, certificates: Certificates) -> PartnerCertificates:
        """The certificates of a partner file; what is wrong with them is added to the problems."""
        lists = {}
        for use in ("verify", "encrypt"):
            listed: Sequence[DatedCertificate] = getattr(certificates, use)
            entries: list[_Entry] = []
            for index, each in enumerate(listed):
                path: Steps = ("certificates", use, index)
                begins = each.since or (listed[index - 1].until if use == "encrypt" and index else None)
                dated = self._dated(source, (*path, "file"), each.file, since=begins, until=each.until)
                if each.trial and use == "encrypt":
                    text = "a certificate to encrypt to cannot be on trial; put `trial` at its entry under `verify`"
                    self._problems.add(source, (*path, "trial"), "E410", text)
                if dated:
                    entries.append(_Entry(path, replace(dated, trial=each.trial)))
            self._calendar(source, entries)
            lists[use] = tuple(entry.dated for entry in entries)
        return PartnerCertificates(verify=lists["verify"], encrypt=lists["encrypt"])

    def identity(self, source: Source, name: str, identity: Identity) -> OwnIdentity:
        """One of our own identities with its keys; what is wrong with them is added to the problems."""
        entries: list[_Entry] = []
        keys: list[OwnKey] = []
        for index, each in enumerate(identity.keys):
            path: Steps = ("identities", name, "keys", index)
            begins = each.since or (identity.keys[index - 1].until if index else None)
            dated = self._dated(source, (*path, "certificate"), each.certificate, since=begins, until=each.until)
            if not dated:
                continue
            entries.append(_Entry(path, dated))
            key = self._key(source, (*path, "key"), each.key, dated)
            if key is not None:
                keys.append(OwnKey(dated, key))
        self._calendar(source, entries)
        return OwnIdentity(name=name, as2_id=identity.as2_id, keys=tuple(keys))

    def https(self, source: Source, https: Https) -> HttpsKey | None:
        """What the HTTPS listener shows, or None; what is wrong with it is added to the problems."""
        path: Steps = ("listen", "https")
        shown = self._connection(source, path, https.certificate)
        key = self._key(source, (*path, "key"), https.key, shown) if shown else None
        clients = self._authorities(source, (*path, "client_ca"), https.client_ca) if https.client_ca else ()
        if key is None or clients is None:
            return None
        return HttpsKey(self._chain(https.certificate), key, clients)

    def endpoint(self, source: Source, path: Steps, settings: EndpointSettings | Notice) -> None:
        """Gather what an endpoint or a notice names for its connections in `tls`, and add what is wrong to the problems."""
        for name in type(settings).model_fields:
            value = getattr(settings, name)
            if not isinstance(value, (ServerTls, ClientLogin)):
                continue
            where: Steps = (*path, name)
            shown = self._connection(source, where, value.certificate) if value.certificate else None
            if shown and value.certificate:
                self.tls[value.certificate] = self._chain(value.certificate)
            if isinstance(value, ServerTls):
                if shown and value.key:
                    self._key(source, (*where, "key"), value.key, shown)
                if value.ca and (found := self._authorities(source, (*where, "ca"), value.ca)):
                    self.tls[value.ca] = found

    def _connection(self, source: Source, path: Steps, file: Path) -> Dated | None:
        """The certificate one side of a TLS connection shows, in force now."""
        dated = self._dated(source, (*path, "certificate"), file, since=None, until=None)
        if dated:
            self._calendar(source, [_Entry((*path, "certificate"), dated)])
        return dated

    def _key(self, source: Source, path: Steps, secret: Secret, dated: Dated) -> PrivateKey | None:
        try:
            key = private_key(secret.read(self._environment))
            if key.public_key() != dated.certificate.public_key():
                raise Unusable("E404", f"the key does not belong to the certificate {dated.file}")
        except SecretMissing:  # told by the check of secrets
            return None
        except Unusable as error:
            self._problems.refer(source, path, error.code, error.text)
            return None
        return key

    def _authorities(self, source: Source, path: Steps, file: Path) -> tuple[x509.Certificate, ...] | None:
        """The certificates of a file that need not belong together."""
        self.named.add(file)
        try:
            with file.open("rb") as opened:
                raw = opened.read(MOST_BYTES + 1)
            self.files[file] = raw
            return tuple(x509.load_pem_x509_certificates(raw[:MOST_BYTES]))
        except OSError as error:
            text = f"the certificates {self._name(file)} cannot be read: {error.strerror}"
            self._problems.add(source, path, "E400", text)
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
            self._problems.add(source, path, "E401", f"{self._name(file)} holds no X.509 certificates in PEM")
        return None

    def _dated(
        self, source: Source, where: Steps, file: Path, *, since: date | None, until: date | None
    ) -> Dated | None:
        path = where[:-1]
        try:
            certificate = self._chain(file)[0]
        except Unusable as error:
            self._problems.add(source, where, error.code, error.text)
            return None
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if since is not None:
            begins = max(begins, datetime.combine(since, time(), UTC))
        if until is not None:
            ends = min(ends, datetime.combine(until, time(), UTC))
        if since is not None and until is not None and until <= since:
            self._problems.add(source, (*path, "until"), "E407", f"until {until} does not come after from {since}")
            return None
        if begins >= ends:
            own = f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
            text = f"the certificate is never in force: its own dates are {own}"
            self._problems.add(source, (*path, "until" if until else "from"), "E407", text)
            return None
        return Dated(certificate, begins, ends, self._name(file))

    def _chain(self, file: Path) -> tuple[x509.Certificate, ...]:
        self.named.add(file)
        if file not in self._read:
            try:
                with file.open("rb") as opened:
                    raw = opened.read(MOST_BYTES + 1)
                self.files[file] = raw
                self._read[file] = self._checked(file, raw)
            except OSError as error:
                text = f"the certificate {self._name(file)} cannot be read: {error.strerror}"
                self._read[file] = Unusable("E400", text)
            except Unusable as error:
                self._read[file] = error
        found = self._read[file]
        if isinstance(found, Unusable):
            raise found
        return found

    def _checked(self, file: Path, raw: bytes) -> tuple[x509.Certificate, ...]:
        name = self._name(file)
        try:
            if b"-----BEGIN" in raw:
                first, *others = x509.load_pem_x509_certificates(raw[:MOST_BYTES])
            else:
                first, others = x509.load_der_x509_certificate(raw), []
            key = first.public_key()
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
            raise Unusable("E401", f"{name} is not an X.509 certificate") from None
        below = first
        for other in others:
            if below.issuer != other.subject:
                raise Unusable("E408", f"{name} holds {len(others) + 1} certificates that do not form one chain")
            below = other
        if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
            raise Unusable("E405", f"the RSA key of {name} has {key.key_size} bits; {LEAST_RSA_BITS} are the least")
        if isinstance(key, EllipticCurvePublicKey) and key.curve.name not in CURVES:
            raise Unusable("E405", f"the key of {name} is on the curve {key.curve.name}")
        if not isinstance(key, (RSAPublicKey, EllipticCurvePublicKey)):
            raise Unusable("E405", f"the key of {name} is neither RSA nor EC")
        return first, *others

    def _calendar(self, source: Source, entries: Sequence[_Entry]) -> None:
        """Check that one certificate of the list is in force now and that no day is without until the last ends."""
        now = self._now
        current = [entry for entry in entries if entry.dated.in_force(now)]
        later = sorted((entry for entry in entries if entry.dated.since > now), key=lambda entry: entry.dated.since)
        for entry in entries:
            if entry.dated.until > now:
                continue
            ended = f"{entry.dated.file} is not in force since {entry.dated.until:%Y-%m-%d}"
            if current:
                self._problems.add(source, entry.path, "W402", f"{ended}; another is: remove this one")
            else:
                self._problems.add(source, entry.path, "E402", f"{ended}, and no other is")
        if not current:
            if later and not any(entry.dated.until <= now for entry in entries):
                first = later[0]
                text = f"{first.dated.file} is in force from {first.dated.since:%Y-%m-%d} only, and no other is before"
                self._problems.add(source, first.path, "E403", text)
            return
        last = max(current, key=lambda entry: entry.dated.until)
        for entry in later:
            if entry.dated.since > last.dated.until:
                text = (
                    f"from {last.dated.until:%Y-%m-%d} to {entry.dated.since:%Y-%m-%d} no certificate is in force: "
                    f"between {last.dated.file} and {entry.dated.file}"
                )
                self._problems.add(source, entry.path, "E406", text)
            if entry.dated.until > last.dated.until:
                last = entry
        if last.dated.until < now + WARN_BEFORE:
            text = f"{last.dated.file} is in force until {last.dated.until:%Y-%m-%d} only, and none follows"
            self._problems.add(source, last.path, "W400", text)

    def _name(self, file: Path) -> str:
        return file.relative_to(self._root).as_posix() if file.is_relative_to(self._root) else str(file)


def private_key(text: str) -> PrivateKey:
    """The private key in PEM text; raises `Unusable` for one that is not taken."""
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
        raise Unusable("E409", "the private key is not an unencrypted PEM key") from None
    if not isinstance(key, (RSAPrivateKey, EllipticCurvePrivateKey)):
        raise Unusable("E405", "the private key is neither RSA nor EC")
    return key
