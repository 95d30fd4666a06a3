"""What we say about interchanges that were received: a CONTRL, by their directory and by how their messages are read."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.errors import Refused
from gateway.formats.base import Reading, Reply
from gateway.formats.edifact.contrl import write_contrl
from gateway.formats.edifact.directory_check import DirectoryProblem
from gateway.formats.edifact.directory_choice import problems
from gateway.formats.edifact.envelope import Header
from gateway.formats.edifact.interchange import Interchange, Message, first_header, read_interchanges
from gateway.formats.edifact.messages import ACKNOWLEDGEMENTS
from gateway.formats.edifact.options import EdifactOptions, declared
from gateway.formats.edifact.reading import read_message
from gateway.formats.edifact.syntax import CHARSETS
from gateway.formats.edifact.syntax_report import SyntaxReport, refusal, report


def replies(data: bytes, reading: Reading) -> Iterator[Reply]:
    """A CONTRL for each interchange that holds more than acknowledgements, and for a first one that is refused."""
    options = reading.options if isinstance(reading.options, EdifactOptions) else EdifactOptions()
    first = True
    for found in read_interchanges(
        data,
        strict=not options.lenient,
        max_messages=reading.max_documents,
        encoding=declared(options),
        unwrap=options.unwrap,
    ):
        if isinstance(found, Interchange):
            said = report(found, _Checked(found, reading, options), without=frozenset(ACKNOWLEDGEMENTS))
            if said.messages:
                yield _reply(said, options, syntax=found.syntax, asked=found.acknowledge, test=found.test)
        elif first:
            header = first_header(data, unwrap=options.unwrap)
            if header is not None:
                asked, test = header.get(8) == "1", header.get(10) == "1"
                yield _reply(refusal(header, found), options, syntax=header.get(0), asked=asked, test=test)
        first = False


class _Checked:
    """What is wrong with a message: by its directory, when the options name one, or else by how it is read."""

    def __init__(self, interchange: Interchange, reading: Reading, options: EdifactOptions) -> None:
        self._repetition = interchange.separators.repetition
        self._reading = reading
        self._options = options

    def __call__(self, message: Message) -> Sequence[DirectoryProblem] | Refused:
        try:
            found = problems(message, self._options, repetition=self._repetition)
        except Refused as refused:
            return refused
        if self._options.directory_severity == "warn":  # it is taken, so it is not rejected
            found = tuple(replace(each, severity="warning") for each in found)
        elif any(each.severity == "error" for each in found):
            return found
        read = read_message(message, self._reading, several=False, repetition=self._repetition)
        return read if isinstance(read, Refused) else found


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
