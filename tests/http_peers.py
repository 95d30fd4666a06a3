"""A small HTTP server and a small HTTP proxy on real sockets, each in threads of its own: peers that we did not write
the client for.
"""

import socket
import ssl
import threading
from abc import ABC, abstractmethod
from base64 import b64encode
from contextlib import suppress

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nlater"


class Listening(ABC):
    """Takes connections on a free port of the loopback, each in a thread, until closed."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Take no more, and wait for what is under way."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._socket.accept()
                peer.settimeout(10)
                self.connections += 1
                thread = threading.Thread(target=self._served, args=(peer,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _served(self, peer: socket.socket) -> None:
        with suppress(OSError), peer:
            self.serve(peer)

    @abstractmethod
    def serve(self, peer: socket.socket) -> None:
        """Do what there is to do with a connection."""


class Server(Listening):
    """Keeps heads and bodies of requests; says `interim` after a head, and `final` when it has the body.

    With `early` the final answer comes in place of the body.
    """

    def __init__(
        self, final: bytes = BUSY, *, interim: bytes = b"", early: bool = False, context: ssl.SSLContext | None = None
    ) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.shown: list[bytes | None] = []
        self._final, self._interim, self._early, self._context = final, interim, early, context
        super().__init__()

    @property
    def url(self) -> str:
        """Where it takes messages."""
        return f"{'https' if self._context else 'http'}://localhost:{self.port}/as2"

    def serve(self, peer: socket.socket) -> None:
        """Answer requests until the client goes."""
        if self._context is not None:
            peer = self._context.wrap_socket(peer, server_side=True)
            self.shown.append(peer.getpeercert(binary_form=True))
        with peer:
            rest = b""
            while True:
                head, rest = _until(peer, b"\r\n\r\n", rest)
                self.heads.append(head)
                peer.sendall(self._interim)
                if self._early:
                    peer.sendall(self._final)
                    self.bodies.append(_all(peer))
                    return
                body, rest = _body(peer, head, rest)
                self.bodies.append(body)
                peer.sendall(self._final)


class ForwardProxy(Listening):
    """Does CONNECT and absolute-form; with `login` only for those who show it."""

    def __init__(self, login: str = "") -> None:
        self.heads: list[bytes] = []
        self._login = login
        super().__init__()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def upstream(self, authority: str) -> tuple[str, int]:
        """Where the server is that is asked for."""
        host, _, port = authority.partition(":")
        return host, int(port)

    def serve(self, peer: socket.socket) -> None:
        """Take one request and be transparent from then on."""
        head, rest = _until(peer, b"\r\n\r\n", b"")
        self.heads.append(head)
        wanted = b"Proxy-Authorization: Basic " + b64encode(self._login.encode())
        if self._login and wanted.lower() not in head.lower():
            peer.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            return
        method, target, _ = head.split(b"\r\n")[0].split(b" ")
        authority, _, path = target.removeprefix(b"http://").partition(b"/")
        with socket.create_connection(self.upstream(authority.decode("ascii")), timeout=10) as server:
            if method == b"CONNECT":
                peer.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
            else:
                lines = [line for line in head.split(b"\r\n")[1:] if not line.lower().startswith(b"proxy-")]
                server.sendall(b"\r\n".join([b"%b /%b HTTP/1.1" % (method, path), *lines]) + rest)
            back = threading.Thread(target=_relay, args=(server, peer), daemon=True)
            back.start()
            _relay(peer, server)
            back.join(10)


def _relay(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


def _read(peer: socket.socket) -> bytes:
    piece = peer.recv(65536)
    if not piece:
        raise ConnectionError("the client has gone")
    return piece


def _until(peer: socket.socket, end: bytes, data: bytes) -> tuple[bytes, bytes]:
    while end not in data:
        data += _read(peer)
    head, found, rest = data.partition(end)
    return head + found, rest


def _body(peer: socket.socket, head: bytes, data: bytes) -> tuple[bytes, bytes]:
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if b"transfer-encoding" in fields:
        return _until(peer, b"0\r\n\r\n", data)
    size = int(fields[b"content-length"])
    while len(data) < size:
        data += _read(peer)
    return data[:size], data[size:]


def _all(peer: socket.socket) -> bytes:
    said = b""
    with suppress(OSError):
        while piece := peer.recv(65536):
            said += piece
    return said
