"""`gateway run`: the daemon."""

import os
import signal
import sys
from typing import Any

import click
import structlog
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from gateway import __version__
from gateway.app import App, build
from gateway.cli.site import Site, pass_site
from gateway.endpoints import KINDS
from gateway.errors import GatewayError
from gateway.monitoring import logs
from gateway.monitoring.metrics import Metrics

log = structlog.get_logger()


@click.command()
@pass_site
def run(site: Site) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP reloads the configuration."""
    snapshot = site.snapshot
    metrics = Metrics(version=__version__, channels=KINDS)
    settings = snapshot.settings.logs
    logs.configure(settings.format, settings.level, metrics.log_event, on_unhandled=metrics.unhandled)
    for warning in snapshot.warnings:
        log.warning("config_warning", file=warning.file, line=warning.line, code=warning.code, problem=warning.text)
    reactor: Any = installed_reactor
    app = build(snapshot, reactor, metrics=metrics)
    react(lambda reactor: Deferred.fromCoroutine(_main(reactor, app)), ())


async def _main(reactor: Any, app: App) -> None:
    ended: Deferred[None] = Deferred()
    told = 0

    def stop(_number: int, _frame: object) -> None:
        nonlocal told
        told += 1
        if told > 1:  # the second signal means at once; only committed states count, so nothing is lost
            os._exit(1)
        reactor.callFromThread(ended.callback, None)

    def listen() -> None:  # when the reactor runs: it puts its own handlers in place as it starts
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        signal.signal(
            signal.SIGHUP, lambda _number, _frame: reactor.callFromThread(lambda: Deferred.fromCoroutine(app.reload()))
        )

    reactor.callWhenRunning(listen)
    try:
        await app.start()
    except GatewayError as error:
        log.error("start_failed", why=str(error))  # noqa: TRY400  # the words say it; a traceback would not help
        sys.stderr.write(f"gateway: {error}\n")
        os._exit(1)
    await ended
    await app.stop()


COMMANDS = (run,)
