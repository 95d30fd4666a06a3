"""What we say about interchanges that were received: a CONTRL, by their directory and by how their messages are read."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from gateway.errors import Refused
from gateway.formats.acknowledgement import Verdict
from gateway.formats.base import Reading, Reply
from gateway.formats.edifact.contrl import write_contrl
from gateway.formats.edifact.directory_check import DirectoryProblem
from gateway.formats.edifact.directory_choice import problems
from gateway.formats.edifact.envelope import Header
from gateway.formats.edifact.interchange import Interchange, Message, first_header, read_interchanges
from gateway.formats.edifact.messages import ACKNOWLEDGEMENTS
from gateway.formats.edifact.options import EdifactOptions, declared
from gateway.formats.edifact.reading import read_message
from gateway.formats.edifact.syntax import CHARSETS, Segment
from gateway.formats.edifact.syntax_report import SyntaxReport, refusal, report

_KIND = "contrl"


def replies(data: bytes, reading: Reading) -> Iterator[Reply]:
    """For each interchange a CONTRL about the messages in it; for the first one that is refused as a whole, one of that."""
    options = reading.options if isinstance(reading.options, EdifactOptions) else EdifactOptions()
    interchanges = read_interchanges(
        data,
        strict=not options.lenient,
        max_messages=reading.max_documents,
        encoding=declared(options),
        unwrap=options.unwrap,
    )
    first = True
    for found in interchanges:
        if isinstance(found, Interchange):
            yield from _replies(found, reading, options)
        elif first:
            yield from _refusal(data, found, options)
        first = False


def _refusal(data: bytes, refused: Refused, options: EdifactOptions) -> Iterator[Reply]:
    header = first_header(data, unwrap=options.unwrap)
    if header is not None:
        asked, test = header.get(8) == "1", header.get(10) == "1"
        yield _reply(refusal(header, refused), header, options, asked=asked, test=test)


def _replies(interchange: Interchange, reading: Reading, options: EdifactOptions) -> Iterator[Reply]:
    def checked(message: Message) -> Sequence[DirectoryProblem] | Refused:
        found = problems(message, options, repetition=interchange.separators.repetition)
        if any(each.severity == "error" for each in found):
            return found
        read = read_message(message, reading, options, several=False)
        return read if isinstance(read, Refused) else found

    said = report(interchange, checked, without=frozenset(ACKNOWLEDGEMENTS))
    if said.messages:
        unb = Segment("UNB", ((interchange.syntax, interchange.version),), 1)
        yield _reply(said, unb, options, asked=interchange.acknowledge, test=interchange.test)


def _reply(said: SyntaxReport, unb: Segment, options: EdifactOptions, *, asked: bool, test: bool) -> Reply:
    """Back the way it came, in the character set it came in."""
    charset = unb.get(0) if unb.get(0) in CHARSETS else options.charset

    def write(control: int, at: datetime) -> bytes:
        header = Header(
            charset=charset,
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
        named=_KIND,
        asked=asked,
        sender=said.recipient,
        receiver=said.sender,
        interchange=said.reference,
        verdict=said.verdict if not said.code else Verdict.REJECTED,
        write=write,
    )
