"""The log: one JSON object a line on standard output, or lines for people; `event` is a fixed name, the rest fields.

Events of Twisted, of other libraries and unhandled errors go into the same stream. docs/reference/log-events.md lists
every event.
"""

import functools
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from datetime import date, datetime
from typing import Any, Final, Literal, TextIO

import structlog
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogBeginner
from zope.interface import implementer

log = structlog.get_logger()

Event = MutableMapping[str, Any]
_NUMBERS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_SECRET: Final = re.compile(r"(?:^|_)(?:passw(?:or)?d|passphrase|secret|token|authorization|cookie)s?$", re.IGNORECASE)
_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), 127)}
_LONGEST: Final = 4000
_encoded: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def configure(
    layout: Literal["json", "console"],
    level: Literal["debug", "info", "warning", "error"],
    on_event: Callable[[str], None],
    *,
    on_unhandled: Callable[[str], None] = lambda _source: None,
    stream: TextIO | None = None,
) -> None:
    """Send everything that is logged to `stream` (standard output); called once, before the reactor runs.

    `on_event` is told the level of every event written, `on_unhandled` the source (`deferred`, `thread`) of every
    exception nobody handled.
    """
    render = _console if layout == "console" else _json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            hide_secrets,
            _counting(on_event),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_NUMBERS[level]),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stdout),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [LibraryEvents()]
    root.setLevel(_NUMBERS[level])
    threading.excepthook = _thread_failed(on_unhandled)
    globalLogBeginner.beginLoggingTo([TwistedEvents(on_unhandled)], redirectStandardIO=False)
    logging.captureWarnings(capture=True)  # after Twisted, which takes warnings for itself


def hide_secrets(_logger: object, _method: str, event: Event) -> Event:
    """Replace the value of every field whose name says that it is a secret."""
    for name in event:
        if _secret(name):
            event[name] = "***"
    return event


@functools.lru_cache(maxsize=1024)
def _secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def _counting(on_event: Callable[[str], None]) -> Callable[[object, str, Event], Event]:
    def count(_logger: object, _method: str, event: Event) -> Event:
        on_event(event["level"])
        return event

    return count


def plain(value: object) -> object:
    """A value that JSON can say: text for what JSON does not know, long texts and bytes cut."""
    if isinstance(value, str):
        return str(value) if len(value) <= _LONGEST else value[:_LONGEST] + f"… ({len(value)} characters)"
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): "***" if _SECRET.search(str(key)) else plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return plain(value[: _LONGEST + 1].decode("latin-1"))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return plain(str(value))


def _json(_logger: object, _method: str, event: Event) -> str:
    line = {name: event.pop(name) for name in ("ts", "level", "event")}
    exception = event.pop("exception", None)
    for name, value in event.items():
        line[name] = plain(value)
    if exception is not None:
        line["exception"] = exception  # a traceback is needed whole
    return _encoded(line)


def _console(_logger: object, _method: str, event: Event) -> str:
    exception = event.pop("exception", None)
    head = f"{event.pop('ts')[11:19]} {event.pop('level'):<7} {event.pop('event')}"
    fields = [f"{name}={json.dumps(plain(value), ensure_ascii=False)}" for name, value in event.items()]
    lines = [" ".join([head, *fields])] + ([str(exception)] if exception else [])
    # a file name or a header of a stranger must not steer the terminal
    return "\n".join(lines).translate(_CONTROL)


class LibraryEvents(logging.Handler):
    """Passes what libraries log on."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record as `library_log`."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        write = log.error if record.levelno >= logging.ERROR else log.warning
        if record.levelno < logging.WARNING:
            write = log.debug
        write("library_log", logger=record.name, text=text, exc_info=record.exc_info)


@implementer(ILogObserver)
class TwistedEvents:
    """Passes Twisted's own events on, its failures as errors; an unhandled error in a Deferred is one of them."""

    def __init__(self, on_unhandled: Callable[[str], None]) -> None:
        self._on_unhandled = on_unhandled

    def __call__(self, event: LogEvent) -> None:
        """Log one event as `twisted_log`, or `unhandled_error` when it carries a failure."""
        text, namespace = formatEvent(event), event.get("log_namespace", "")
        failure = event.get("log_failure")
        if failure is not None:
            self._on_unhandled("deferred")
            trace = (failure.type, failure.value, failure.getTracebackObject())
            log.error("unhandled_error", source=namespace, text=text, exc_info=trace)
            return
        if text.startswith("Unhandled error in Deferred"):
            return  # the heading of the failure that comes next
        level = event.get("log_level")
        # what Twisted tells of itself (factories starting, clients timing out) is of interest only to who debugs
        write = {LogLevel.warn: log.warning, LogLevel.error: log.error, LogLevel.critical: log.error}.get(
            level, log.debug
        )
        write("twisted_log", source=namespace, text=text)


def _thread_failed(on_unhandled: Callable[[str], None]) -> Callable[[threading.ExceptHookArgs], None]:
    def failed(args: threading.ExceptHookArgs) -> None:
        on_unhandled("thread")
        name = args.thread.name if args.thread else ""
        log.error("unhandled_error", source=name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback))

    return failed
