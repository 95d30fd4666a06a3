"""Certificates and private keys of a site: read once, checked against each other and against the calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.config.certificates import Dated, OwnIdentity, OwnKey, PartnerCertificates, PrivateKey
from gateway.config.model import Certificates, DatedCertificate, Identity
from gateway.config.problems import Problems
from gateway.config.source import MOST_BYTES, Source, Steps
from gateway.config.types import SecretMissing

LEAST_RSA_BITS = 2048
CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})
WARN_BEFORE = timedelta(days=30)


class _Unusable(Exception):  # becomes a problem with the place where the file is named
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

    `files` are the certificate files read, with their bytes; `named` are all that were asked for.
    """

    def __init__(self, root: Path, *, now: datetime, environment: Mapping[str, str], problems: Problems) -> None:
        self._root = root
        self._now = now
        self._environment = environment
        self._problems = problems
        self._read: dict[Path, x509.Certificate | _Unusable] = {}
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
                if dated:
                    entries.append(_Entry(path, dated))
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
            try:
                key = _private_key(each.key.read(self._environment))
                if key.public_key() != dated.certificate.public_key():
                    raise _Unusable(
                        "E404", f"the key does not belong to the certificate {self._name(each.certificate)}"
                    )
            except SecretMissing:  # told by the check of secrets
                continue
            except _Unusable as error:
                self._problems.refer(source, (*path, "key"), error.code, error.text)
                continue
            keys.append(OwnKey(dated, key))
        self._calendar(source, entries)
        return OwnIdentity(name=name, as2_id=identity.as2_id, keys=tuple(keys))

    def _dated(
        self, source: Source, where: Steps, file: Path, *, since: date | None, until: date | None
    ) -> Dated | None:
        path = where[:-1]
        try:
            certificate = self._certificate(file)
        except _Unusable as error:
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

    def _certificate(self, file: Path) -> x509.Certificate:
        self.named.add(file)
        if file not in self._read:
            try:
                with file.open("rb") as opened:
                    raw = opened.read(MOST_BYTES + 1)
                self.files[file] = raw
                self._read[file] = self._checked(file, raw)
            except OSError as error:
                text = f"the certificate {self._name(file)} cannot be read: {error.strerror}"
                self._read[file] = _Unusable("E400", text)
            except _Unusable as error:
                self._read[file] = error
        found = self._read[file]
        if isinstance(found, _Unusable):
            raise found
        return found

    def _checked(self, file: Path, raw: bytes) -> x509.Certificate:
        name = self._name(file)
        try:
            if b"-----BEGIN" in raw:
                first, *others = x509.load_pem_x509_certificates(raw[:MOST_BYTES])
            else:
                first, others = x509.load_der_x509_certificate(raw), []
            key = first.public_key()
        except (ValueError, UnsupportedAlgorithm):
            raise _Unusable("E401", f"{name} is not an X.509 certificate") from None
        below = first
        for other in others:
            if below.issuer != other.subject:
                raise _Unusable("E408", f"{name} holds {len(others) + 1} certificates that do not form one chain")
            below = other
        if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
            raise _Unusable("E405", f"the RSA key of {name} has {key.key_size} bits; {LEAST_RSA_BITS} are the least")
        if isinstance(key, EllipticCurvePublicKey) and key.curve.name not in CURVES:
            raise _Unusable("E405", f"the key of {name} is on the curve {key.curve.name}")
        if not isinstance(key, (RSAPublicKey, EllipticCurvePublicKey)):
            raise _Unusable("E405", f"the key of {name} is neither RSA nor EC")
        return first

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


def _private_key(text: str) -> PrivateKey:
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
        raise _Unusable("E409", "the private key is not an unencrypted PEM key") from None
    if not isinstance(key, (RSAPrivateKey, EllipticCurvePrivateKey)):
        raise _Unusable("E405", "the private key is neither RSA nor EC")
    return key
