"""Documents on their whole way through a daemon, from the ERP's folder to the customer, beside the work in them.

The supplier's daemon takes CSV files from a watched folder, reads each into an invoice, completes it from the customer's
order, checks it, writes it as EDIFACT, delivers it over AS2 (signed, compressed, encrypted) to a second daemon whose
signed MDN it verifies, and puts the same file into a folder. Each document is one file and two deliveries. The floor is
reading the CSV and writing the EDIFACT by the same code, and the cryptography of one AS2 message and its MDN by the
library alone: no store, no history, no files, no HTTP.

Run: `python benchmarks/end_to_end.py [--quick] [--documents 200] [--rounds 5]`, a round being that many documents. It
ends with 1 unless every document was delivered both ways, the AS2 one with a verified MDN and its bytes in the
customer's store.
"""

import os
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from rig import Daemon, Pair, Round, command_line, ended, floor_cost, heading, line, new_pair, running

from gateway.flow.examine import FileName, read_message, write
from gateway.formats.base import ReadDocument
from gateway.message import DeliveryState, Direction, DocumentKind, ReceiptOutcome
from gateway.store import deliveries, documents, messages, payloads, receipts

TOP = Path(__file__).parents[1]
SAMPLES = TOP / "partners/samples"
MAPPINGS = ("erp-csv.yaml", "hypermarche-invoic.yaml")
NUMBER = "FA-2026-0201"
"""The number of the sample invoice, replaced in every copy."""

ERP = """
name: ERP
endpoints:
  drop: {kind: folder, path: drop, direction: in, take: rename, every: 100ms, done: delete}
sends:
  - {match: "*.csv", format: csv, mapping: erp-csv}
"""
CUSTOMER = """
name: Customer
identifiers: {{gln: "3020000000012"}}
certificates: {{verify: certs/customer.pem}}
endpoints:
  main: {{kind: as2, url: "http://127.0.0.1:{port}/as2", as2_id: CUSTOMER}}
  copy: {{kind: folder, path: copy, direction: out}}
  orders: {{kind: folder, path: orders, direction: in, take: rename, every: 100ms}}
sends:
  - {{over: orders, format: ubl-order}}
receives:
  invoice:
    format: edifact
    mapping: hypermarche-invoic
    filename: "{{number}}.edi"
    enrichment: [{{kind: purchase-order}}]
    rules:
      - {{id: order-number, kind: require, terms: BT-13, severity: hold}}
      - {{id: lines-add-up, kind: sum, of: BT-131, equals: BT-106, severity: hold}}
      - {{id: once, kind: unique, severity: reject}}
    route: [main, copy]
"""
SUPPLIER = """
name: Supplier
endpoints:
  main: {kind: as2, url: "http://127.0.0.1/as2", as2_id: SUPPLIER}
certificates: {verify: certs/supplier.pem}
"""


def invoice(number: str) -> bytes:
    """The sample invoice under another number."""
    text = (SAMPLES / "hypermarche.csv").read_text()
    assert NUMBER in text
    return text.replace(NUMBER, number).encode()


def put(directory: Path, name: str, data: bytes) -> None:
    """Put a file into a watched folder, whole under its final name."""
    hidden = directory / f".{name}"
    hidden.write_bytes(data)
    hidden.rename(directory / name)


def floor(supplier: Daemon, own: Pair, customer: Pair) -> Callable[[], None]:
    """What one document takes at least, once a call."""
    snapshot = supplier.snapshot
    sends, way = snapshot.partners["erp"].sends[0], snapshot.partners["customer"].receives[DocumentKind.INVOICE]
    data, at = invoice("FLOOR-1"), datetime.now(UTC)
    padding, digest = PKCS1v15(), SHA256()
    public, mdn = customer.rsa.public_key(), os.urandom(600)
    answer = customer.rsa.sign(mdn, padding, digest)

    def work() -> None:
        (read,) = read_message(data, sends, snapshot)
        assert isinstance(read, ReadDocument)
        assert read.invoice is not None
        name = FileName(id="floor", received="floor.csv")
        output = write(way, read.invoice, snapshot, kind=read.kind, name=name, control=1, at=at)
        content = zlib.compress(output.data)
        own.rsa.sign(content, padding, digest)
        key = os.urandom(32)
        encryptor = Cipher(AES(key), CBC(os.urandom(16))).encryptor()
        encryptor.update(content + bytes(16 - len(content) % 16))
        encryptor.finalize()
        public.encrypt(key, padding)
        public.verify(answer, mdn, padding, digest)

    return work


