"""The site a command works on, and `gateway init`, which makes one."""

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import click

from gateway.app import catalogue, open_database
from gateway.config.load import load
from gateway.config.snapshot import Snapshot
from gateway.errors import Permanent
from gateway.store.database import Database


class Site:
    """The directory of a gateway.toml, with the configuration and the store that belong to it."""

    def __init__(self, root: str) -> None:
        self.root = Path(root).resolve()

    @cached_property
    def snapshot(self) -> Snapshot:
        """The checked configuration; raises `ConfigRefused` with every problem."""
        if not (self.root / "gateway.toml").is_file():
            raise Permanent(
                f"{self.root} has no gateway.toml; go to a site, name one with --site, or make one: gateway init"
            )
        return load(self.root, catalogue(), now=datetime.now(UTC))

    @cached_property
    def database(self) -> Database:
        """The store of the site, migrated; it may be open in a running daemon at the same time."""
        database = open_database(self.snapshot.settings, self.root)
        database.migrate()
        return database


pass_site = click.make_pass_decorator(Site)
