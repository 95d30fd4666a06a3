"""`gateway notice`: whether people can be told."""

from datetime import UTC, datetime
from typing import Any

import click
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from gateway.cli.as2_ping import parts_of
from gateway.cli.site import Site, pass_site
from gateway.config.model import Notice
from gateway.config.snapshot import Snapshot
from gateway.errors import GatewayError, Refused
from gateway.flow import notice_body
from gateway.flow.webhook import Webhook
from gateway.message import new_id
from gateway.tasks import Tasks

_CAUSES = (
    ("redirects", "the address has moved, or lacks its last part: put the address it names into `url`"),
    ("answered 401", "the receiver does not know the signature: is its secret the one `secret` names here?"),
    ("answered 403", "the receiver does not know the signature: is its secret the one `secret` names here?"),
    ("answered 404", "nothing is there: compare `url` with what the receiver's operator gave you"),
    ("answered 405", "what is there takes no POST: compare `url` with what the receiver's operator gave you"),
    ("answered 4", "the receiver does not take it: its log says why; docs/reference/notices.md has the body"),
    ("answered 5", "the receiver is there and has trouble of its own: its log says why"),
    ("did not answer", "the receiver takes too long: it should answer first and work afterwards; or raise `timeout`"),
    (
        "TLS",
        "the certificates do not fit: name the receiver's authority with `tls.ca`, or have its certificate renewed",
    ),
    ("cannot be reached", "is the receiver up, and may this machine reach it, by `proxy` or through the firewall?"),
    ("secret", "make the secret readable for this user, or name another with `secret`"),
)


@click.group()
def notice() -> None:
    """Whether people can be told of documents that need somebody."""


@notice.command("test")
@click.argument("name")
@pass_site
def try_notice(site: Site, name: str) -> None:
    """Send a sample notice by the notice NAME of gateway.toml, and explain the answer.

    It says that it is a test, is signed as every other, and is not repeated. The daemon need not run. Ends with 1 when
    the receiver did not take it.
    """
    snapshot = site.snapshot
    settings = _named(snapshot, name)
    well = True

    async def run(reactor: Any) -> None:
        nonlocal well
        tasks = Tasks(reactor, threads=1, on_lost=lambda _: None)
        webhook = Webhook(parts_of(snapshot, reactor, tasks))
        try:
            well = await _try(webhook, settings, snapshot)
        finally:
            await webhook.close()
            tasks.stop()
        if not well:
            raise SystemExit(1)

    react(lambda reactor: Deferred.fromCoroutine(run(reactor)), ())


def _named(snapshot: Snapshot, name: str) -> Notice:
    for each in snapshot.settings.notices:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in snapshot.settings.notices) or "none yet"
    raise Refused("NOT-FOUND", f"there is no [[notices]] with the name '{name}' in gateway.toml; there are: {known}")


async def _try(webhook: Webhook, settings: Notice, snapshot: Snapshot) -> bool:
    identifier = new_id()
    body = notice_body.sample(settings, snapshot, id=identifier, at=datetime.now(UTC))
    click.echo(f"notice {identifier} to {settings.url}, {len(body)} bytes, signed")
    try:
        taken = await webhook.tell(settings, snapshot, id=identifier, body=body)
    except GatewayError as error:
        click.echo(f"not taken: {error}")
        for part, cause in _CAUSES:
            if part in str(error):
                click.echo(f"usual cause: {cause}")
                break
        return False
    said = f" and said: {taken.text}" if taken.text else ""
    click.echo(f"taken: the receiver answered {taken.status}{said}")
    return True


COMMANDS = (notice,)
