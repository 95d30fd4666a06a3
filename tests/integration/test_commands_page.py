"""docs/reference/commands.md names every command and option as they are now."""

from pathlib import Path

import click

from gateway.cli import main
from gateway.cli.reference import commands_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
COMMANDS = [
    "init",
    "run",
    "migrate",
    "demo",
    "check",
    "test",
    "schema",
    "diff",
    "explain",
    "send",
    "list",
    "show",
    "approve",
    "release",
    "reject",
    "replay",
    "resend",
    "partner",
    "cert",
    "status",
    "verify-history",
]


def test_the_page_is_checked_in_as_it_is_written_now() -> None:
    """`gateway schema --out docs/reference` would change nothing."""
    assert PAGE.read_text(encoding="utf-8") == commands_page(main)


def test_every_command_is_there() -> None:
    """The commands people were promised, each with a sentence that says what it does."""
    assert set(COMMANDS) <= set(main.commands)
    for command in main.commands.values():
        assert command.get_short_help_str(limit=200)


def test_every_option_says_what_it_does() -> None:
    """An option without help would be an empty cell."""
    groups: list[click.Command] = [main]
    while groups:
        command = groups.pop()
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{command.name} {parameter.opts}"
        if isinstance(command, click.Group):
            groups += command.commands.values()
