"""`gateway cert trial`: a partner's next certificate is tried with a probe before it is in force, without sending it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography import x509

from gateway.cli.certificate_files import read_key, readable
from gateway.cli.certificate_words import fingerprint, key_words
from gateway.cli.new_site import PRACTICE_KEYS, shown_in
from gateway.cli.site import Site, pass_site
from gateway.config.bundle import chain_of, read_bundle, subject_of
from gateway.config.certificates import ALWAYS_SINCE, ALWAYS_UNTIL, Dated, OwnKey, PartnerCertificates
from gateway.config.fitness import fitness
from gateway.config.snapshot import Snapshot
from gateway.endpoints.as2.message import Composed, Protection, compose, open_message
from gateway.endpoints.as2.mime import Part
from gateway.endpoints.as2.receive import identity_of
from gateway.endpoints.as2.settings import As2Settings
from gateway.errors import GatewayError, Permanent, Refused

PROBE = b"This message tries a certificate. It holds no document.\r\n"
MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried, and what came of it; `well` is None for what cannot be tried here."""

    text: str
    well: bool | None = True


@click.command()
@click.argument("partner")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificate to try; by default those of the partner that are on trial or come next.",
)
@pass_site
def trial(site: Site, partner: str, file: Path | None) -> None:
    """Sign and encrypt a probe for PARTNER with a certificate that is not in force yet, and open it again.

    Nothing is sent. It can be opened only where its key is: with the key of a practice partner in certs/practice.
    """
    snapshot = site.snapshot
    if partner not in snapshot.partners:
        known = ", ".join(sorted(snapshot.partners)) or "none yet"
        raise Refused("NOT-FOUND", f"there is no partners/{partner}.yaml; the partners are: {known}")
    now = datetime.now(UTC)
    failed = False
    for name, certificate in _candidates(snapshot, partner, file, now):
        click.echo(f"{name}: {subject_of(certificate)}, {key_words(certificate)}")
        practice = _practice_key(site.root, certificate)
        tried = _Trial(snapshot=snapshot, partner=partner, certificate=certificate, practice=practice, now=now)
        for step in tried.steps():
            mark = {True: "ok", False: "FAILED", None: "--"}[step.well]
            click.echo(f"  {mark:<7} {step.text}")
            failed = failed or step.well is False
    if failed:
        raise Permanent("a step failed; the certificate cannot be used so")


def _candidates(
    snapshot: Snapshot, partner: str, file: Path | None, now: datetime
) -> list[tuple[str, x509.Certificate]]:
    if file is not None:
        return [(file.name, chain_of(read_bundle(readable(file), name=file.name).certificates, name=file.name).leaf)]
    listed = snapshot.certificates[partner]
    found = {
        dated.file: dated.certificate
        for dated in (*listed.verify, *listed.encrypt)
        if now < dated.until and (dated.trial or now < dated.since)
    }
    if not found:
        text = f"partners/{partner}.yaml lists no certificate that is on trial or comes next"
        raise Refused("NOT-FOUND", f"{text}; name a file: gateway cert trial {partner} --file FILE")
    return list(found.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """A certificate that is tried: `practice` is its own key with the file it lies in, where we have it."""

    snapshot: Snapshot
    partner: str
    certificate: x509.Certificate
    practice: tuple[str, OwnKey] | None
    now: datetime

    def steps(self) -> Iterator[Step]:
        """Everything that can be tried here, in order; a step that makes the others vain is the last."""
        yield Step(f"its SHA-256 is {fingerprint(self.certificate)}; the partner must read out the same")
        try:
            fit = fitness(self.certificate, now=self.now)
        except Refused as refused:
            yield Step(refused.text, well=False)
            return
        can = [word for word, so in (("verify signatures", fit.verifies), ("be encrypted to", fit.encrypts)) if so]
        yield Step(f"it can {' and '.join(can)}")
        for remark in fit.remarks:
            yield Step(remark, well=None)
        known = self.snapshot.certificates.get(self.partner, PartnerCertificates())
        accepted = self.certificate in known.verifying(self.now)
        words = "accepted" if accepted else "not accepted"
        yield Step(f"signatures made with it are {words} now", well=accepted or None)
        endpoints = self.snapshot.partners[self.partner].endpoints
        found = {name: each for name, each in endpoints.items() if isinstance(each, As2Settings)}
        if not found:
            yield Step(f"partners/{self.partner}.yaml has no AS2 endpoint to try it with", well=None)
        for name, settings in found.items():
            yield from self._probe(name, settings, encrypts=fit.encrypts)

    def _probe(self, name: str, settings: As2Settings, *, encrypts: bool) -> Iterator[Step]:
        identity = identity_of(settings, self.snapshot)
        own = identity.signing(self.now) if identity and settings.sign != "none" else None
        if settings.sign != "none" and own is None:
            yield Step(f"{name}: no key of ours is in force to sign the probe with", well=False)
            return
        sealed = settings.encrypt != "none" and encrypts
        protection = Protection(
            key=own,
            digest=settings.digest,
            recipient=self.certificate if sealed else None,
            cipher=settings.cipher or "aes256-cbc",
            compress=settings.compression,
            padding=settings.padding,
            transport=settings.key_transport,
        )
        try:
            made = compose(PROBE, filename="probe.txt", content_type="text/plain", protection=protection, at=self.now)
        except GatewayError as error:
            yield Step(f"{name}: the probe cannot be made: {error}", well=False)
            return
        how = [f"signed ({settings.sign})" if own else "not signed"]
        how.append(f"encrypted to it ({settings.encrypt}, {settings.key_transport})" if sealed else "not encrypted")
        yield Step(f"{name}: a probe of {len(made.body)} bytes was made, {' and '.join(how)}")
        yield self._opened(name, made, own)

    def _opened(self, name: str, made: Composed, own: OwnKey | None) -> Step:
        if self.practice is None:
            text = f"only the partner can open it; no key in {PRACTICE_KEYS} belongs to the certificate"
            return Step(f"{name}: {text}", well=None)
        file, key = self.practice
        fields = {header.lower(): value for header, value in made.headers.items()}
        try:
            opened = open_message(
                Part(fields, made.body, made.body),
                keys=(key,),
                certificates=(own.certificate,) if own else (),
                limit=MOST_BYTES,
            )
        except Refused as refused:
            return Step(f"{name}: opening it with {file} failed: {refused}", well=False)
        same = opened.intact and opened.payload.decoded() == PROBE
        return Step(f"{name}: opened with {file}; the content is {'the same' if same else 'changed'}", well=same)


def _practice_key(root: Path, certificate: x509.Certificate) -> tuple[str, OwnKey] | None:
    for file in sorted((root / PRACTICE_KEYS).glob("*.key")):
        found = read_key(file)
        if found is not None and found.public_key() == certificate.public_key():
            name = shown_in(root, file)
            return name, OwnKey(Dated(certificate, ALWAYS_SINCE, ALWAYS_UNTIL, name), found)
    return None
