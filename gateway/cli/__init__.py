"""The `gateway` command: one file a command group; the only room that imports the reactor."""

import sys

import click

from gateway import __version__
from gateway.cli import (
    as2,
    certificates,
    configuration,
    demo,
    directory,
    documents,
    evidence,
    maps,
    notices,
    partners,
    recognise,
    rules,
    run,
    site,
    status,
)
from gateway.cli.site import Site
from gateway.errors import ConfigRefused, GatewayError

EX_CONFIG = 78


class _Commands(click.Group):
    """Turns what the gateway has to say into a message and an exit code, never a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigRefused as error:
            for problem in error.problems:
                click.echo(str(problem), err=True)
            click.echo(f"{len(error.problems)} problem(s); nothing was started or changed", err=True)
            sys.exit(EX_CONFIG)
        except GatewayError as error:
            click.echo(f"gateway: {error}", err=True)
            sys.exit(1)
        except BrokenPipeError:
            sys.exit(0)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="gateway")
@click.option(
    "--site",
    "root",
    envvar="GATEWAY_SITE",
    default=".",
    type=click.Path(exists=False, file_okay=False),
    help="Directory of gateway.toml (also GATEWAY_SITE); the current one by default.",
)
@click.pass_context
def main(context: click.Context, root: str) -> None:
    """Invoice gateway: takes every customer invoice and delivers it the way the customer wants, with proof."""
    context.obj = Site(root)


for group in (
    site,
    run,
    demo,
    directory,
    as2,
    configuration,
    recognise,
    documents,
    evidence,
    maps,
    notices,
    partners,
    certificates,
    rules,
    status,
):
    for command in group.COMMANDS:
        main.add_command(command)
