"""Reads interchanges: every message by its type, each on its own, so that a bad one never sinks its neighbours."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway.errors import Refused
from gateway.formats.base import ReadAcknowledgement, ReadDocument, Reading
from gateway.formats.edifact.contrl import only_received
from gateway.formats.edifact.directory_choice import findings, problems, refuse_read
from gateway.formats.edifact.interchange import Interchange, Message, read_interchanges
from gateway.formats.edifact.messages import ACKNOWLEDGEMENTS, READERS, named
from gateway.formats.edifact.options import EdifactOptions, declared
from gateway.formats.edifact.packages import attached

_Found = ReadDocument | ReadAcknowledgement | Refused


def read(data: bytes, reading: Reading) -> Iterator[_Found]:
    """Each invoice, order and acknowledgement of each interchange, or a `Refused` in place of what cannot be read.

    An interchange whose envelope is wrong is one `Refused` (EDI-…); so is a message of a type nothing reads (EDI-TYPE),
    with wrong values (MAP-VALUE, EDI-VALUES) or, if the options say so, against its directory (EDI-GRAMMAR). Raises
    `Refused` when nothing in the file is an interchange.
    """
    options = reading.options if isinstance(reading.options, EdifactOptions) else EdifactOptions()
    interchanges = read_interchanges(
        data,
        strict=not options.lenient,
        max_messages=reading.max_documents,
        encoding=declared(options),
        unwrap=options.unwrap,
    )
    left = reading.max_documents
    found = next(interchanges, None)
    several = False
    while found is not None:
        following = _following(interchanges)
        several = several or following is not None or (isinstance(found, Interchange) and found.count > 1)
        for document in _noted(found, _documents(found, reading, several=several)):
            left -= 1
            if left < 0:
                text = f"there are more than {reading.max_documents} messages in the file; send it in parts"
                yield Refused("EDI-TOO-MANY", text)
                return
            yield document
        found = following


def _following(interchanges: Iterator[Interchange | Refused]) -> Interchange | Refused | None:
    """The next interchange; what follows and is none is refused without the ones before it."""
    try:
        return next(interchanges, None)
    except Refused as refused:
        return refused


def _noted(interchange: Interchange | Refused, documents: Iterable[_Found]) -> Iterable[_Found]:
    """The same, with what reading let pass, and with the objects of the interchange that they refer to."""
    if isinstance(interchange, Refused) or not (interchange.packages or interchange.warnings):
        return documents
    found = [
        replace(each, warnings=(*each.warnings, *interchange.warnings)) if isinstance(each, ReadDocument) else each
        for each in documents
    ]
    read = [each for each in found if isinstance(each, ReadDocument)]
    complete = iter(attached(interchange.data, interchange.packages, read))
    return [next(complete) if isinstance(each, ReadDocument) else each for each in found]


def _documents(interchange: Interchange | Refused, reading: Reading, *, several: bool) -> Iterator[_Found]:
    if isinstance(interchange, Refused):
        yield interchange
        return
    if not interchange.count:
        text = f"the interchange {interchange.reference[:40]} has no messages"
        yield Refused("EDI-EMPTY", text)
    for message in interchange.messages():
        if isinstance(message, Refused):
            yield message
        elif message.type and message.type[0] in ACKNOWLEDGEMENTS:
            yield from _acknowledgements(message, interchange, several=several)
        else:
            yield read_message(message, reading, several=several, repetition=interchange.separators.repetition)


def _acknowledgements(message: Message, interchange: Interchange, *, several: bool) -> Iterator[_Found]:
    source = message.source if several else None
    received = message.type[0] == "CONTRL" and only_received(message)
    try:
        for each in ACKNOWLEDGEMENTS[message.type[0]](message, interchange):
            yield ReadAcknowledgement(acknowledgement=each, source=source, only_received=received)
    except Refused as refused:
        yield refused


def read_message(message: Message, reading: Reading, *, several: bool, repetition: str = " ") -> ReadDocument | Refused:
    """The document of a message, or a `Refused` when its type is not read or something in it is wrong.

    What its directory says against it is among the warnings, or refuses it, as the options want.
    """
    type_ = message.type[0] if message.type else ""
    reader = READERS.get(type_)
    if reader is None:
        text = f"message {message.reference[:40]} is {named(message)}; {' and '.join(READERS)} are read here"
        return Refused("EDI-TYPE", text, place=f"segment {message.segments[0].number}")
    options = reading.options if isinstance(reading.options, EdifactOptions) else EdifactOptions()
    try:
        found = problems(message, options, repetition=repetition)
        refuse_read(message, found, options)
        document = reader(message, reading, message.source if several else None)
    except Refused as refused:
        return refused
    return replace(document, warnings=(*document.warnings, *findings(found))) if found else document
