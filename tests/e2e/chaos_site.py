"""A site that sends files to another one and takes files from it, over two AS2 relations whose certificates change."""

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificate

from gateway.config.new_certificate import new_certificate
from gateway.message import Delivery, Message
from gateway.store import deliveries, documents, messages, work
from gateway.store.database import Tx
from tests.e2e.chaos_proxy import ChaosProxy
from tests.e2e.daemon import Daemon
from tests.e2e.once import every, incoming

RELATIONS = {
    "sync": "",
    "late": """
    mdn: {mode: async, timeout: 4s}
    encrypt: aes128-gcm
    key_transport: oaep-sha256
    padding: pss
    compress: after-signing
    chunked: true""",
}
"""The ways between two sites, with the settings in which they differ."""

DESK = """
name: The desk
endpoints:
  drop: {kind: folder, path: in, direction: in, stable_for: 100ms, every: 100ms, done: delete}
  inbox: {kind: folder, path: out, direction: out, retry: {first: 100ms, most: 1s}}
sends:
  - {over: drop, match: "sync-*", format: file, partner: sync}
  - {over: drop, match: "late-*", format: file, partner: late}
receives:
  file: {format: file, filename: "{id}-{name}", route: [inbox]}
"""
PEER = """
name: The other site
certificates:
  verify: [{verify}]
  encrypt: [{encrypt}]
endpoints:
  edi:
    kind: as2
    url: http://127.0.0.1:{port}/as2
    as2_id: {peer}-{relation}
    identity: {relation}
    timeout: 8s
    retry: {{first: 100ms, factor: 2, most: 2s, deadline: 12h}}{settings}
sends:
  - {{over: edi, format: file, partner: desk}}
receives:
  file: {{format: file, filename: "{{name}}", route: [edi]}}
"""
LATER = timedelta(days=50)


@dataclass(slots=True)
class Keys:
    """Our keys of one relation, by number: those listed, and the one that is listed and does not sign yet."""

    listed: list[int] = field(default_factory=list)
    waiting: int | None = None


@dataclass(slots=True)
class Known:
    """The keys of the other site whose signatures are accepted, and the one that is encrypted to."""

    verify: list[int] = field(default_factory=list)
    encrypt: int = 0


