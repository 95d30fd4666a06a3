"""What formats have in common: how documents are read from bytes and written to bytes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gateway.config.catalogue import CompiledMapping
from gateway.config.model import FormatOptions
from gateway.errors import Refused
from gateway.finding import Finding
from gateway.formats.acknowledgement import Acknowledgement, Verdict
from gateway.invoice import Identifier, Invoice
from gateway.mapping.write import Origin
from gateway.message import DocumentKind
from gateway.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """A document read from a message. `places` says where in the source a value stood, by term (`BG-25[2]/BT-131`).

    `source` holds the document's own bytes when the message holds several and they can be told apart. `warnings` are
    what reading let pass, of severity `warn`. `origins` says which entry of a mapping read a term.
    """

    kind: DocumentKind
    number: str
    invoice: Invoice | None = None
    order: Order | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    source: bytes | None = None
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAcknowledgement:
    """What a message says about one that was sent; `source` as of a document.

    One that says `only_received` does not speak of the content when it accepts.
    """

    acknowledgement: Acknowledgement
    source: bytes | None = None
    only_received: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to read: the mapping (for formats that need one), the format's options, and the limits that hold."""

    mapping: CompiledMapping | None = None
    options: FormatOptions = field(default_factory=FormatOptions)
    max_documents: int = 10_000
    max_depth: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How to write: mapping and options of the partner, who speaks to whom, and the numbers that are given once.

    `control` is the interchange control number; `at` the time of writing (aware UTC), frozen in tests.
    """

    sender: Identifier
    receiver: Identifier
    control: int
    at: datetime
    mapping: CompiledMapping | None = None
    options: FormatOptions = field(default_factory=FormatOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An acknowledgement to be sent for an interchange that was received.

    `sender` and `receiver` are those of the acknowledgement, `interchange` is the control number of what it is about.
    `asked` says that the sender asked for it; `named` is what the partner's file says to have it sent without being asked
    (empty: there is no such word). `write` makes the bytes with the control number given, at that time.
    """

    kind: str
    named: str
    asked: bool
    sender: Identifier
    receiver: Identifier
    interchange: str
    verdict: Verdict
    write: Callable[[int, datetime], bytes]


Read = Callable[[bytes, Reading], Iterator[ReadDocument | ReadAcknowledgement | Refused]]
"""Yields each document or acknowledgement, or a `Refused` in place of one that cannot be read; raises `Refused` when
nothing can be.
"""

Replies = Callable[[bytes, Reading], Iterator[Reply]]
"""Yields what can be said about each interchange of a file, by how its messages are read; never about acknowledgements."""

Write = Callable[[Invoice, Writing], bytes]
"""The document as bytes; raises `Refused` when the invoice lacks what the format cannot do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format: `numbered` ones carry an interchange control number, so they are written where it is allocated.

    `acknowledged` is the name of the functional acknowledgement that its interchanges are answered with, empty when
    there is none; `replies` makes ours.
    """

    name: str
    title: str
    media_type: str
    extension: str
    recognise: Callable[[bytes], bool]
    read: Read | None = None
    write: Write | None = None
    mapping: Literal["none", "optional", "required"] = "none"
    options: type[FormatOptions] = FormatOptions
    numbered: bool = False
    acknowledged: str = ""
    replies: Replies | None = None