def problems(supplier: Daemon, customer: Daemon, numbers: list[str]) -> list[str]:
    """What is wrong with what arrived, in words."""
    found = []
    with supplier.database.read() as tx, customer.database.read() as theirs:
        for number in numbers:
            kept = documents.matching(tx, number)
            sent = [each for document in kept for each in deliveries.of_document(tx, document.id)]
            if len(sent) != 2 or any(each.state is not DeliveryState.DELIVERED for each in sent):
                found.append(f"{number}: {[(each.endpoint, each.state, each.last_error) for each in sent]}")
                continue
            main = next(each for each in sent if each.endpoint == "main")
            message = messages.get(tx, main.message_id)
            outcomes = [each.outcome for each in receipts.of_delivery(tx, main.id)]
            there = messages.find(
                theirs, direction=Direction.IN, channel="as2", partner="supplier", peer_id=message.peer_id
            )
            if outcomes != [ReceiptOutcome.DELIVERED]:
                found.append(f"{number}: receipts {outcomes}")
            if there is None or sha256(payloads.get(theirs, there.payload)).hexdigest() != message.payload.sha256:
                found.append(f"{number}: the customer's store does not have it")
            file = supplier.root / "copy" / f"{number}.edi"
            if not file.exists() or sha256(file.read_bytes()).hexdigest() != message.payload.sha256:
                found.append(f"{number}: the folder does not have it")
    return found


def sites(directory: Path, own: Pair, theirs: Pair) -> tuple[Daemon, Daemon]:
    """The supplier and the customer."""
    customer = Daemon(
        directory / "customer",
        "CUSTOMER",
        theirs,
        {"certs/supplier.pem": own.certificate, "partners/supplier.yaml": SUPPLIER},
    )
    files: dict[str, bytes | str] = {
        "certs/customer.pem": theirs.certificate,
        "partners/erp.yaml": ERP,
        "partners/customer.yaml": CUSTOMER.format(port=customer.http),
    }
    files.update((f"mappings/{name}", (TOP / "mappings" / name).read_bytes()) for name in MAPPINGS)
    supplier = Daemon(directory / "supplier", "SUPPLIER", own, files)
    for name in ("drop", "copy", "orders"):
        (supplier.root / name).mkdir()
    return supplier, customer


def measure(supplier: Daemon, numbers: list[str], known: int, floor_cpu: float) -> Round:
    """Put invoices into the folder and wait until `known` documents are there and nothing is left to do."""
    spent, began = supplier.cpu(), time.monotonic()
    for each in numbers:
        put(supplier.root / "drop", f"{each}.csv", invoice(each))
    supplier.until(lambda: settled(supplier, known))
    seconds = time.monotonic() - began
    return Round(len(numbers), seconds, (supplier.cpu() - spent) / len(numbers), floor_cpu)


def settled(supplier: Daemon, known: int) -> bool:
    """True when that many documents are known and nothing is left to do."""
    with supplier.database.read() as tx:
        return sum(documents.counts(tx).values()) == known and supplier.idle()


def main() -> int:
    """Measure, print and verify."""
    parser = command_line(__doc__, rounds=5)
    parser.add_argument("--documents", type=int, default=200)
    given = parser.parse_args()
    count, rounds = (5, 2) if given.quick else (given.documents, given.rounds)
    own, theirs = new_pair("supplier"), new_pair("customer")
    numbers: list[str] = []
    measured: list[Round] = []
    print("end to end: CSV from a folder, completed, checked, as EDIFACT by AS2 with a verified MDN and into a folder")
    print(f"CPU time of the supplier's daemon and of the floor for one document; medians of {rounds}")
    print(heading("", "documents"), flush=True)
    with tempfile.TemporaryDirectory() as directory:
        supplier, customer = sites(Path(directory), own, theirs)
        with running(customer, supplier):
            put(supplier.root / "orders", "order.xml", (SAMPLES / "hypermarche-order.xml").read_bytes())
            supplier.until(lambda: settled(supplier, 1))
            work = floor(supplier, own, theirs)
            for number in range(rounds + 1):
                made = [f"B{number:03}-{each:06}" for each in range(count)]
                numbers += made
                cheapest = floor_cost(work, 0.02 if given.quick else 0.5)
                measured.append(measure(supplier, made, len(numbers) + 1, cheapest))
            customer.until(customer.idle)
            wrong = problems(supplier, customer, numbers)
    print(line("end to end", measured))
    arrived = len(numbers) - len({each.partition(":")[0] for each in wrong})
    return ended(f"{arrived} of {len(numbers)} documents arrived", wrong)


if __name__ == "__main__":
    sys.exit(main())
