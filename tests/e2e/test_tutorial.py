"""The tutorial does what it says: its commands run in their order, and what stands under them comes out."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.pages import DOCS, Block, blocks, example, lay_over

TUTORIAL = DOCS / "tutorial" / "first-invoice.md"
WAIT = 30.0
LOOKS = ("gateway list", "gateway show", "ls ", "grep ")
"""Commands that change nothing: they are given again until they say what is expected, as a reader would."""
_FILE = re.compile(r"`([\w.-]+)`[^`]*$")


class Shell:
    """A bash in a directory, given one command after the other, with the `gateway` of this environment in its `PATH`."""

    def __init__(self, directory: Path) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=directory,
            env={**os.environ, "PATH": path, "COLUMNS": "160"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, command: str) -> tuple[str, int]:
        """What a command writes, and its exit code."""
        assert self.process.stdin
        assert self.process.stdout
        end = secrets.token_hex(8)
        self.process.stdin.write(f"{command}\nprintf '%s %s\\n' {end} $?\n")
        self.process.stdin.flush()
        written = ""
        for line in self.process.stdout:
            before, mark, code = line.partition(f"{end} ")
            written += before
            if mark:
                return written, int(code)
        raise AssertionError(f"the shell ended at: {command}\n{written}")


@contextmanager
def shell(directory: Path) -> Iterator[Shell]:
    """A shell that ends with everything it started."""
    made = Shell(directory)
    try:
        yield made
    finally:
        os.killpg(made.process.pid, signal.SIGKILL)
        made.process.communicate()


def commands(block: Block) -> list[tuple[str, list[str]]]:
    """Each command of a console block (`$ …`), with the lines that stand under it."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            found[-1][1].append(line)
    return found


def pattern(expected: list[str]) -> re.Pattern[str]:
    """What the lines under a command stand for.

    `…` alone in a line is any lines, `…` in a line is any text in it, and the width of white space does not count.
    """
    lines = [r"(?:.*\n)*" if line == "…" else _line(line) for line in expected]
    return re.compile("".join(lines))


def _line(line: str) -> str:
    words = [".*".join(map(re.escape, word.split("…"))) for word in line.split()]
    return r"[ \t]*" + r"[ \t]+".join(words) + r"[ \t]*\n"


def follow(given: Shell, command: str, expected: list[str]) -> None:
    """Give a command; it succeeds and says what is expected."""
    deadline = time.monotonic() + WAIT
    while True:
        written, code = given.run(command)
        wanted = not expected or pattern(expected).fullmatch(written)
        if code == 0 and wanted:
            return
        if not command.startswith(LOOKS) or time.monotonic() > deadline:
            raise AssertionError(f"$ {command}\n{written}\nexit code {code}; expected:\n" + "\n".join(expected))
        time.sleep(0.2)


@pytest.mark.timeout(300)
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    """From an empty directory to a held invoice set right: every command succeeds and says what the page shows."""
    site = tmp_path / "tour"
    with shell(tmp_path) as given:
        for block in blocks(TUTORIAL):
            if block.language == "yaml":
                lay_over(example(block), site)
            elif block.language == "json":
                name = _FILE.search(block.before.rstrip())
                assert name, f"{block}: the sentence before it must end with the `file` it is"
                (site / name[1]).write_text(block.text, encoding="utf-8")
            for command, expected in commands(block) if block.language == "console" else ():
                follow(given, command, expected)
                if command.startswith("gateway init "):
                    use_free_ports(site)


def use_free_ports(site: Path) -> None:
    """The ports of the sample may be taken on this machine."""
    file = site / "gateway.toml"
    text, count = re.subn(r"^port = \d+$", "port = 0", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count == 2
    file.write_text(text, encoding="utf-8")
