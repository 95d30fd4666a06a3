"""EDIFACT messages and directory archives for tests: built here by hand, in the layout the UN publishes."""

import io
import zipfile
from collections.abc import Mapping

from gateway.errors import Refused
from gateway.formats.edifact.interchange import Interchange, Message, read_interchanges

HEAD = "UNB+UNOC:3+3012345000017:14+3020000000012:14+261124:1200+77"
INVOIC_HEAD = (
    "BGM+380+F1+9",
    "DTM+137:20261124:102",
    "NAD+BY+3012345000017::9",
    "NAD+SU+3020000000012::9",
    "CUX+2:EUR:4",
)
INVOIC_LINE = ("LIN+1++4000862141404:EN", "QTY+47:2", "MOA+203:20", "PRI+AAA:10")
INVOIC_END = ("UNS+S", "MOA+77:24", "TAX+7+VAT+++:::20+S", "MOA+124:4", "MOA+125:20")
INVOIC = (*INVOIC_HEAD, *INVOIC_LINE, *INVOIC_END)


def interchange(*messages: tuple[str, tuple[str, ...]], head: str = HEAD) -> bytes:
    """An interchange of messages: what UNH says of each, and its segments without UNH and UNT."""
    lines = [head]
    for number, (type_, segments) in enumerate(messages, start=1):
        lines += [f"UNH+{number}+{type_}", *segments, f"UNT+{len(segments) + 2}+{number}"]
    lines.append(f"UNZ+{len(messages)}+77")
    return "".join(f"{line}'" for line in lines).encode("iso8859-1")


def parsed(data: bytes) -> tuple[Interchange, list[Message]]:
    """The first interchange and its messages."""
    found = next(read_interchanges(data, strict=False))
    assert not isinstance(found, Refused), found
    messages = [each for each in found.messages() if not isinstance(each, Refused)]
    return found, messages


DASHES = "-" * 70

OLD_EDED = f"""
{DASHES}

     1001  Document/message name, coded

     Desc: Document/message identifier expressed in code.

     Repr: an..3

     Note: Code list of the UN.

{DASHES}

+    1004  Document/message number

     Desc: Reference number assigned to the document/message by the
           issuer.

     Repr: an..35

{DASHES}

     5025  Monetary amount type qualifier

     Repr: an..3

{DASHES}

     5004  Monetary amount

     Repr: n..18
"""
OLD_EDCD = f"""
{DASHES}

       C002  DOCUMENT/MESSAGE NAME

       Desc: Identification of a type of document/message by code.

010    1001   Document/message name, coded                  C  an..3

{DASHES}

*      C516  MONETARY AMOUNT

       Desc: Amount of goods or services.

010    5025   Monetary amount type qualifier                M  an..3
020    5004   Monetary amount                               C  n..18
"""
OLD_EDSD = f"""
{DASHES}

      BGM   BEGINNING OF MESSAGE

      Function: To indicate the type and function of a message.

010   C002  DOCUMENT/MESSAGE NAME                           C
      1001   Document/message name, coded                   C  an..3

020   1004  DOCUMENT/MESSAGE NUMBER                         C  an..35

{DASHES}

      MOA   MONETARY AMOUNT

010   C516  MONETARY AMOUNT                                 M
      5025   Monetary amount type qualifier                 M  an..3
      5004   Monetary amount                                C  n..18
"""
OLD_UNCL = f"""
{DASHES}

     1001  Document/message name, coded

     380   Commercial invoice
              Document claiming payment for goods.

+    381   Credit note
              Document providing credit information.
"""
OLD_MESSAGE = """
                                  Message Type : INVOIC
                                  Version      : D
                                  Release      : 96A
                                  Contr. Agency: UN

4.3.1  Segment table

Pos    Tag Name                                     S   R

            HEADER SECTION

0010   UNH Message header                           M   1
0020   BGM Beginning of message                     M   1

0030       \xc4\xc4\xc4\xc4 Segment group 1  \xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4 C   99\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xbf
0040   MOA Monetary amount                          M   1               \xb3
                                                                        \xb3
0050       \xc4\xc4\xc4\xc4 Segment group 2  \xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4 C   5\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xbf\xb3
0060   BGM Beginning of message                     M   1\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xd9\xd9
0070   UNS Section control                          M   1
0080   UNT Message trailer                          M   1
"""

NEW_EDED = OLD_EDED.replace(
    "Document/message name, coded", "Document name code                                      [C]"
)
NEW_EDCD = f"""
{DASHES}

       C002 DOCUMENT/MESSAGE NAME

       Desc: Identification of a type of document/message by code or
             name. Code preferred.

010    1001 Document name code                        C      an..3

{DASHES}

  |    C516 MONETARY AMOUNT

010    5025 Monetary amount type code qualifier of an amount that is
            named at length                           M      an..3
020    5004 Monetary amount                           C      n..35
"""
NEW_EDSD = f"""
{DASHES}

       BGM  BEGINNING OF MESSAGE

       Function: To indicate the type and function of a message and to
                 transmit the identifying number.

010    C002 DOCUMENT/MESSAGE NAME                      C    1
020    1004 Document identifier                        C    1 an..35

{DASHES}

    X  MOA  MONETARY AMOUNT

010    C516 MONETARY AMOUNT                            M    3
"""
NEW_MESSAGE = """
                                          Message Type : INVOIC
                                          Version      : D
                                          Release      : 20B
                                          Contr. Agency: UN

Pos     Tag Name                                     S   R

            HEADER SECTION

00010   UNH Message header                           M   1     
00020 * BGM Beginning of message                     M   1     

00030       ---- Segment group 1  ------------------ M   99---------------+
00040   MOA Monetary amount                          M   1                |
                                                                          |
00050 +     ---- Segment group 2  ------------------ C   5---------------+|
00060   BGM Beginning of message                     M   1---------------++
00070   UNS Section control                          M   1     
00080   UNT Message trailer                          M   1     
"""  # noqa: W291  # as published

OLD = {
    "EDED.96A": OLD_EDED,
    "EDCD.96A": OLD_EDCD,
    "EDSD.96A": OLD_EDSD,
    "UNCL.96A": OLD_UNCL,
    "INVOIC_D.96A": OLD_MESSAGE,
}
NEW = {
    "EDED.20B": NEW_EDED,
    "EDCD.20B": NEW_EDCD,
    "EDSD.20B": NEW_EDSD,
    "UNCL.20B": OLD_UNCL,
    "INVOIC_D.20B": NEW_MESSAGE,
}


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """A zip of these files."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, bytes) else content.encode("latin-1"))
    return into.getvalue()


def published(files: Mapping[str, str]) -> bytes:
    """The files as the UN publishes them: each table in a zip of its own, all messages in one, and a note about them."""
    inner: dict[str, str | bytes] = {"readme.txt": "UN/EDIFACT directory"}
    for name, content in files.items():
        if not name.startswith("INVOIC"):
            inner[f"{name.partition('.')[0].lower()}.zip"] = zipped({name: content})
    inner["edmd.zip"] = zipped({name: content for name, content in files.items() if name.startswith("INVOIC")})
    return zipped(inner)
