"""A small site with files of its own, and the command run on it in this process."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.new_site import Making, complete_site
from gateway.formats.json import invoice_to_json, order_to_json
from gateway.testing import sample, sample_order

SHOP_GLN = "3020000000012"

TOML = """\
[organisation]
name = "ACME France SAS"
[listen.monitoring]
port = {port}
"""
IDENTITY = """
[identities.acme]
as2_id = "ACME"
[[identities.acme.keys]]
certificate = "certs/own/2026.pem"
key = { file = "certs/own/2026.key" }
"""
ERP = """\
name: ERP
endpoints:
  drop:
    kind: folder
    path: in
    direction: in
  other:
    kind: folder
    path: other
    direction: in
sends:
  - match: "*.json"
    format: json
"""
SHOP = f"""\
name: Hypermarché SA
identifiers:
  gln: "{SHOP_GLN}"
endpoints:
  inbox:
    kind: folder
    path: out
    direction: out
receives:
  invoice:
    format: ubl
    rules:
      - id: order-number
        kind: require
        terms: BT-13
      - id: delivery-place
        kind: require
        terms: BT-71
        severity: warn
    route: [inbox]
"""

SHOP_TESTS = """\
tests:
  - name: an invoice leaves
    given: {file: samples/invoice.json, from: erp}
    expect: {state: released, findings: []}
  - name: an invoice without order and place waits
    given: {file: samples/bare.json, from: erp}
    expect: {state: held, findings: [order-number, delivery-place]}
"""


def small_site(root: Path, *, port: int = 0) -> Path:
    """A site of two partners, `erp` and `shop`, with an invoice and an order in samples/."""
    for directory in ("partners", "mappings", "samples", "in", "other", "out"):
        (root / directory).mkdir(parents=True)
    (root / "gateway.toml").write_text(TOML.format(port=port), encoding="utf-8")
    (root / "partners" / "erp.yaml").write_text(ERP, encoding="utf-8")
    (root / "partners" / "shop.yaml").write_text(SHOP, encoding="utf-8")
    (root / "partners" / "shop.test.yaml").write_text(SHOP_TESTS, encoding="utf-8")
    bare = replace(sample("F-1003", buyer_gln=SHOP_GLN, order=None), delivery=None)
    (root / "samples" / "bare.json").write_bytes(invoice_to_json(bare))
    (root / "samples" / "invoice.json").write_bytes(invoice_to_json(sample(buyer_gln=SHOP_GLN)))
    (root / "samples" / "no-order.json").write_bytes(invoice_to_json(sample("F-1002", buyer_gln=SHOP_GLN, order=None)))
    (root / "samples" / "order.json").write_bytes(order_to_json(sample_order(buyer_gln=SHOP_GLN)))
    return root


def with_as2(root: Path, url: str) -> None:
    """Give the shop an AS2 endpoint at an address of this machine, with the keys and certificates it needs."""
    process, partner = root / "gateway.toml", root / "partners" / "shop.yaml"
    process.write_text(process.read_text(encoding="utf-8") + IDENTITY, encoding="utf-8")
    text = partner.read_text(encoding="utf-8") + "certificates: {verify: certs/shop/2026.pem}\n"
    endpoint = f"endpoints:\n  main: {{kind: as2, as2_id: SHOP, url: '{url}'}}\n"
    partner.write_text(text.replace("endpoints:\n", endpoint), encoding="utf-8")
    complete_site(Making(root), now=datetime.now(UTC))


def run(root: Path, *arguments: str) -> Result:
    """Run `gateway --site ROOT ARGUMENTS`; an exception that reached the user is raised."""
    return CliRunner().invoke(main, ["--site", str(root), *arguments], catch_exceptions=False)
