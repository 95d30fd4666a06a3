"""What the steps of the flow share: the store, threads, metrics, and the name history lines are signed with."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import structlog

from gateway.monitoring.metrics import Metrics
from gateway.store.store import Store
from gateway.tasks import Tasks

log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Shared by all steps of one node; `poke` wakes the worker when new work, of some kinds, was committed."""

    store: Store
    tasks: Tasks
    metrics: Metrics
    node: str
    now: Callable[[], datetime]
    poke: Callable[..., None]

    @property
    def actor(self) -> str:
        """How the history names this node."""
        return f"node:{self.node}"

    async def in_stage(self, stage: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run CPU-bound work of a stage in a thread and measure it."""
        started = time.perf_counter()
        try:
            return await self.tasks.in_thread(function, *args, **kwargs)
        finally:
            self.metrics.stage(stage, time.perf_counter() - started)

    def say(self, event: str, **fields: Any) -> None:
        """Log what happened, after it was committed."""
        log.info(event, **fields)
