"""The two sites of the demo: the sample site as the supplier, and a customer with keys and an address of its own."""

import shutil
import socket
from datetime import datetime
from pathlib import Path

from gateway.cli.new_site import Making, complete_site, make_site
from gateway.config.load import PROCESS
from gateway.errors import Permanent

MARK = "made-by-gateway-demo"
CUSTOMER = {
    "gateway.toml": """\
# Hypermarché Centrale, as the demo plays it: it orders, and files the invoices that come.
[organisation]
name = "Hypermarché Centrale"

[organisation.identifiers]
gln = "3020000000012"

[identities.hypermarche]
as2_id = "HYPERMARCHE"

[[identities.hypermarche.keys]]
certificate = "certs/own/2026.pem"
key = {{ file = "certs/own/2026.key" }}

[listen.http]
port = {customer_http}

[listen.monitoring]
port = {customer_monitoring}
""",
    "partners/acme.yaml": """\
name: ACME France SAS
certificates:
  verify: certs/acme.pem
endpoints:
  main:
    kind: as2
    url: http://127.0.0.1:{supplier_http}/as2
    as2_id: ACME-FRANCE
sends:
  - format: file
    partner: accounting
receives:
  file:
    format: file
    filename: "{{name}}"
    route: [main]
""",
    "partners/accounting.yaml": """\
name: Accounting of Hypermarché Centrale
endpoints:
  inbox:
    kind: folder
    path: var/accounting/inbox
    direction: out
receives:
  file:
    format: file
    filename: "{{name}}"
    route: [inbox]
""",
    "partners/purchasing.yaml": """\
name: Purchasing of Hypermarché Centrale
endpoints:
  orders:
    kind: folder
    path: var/purchasing/orders
    direction: in
    take: rename
sends:
  - format: file
    partner: acme
""",
}


def make_sites(directory: Path, *, now: datetime) -> tuple[Path, Path]:
    """Make the supplier's and the customer's site below `directory`; a demo that was there before is replaced.

    Raises `Permanent` when the directory holds something else.
    """
    _clear(directory)
    supplier, customer = directory / "supplier", directory / "customer"
    names = ("supplier_http", "supplier_monitoring", "customer_http", "customer_monitoring")
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    making = Making(customer)
    for name, text in CUSTOMER.items():
        making.file(customer / name, text.format(**ports).encode())
    complete_site(making, now=now)
    # each side has the other's certificate and nobody has the other's key
    _copy(customer / "certs/own/2026.pem", supplier / "certs/hypermarche/2026.pem")
    make_site(supplier, now=now)
    _copy(supplier / "certs/own/2026.pem", customer / "certs/acme.pem")
    _change(
        supplier / PROCESS,
        ("port = 8080", f"port = {ports['supplier_http']}"),
        ("port = 9464", f"port = {ports['supplier_monitoring']}"),
    )
    _change(
        supplier / "partners/hypermarche.yaml",
        ("https://as2.hypermarche.example/as2", f"http://127.0.0.1:{ports['customer_http']}/as2"),
    )
    return supplier, customer


def _clear(directory: Path) -> None:
    if (directory / MARK).is_file():
        shutil.rmtree(directory)
    elif directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Permanent(f"{directory} holds something that is no demo; name a directory that is empty or new")
    directory.mkdir(parents=True)
    (directory / MARK).write_text("The next `gateway demo` here replaces this directory.\n")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _change(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for before, after in changes:
        if before not in text:
            raise Permanent(f"{file} does not say '{before}'; the sample site of this installation was changed")
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")
