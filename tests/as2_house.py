# mypy: disable-error-code="no-untyped-call"
"""A site with an AS2 listener as an attacker meets it: what it answers, what it keeps, what it costs."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from twisted.internet.testing import MemoryReactorClock

from gateway.config.certificates import OwnKey, PartnerCertificates
from gateway.config.snapshot import Current, Snapshot
from gateway.endpoints.as2 import mdn
from gateway.endpoints.as2.listener import As2Listener
from gateway.endpoints.as2.mdn import Mdn
from gateway.endpoints.as2.message import Composed
from gateway.endpoints.base import LateReceipt
from gateway.message import Answer
from gateway.monitoring.metrics import Metrics
from tests import as2_attacks as attack
from tests import as2_exchange as exchange
from tests import as2_parties as parties
from tests.as2_attacks import THEM, US
from tests.edge import InlineTasks

P = ParamSpec("P")
T = TypeVar("T")


class Measured(InlineTasks):
    """Tasks that tell the most memory one of them took, in bytes, when `measuring`."""

    measuring = False
    peak = 0

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it here."""
        if not self.measuring:
            return function(*args, **kwargs)
        tracemalloc.start()
        try:
            return function(*args, **kwargs)
        finally:
            self.peak = max(self.peak, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()


class House:
    """A site with a listener, and what it kept."""

    def __init__(
        self,
        *,
        keys: tuple[OwnKey, ...] = (),
        verify: tuple[OwnKey, ...] = (THEM,),
        workers: exchange.Workers | None = None,
        **endpoint: Any,
    ) -> None:
        self.kept = exchange.Kept()
        self.receipts: list[LateReceipt] = []
        partner = PartnerCertificates(verify=tuple(key.dated for key in verify))
        made = parties.snapshot(keys=keys, endpoint=endpoint)
        self.snapshot: Snapshot = replace(made, certificates={"them": partner})
        self.tasks = Measured(MemoryReactorClock())
        self.metrics = Metrics()
        parts = exchange.parts(
            self.snapshot,
            self.kept.accept,
            current=Current(self.snapshot),
            tasks=self.tasks,
            metrics=self.metrics,
            settle=self._settle,
            workers=workers,
        )
        self.agent = exchange.site(As2Listener(parts))

    async def _settle(self, late: LateReceipt) -> None:
        self.receipts.append(late)

    def limit(self, **limits: int) -> None:
        """Set limits of the process."""
        for name, value in limits.items():
            object.__setattr__(self.snapshot.settings.limits, name, value)

    def post(self, made: Composed, **changes: str | None) -> Answer:
        """Post a message from THEM with its headers changed."""
        return exchange.post(self.agent, parties.fields(made, **changes), made.body)

    def refuses(self, made: Composed, **changes: str | None) -> None:
        """What is posted gets the one answer of all that cannot be authenticated, and leaves nothing behind."""
        before = len(self.kept.messages)
        answer = self.post(made, **changes)
        assert told(answer) == self.uniform(**changes)
        assert len(self.kept.messages) == before
        assert self.unhandled() == 0

    def uniform(self, **changes: str | None) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """The answer to an envelope of no bytes under the same headers."""
        return told(self.post(attack.made(attack.PKCS7, b""), **changes))

    def unhandled(self) -> float:
        """How many exceptions nobody expected."""
        found = self.metrics.registry.get_sample_value("gateway_unhandled_exceptions_total", {"source": "http"})
        return (found or 0.0) + len(self.tasks.lost)


def told(answer: Answer) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """All of an answer that its reader can see, without what differs from request to request."""
    return (
        answer.status,
        tuple(sorted((k, v) for k, v in answer.headers.items() if k not in {"date", "x-request-id"})),
        answer.body,
    )


def read(answer: Answer) -> Mdn:
    """The MDN of an answer, verified with our certificate."""
    return mdn.read(parties.entity(answer.headers, answer.body), [US.certificate])
