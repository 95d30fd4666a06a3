"""`gateway evidence`: the proof of what was sent and received, as files for others to check."""

from pathlib import Path

import click

from gateway.cli.documents import find_document
from gateway.cli.site import Site, pass_site
from gateway.errors import Refused
from gateway.flow.evidence import of_messages
from gateway.message import Message
from gateway.store import deliveries, messages
from gateway.store.database import NotFound, Tx


@click.command()
@click.argument("id_or_number", metavar="ID")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the files, new or empty; `evidence-ID` by default.",
)
@pass_site
def evidence(site: Site, id_or_number: str, out: Path | None) -> None:
    """Write the evidence of a document (by id, start of an id, or number), delivery or message into files.

    Payloads, MDNs, what was signed with its signatures, certificates, history, and README.txt with the OpenSSL commands
    that check them; the commands are printed as well.
    """
    with site.database.read() as tx:
        subject, found, subjects = _found(tx, id_or_number)
        made = of_messages(tx, site.snapshot, found, subjects=subjects)
    directory = out or Path(f"evidence-{subject[-8:]}")
    if directory.exists() and any(directory.iterdir()):
        raise Refused("FILE-EXISTS", f"{directory} is not empty; name a new directory with --out")
    for name, data in made.files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    click.echo(f"made {len(made.files)} files in {directory}; begin with {directory / 'README.txt'}")
    for note in made.notes:
        click.echo(f"  {note}")
    if made.checks:
        click.echo(f"check them, in {directory}:")
    for check in made.checks:
        click.echo(f"  {check.command}")
        click.echo(f"    shows {check.shows}: {check.what}")


def _found(tx: Tx, text: str) -> tuple[str, list[Message], list[str]]:
    """What was named, its messages, and whose history belongs to it."""
    try:
        message = messages.get(tx, text)
    except NotFound:
        pass
    else:
        delivery = deliveries.of_message(tx, message.id)
        return message.id, [message], [delivery.document_id if delivery else message.id]
    try:
        delivery = deliveries.get(tx, text)
    except NotFound:
        pass
    else:
        return delivery.id, [messages.get(tx, delivery.message_id)], [delivery.document_id]
    document = find_document(tx, text)
    sent = [messages.get(tx, each.message_id) for each in deliveries.of_document(tx, document.id)]
    return document.id, [messages.get(tx, document.message_id), *sent], [document.message_id, document.id]


COMMANDS = (evidence,)
