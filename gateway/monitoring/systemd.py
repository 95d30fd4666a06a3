"""Telling systemd how the daemon is (sd_notify): a datagram to the socket it names; nothing when it names none."""

import os
import socket
import time
from collections.abc import Mapping
from datetime import timedelta


class Systemd:
    """The service manager's side of the daemon; every call is harmless where there is no systemd."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        microseconds = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._watchdog = timedelta(microseconds=int(microseconds)) if ours and microseconds.isdigit() else None

    @property
    def watchdog_every(self) -> timedelta | None:
        """How often `watchdog` is to be called: half the time after which systemd gives up; None when it does not."""
        return self._watchdog / 2 if self._watchdog else None

    def ready(self) -> None:
        """Everything is started, or a reload has ended."""
        self._say("READY=1")

    def reloading(self) -> None:
        """A reload begins; `ready` ends it."""
        self._say(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The daemon begins to stop."""
        self._say("STOPPING=1")

    def watchdog(self) -> None:
        """The reactor still turns."""
        self._say("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._say("STATUS=" + " ".join(text.split()))

    def _say(self, state: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            try:
                channel.sendto(state.encode(), self._address)
            except OSError:  # nobody listens, or its queue is full: the daemon must not stop for that
                return
