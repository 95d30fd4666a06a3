"""A PostgreSQL of our own for the tests: one cluster a process, on a unix socket, with a fresh database for each test."""

import atexit
import functools
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

from gateway.store.database import Database

TEMPLATE = "gateway_template"


class NoPostgres(Exception):
    """There is no PostgreSQL to start; the text says why."""


class Cluster:
    """A running cluster. Its databases are copies of one that was migrated once."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._directory = Path(tempfile.mkdtemp(prefix="gw-pg-", dir="/tmp"))  # short: a socket's path has 107 bytes
        self._user: dict[str, int | list[int]] = {}
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            user = _unprivileged()
            os.chown(self._directory, user.pw_uid, user.pw_gid)
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._numbers = itertools.count(1)
        data = str(self._directory / "data")
        self._run("initdb", "-D", data, "-U", "gateway", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        settings = f"-c listen_addresses='' -c unix_socket_directories='{self._directory}' -c fsync=off"
        log = str(self._directory / "log")
        self._run("pg_ctl", "-D", data, "-l", log, "-w", "-t", "60", "-o", settings, "start")
        atexit.register(self._stop)
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        database = Database(self.url(TEMPLATE), payloads=self._directory / "unused")
        database.migrate()
        database.close()

    def url(self, name: str) -> str:
        """The URL of a database in the cluster."""
        return f"postgresql://gateway@/{name}?host={self._directory}"

    def new(self, *, empty: bool = False) -> str:
        """The URL of a new database: with the current schema, or without any tables."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {TEMPLATE}"))
        return self.url(name)

    def execute(self, statement: str) -> None:
        """Run one statement as the superuser, outside a transaction."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            timeout=90,
            **self._user,  # type: ignore[call-overload]  # user, group, extra_groups
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr.decode(errors='replace')}")

    def _stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._directory / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._directory, ignore_errors=True)


@functools.cache
def cluster() -> Cluster:
    """The cluster of this process, started when it is first asked for; raises `NoPostgres`."""
    return Cluster(_programs())


def _programs() -> Path:
    candidates = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    if config := shutil.which("pg_config"):
        asked = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
        candidates.append(Path(asked.stdout.strip()))
    installed = Path("/usr/lib/postgresql")
    newest_first = sorted(installed.glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for directory in [*candidates, *newest_first]:
        if (directory / "initdb").exists() and (directory / "pg_ctl").exists():
            return directory
    raise NoPostgres("no PostgreSQL server is installed (initdb and pg_ctl were not found)")


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
