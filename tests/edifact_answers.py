"""EDIFACT as a partner sends it: acknowledgements of what the gateway wrote, and orders."""

from gateway.testing import BUYER_GLN, SELLER_GLN


def interchange(*messages: str, reference: str = "501", asks: bool = False, count: int | None = None) -> bytes:
    """An interchange of the partner with these messages, each `TYPE:D:96A:UN|SEGMENTS'`."""
    lines = []
    for number, each in enumerate(messages, start=1):
        type_, _, body = each.partition("|")
        lines.append(f"UNH+{number}+{type_}'{body}UNT+{body.count(chr(39)) + 2}+{number}'")
    ask = "++++1" if asks else ""
    head = f"UNB+UNOC:3+{BUYER_GLN}:14+{SELLER_GLN}:14+261103:0930+{reference}{ask}'"
    return f"{head}{''.join(lines)}UNZ+{len(messages) if count is None else count}+{reference}'".encode()


def contrl(action: str, control: int = 1, *, more: str = "") -> str:
    """A CONTRL about the interchange with this control number."""
    return f"CONTRL:D:3:UN|UCI+{control}+{SELLER_GLN}:14+{BUYER_GLN}:14+{action}'{more}"


def orders(date: str = "20261103") -> str:
    """A purchase order."""
    return (
        f"ORDERS:D:96A:UN:EAN008|BGM+220+4500012345+9'DTM+137:{date}:102'NAD+BY+{BUYER_GLN}::9'NAD+SU+{SELLER_GLN}::9'"
        "CUX+2:EUR:9'LIN+1++3000000000014:EN'QTY+21:8'PRI+AAA:1.62'UNS+S'"
    )
