"""A node without listeners: the real store, worker and steps, with senders of the test's choosing."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from gateway.config.snapshot import Current, Snapshot
from gateway.endpoints.base import Accepted, Answerer, Incoming, Sender
from gateway.flow.accept import Acceptance
from gateway.flow.answer import AnswerStep
from gateway.flow.context import Flow
from gateway.flow.deliver import DeliverStep
from gateway.flow.official import OfficialRules
from gateway.flow.process import ProcessStep
from gateway.flow.read import ReadStep
from gateway.flow.settle import Settlement
from gateway.flow.timeline import Story, story
from gateway.flow.worker import Step, Worker
from gateway.message import Document, new_id
from gateway.monitoring.metrics import Metrics
from gateway.store import documents, payloads, work
from gateway.store.database import Database, Tx
from gateway.store.store import Store
from gateway.tasks import Tasks

T = TypeVar("T")


class House:
    """Start it, `drop` messages into it, wait until it is `quiet`, and look at the store."""

    def __init__(self, database: Database, snapshot: Snapshot, senders: Mapping[str, Sender], reactor: Any) -> None:
        self.database = database
        self.current = Current(snapshot)
        self.lost: list[str] = []
        self.metrics = Metrics(channels=("fake",))
        self.node = new_id()
        self._reactor = reactor
        self._tasks = Tasks(reactor, threads=2, on_lost=self.lost.append)
        self.store = Store(database, reactor)
        flow = Flow(
            store=self.store,
            tasks=self._tasks,
            metrics=self.metrics,
            node=self.node,
            now=database.now,
            poke=self._poke,
        )
        self.settlement = Settlement(flow)
        self.acceptance = Acceptance(self.store, node=self.node, poke=self._poke, counted=lambda _: None)
        answerers = {name: each for name, each in senders.items() if isinstance(each, Answerer)}
        self.official = OfficialRules(reactor, self._tasks, snapshot.settings.official)
        read = ReadStep(flow, self.current, at_once=4, sending=senders)
        self.together = read.take_together  # as a test may replace it
        self.worker = Worker(
            flow,
            reactor,
            {
                "read": Step(take=read.take, take_together=lambda items: self.together(items), slots=4),  # noqa: PLW0108
                "process": Step(take=ProcessStep(flow, self.current, self.official).take, slots=8),
                "deliver": Step(take=DeliverStep(flow, self.current, senders).take, slots=8),
                "answer": Step(take=AnswerStep(flow, self.current, answerers).take, slots=8),
            },
            lease=timedelta(seconds=60),
            poll=timedelta(milliseconds=50),
        )

    def _poke(self, *kinds: str) -> None:
        self.worker.poke(*kinds)

    async def start(self) -> None:
        """Open the store and begin to work."""
        await self.store.start()
        await self.worker.heartbeat()
        self._tasks.spawn("worker", self.worker.run())

    async def stop(self) -> None:
        """End as the daemon does."""
        await self.worker.stop()
        await self.worker.give_back()
        self.official.stop()
        await self.store.stop()
        self._tasks.stop()

    def abandon(self) -> None:
        """Do nothing more, as a node that died: what it claimed stays claimed."""
        self._tasks.cancel()

    async def pause(self) -> None:
        """Let the reactor turn for a moment."""
        turned: Deferred[None] = deferLater(self._reactor, 0.02, lambda: None)
        await turned

    async def drop(self, data: bytes, *, filename: str = "a.json", peer_id: str = "", partner: str = "erp") -> Accepted:
        """Accept a message as if it had come through the folder `drop`."""
        return await self.acceptance.accept(
            Incoming(
                channel="folder",
                endpoint="drop",
                partner=partner,
                peer_id=peer_id or new_id(),
                body=payloads.body_of(data),
                filename=filename,
            )
        )

    async def quiet(self, *, within: float = 20.0) -> None:
        """Wait until there is no work left; fails after `within` seconds."""
        until = self._reactor.seconds() + within
        while not await self.store.read(_settled):
            assert self._reactor.seconds() < until, "the house does not come to rest"
            await self.pause()

    async def ask(self, query: Callable[[Tx], T]) -> T:
        """Read from the store."""
        return await self.store.read(query)

    async def decide(self, act: Callable[[Tx], T]) -> T:
        """Carry out a person's decision."""
        result = await self.store.write(act)
        self.worker.poke()
        return result

    async def documents(self) -> list[Document]:
        """All documents, oldest first."""
        return list(reversed(await self.ask(lambda tx: documents.recent(tx, limit=1000))))

    async def story(self, document: Document) -> Story:
        """Everything about a document."""
        return await self.ask(lambda tx: story(tx, document.id))


def _settled(tx: Tx) -> bool:
    return not any(work.depth(tx).values())
