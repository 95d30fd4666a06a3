"""What happens in the demo: both daemons start, an order and twenty invoices go in, and all of them are settled."""

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from gateway.app import open_database
from gateway.cli.demo.documents import ORDER, Handed, as_csv, as_ubl, invoices
from gateway.cli.new_site import site_template
from gateway.cli.output import progress
from gateway.cli.site import Site
from gateway.cli.status import ask_daemon
from gateway.errors import Permanent
from gateway.message import DeliveryState, Document, Processing
from gateway.store import deliveries, documents, orders
from gateway.store.database import Tx

SECONDS = 60.0
LOG = "var/daemon.log"
SETTLED = {Processing.HELD, Processing.REJECTED, Processing.PARKED, Processing.DUPLICATE}
UNDER_WAY = {DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.HANDED_OVER}


def play(supplier: Path, customer: Path, *, now: datetime, say: Callable[[str], None]) -> tuple[Handed, ...]:
    """Run both daemons until everything is settled, and stop them; the invoices that were handed in.

    Raises `Permanent` when a daemon does not start, or things do not settle in a minute.
    """
    with daemon(customer), daemon(supplier):
        say("two daemons run: the supplier, and Hypermarché Centrale with keys of its own")
        _send_order(customer, now)
        _until(supplier, lambda tx: bool(orders.find(tx, "hypermarche", ORDER)), what="the order to come over AS2")
        say(f"order {ORDER} came from the customer over AS2; invoices will be completed from it")
        handed = invoices(now)
        _hand_in(supplier, handed, now)
        say(f"{len(handed)} invoices handed in by the ERP: CSV and UBL, by folder and API")
        with progress("settling", total=len(handed)) as shown:

            def settled(tx: Tx) -> bool:
                done = _settled(tx)
                shown(done)
                return done == len(handed)

            _until(supplier, settled, what="the invoices to be delivered or held")
        delivered = sum(each.held_by is None and each.invoice.buyer.name == "Hypermarché Centrale" for each in handed)
        inbox = customer / "var/accounting/inbox"
        _until(customer, lambda _tx: len(arrived(inbox)) >= delivered, what="the customer to file what it received")
    say("both daemons stopped")
    return handed


def arrived(inbox: Path) -> list[Path]:
    """The files the customer filed."""
    return sorted(path for path in inbox.iterdir() if not path.name.startswith("."))


@contextmanager
def daemon(root: Path) -> Iterator[None]:
    """A daemon for the site, ready; stopped in order at the end, and killed when it does not stop."""
    log = root / LOG
    with log.open("ab") as written:
        process = subprocess.Popen(  # noqa: S603  # our own program, for a site that was just made
            [sys.executable, "-m", "gateway", "--site", str(root), "run"], stdout=written, stderr=written
        )
    try:
        _wait(lambda: _is_ready(root, process), what=f"the daemon of {root} to be ready (its log: {log})")
        yield
        process.send_signal(signal.SIGTERM)
        if process.wait(SECONDS) != 0:
            raise Permanent(f"the daemon of {root} ended with {process.returncode}; its log: {log}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _is_ready(root: Path, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise Permanent(f"the daemon of {root} ended at once with {process.returncode}; its log: {root / LOG}")
    return ask_daemon(Site(str(root)).snapshot.settings.listen.monitoring).ready


def _wait(true: Callable[[], bool], *, what: str) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        if time.monotonic() > end:
            raise Permanent(f"waited {SECONDS:.0f} seconds for {what}, in vain")
        time.sleep(0.1)


def _until(root: Path, true: Callable[[Tx], bool], *, what: str) -> None:
    database = open_database(Site(str(root)).snapshot.settings, root)

    def look() -> bool:
        with database.read() as tx:
            return true(tx)

    try:
        _wait(look, what=f"{what} (log: {root / LOG})")
    finally:
        database.close()


def _settled(tx: Tx) -> int:
    return sum(_is_settled(tx, each) for each in documents.recent(tx, limit=1000) if each.sender == "erp")


def _is_settled(tx: Tx, document: Document) -> bool:
    if document.state is not Processing.RELEASED:
        return document.state in SETTLED
    sent = deliveries.of_document(tx, document.id)
    return bool(sent) and not any(each.state in UNDER_WAY for each in sent)


def _send_order(customer: Path, now: datetime) -> None:
    sample = (site_template() / "partners/samples/hypermarche-order.xml").read_text(encoding="utf-8")
    ordered = f"<cbc:IssueDate>{now.date() - timedelta(days=7)}</cbc:IssueDate>"
    order = re.sub("<cbc:IssueDate>.*?</cbc:IssueDate>", ordered, sample)
    _drop(customer / "var/purchasing/orders", f"order-{ORDER}.xml", order.encode())


def _hand_in(supplier: Path, handed: Sequence[Handed], now: datetime) -> None:
    drop = supplier / "var/erp/out"
    many = [each.invoice for each in handed if (each.format, each.by) == ("csv", "folder")]
    _drop(drop, "invoices.csv", as_csv(many))
    for each in handed:
        name = f"{each.invoice.number}.{'xml' if each.format == 'ubl' else 'csv'}"
        data = as_ubl(each.invoice, now) if each.format == "ubl" else as_csv([each.invoice])
        if each.by == "api":
            _post(supplier, name, data)
        elif each.format == "ubl":
            _drop(drop, name, data)


def _drop(folder: Path, name: str, data: bytes) -> None:
    """Under its final name only when it is whole, as every writer into a watched folder should."""
    hidden = folder / f".{name}"
    hidden.write_bytes(data)
    hidden.rename(folder / name)


def _post(supplier: Path, name: str, data: bytes) -> None:
    listening = Site(str(supplier)).snapshot.settings.listen.http
    request = urllib.request.Request(
        f"http://{listening.address}:{listening.port}/api/documents?filename={name}",
        data=data,
        headers={
            "Authorization": f"Bearer {(supplier / 'var/secrets/erp-api.token').read_text().strip()}",
            "Content-Type": "application/octet-stream",
            "Idempotency-Key": name,
        },
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        if answer.status != HTTPStatus.ACCEPTED:
            raise Permanent(f"the API answered {answer.status} to {name}: {answer.read(1000)!r}")
