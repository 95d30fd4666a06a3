"""The log: one JSON object a line, everything in one stream, no secrets, nothing that steers a terminal."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.config.types import Secret
from gateway.monitoring.logs import hide_secrets, plain

PROGRAM = """
import logging, sys, threading, warnings
import structlog
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from gateway.monitoring.logs import configure
from gateway.monitoring.metrics import Metrics

early = structlog.get_logger()
metrics = Metrics()
configure({layout!r}, {level!r}, metrics.log_event, on_unhandled=metrics.unhandled)
{body}
sys.stderr.write(metrics.render().decode())
"""


def run(body: str, *, layout: str = "json", level: str = "info") -> tuple[list[str], str]:
    """The lines a program logs, and its metrics."""
    program = PROGRAM.format(layout=layout, level=level, body=body)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60)
    return ended.stdout.splitlines(), ended.stderr


def test_one_line_an_event() -> None:
    """An event is one JSON line that begins with time, level and name, and has its context and fields."""
    lines, metrics = run(
        """
with structlog.contextvars.bound_contextvars(request_id="r1"):
    early.info("message_received", file="a\\nb\\u2028.xml", size=3)
early.debug("unseen")
"""
    )
    assert len(lines) == 1
    event = json.loads(lines[0])
    assert list(event)[:3] == ["ts", "level", "event"]
    assert datetime.fromisoformat(event.pop("ts")).utcoffset() == datetime.now(UTC).utcoffset()
    assert event == {
        "level": "info",
        "event": "message_received",
        "request_id": "r1",
        "file": "a\nb\u2028.xml",
        "size": 3,
    }
    assert 'gateway_log_events_total{level="info"} 1.0' in metrics
    assert 'gateway_log_events_total{level="debug"} 0.0' in metrics


def test_everything_in_one_stream() -> None:
    """Events of Twisted and of libraries, warnings, and errors nobody handled come as JSON, the last ones counted."""
    lines, metrics = run(
        """
logging.getLogger("library").warning("hello %s", "there")
logging.getLogger("library").info("wrong %d", "arguments")
warnings.warn("old")
Logger("web").warn("slow {x}", x=1)
fail(ZeroDivisionError("lost"))
thread = threading.Thread(target=lambda: 1 / 0, name="worker")
thread.start()
thread.join()
""",
        level="debug",
    )
    events = [json.loads(line) for line in lines]
    told = [(event["level"], event["event"]) for event in events]
    assert told == [
        ("warning", "library_log"),
        ("debug", "library_log"),
        ("warning", "library_log"),
        ("warning", "twisted_log"),
        ("error", "unhandled_error"),
        ("error", "unhandled_error"),
    ]
    assert events[0]["text"] == "hello there"
    assert events[3]["text"] == "slow 1"
    assert "ZeroDivisionError: lost" in events[4]["exception"]
    assert events[5]["source"] == "worker"
    assert 'gateway_unhandled_errors_total{source="deferred"} 1.0' in metrics
    assert 'gateway_unhandled_errors_total{source="thread"} 1.0' in metrics


def test_console() -> None:
    """For people there is one line too, in which no control character of a stranger's text is left."""
    lines, _ = run('early.warning("folder_file_left", file="\\x1b[2Jx\\n", why="é")', layout="console")
    assert len(lines) == 1
    assert lines[0].endswith('warning folder_file_left file="\\u001b[2Jx\\n" why="é"')
    lines, _ = run(
        """
try:
    raise ValueError("\\x1b[2J")
except ValueError:
    early.exception("http_request_failed")
""",
        layout="console",
    )
    assert lines[-1] == "ValueError: \\x1b[2J"
    assert len(lines) > 2


def test_secrets() -> None:
    """What is named like a secret, or is one by reference, is never written."""
    event: dict[str, Any] = {"token": "t1", "db_password": "t2", "Authorization": "t3", "tokens": "t4", "key": "shown"}
    hidden = {**hide_secrets(None, "", event), "reference": Secret(env="NAME")}
    said = json.dumps(plain(hidden))
    assert "t1" not in said
    assert "t2" not in said
    assert "t3" not in said
    assert "t4" not in said
    assert "NAME" not in said
    assert "shown" in said
    assert plain({"nested": {"passphrase": "t"}}) == {"nested": {"passphrase": "***"}}


def test_plain_values() -> None:
    """What JSON does not know is said as text; what is long is cut."""
    assert plain([Decimal("1.10"), Path("/a"), b"\xff", {1}, None, 1.5, True]) == [
        "1.10",
        "/a",
        "ÿ",
        [1],
        None,
        1.5,
        True,
    ]
    assert plain(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01T00:00:00+00:00"
    assert len(str(plain("x" * 1_000_000))) < 5000
    assert len(str(plain(b"x" * 1_000_000))) < 5000
