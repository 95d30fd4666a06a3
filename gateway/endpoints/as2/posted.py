"""What is posted to the AS2 address, its body in memory or in a file, and the opening of it in a thread."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.web.http import Request

from gateway.endpoints.as2.client import Caller
from gateway.endpoints.as2.receive import opened
from gateway.endpoints.base import Incoming, LateReceipt
from gateway.endpoints.http import FrontRequest
from gateway.endpoints.http_tls import certificate_of
from gateway.store import payloads
from gateway.store.payloads import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A request: its headers by lower-case name, its client, and its body of `size` bytes, in a file when it is large."""

    fields: Mapping[str, str]
    caller: Caller
    body: bytes | Spool
    size: int

    def close(self) -> None:
        """Throw the body away."""
        if isinstance(self.body, Spool):
            self.body.close()


def posted(request: Request, *, in_memory: int) -> Posted:
    """What a request holds: a body of more than `in_memory` bytes is left in the file it was spooled to."""
    fields = {
        name.decode("latin-1").lower(): ", ".join(value.decode("latin-1") for value in values)
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    caller = Caller(certificate=certificate_of(request), authorization=fields.get("authorization", ""))
    content = request.take_content() if isinstance(request, FrontRequest) else request.content
    if content is None:
        return Posted(fields=fields, caller=caller, body=b"", size=0)
    size = content.seek(0, os.SEEK_END)
    if isinstance(content, Spool) and size > in_memory:
        return Posted(fields=fields, caller=caller, body=content, size=size)
    content.seek(0)
    body = content.read()
    content.close()
    return Posted(fields=fields, caller=caller, body=body, size=size)


class Opening:
    """A message that is opened in a thread. Its body ends with it; when it is given up, so does what came of it."""

    def __init__(self, post: Posted) -> None:
        self._post = post
        self._guard = threading.Lock()
        self._given_up = False
        self._came: Incoming | LateReceipt | None = None

    def run(self, **how: Any) -> Incoming | LateReceipt:
        """Open it, in the thread; arguments and errors as `receive.opened`."""
        try:
            if self._unwanted():
                raise CancelledError
            came = opened(self._post.fields, self._post.body, caller=self._post.caller, **how)
        finally:
            self._post.close()
        with self._guard:
            self._came = came
            if self._unwanted():
                discard(came)
        return came

    def _unwanted(self) -> bool:
        return self._given_up

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        with self._guard:
            self._given_up = True
            discard(self._came)


def discard(came: Incoming | LateReceipt | None) -> None:
    """Throw away the files of what came, unless the store has taken them."""
    if isinstance(came, Incoming):
        payloads.discard(came.body)
        payloads.discard(came.evidence)
