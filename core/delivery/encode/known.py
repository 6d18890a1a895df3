"""What an alert knows of its event, by the names of fields, for formats that have places of their own for it."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final, Literal

import msgspec

from mozu.core.caches import cached
from mozu.core.delivery.encode.values import json_value
from mozu.core.model.alert import Alert
from mozu.core.model.event import printable
from mozu.core.model.value_types import FieldValue, Json, JsonObject

PROCESS: Final = (
    "proc.pid",
    "proc.vpid",
    "thread.tid",
    "proc.name",
    "proc.exepath",
    "proc.cmdline",
    "proc.cwd",
    "proc.pid.ts",
    "proc.ppid",
    "proc.pname",
    "proc.pexepath",
    "proc.pcmdline",
    "user.uid",
    "user.name",
    "group.gid",
    "group.name",
)
CONTAINER: Final = (
    "container.full_id",
    "container.name",
    "container.type",
    "container.image.id",
    "container.image.repository",
    "container.image.tag",
    "container.image.digest",
    "container.privileged",
    "k8s.ns.name",
    "k8s.pod.name",
    "k8s.pod.uid",
)
OBJECT: Final = (
    "evt.failed",
    "evt.rawres",
    "evt.res",
    "evt.is_open_create",
    "evt.is_open_write",
    "fs.path.name",
    "fs.path.source",
    "fs.path.target",
    "fd.type",
    "fd.name",
    "fd.cip",
    "fd.cport",
    "fd.sip",
    "fd.sport",
    "fd.l4proto",
    "fd.role",
)
REQUESTED_FIELDS: Final = PROCESS + CONTAINER + OBJECT
HOMES: Final = frozenset({*PROCESS, *CONTAINER, "container.id", "container.image", "evt.type", "evt.hostname"})
"""What ECS and OCSF have places of their own for wherever it has a value."""
_PENDING: Final = frozenset({-114, -115, -529, *range(-516, -511)})
"""Results of calls that go on when they return: EALREADY, EINPROGRESS (connect(2)), EIOCBQUEUED, and ERESTARTSYS to
ERESTART_RESTARTBLOCK, after which the kernel begins the call anew (include/linux/errno.h)."""
_MADE_DIRECTORY: Final = frozenset({"mkdir", "mkdirat", "rmdir"})
_MADE_LINK: Final = frozenset({"symlink", "symlinkat"})
_INWARD: Final = {"server": True, "listening": True, "client": False}
_LISTENS: Final = frozenset({"accept", "accept4", "listen", "bind"})
_MISSING: Final = frozenset({"", "<NA>"})
_FILES: Final = frozenset({"file", "directory"})


Outcome = Literal["success", "failure", "unknown"]
"""`unknown`: the call returned before what it began had ended."""


class Connection(msgspec.Struct, frozen=True):
    """An IP socket: client and server."""

    version: int
    """4 or 6."""
    client: str | None
    client_port: int | None
    server: str | None
    server_port: int | None
    transport: str | None
    """tcp, udp, icmp, raw."""
    inward: bool | None
    """True where the process is the server; None where that is not known."""
    local: bool
    """Whether it stays on the machine: one end is a loopback address."""


class Known:
    """`Alert.enrichment`, and the values of the rule's output where the enrichment lacks a field."""

    def __init__(self, alert: Alert) -> None:
        self.outputs: JsonObject = {
            ref.key: json_value(alert.values.get(ref.key), ref)
            for ref in alert.template.refs()
            if ref.is_field and not ref.is_time
        }
        """The output's fields as JSON values, None where missing."""
        self.event_type = alert.event_type
        self._values: Mapping[str, Json | FieldValue] = {**self.outputs, **alert.enrichment}

    def text(self, name: str) -> str | None:
        """A field as text; None where it is missing."""
        value = self._values.get(name)
        if isinstance(value, str):
            return None if value in _MISSING else printable(value)
        return None if value is None or isinstance(value, list | dict) else str(value)

    def number(self, name: str) -> int | None:
        """A field as a number that is not negative and has at most 63 bits."""
        value = self._values.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return value if 0 <= value < 1 << 63 else None

    def flag(self, name: str) -> bool | None:
        """A field as a truth value."""
        value = self._values.get(name)
        return value if isinstance(value, bool) else None

    def others(self, homes: frozenset[str] = HOMES) -> JsonObject:
        """The output's fields that have a value and no home."""
        return {key: value for key, value in self.outputs.items() if key not in homes and value is not None}

    def container(self) -> str | None:
        """The container's whole id; None on the host."""
        found = self.text("container.full_id") or self.text("container.id")
        return None if found == "host" else found

    def image(self) -> str | None:
        """The image with its tag, as people write it."""
        name, tag = self.text("container.image.repository"), self.text("container.image.tag")
        return f"{name}:{tag}" if name and tag else name

    def path(self) -> str | None:
        """The file that the call was about."""
        if self.text("fd.type") in _FILES:
            return self.text("fd.name") or self.text("fs.path.name")
        return self.text("fs.path.name") or self.text("fs.path.target")

    def file_type(self) -> Literal["file", "dir", "symlink"] | None:
        """What `path` is, in the words of ECS; None where that is not known."""
        if self.event_type in _MADE_DIRECTORY:
            return "dir"
        if self.event_type in _MADE_LINK:
            return "symlink"
        kind = self.text("fd.type")
        return "dir" if kind == "directory" else "file" if kind == "file" else None

    def link_target(self) -> str | None:
        """Where a symbolic link that the call made leads."""
        return self.text("fs.path.source") if self.event_type in _MADE_LINK else None

    def outcome(self) -> Outcome | None:
        """How the call ended; None where it has no result."""
        failed = self.flag("evt.failed")
        if failed is None:
            return None
        if self.result() in _PENDING:
            return "unknown"
        return "failure" if failed else "success"

    def result(self) -> int | None:
        """What the call returned: a negative number is an error."""
        value = self._values.get("evt.rawres")
        return value if type(value) is int and -(1 << 63) <= value < 1 << 63 else None

    def error(self) -> str | None:
        """The name of the error that the call returned, also of one that it goes on after."""
        return self.text("evt.res") if self.flag("evt.failed") else None

    def connection(self) -> Connection | None:
        """The IP socket that the call was about."""
        client, server = _address(self.text("fd.cip")), _address(self.text("fd.sip"))
        if client is None and server is None:
            return None
        return Connection(
            version=6 if ":" in (server or client or "") else 4,
            client=client,
            client_port=self._port("fd.cport"),
            server=server,
            server_port=self._port("fd.sport"),
            transport=self.text("fd.l4proto"),
            inward=self._inward(),
            local=_is_loopback(server or client or ""),
        )

    def _inward(self) -> bool | None:
        """By what the call does, else by the part that the process plays. The addresses do not say it: a connection of
        the machine to itself has both ends here."""
        if self.event_type == "connect":
            return False
        return True if self.event_type in _LISTENS else _INWARD.get(self.text("fd.role") or "")

    def _port(self, name: str) -> int | None:
        port = self.number(name)
        return port if port is not None and port < 1 << 16 else None


@cached(1024)
def _address(text: str | None) -> str | None:
    try:
        return None if text is None or "%" in text else str(ip_address(text))
    except ValueError:
        return None


@cached(1024)
def _is_loopback(address: str) -> bool:
    return bool(address) and ip_address(address).is_loopback


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.rstrip("/").rpartition("/")[2] or path
