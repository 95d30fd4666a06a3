"""A TCP relay between two daemons, on which an answer can be lost at the moment it is given."""

import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Self

PIECE = 65_536


class Wire:
    """Relays connections to a port of this machine; `port` is where to connect to instead.

    After `lose(after, then)` the answer that begins after that many others is thrown away and its connection ended,
    once `then()` has returned. As a context manager it ends all connections.
    """

    def __init__(self, to: int) -> None:
        self.lost = threading.Event()
        self._to = to
        self._guard = threading.Lock()
        self._then: Callable[[], object] | None = None
        self._after = 0
        self._server = _Server(("127.0.0.1", 0), self._relay)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def lose(self, after: int, then: Callable[[], object]) -> None:
        """Lose one answer; `lost` is set when it has happened."""
        with self._guard:
            self.lost.clear()
            self._after, self._then = after, then

    def _relay(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._to))
        except ConnectionRefusedError:
            return
        with far:
            back = threading.Thread(target=_pump, args=(far, near, self._loses), daemon=True)
            back.start()
            _pump(near, far)
            back.join()

    def _loses(self) -> bool:
        """True when what is to be passed on now is to be lost."""
        with self._guard:
            then = self._then
            if then is None:
                return False
            self._after -= 1
            if self._after >= 0:
                return False
            self._then = None
        then()
        self.lost.set()
        return True


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], relay: Callable[[socket.socket], None]) -> None:
        self._relay = relay
        super().__init__(address, socketserver.BaseRequestHandler)

    def finish_request(self, request: object, client_address: object) -> None:
        """Relay one connection."""
        del client_address
        assert isinstance(request, socket.socket)
        self._relay(request)


def _pump(source: socket.socket, to: socket.socket, until: Callable[[], bool] = lambda: False) -> None:
    """Pass on what comes, and end both ways when either side has ended."""
    try:
        while (data := source.recv(PIECE)) and not until():
            to.sendall(data)
    except OSError:
        pass  # a side was killed
    for each in (source, to):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended
