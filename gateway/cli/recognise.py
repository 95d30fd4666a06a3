"""The command that says what files are."""

from itertools import islice
from pathlib import Path

import click

from gateway.errors import Refused
from gateway.formats import FORMATS, recognise
from gateway.formats.base import Format, ReadAcknowledgement, ReadDocument, Reading
from gateway.formats.likeness import likeness

MOST_BYTES = 200 * 1024**2
MOST_TOLD = 20


@click.command("recognise")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def recognise_command(files: tuple[Path, ...]) -> None:
    """Say what each FILE is: its format, and the documents in it or what is wrong with them.

    Nothing is stored. Ends with 1 when one of the files is of no format that the gateway knows.
    """
    unknown = 0
    for file in files:
        if file.stat().st_size > MOST_BYTES:
            click.echo(f"{file}: larger than {MOST_BYTES} bytes, not looked at")
            unknown += 1
            continue
        data = file.read_bytes()
        name = recognise(data)
        if name is None:
            click.echo(f"{file}: of no format the gateway knows{_hint(data)}")
            unknown += 1
            continue
        click.echo(f"{file}: {name} ({FORMATS[name].title})")
        for line in _documents(FORMATS[name], data):
            click.echo(f"  {line}")
    if unknown:
        raise SystemExit(1)


def _hint(data: bytes) -> str:
    seems = likeness(data, expected="")
    if not data:
        return "; it is empty"
    return f"; it seems to be {seems}" if seems else "; text with a mapping, as CSV, is not told apart by its look"


def _documents(each: Format, data: bytes) -> list[str]:
    if each.read is None:
        return []
    if each.mapping == "required":
        return ["read with a mapping, which a partner's file names under sends"]
    try:
        found = list(islice(each.read(data, Reading()), MOST_TOLD + 1))
    except Refused as refused:
        return [f"cannot be read: {refused}"]
    lines = [_line(read) for read in found[:MOST_TOLD]]
    return [*lines, "and more"] if len(found) > MOST_TOLD else lines


def _line(read: ReadDocument | ReadAcknowledgement | Refused) -> str:
    if isinstance(read, Refused):
        return f"refused: {read}"
    if isinstance(read, ReadAcknowledgement):
        said = read.acknowledgement
        return f"{said.kind} about {said.level} {said.message or said.group or said.interchange}: {said.verdict}"
    return f"{read.kind.replace('-', ' ')} {read.number}"


COMMANDS = (recognise_command,)
