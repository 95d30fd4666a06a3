"""What we say about interchanges that were received: a CONTRL, by how their messages are read."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from gateway.errors import Refused
from gateway.formats.base import Reading, Reply
from gateway.formats.edifact.contrl import write_contrl
from gateway.formats.edifact.directory_check import DirectoryProblem
from gateway.formats.edifact.envelope import Header
from gateway.formats.edifact.interchange import Interchange, Message, read_interchanges
from gateway.formats.edifact.lines import unwrapped
from gateway.formats.edifact.options import EdifactOptions
from gateway.formats.edifact.reading import ACKNOWLEDGEMENTS, read_message
from gateway.formats.edifact.syntax import CHARSETS, STANDARD, UNA_LENGTH, Segment, Separators, parse_segment, spans
from gateway.formats.edifact.syntax_report import SyntaxReport, refusal, report

_BOM = b"\xef\xbb\xbf"


def replies(data: bytes, reading: Reading) -> Iterator[Reply]:
    """A CONTRL for each interchange that holds more than acknowledgements, and for a first one that is refused."""
    options = reading.options if isinstance(reading.options, EdifactOptions) else EdifactOptions()
    first = True
    for found in read_interchanges(
        data,
        strict=not options.lenient,
        max_messages=reading.max_documents,
        encoding="" if options.encoding == "declared" else options.encoding,
        unwrap=options.unwrap,
    ):
        if isinstance(found, Interchange):
            said = report(found, lambda each: _wrong(each, reading), without=frozenset(ACKNOWLEDGEMENTS))
            if said.messages:
                yield _reply(said, options, syntax=found.syntax, asked=found.acknowledge, test=found.test)
        elif first:
            header = _header(data, unwrap=options.unwrap)
            asked, test = header.get(8) == "1", header.get(10) == "1"
            yield _reply(refusal(header, found), options, syntax=header.get(0), asked=asked, test=test)
        first = False


def _wrong(message: Message, reading: Reading) -> Sequence[DirectoryProblem] | Refused:
    read = read_message(message, reading, several=False)
    return read if isinstance(read, Refused) else ()


def _reply(said: SyntaxReport, options: EdifactOptions, *, syntax: str, asked: bool, test: bool) -> Reply:
    """Back the way it came, in the character set it came in."""

    def write(control: int, at: datetime) -> bytes:
        header = Header(
            charset=syntax if syntax in CHARSETS else options.charset,
            sender=said.recipient,
            recipient=said.sender,
            at=at,
            reference=str(control),
            test=test,
            una=options.una,
            line_breaks=options.line_breaks,
        )
        return write_contrl(header, said)

    return Reply(
        kind="CONTRL",
        named="contrl",
        asked=asked,
        sender=said.recipient,
        receiver=said.sender,
        interchange=said.reference,
        verdict=said.verdict,
        write=write,
    )


def _header(data: bytes, *, unwrap: bool) -> Segment:
    """UNB of the first interchange; raises `Refused`."""
    data = data.removeprefix(_BOM)
    data = (unwrapped(data) if unwrap else data).lstrip(b"\r\n \t")
    separators = STANDARD
    if data.startswith(b"UNA"):
        separators = Separators.parse(data[:UNA_LENGTH], "byte 1")
        data = data[UNA_LENGTH:].lstrip(b"\r\n \t")
    span = next(spans(data, 0, separators, 1), None)
    if span is None:
        raise Refused("EDI-UNB", "the interchange has no UNB that ends", place="byte 1")
    return parse_segment(data[span.start : span.end].decode("latin-1"), separators, span.number)
