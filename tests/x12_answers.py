"""Acknowledgements as a partner sends them, for interchanges that the gateway wrote."""

from gateway.testing import BUYER_GLN, SELLER_GLN


def interchange(*sets: str, sender: str = BUYER_GLN, receiver: str = SELLER_GLN, control: str = "000000501") -> bytes:
    """An interchange of one group with these transaction sets, without ST and SE: `("997", "AK1*…~AK9*…~")` as text."""
    lines = []
    for number, each in enumerate(sets, start=1):
        kind, _, body = each.partition("|")
        lines.append(f"ST*{kind}*{number:04}~{body}SE*{body.count('~') + 2}*{number:04}~")
    functional = "AG" if sets and sets[0].startswith("824") else "FA"
    return (
        f"ISA*00*          *00*          *07*{sender:<15}*07*{receiver:<15}*261103*0930*U*00401*{control}*0*P*>~"
        f"GS*{functional}*{sender}*{receiver}*20261103*0930*501*X*004010~"
        f"{''.join(lines)}GE*{len(sets)}*501~IEA*1*{control}~"
    ).encode()


def said(verdict: str, control: int | str, *, message: str = "0001", problems: str = "", group: str = "") -> str:
    """The body of a 997 about the invoice with this control number."""
    codes = "*5" if verdict == "R" else ""
    whole = group or verdict
    taken = 0 if verdict == "R" else 1
    return f"997|AK1*IN*{control}~AK2*810*{message}~{problems}AK5*{verdict}{codes}~AK9*{whole}*1*1*{taken}~"


def ta1(verdict: str, control: int, *, code: str = "000", own: str = "000000601") -> bytes:
    """An interchange with a TA1 about the interchange with this control number."""
    return (
        f"ISA*00*          *00*          *07*{BUYER_GLN:<15}*07*{SELLER_GLN:<15}*261103*0930*U*00401*{own}*0*P*>~"
        f"TA1*{control:09}*261103*0930*{verdict}*{code}~IEA*0*{own}~"
    ).encode()


def order(
    number: str = "4500012345", *, ask: bool = False, date: str = "20261103", control: str = "000000077"
) -> bytes:
    """A purchase order of the partner, or something like it when the date is none."""
    body = (
        f"BEG*00*SA*{number}**{date}~CUR*BY*EUR~N1*BY*Hypermarché*UL*{BUYER_GLN}~N1*SE*ACME*UL*{SELLER_GLN}~"
        "PO1*1*8*EA*1.62**EN*3000000000014~CTT*1~"
    )
    return (
        f"ISA*00*          *00*          *07*{BUYER_GLN:<15}*07*{SELLER_GLN:<15}*261103*0930*U*00401*{control}*"
        f"{'1' if ask else '0'}*P*>~GS*PO*{BUYER_GLN}*{SELLER_GLN}*20261103*0930*77*X*004010~"
        f"ST*850*0001~{body}SE*{body.count('~') + 2}*0001~GE*1*77~IEA*1*{control}~"
    ).encode()
