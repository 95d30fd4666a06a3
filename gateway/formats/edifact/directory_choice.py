"""Which directory a message is checked by, and what becomes of what is found: the options `directory` and its severity."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.formats.edifact.directories import BUILT_IN
from gateway.formats.edifact.directories.tables import Directory, from_json
from gateway.formats.edifact.directory_check import DirectoryProblem, check
from gateway.formats.edifact.grammar import Grammar, built_in, compile_grammar
from gateway.formats.edifact.interchange import Message
from gateway.formats.edifact.options import DECLARED, NONE, EdifactOptions
from gateway.formats.edifact.syntax import Segment
from gateway.mapping.write import Segment as Composed

CODE = "EDI-GRAMMAR"
MOST_PROBLEMS = 50
"""Most problems of one message that are told."""
_RELEASES = {directory.release: name for name, directory in BUILT_IN.items()}
_FIX = "ask the sender to write the message as its directory says; `directory_severity: refuse` refuses such messages"


def grammar_of(choice: str, type_: Sequence[str]) -> Grammar | None:
    """The grammar for a message of this type (S009); None when it is not to be checked, or the directory lacks it.

    `choice` is the option: `none`, `declared`, the name of a directory that comes with the gateway, or the file of an
    imported one. Raises `Refused` (EDI-DIRECTORY) when that cannot be read.
    """
    if choice == NONE or not type_:
        return None
    if choice == DECLARED:
        choice = _RELEASES.get(".".join(type_[1:3]), "")
    if choice in BUILT_IN or not choice:
        return built_in(choice, type_[0])
    path = Path(choice)
    try:
        return _imported(path, path.stat().st_mtime_ns, type_[0])
    except OSError as error:
        text = f"the directory {path.stem} cannot be read ({error.strerror}); import it with `gateway directory import`"
        raise Refused("EDI-DIRECTORY", text) from None


@lru_cache(maxsize=64)
def _imported(path: Path, stamp: int, type_: str) -> Grammar | None:
    return compile_grammar(_tables(path, stamp), type_)


@lru_cache(maxsize=4)
def _tables(path: Path, stamp: int) -> Directory:
    del stamp  # the file as it is now
    return from_json(path.read_bytes(), path.stem)


def problems(message: Message, options: EdifactOptions, *, repetition: str = " ") -> tuple[DirectoryProblem, ...]:
    """What is wrong with a message by the directory of the options, at most `MOST_PROBLEMS`; nothing when there is none."""
    grammar = grammar_of(options.directory, message.type)
    if grammar is None:
        return ()
    found = []
    for each in check(message, grammar, repetition=repetition):
        found.append(each)
        if len(found) == MOST_PROBLEMS:
            break
    return tuple(found)


def refuse_read(message: Message, found: Sequence[DirectoryProblem], options: EdifactOptions) -> None:
    """Raises `Refused` (EDI-GRAMMAR) for a message with errors, when the options want that."""
    errors = [each for each in found if each.severity == "error"]
    if errors and options.directory_severity == "refuse":
        named = f"{message.type[0]} {message.reference[:40]}"
        text = f"{named} is not as its directory says: " + _told(errors, found)
        raise Refused(CODE, text, place=f"segment {errors[0].number}")


def findings(found: Sequence[DirectoryProblem]) -> tuple[Finding, ...]:
    """The same as warnings of a document that was read."""
    return tuple(
        Finding(
            rule=CODE,
            severity=Severity.WARN,
            text=each.text,
            found=each.found,
            expected=each.expected,
            place=each.place,
            fix=_FIX,
            owner="partner",
            level="syntax",
        )
        for each in found
    )


def refuse_written(type_: Sequence[str], segments: Sequence[Composed], options: EdifactOptions) -> None:
    """Raises `Refused` (EDI-GRAMMAR) for a message of ours with errors; each is told with the term it came from."""
    if grammar_of(options.directory, type_) is None:
        return
    head = Segment("UNH", (("1",), tuple(type_)), 2)
    body = [
        Segment(each.tag, tuple(tuple(cell.text for cell in element) for element in each.elements), number)
        for number, each in enumerate(segments, start=3)
    ]
    trailer = Segment("UNT", ((str(len(body) + 2),), ("1",)), len(body) + 3)
    message = Message(reference="1", type=tuple(type_), segments=(head, *body, trailer))
    found = problems(message, options)
    errors = [each for each in found if each.severity == "error"]
    if errors:
        text = f"{type_[0]} would not be as its directory says: " + _told(errors, found, segments)
        raise Refused(CODE, text, place=errors[0].place)


def _told(
    errors: Sequence[DirectoryProblem], found: Sequence[DirectoryProblem], segments: Sequence[Composed] = ()
) -> str:
    texts = [f"{each.place}: {each.text}{_term(each, segments)}" for each in errors]
    return "; ".join([*texts, "and more"] if len(found) == MOST_PROBLEMS else texts)


def _term(problem: DirectoryProblem, segments: Sequence[Composed]) -> str:
    index = problem.position - 2
    if problem.element is None or not 0 <= index < len(segments):
        return ""
    elements = segments[index].elements
    cells = elements[problem.element - 1] if problem.element <= len(elements) else ()
    at = (problem.component or 1) - 1
    term = cells[at].term if at < len(cells) else ""
    return f" (from {term})" if term else ""
