"""Notifications to a service manager (sd_notify(3)): ready, reloading, stopping, and that the event loop answers.

The protocol is a datagram of NAME=value lines to the socket named by the environment. Without a socket nothing is sent.
"""

import logging
import os
import socket
import time
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from typing import Final

_log = logging.getLogger("mozu.engine")
_SOCKET: Final = "NOTIFY_SOCKET"
_WATCHDOG: Final = ("WATCHDOG_USEC", "WATCHDOG_PID")


class ServiceManager:
    """The connection to the service manager that started this process."""

    def __init__(self, address: str = "", watchdog_seconds: float = 0.0) -> None:
        """Make a connection. `address` is the socket's, with `@` first if it is abstract; empty: there is none. Without
        a heartbeat within `watchdog_seconds` the manager kills the process; 0: never."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._is_watched = watchdog_seconds > 0
        self._socket: socket.socket | None = None

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> "ServiceManager":
        """Return the connection that the environment describes, and remove it from there: children of this process are
        no services."""
        address = environment.pop(_SOCKET, "")
        microseconds, process = (environment.pop(name, "") for name in _WATCHDOG)
        seconds = 0.0
        if microseconds.isdecimal() and process in ("", str(os.getpid())):
            seconds = int(microseconds) / 1e6
        return cls(address, seconds)

    def ready(self, sources: Iterable[str], sinks: Iterable[str]) -> None:
        """Report that the start, or a reload, is over."""
        self._send("READY=1", f"STATUS=watching by {_line(', '.join(sources))}; alerts go to {', '.join(sinks)}")

    def reloading(self) -> None:
        """Report that a reload begins. The time tells systemd that it is the reload it asked for (notify-reload)."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, why: str) -> None:
        """Report that the clean stop begins."""
        self._send("STOPPING=1", f"STATUS={_line(why)}")

    def loop_answers(self) -> None:
        """Send a heartbeat if one is expected; called in the event loop every second."""
        if self._is_watched:
            self._send("WATCHDOG=1")

    def close(self) -> None:
        """Close the socket; later calls send nothing."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._address = None, ""

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
                self._socket.connect(self._address)
            with suppress(BlockingIOError):  # its queue is full: the next heartbeat follows soon
                self._socket.send("\n".join(lines).encode())
        except OSError as error:
            _log.warning("notifications to the service manager at %s stop: %s", self._address, error)
            self.close()


def _line(text: str) -> str:
    return text.replace("\n", " ")
