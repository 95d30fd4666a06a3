"""The site a command works on, and `gateway init`, which makes one."""

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import click

from gateway.app import catalogue, open_database
from gateway.cli.new_site import make_site
from gateway.config.load import PROCESS, check, load
from gateway.config.snapshot import Snapshot
from gateway.errors import Permanent
from gateway.store.database import Database


class Site:
    """The directory of a gateway.toml, with the configuration and the store that belong to it."""

    def __init__(self, root: str) -> None:
        self.root = Path(root).resolve()

    def require(self) -> None:
        """Raise `Permanent` where there is no site."""
        if not (self.root / PROCESS).is_file():
            raise Permanent(
                f"{self.root} has no gateway.toml; go to a site, name one with --site, or make one: gateway init"
            )

    @cached_property
    def snapshot(self) -> Snapshot:
        """The checked configuration; raises `ConfigRefused` with every problem."""
        self.require()
        return load(self.root, catalogue(), now=datetime.now(UTC))

    @cached_property
    def database(self) -> Database:
        """The store of the site, migrated; it may be open in a running daemon at the same time."""
        database = open_database(self.snapshot.settings, self.root)
        database.migrate()
        click.get_current_context().find_root().call_on_close(database.close)
        return database


pass_site = click.make_pass_decorator(Site)


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def init(directory: Path) -> None:
    """Make a site in DIRECTORY: the sample configuration, with new keys, certificates and tokens.

    What is there already is kept as it is, so the command also completes a site in which something is missing.
    """
    now = datetime.now(UTC)
    root = directory.resolve()
    making = make_site(root, now=now)
    for name in making.made:
        click.echo(f"made  {name}")
    for name in making.kept:
        click.echo(f"kept  {name}")
    for text in making.wanted:
        click.echo(f"wanted  {text}")
    _, problems = check(root, catalogue(), now=now)
    errors = sum(problem.severity == "error" for problem in problems)
    at = "" if root == Path.cwd() else f" --site {directory}"
    if errors:
        click.echo(f"{root} has {errors} problem(s); see each with its line: gateway{at} check")
        return
    click.echo(f"{root} is a site that can run")
    click.echo("next: put your company into gateway.toml and your customers into partners/, then")
    click.echo(f"  gateway{at} check    every mistake, with file and line")
    click.echo(f"  gateway{at} test     the examples beside the partners, run through the real decisions")
    click.echo(f"  gateway{at} run      the daemon")


@click.command()
@pass_site
def migrate(site: Site) -> None:
    """Bring the database to this version's tables; the daemon also does it when it starts."""
    database = open_database(site.snapshot.settings, site.root)
    try:
        database.check()
    except Permanent:
        database.migrate()  # raises anew what it cannot mend
        database.check()
        done = "was brought up to date"
    else:
        done = "is up to date; nothing was changed"
    finally:
        database.close()
    click.echo(f"the database {site.snapshot.settings.database.url} {done}")


COMMANDS = (init, migrate)
