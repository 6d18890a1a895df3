"""The log of mozu: to stderr, to the journal, or to the local syslog daemon; one line for each message.

A write to a socket never waits: a message that the daemon has no capacity for goes to stderr instead.
"""

import logging
import os
import socket
import struct
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from mozu.core.common.control_chars import visible
from mozu.core.isolation.texts import LONGEST, shortened, without_secrets
from mozu.core.runtime.config.log import LogSettings

_ROOT: Final = "mozu"
_LONGEST_TRACEBACK: Final = 65_536
"""Characters of a traceback in the log."""
_JOURNAL: Final = Path("/run/systemd/journal/socket")
_SYSLOG: Final = Path("/dev/log")
_FACILITY: Final = 3
"""The facility "daemon" (RFC 3164)."""
_PRIORITIES: Final = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""Least level → severity in syslog; lower levels are debug."""


def set_up(settings: LogSettings) -> None:
    """Set up logging for every message of this process from now on. A reload calls this again."""
    root = logging.getLogger()
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = [_handler(settings)]
    root.setLevel(settings.level.upper())
    manager = logging.Logger.manager
    for name, logger in list(manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and name.startswith(f"{_ROOT}."):
            logger.setLevel(logging.NOTSET)
    for name, level in settings.levels.items():
        logging.getLogger(f"{_ROOT}.{name}").setLevel(level.upper())


def _handler(settings: LogSettings) -> logging.Handler:
    handler: logging.Handler = logging.StreamHandler()
    if settings.to == "journald":
        handler = JournalHandler(settings.socket or _JOURNAL)
    elif settings.to == "syslog":
        handler = SyslogHandler(settings.socket or _SYSLOG)
    handler.setFormatter({"plain": PlainForm, "text": TextForm, "json": JsonForm}[settings.form]())
    return handler


def component(record: logging.LogRecord) -> str:
    """Return the component that logged the record: `sink.siem`."""
    return record.name.removeprefix(f"{_ROOT}.")


def shown(text: str, longest: int = LONGEST) -> str:
    """Return a message as the log shows it: shortened, and with unprintable characters escaped."""
    return visible(shortened(text, longest))


class PlainForm(logging.Formatter):
    """`mozu: warning: text`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, followed by the lines of a traceback."""
        text = super().format(record)
        text = "\n".join(map(shown, without_secrets(text).split("\n"))) if record.exc_info else shown(text)
        return f"mozu: {text}" if record.levelno < logging.WARNING else f"mozu: {record.levelname.lower()}: {text}"


class TextForm(logging.Formatter):
    """`2026-11-28T16:57:35.123Z warning sink.siem: text`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line; line breaks of a traceback are escaped."""
        text = shown(super().format(record))
        return f"{_time(record)} {record.levelname.lower()} {visible(component(record))}: {text}"


class JsonForm(logging.Formatter):
    """A JSON object for each line: `time`, `level`, `component`, `message`, and `traceback` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        tree = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "component": visible(component(record)),
            "message": shown(record.getMessage()),
        }
        if record.exc_info:
            tree["traceback"] = shown(self.formatException(record.exc_info), _LONGEST_TRACEBACK)
        return orjson.dumps(tree).decode()


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _DatagramHandler(logging.Handler):
    """A handler that sends each message as a datagram to a Unix socket, and never waits."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = str(path)
        self._socket: socket.socket | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record to the socket, or print it to stderr if the socket does not accept it."""
        try:
            if self._socket is None:
                made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
                self._socket = made
                made.connect(self._path)
            self._socket.send(self.datagram(record))
        except OSError:
            self._drop_socket()
            print(PlainForm().format(record), file=sys.stderr)

    def datagram(self, record: logging.LogRecord) -> bytes:
        """Return the bytes to send."""
        raise NotImplementedError  # abstract: each protocol has its own

    def _drop_socket(self) -> None:
        """Close the socket; the next message connects again, because the daemon may have been restarted."""
        made, self._socket = self._socket, None
        if made is not None:
            made.close()

    def close(self) -> None:
        """Close the socket and the handler."""
        self._drop_socket()
        super().close()


class SyslogHandler(_DatagramHandler):
    """A handler for the local syslog daemon, in the form of syslog(3); the daemon adds the time."""

    def datagram(self, record: logging.LogRecord) -> bytes:
        """`<30>mozu[123]: text`."""
        text = self.format(record).removeprefix("mozu: ").replace("\n", " | ")
        return f"<{_FACILITY * 8 + _priority(record)}>mozu[{os.getpid()}]: {text}".encode()


class JournalHandler(_DatagramHandler):
    """systemd's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/)."""

    def datagram(self, record: logging.LogRecord) -> bytes:
        """Return the record as fields of the journal's protocol, one after another."""
        message = shown(record.getMessage())
        if record.exc_info:
            message += "\n" + shortened(logging.Formatter().formatException(record.exc_info), _LONGEST_TRACEBACK)
        fields = {
            "MESSAGE": message,
            "PRIORITY": str(_priority(record)),
            "SYSLOG_IDENTIFIER": "mozu",
            "MOZU_COMPONENT": visible(component(record)),
        }
        return b"".join(_field(name, value.encode("utf-8", "replace")) for name, value in fields.items())


def _field(name: str, value: bytes) -> bytes:
    if b"\n" not in value:
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


def _priority(record: logging.LogRecord) -> int:
    return next((priority for level, priority in _PRIORITIES if record.levelno >= level), 7)
