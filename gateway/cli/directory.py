"""`gateway directory`: the UN/EDIFACT directories of a site, that messages are checked by."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from gateway.cli.output import table_console
from gateway.cli.site import Site, pass_site
from gateway.errors import Refused
from gateway.formats.edifact.directories import BUILT_IN
from gateway.formats.edifact.directory_archive import MOST_ARCHIVE_BYTES, find_directory
from gateway.formats.edifact.directory_shelf import KeptDirectory, kept, put
from gateway.formats.edifact.options import IMPORTED

_SHORT = 12
_OURS = "comes with the gateway"


@click.group("directory")
def directory() -> None:
    """UN/EDIFACT directories: what messages are made of, by release (D.96A, D.01B)."""


@directory.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Name for the option `directory`; un- and the release by default, as un-d96a.")
@pass_site
def import_command(site: Site, file: Path, name: str | None) -> None:
    """Take a directory out of FILE, an archive as the UN publishes them (d96a.zip, d01b.zip).

    It is kept read-only below var/directories of the site.
    """
    if file.stat().st_size > MOST_ARCHIVE_BYTES:
        raise Refused("EDI-DIRECTORY", f"{file.name} is larger than {MOST_ARCHIVE_BYTES} bytes; no directory is")
    found = find_directory(file.read_bytes(), file.name)
    called = name or f"un-{found.directory.release.replace('.', '').lower()}"
    new = put(site.root / IMPORTED, found, archive=file.name, name=called)
    done = "imported" if new else "is there already"
    count = len(found.directory.messages)
    click.echo(f"{called}  {found.directory.release} {done}, {count} messages, SHA-256 {found.sha256[:_SHORT]}")
    for what, why in sorted(found.left_out.items()):
        click.echo(f"left out {what}: {why}")


@directory.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_site
def list_command(site: Site, *, as_json: bool) -> None:
    """List the directories there are: those that come with the gateway, and those imported."""
    ours = (
        KeptDirectory(name=name, release=each.release, messages=tuple(sorted(each.messages)), archive=_OURS)
        for name, each in BUILT_IN.items()
    )
    rows = [*ours, *kept(site.root / IMPORTED)]
    if as_json:
        for row in rows:
            click.echo(json.dumps(asdict(row), ensure_ascii=False))
        return
    table = Table("Directory", "Release", "Messages", "SHA-256", "From", box=None, pad_edge=False)
    for row in rows:
        cells = (row.name, row.release, str(len(row.messages)), row.sha256[:_SHORT], row.why or row.archive)
        table.add_row(*map(escape, cells))
    table_console().print(table)


COMMANDS = (directory,)
