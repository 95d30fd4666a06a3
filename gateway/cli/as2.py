"""`gateway as2`: what a captured message says."""

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli.as2_ping import ping
from gateway.cli.site import Site, pass_site
from gateway.endpoints.as2.inspect import Layer, inspect, known_of


@click.group("as2")
def as2() -> None:
    """Look into AS2 messages and connections."""


@as2.command("inspect")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_site
def inspect_command(site: Site, file: Path) -> None:
    """Explain a captured message or MDN in FILE layer by layer: structure, algorithms, certificates, MIC.

    FILE is an HTTP request or response with its headers, a MIME entity, or bare CMS. It is opened with the keys of the
    site; signatures are tried with every certificate of every partner. Ends with 1 when something in it is wrong.
    """
    console = Console(soft_wrap=True)
    layers = list(inspect(file.read_bytes(), known_of(site.snapshot)))
    for depth, layer in enumerate(layers):
        print_layer(console, layer, depth)
    if any(layer.wrong for layer in layers):
        raise SystemExit(1)


def print_layer(console: Console, layer: Layer, depth: int) -> None:
    """Print a layer, indented by its depth."""
    indent = "  " * depth
    console.print(f"{indent}[bold]{escape(layer.title)}[/]", highlight=False)
    for fact in layer.facts:
        console.print(f"{indent}  {escape(fact)}", highlight=False)
    for wrong in layer.wrong:
        console.print(f"{indent}  [red]wrong:[/] {escape(wrong)}", highlight=False)


as2.add_command(ping)

COMMANDS = (as2,)
