"""An HTTP proxy in front of a daemon that drops, cuts, delays, repeats, exchanges and makes up what passes through it."""

import asyncio
import random
import re
import threading
from asyncio import AbstractEventLoop, StreamReader, StreamWriter
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Self

HEAD_BYTES = 2**16
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nlater"
WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Passed:
    """What the client gets; `whole` when its connection may go on after it."""

    answer: bytes
    whole: bool = True


NOTHING = Passed(b"", whole=False)


class ChaosProxy:
    """Passes HTTP requests on to a port of this machine; `port` is where to send them to instead.

    What happens to each is chosen by `rng`; `counts` says how often each thing happened. After `be_honest` requests and
    answers pass unharmed. `differing` are pairs of answers to one request that came twice: two signed MDNs with other
    bytes. As a context manager it ends all connections.
    """

    def __init__(self, to: int, rng: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self.differing: list[tuple[bytes, bytes]] = []
        self.port = 0
        self._to = to
        self._rng = rng
        self._honest = False
        self._other = UNAVAILABLE
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: AbstractEventLoop | None = None
        self._listening, self._ended = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        fates: dict[Callable[[bytes], Awaitable[Passed]], int] = {
            self._unharmed: 560,
            self._request_delayed: 60,
            self._answer_delayed: 60,
            self._request_dropped: 50,
            self._request_cut: 40,
            self._answer_dropped: 50,
            self._answer_cut: 40,
            self._answer_too_late: 5,
            self._answer_exchanged: 15,
            self._unavailable: 30,
            self._unavailable_but_passed_on: 20,
            self._twice: 30,
            self._twice_at_once: 30,
            self._again_later: 30,
        }
        self._fates, self._weights = list(fates), list(fates.values())

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(WAIT)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def be_honest(self) -> None:
        """Pass on whatever comes from now on; what was to come again later still does."""
        self._honest = True

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=HEAD_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._ended.wait()
        server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._spawn(self._serve(reader, writer))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Take the requests of one connection, one after the other."""
        try:
            passed = Passed(b"")
            while passed.whole:
                passed = await self._pass(await _read(reader))
                writer.write(passed.answer)
                await writer.drain()
        except (OSError, EOFError):
            pass  # the client has ended, or the daemon was killed
        finally:
            if self._rng.random() < 0.5:
                writer.transport.abort()
            writer.close()

    async def _pass(self, request: bytes) -> Passed:
        self.counts["requests"] += 1
        (fate,) = [self._unharmed] if self._honest else self._rng.choices(self._fates, self._weights)
        self.counts[fate.__name__.strip("_").replace("_", " ")] += 1
        return await fate(request)

    async def _forward(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._to, limit=HEAD_BYTES)
        try:
            writer.write(request)
            await writer.drain()
            return await asyncio.wait_for(_read(reader), WAIT)
        except TimeoutError:
            self.counts["no answer"] += 1
            raise EOFError from None
        finally:
            writer.transport.abort()

    async def _unharmed(self, request: bytes) -> Passed:
        return Passed(await self._forward(request))

    async def _request_delayed(self, request: bytes) -> Passed:
        """It is overtaken by those that come after it."""
        await self._pause(2.0)
        return Passed(await self._forward(request))

    async def _answer_delayed(self, request: bytes) -> Passed:
        answer = await self._forward(request)
        await self._pause(2.0)
        return Passed(answer)

    async def _request_dropped(self, request: bytes) -> Passed:
        del request
        return NOTHING

    async def _request_cut(self, request: bytes) -> Passed:
        _, writer = await asyncio.open_connection("127.0.0.1", self._to)
        writer.write(self._begin(request))
        await writer.drain()
        await self._pause(0.2)
        writer.close()
        return NOTHING

    async def _answer_dropped(self, request: bytes) -> Passed:
        await self._forward(request)
        return NOTHING

    async def _answer_cut(self, request: bytes) -> Passed:
        return Passed(self._begin(await self._forward(request)), whole=False)

    async def _answer_too_late(self, request: bytes) -> Passed:
        answer = await self._forward(request)
        await asyncio.sleep(WAIT / 6)
        return Passed(answer)

    async def _answer_exchanged(self, request: bytes) -> Passed:
        """The client gets the answer that another one got before it."""
        answer, other = await self._forward(request), self._other
        if answer.startswith(b"HTTP/1.1 2"):
            self._other = answer
        return Passed(other)

    async def _unavailable(self, request: bytes) -> Passed:
        del request
        return Passed(UNAVAILABLE)

    async def _unavailable_but_passed_on(self, request: bytes) -> Passed:
        await self._forward(request)
        return Passed(UNAVAILABLE)

    async def _twice(self, request: bytes) -> Passed:
        return self._either(await self._forward(request), await self._forward(request))

    async def _twice_at_once(self, request: bytes) -> Passed:
        return self._either(*await asyncio.gather(self._forward(request), self._forward(request)))

    async def _again_later(self, request: bytes) -> Passed:
        self._spawn(self._repeat(request))
        return Passed(await self._forward(request))

    async def _repeat(self, request: bytes) -> None:
        await self._pause(10.0)
        try:
            await self._forward(request)
        except (OSError, EOFError):
            self.counts["again later: the daemon was away"] += 1

    def _either(self, first: bytes, second: bytes) -> Passed:
        if _signed_mdn(first) and _signed_mdn(second) and _body(first) != _body(second):
            self.differing.append((first, second))
        return Passed(self._rng.choice((first, second)))

    def _begin(self, message: bytes) -> bytes:
        """The begin of a message, which may end anywhere."""
        return message[: self._rng.randrange(len(message))]

    async def _pause(self, longest: float) -> None:
        await asyncio.sleep(self._rng.uniform(0.0, longest))


async def _read(reader: StreamReader) -> bytes:
    """One request or answer, as it came; raises `EOFError` when the connection ends before its end."""
    head = await reader.readuntil(b"\r\n\r\n")
    if re.search(rb"\r\ntransfer-encoding: *chunked\r\n", head, re.IGNORECASE):
        return head + await _chunks(reader)
    length = re.search(rb"\r\ncontent-length: *(\d+)\r\n", head, re.IGNORECASE)
    return head + await reader.readexactly(int(length[1]) if length else 0)


async def _chunks(reader: StreamReader) -> bytes:
    pieces = []
    size = 1
    while size:
        line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        pieces += [line, await reader.readexactly(size + 2)]
    return b"".join(pieces)


def _signed_mdn(answer: bytes) -> bool:
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return head.startswith(b"http/1.1 200 ") and b"content-type: multipart/signed" in head


def _body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]
