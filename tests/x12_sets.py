"""An interchange of X12 in its parts, to be put together rightly and wrongly."""

ISA = "ISA*00*          *00*          *ZZ*SENDER         *01*123456789      *261103*0930*U*00401*000000007*1*T*>~"
GS = "GS*IN*APP*THEIRS*20261103*0930*7*X*004010~"


def transaction(control: str = "0001", body: str = "BIG*20261103*F-1~TDS*100~", segments: int | None = None) -> str:
    """A transaction set 810."""
    return f"ST*810*{control}~{body}SE*{segments or body.count('~') + 2}*{control}~"


GE, IEA = "GE*1*7~", "IEA*1*000000007~"
GOOD = ISA + GS + transaction() + GE + IEA
