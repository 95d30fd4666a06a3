"""The reference page of the commands, written from the commands themselves."""

from collections.abc import Iterator

import click

_INTRODUCTION = """\
# Commands

Every command of `gateway` with its arguments and options. This page is written by `gateway schema --out docs/reference`.

A command ends with 0 when all is well, 1 when something is wrong (the text on stderr says what to do), 2 when it was
called wrongly, and 78 when the configuration is refused and nothing was started.
"""


def commands_page(root: click.Command) -> str:
    """The page as Markdown: a heading a command, in alphabetical order below the options all have."""
    context = click.Context(root, info_name="gateway")
    parts = [_INTRODUCTION, *_options(root, context)]
    for command, inner in _commands(root, context):
        parts += [f"## {inner.command_path}\n", f"```text\n{_usage(command, inner)}\n```\n"]
        if command.help:
            parts.append(_paragraphs(command.help))
        parts += _options(command, inner)
    return "\n".join(parts)


def _commands(group: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)
        else:
            yield command, inner


def _usage(command: click.Command, context: click.Context) -> str:
    return " ".join([context.command_path, *command.collect_usage_pieces(context)])


def _paragraphs(text: str) -> str:
    blocks = [" ".join(block.split()) for block in text.replace("\b", "").split("\n\n")]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    rows = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None and "--help" not in parameter.opts:
            names, words = (text.replace("|", "\\|") for text in record)
            rows.append(f"| `{names}` | {words} |")
    if rows:
        yield "\n".join(["| option | meaning |", "|---|---|", *rows]) + "\n"
