"""What an alert knows of its event, by the names of fields, for formats that have places of their own for it."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

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
    "fs.path.name",
    "fs.path.target",
    "fd.type",
    "fd.name",
    "fd.cip",
    "fd.cport",
    "fd.sip",
    "fd.sport",
    "fd.l4proto",
    "fd.is_server",
)
REQUESTED_FIELDS: Final = PROCESS + CONTAINER + OBJECT
HOMES: Final = frozenset({*PROCESS, *CONTAINER, "container.id", "container.image", "evt.type", "evt.hostname"})
"""What ECS and OCSF have places of their own for wherever it has a value."""
_MISSING: Final = frozenset({"", "<NA>"})
_FILES: Final = frozenset({"file", "directory"})


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


class Known:
    """`Alert.enrichment`, and the values of the rule's output where the enrichment lacks a field."""

    def __init__(self, alert: Alert) -> None:
        self.outputs: JsonObject = {
            ref.key: json_value(alert.values.get(ref.key), ref)
            for ref in alert.template.refs()
            if ref.is_field and not ref.is_time
        }
        """The output's fields as JSON values, None where missing."""
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

    def is_directory(self) -> bool:
        """Whether `path` is known to be a directory."""
        return self.text("fd.type") == "directory"

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
            inward=self.flag("fd.is_server"),
        )

    def _port(self, name: str) -> int | None:
        port = self.number(name)
        return port if port is not None and port < 1 << 16 else None


@cached(1024)
def _address(text: str | None) -> str | None:
    try:
        return None if text is None or "%" in text else str(ip_address(text))
    except ValueError:
        return None


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.rstrip("/").rpartition("/")[2] or path
