"""What the Python peers have in common: commands from standard input, a record of what happened, posting.

A command is one line of JSON, `{"do": NAME, …}`, and is answered by one line of JSON. The first line written says that
the peer is ready.
"""

import http.client
import json
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

Command = Callable[[dict[str, Any]], dict[str, Any]]


class Record:
    """What became of messages, by Message-ID without brackets; written by the threads of the server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, Any]] = {}

    def note(self, message_id: str, **facts: Any) -> None:
        """Add facts about a message."""
        with self._lock:
            self._kept.setdefault(message_id, {}).update(facts)

    def of(self, message_id: str) -> dict[str, Any]:
        """The facts known about a message."""
        with self._lock:
            return dict(self._kept.get(message_id, {}))


def post(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """Post an entity: status, headers and body of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
    try:
        connection.request("POST", parts.path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


def obey(commands: Mapping[str, Command]) -> None:
    """Do what standard input says until it ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # what a library prints must not get between the answers
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = commands[asked["do"]](asked)
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        print(json.dumps(said), file=answers, flush=True)
