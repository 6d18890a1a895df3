"""The sink `journald`: structured records in the systemd journal, by its native protocol.

A record is one datagram of `NAME=value` lines; a value that contains a line end is sent as `NAME`, its length (64 bits,
little-endian) and the bytes. A record too long for a datagram is sent as a sealed memory file whose descriptor is
passed.
"""

import errno
import fcntl
import os
import re
import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from mozu.core.api import (
    Alert,
    ChecksStart,
    Context,
    Obstacle,
    Outcome,
    Record,
    Retry,
    Settings,
    SinkDeclaration,
    hookimpl,
)
from mozu.core.caches import cached
from mozu.core.common.file_access import why_no_socket
from mozu.core.delivery.encode.clock import iso
from mozu.core.model.alert import render_value
from mozu.core.model.event import as_bytes

MESSAGE_ID: Final = "b5e7a1f2c64d4c0f9d3b8e6f1a7254c9"
"""Message id of every alert: `journalctl MESSAGE_ID=…` shows them all."""
_TOO_LONG: Final = (errno.EMSGSIZE, errno.ENOBUFS)
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_SEND_TIMEOUT: Final = 5.0
"""Most seconds that a send waits for a journal that does not read."""
_NOT_NAME: Final = re.compile(r"[^A-Z0-9]+")
_MAX_NAME: Final = 64
_CONTAINER: Final = (
    ("CONTAINER_ID_FULL", "container.full_id"),
    ("CONTAINER_ID", "container.id"),
    ("CONTAINER_NAME", "container.name"),
    ("IMAGE_NAME", "container.image"),
)
"""Names that the journal drivers of container engines use, and the fields with their values."""


class JournaldSettings(Settings):
    """Settings of the sink `journald`."""

    path: Path = Field(Path("/run/systemd/journal/socket"), description="The journal's socket.")
    identifier: str = Field(
        "mozu", min_length=1, max_length=64, description="SYSLOG_IDENTIFIER of the records: `journalctl -t mozu`."
    )


class JournaldSink(ChecksStart):
    """Sink that sends one datagram per record, which the journal's socket receives entirely or not at all."""

    def __init__(self, settings: JournaldSettings) -> None:
        self._path = str(settings.path)
        self._always = _pair("SYSLOG_IDENTIFIER", as_bytes(settings.identifier)) + _pair("MESSAGE_ID", MESSAGE_ID)
        self._socket: socket.socket | None = None

    def obstacles(self) -> Sequence[Obstacle]:
        """Return an obstacle if the journal does not listen."""
        reason = why_no_socket(Path(self._path))
        return [] if reason is None else [Obstacle(f"{reason}; start systemd-journald, or set `path`")]

    def start(self) -> None:
        """Do nothing: the journal may start later."""

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        """Send the records; those from the first failure on are retried. Raises OSError if the first failed."""
        done = 0
        try:
            for record in records:
                self._send(b"".join([self._always, *(_pair(name, value) for name, value in entry(record))]))
                done += 1
        except OSError as error:
            self.stop()
            if not done:
                raise OSError(error.errno, f"{self._path}: {error.strerror or error}") from error
            return [None] * done + [Retry()] + [Retry(tried=False)] * (len(records) - done - 1)
        return None

    def stop(self) -> None:
        """Close the socket; nothing is buffered."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, datagram: bytes) -> None:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.settimeout(_SEND_TIMEOUT)
            self._socket.connect(self._path)
        try:
            self._socket.send(datagram)
        except OSError as error:
            if error.errno not in _TOO_LONG:
                raise
            _send_file(self._socket, datagram)


def _send_file(sock: socket.socket, content: bytes) -> None:
    """Send the content as a memory file (memfd_create). The journal accepts it only sealed, so that it cannot
    change."""
    with open(os.memfd_create("mozu-record", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "wb") as file:
        file.write(content)
        file.flush()
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
        sock.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", file.fileno()))])


def entry(record: Record) -> Iterator[tuple[str, bytes | str]]:
    """Yield the journal's fields of one alert, with those of the event as MOZU_PROC_NAME and so on."""
    alert, stamp = record.alert, record.stamp
    yield "MESSAGE", record.body
    yield "PRIORITY", str(int(alert.priority))
    yield "MOZU_UUID", alert.id
    yield "MOZU_TIME", iso(alert.time, "Z")
    yield "MOZU_RULE", alert.rule
    if alert.rule_id:
        yield "MOZU_RULE_ID", alert.rule_id
    yield "MOZU_SOURCE", alert.source
    yield "MOZU_HOST", alert.hostname
    for tag in alert.tags:
        yield "MOZU_TAG", tag
    yield "MOZU_AGENT", stamp.agent
    yield "MOZU_SINK", stamp.sink
    yield "MOZU_EPOCH", stamp.epoch
    yield "MOZU_SEQUENCE", str(stamp.sequence)
    yield from _of_container(alert)
    for ref in alert.template.refs():
        value = alert.values.get(ref.key)
        if ref.is_field and value is not None:
            yield field_name(ref.key), render_value(value, ref.type, ref.format)


def _of_container(alert: Alert) -> Iterator[tuple[str, str]]:
    for name, key in _CONTAINER:
        value: Any = alert.values.get(key, alert.enrichment.get(key))
        if isinstance(value, str) and value != "host":
            yield name, value


@cached(1024)
def field_name(key: str) -> str:
    """Return the journal's name for a field, MOZU_PROC_ANAME_2 for `proc.aname[2]`, of at most 64 characters."""
    return f"MOZU_{_NOT_NAME.sub('_', key.upper())}"[:_MAX_NAME].strip("_")


def _pair(name: str, value: bytes | str) -> bytes:
    raw = value if isinstance(value, bytes) else as_bytes(value)
    if b"\n" in raw:
        return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(raw)), raw)
    return b"%s=%s\n" % (name.encode(), raw)


def _build(settings: JournaldSettings, context: Context) -> JournaldSink:
    return JournaldSink(settings)


@hookimpl
def mozu_components() -> SinkDeclaration[JournaldSettings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="journald",
        build=_build,
        settings=JournaldSettings,
        summary="Structured records in the systemd journal.",
        blocking=True,
    )