class Site(Daemon):
    """A site whose desk drops files into `in` and finds those of the other site in `out`; `proxy` stands before it.

    Files whose names begin with the name of a relation go that way. `certificates` are all it ever had. Every change of its files leaves them usable as a
    whole: it may be read, or killed, between any two.
    """

    def __init__(self, root: Path, rng: random.Random) -> None:
        super().__init__(root, {"desk": DESK}, organisation=root.name)
        self.name = root.name
        self.proxy = ChaosProxy(self.http, rng)
        self.keys = {relation: Keys() for relation in RELATIONS}
        self.known = {relation: Known() for relation in RELATIONS}
        self.certificates: dict[str, list[Certificate]] = {relation: [] for relation in RELATIONS}
        self._numbers = itertools.count(1)
        self._settings = (root / "gateway.toml").read_text()

    @contextmanager
    def met(self, other: "Site") -> Iterator[None]:
        """While it lasts the proxies run and each is the other's partner."""
        with self, other, self.proxy, other.proxy:
            for site in (self, other):
                for relation in RELATIONS:
                    site.keys[relation].listed = [site.new_key(relation)]
            for site, peer in ((self, other), (other, self)):
                site.show_keys()
                for relation in RELATIONS:
                    site.take_certificates(peer, relation)
            yield

    def new_key(self, relation: str) -> int:
        """Make the files of a new key; its number."""
        number = next(self._numbers)
        certificate, key = new_certificate(f"{self.name} {relation} {number}", days=400, now=datetime.now(UTC))
        self.write(f"certs/{relation}-{number}.pem", certificate)
        self.write(f"certs/{relation}-{number}.key", key)
        self.certificates[relation].append(load_pem_x509_certificate(certificate))
        return number

    def announce_key(self, relation: str) -> None:
        """List a new key, which decrypts and does not sign yet."""
        keys = self.keys[relation]
        keys.waiting = self.new_key(relation)
        keys.listed.append(keys.waiting)
        self.show_keys()

    def sign_with_newest(self, relation: str) -> None:
        """Sign with the new key."""
        self.keys[relation].waiting = None
        self.show_keys()

    def drop_old_keys(self, relation: str) -> None:
        """List no key but the newest."""
        keys = self.keys[relation]
        keys.listed = keys.listed[-1:]
        self.show_keys()

    def take_certificates(self, other: "Site", relation: str) -> None:
        """Accept the signatures of all keys that the other site lists, and of no others."""
        known = self.known[relation]
        known.verify = list(other.keys[relation].listed)
        for number in known.verify:
            source = other.root / f"certs/{relation}-{number}.pem"
            self.write(f"certs/peer-{relation}-{number}.pem", source.read_bytes())
        known.encrypt = known.encrypt or known.verify[-1]
        self.show_partner(other, relation)

    def delete_old_files(self) -> None:
        """Delete the files of keys and certificates that are not listed any more."""
        listed = {f"{relation}-{number}" for relation, keys in self.keys.items() for number in keys.listed}
        listed |= {f"peer-{relation}-{number}" for relation, known in self.known.items() for number in known.verify}
        for file in (self.root / "certs").iterdir():
            if file.stem not in listed:
                file.unlink()

    def encrypt_to_newest(self, other: "Site", relation: str) -> None:
        """Encrypt to the newest certificate of the other site."""
        self.known[relation].encrypt = self.known[relation].verify[-1]
        self.show_partner(other, relation)

    def show_keys(self) -> None:
        """Write gateway.toml."""
        lines = [self._settings, f'[listen]\npublic_url = "http://127.0.0.1:{self.proxy.port}"']
        for relation, keys in self.keys.items():
            lines.append(f'[identities.{relation}]\nas2_id = "{self.name}-{relation}"')
            for number in keys.listed:
                file = f"certs/{relation}-{number}"
                lines.append(
                    f'[[identities.{relation}.keys]]\ncertificate = "{file}.pem"\nkey = {{file = "{file}.key"}}'
                )
                if number == keys.waiting:
                    lines.append(f"from = {datetime.now(UTC) + LATER:%Y-%m-%d}")
        self._replace("gateway.toml", "\n".join(lines))

    def show_partner(self, other: "Site", relation: str) -> None:
        """Write the partner file of a relation."""
        known = self.known[relation]
        text = PEER.format(
            verify=", ".join(f"certs/peer-{relation}-{number}.pem" for number in known.verify),
            encrypt=f"certs/peer-{relation}-{known.encrypt}.pem",
            port=other.proxy.port,
            peer=other.name,
            relation=relation,
            settings=RELATIONS[relation],
        )
        self._replace(f"partners/{relation}.yaml", text)

    def _replace(self, path: str, text: str) -> None:
        new = self.root / f"{path}.new"
        new.write_text(text)
        new.rename(self.root / path)

    def drop_file(self, name: str, content: bytes) -> None:
        """Put a file into the watched folder, under its final name at once."""
        (self.root / "in" / f".{name}").write_bytes(content)
        (self.root / "in" / f".{name}").rename(self.root / "in" / name)

    def log_has(self, event: str) -> int:
        """How often the log tells of an event."""
        return (self.root / "log").read_text().count(f'"event":"{event}"')

    def errors(self) -> list[str]:
        """The lines of the log that tell of an error."""
        return [line for line in (self.root / "log").read_text().splitlines() if '"level":"error"' in line]

    def is_settled(self, total: int) -> bool:
        """True when so many files went out and came in, and nothing is left to do, to send or to answer."""
        with self.store() as tx:
            if documents.counts(tx) != {"released": 2 * total} or deliveries.queue(tx) or work.depth(tx):
                return False
            return all(each.answer_by is None for each in self.taken(tx))

    def taken(self, tx: Tx) -> list[Message]:
        """The AS2 messages it received."""
        return [each for each in incoming(tx) if each.channel == "as2"]

    def sent(self, tx: Tx) -> list[tuple[Message, Delivery]]:
        """The AS2 messages it sent, with their deliveries."""
        found = [each for each in every(deliveries.recent, tx) if each.partner in RELATIONS]
        return [(messages.get(tx, each.message_id), each) for each in found]
