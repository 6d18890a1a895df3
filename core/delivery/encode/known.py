"""Facts about an alert's event, by names of fields, for formats with places of their own for them."""

import errno
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final, Literal

import msgspec

from mozu.core.caches import cached
from mozu.core.delivery.encode.document import one_line
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
    "evt.rawarg.res",
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
IDENTITY: Final = (
    "evt.host_id",
    "proc.entity_id",
    "proc.argv",
    "proc.tty",
    "proc.pentity_id",
    "proc.ppid.ts",
    "proc.sid.leader",
    "proc.pgid.leader",
    "proc.entry.leader",
    "proc.entry.type",
    "proc.entry.ip",
    "proc.ancestors",
    "proc.peer",
    "user.loginuid",
    "user.loginname",
)
"""Fields by which alerts are joined; for formats whose readers join them."""
RAW: Final = ("evt.args",)
"""Fields of the event itself."""
HOMES: Final = frozenset(
    {*PROCESS, *CONTAINER, "proc.exe_hash", "container.id", "container.image", "evt.type", "evt.hostname"}
)
"""Fields for which ECS and OCSF have places of their own."""
_PENDING: Final = frozenset({-114, -115, -529, *range(-516, -511)})
"""Results of calls that are still under way when they return: EALREADY, EINPROGRESS (connect(2)), EIOCBQUEUED, and
ERESTARTSYS to ERESTART_RESTARTBLOCK, after which the kernel restarts the call (include/linux/errno.h)."""
_MADE_DIRECTORY: Final = frozenset({"mkdir", "mkdirat", "rmdir"})
_MADE_SYMBOLIC_LINK: Final = frozenset({"symlink", "symlinkat"})
_MADE_LINK: Final = _MADE_SYMBOLIC_LINK | {"link", "linkat"}
_INWARD: Final = {"server": True, "listening": True, "client": False}
_NO_LOGIN: Final = 0xFFFFFFFF
_ENTITY_PARTS: Final = 4
_PEER_PARTS: Final = 6
_MOST_DIGITS: Final = 30
"""Most digits of a pid and a start time together."""
_LISTENS: Final = frozenset({"accept", "accept4", "listen", "bind"})
_MISSING: Final = frozenset({"", "<NA>"})
_FILES: Final = frozenset({"file", "directory"})


Outcome = Literal["success", "failure", "unknown"]
"""`unknown`: the call returned before its operation had ended."""


class Connection(msgspec.Struct, frozen=True):
    """An IP connection: client and server."""

    version: int
    """4 or 6."""
    client: str | None
    client_port: int | None
    server: str | None
    server_port: int | None
    transport: str | None
    """tcp, udp, icmp, raw."""
    inward: bool | None
    """True if the process is the server; None if unknown."""
    local: bool
    """True if the connection stays on the machine: one end is a loopback address."""


class Entity(msgspec.Struct, frozen=True):
    """Another process, as the fields `proc.ancestors` and `proc.*.leader` describe it."""

    id: str | None
    pid: int
    start: int
    """Start time, ns since the epoch; 0 if unknown."""
    path: str | None


class Known:
    """Values of `Alert.enrichment`, or of the rule's output if the enrichment lacks a field."""

    def __init__(self, alert: Alert) -> None:
        self.outputs: JsonObject = {
            ref.key: json_value(alert.values.get(ref.key), ref)
            for ref in alert.template.refs()
            if ref.is_field and not ref.is_time
        }
        """The output's fields as JSON values, None where missing."""
        self.event_type = alert.event_type
        self._alert = alert
        self._values: Mapping[str, Json | FieldValue] = {**self.outputs, **alert.enrichment}

    def text(self, name: str) -> str | None:
        """Return a field as text; None if missing."""
        value = self._values.get(name)
        if isinstance(value, str):
            return None if value in _MISSING else printable(value)
        return None if value is None or isinstance(value, list | dict) else str(value)

    def number(self, name: str) -> int | None:
        """Return a field as a non-negative number of at most 63 bits; None otherwise."""
        value = self._values.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return value if 0 <= value < 1 << 63 else None

    def flag(self, name: str) -> bool | None:
        """Return a field as a bool; None if it has no bool."""
        value = self._values.get(name)
        return value if isinstance(value, bool) else None

    def others(self, homes: frozenset[str] = HOMES) -> JsonObject:
        """Return the output's fields that have a value and are not in `homes`."""
        return {key: value for key, value in self.outputs.items() if key not in homes and value is not None}

    def container(self) -> str | None:
        """Return the container's full id; None on the host."""
        found = self.text("container.full_id") or self.text("container.id")
        return None if found == "host" else found

    def image(self) -> str | None:
        """Return the image as `NAME:TAG`, without the tag if unknown."""
        name, tag = self.text("container.image.repository"), self.text("container.image.tag")
        return f"{name}:{tag}" if name and tag else name

    def path(self) -> str | None:
        """Return the path of the file that the call was about."""
        if self.text("fd.type") in _FILES:
            return self.text("fd.name") or self.text("fs.path.name")
        other = "fs.path.source" if self.event_type in _MADE_LINK else "fs.path.target"
        return self.text("fs.path.name") or self.text(other)

    def file_type(self) -> Literal["file", "dir", "symlink"] | None:
        """Return the file type of `path` in ECS terms; None if unknown."""
        if self.event_type in _MADE_DIRECTORY:
            return "dir"
        if self.event_type in _MADE_SYMBOLIC_LINK:
            return "symlink"
        kind = self.text("fd.type")
        return "dir" if kind == "directory" else "file" if kind == "file" else None

    def link_target(self) -> str | None:
        """Return the target of the symbolic link that the call created."""
        return self.text("fs.path.target") if self.event_type in _MADE_SYMBOLIC_LINK else None

    def outcome(self) -> Outcome | None:
        """Return the outcome of the call; None if it has no result."""
        failed = self.failed()
        if failed is None:
            return None
        if self.result() in _PENDING:
            return "unknown"
        return "failure" if failed else "success"

    def failed(self) -> bool | None:
        """Return True if the call returned an error, False if not; None if it has no result.

        Calls whose parameters are mozu's own have a parameter `res`, and none of Falco's fields (docs/rules/calls.md).
        """
        flag, result = self.flag("evt.failed"), self.result()
        return result < 0 if flag is None and result is not None else flag

    def result(self) -> int | None:
        """Return the call's return value; a negative number is an error."""
        value = self._values.get("evt.rawres")
        if value is None and self.flag("evt.failed") is None:
            value = self._values.get("evt.rawarg.res")
        return value if type(value) is int and -(1 << 63) <= value < 1 << 63 else None

    def error(self) -> str | None:
        """Return the name of the error that the call returned, also if its operation continues; None if it did not
        fail."""
        if not self.failed():
            return None
        return self.text("evt.res") or errno.errorcode.get(-(self.result() or 0))

    def connection(self) -> Connection | None:
        """Return the IP connection that the call was about; None if there was none."""
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
        """Return True if the process is the server, by the call, else by its role. Addresses do not show it: both ends
        of a local connection are on this machine."""
        if self.event_type == "connect":
            return False
        return True if self.event_type in _LISTENS else _INWARD.get(self.text("fd.role") or "")

    def entity(self, name: str) -> Entity | None:
        """Return another process from a field that describes one."""
        return _entity(self.text(name))

    def ancestors(self) -> list[Entity]:
        """Return the ancestors, the parent first."""
        found = self._values.get("proc.ancestors")
        texts = found if isinstance(found, list | tuple) else ()
        return [one for text in texts if isinstance(text, str) and (one := _entity(text)) is not None]

    def peer(self) -> Connection | None:
        """Return the connection that serves as the process's terminal; None if there is none."""
        parts = (self.text("proc.peer") or "").split(" ")
        if len(parts) != _PEER_PARTS:
            return None
        role, client, client_port, server, server_port, transport = parts
        found = _address(client), _address(server)
        if not any(found) or not (client_port.isdecimal() and server_port.isdecimal()):
            return None
        return Connection(
            version=6 if ":" in server else 4,
            client=found[0],
            client_port=int(client_port),
            server=found[1],
            server_port=int(server_port),
            transport=None if transport == "-" else transport,
            inward=_INWARD.get(role),
            local=_is_loopback(found[1] or found[0] or ""),
        )

    def args(self) -> list[str]:
        """Return the arguments of the command line, the program's name included."""
        found = self.text("proc.argv")
        return [] if found is None else found.split("\0")

    def login_id(self) -> str | None:
        """Return the id of the account that logged in; None if none did."""
        found = self.number("user.loginuid")
        return None if found is None or found == _NO_LOGIN else str(found)

    def login_name(self) -> str | None:
        """Return the name of the account that logged in; None if none did."""
        return self.text("user.loginname") if self.login_id() is not None else None

    def login_address(self) -> str | None:
        """Return the address that the user logged in from."""
        return _address(self.text("proc.entry.ip"))

    def raw_event(self) -> str | None:
        """Return the event with its parameters as JSON; None if the parameters are unknown."""
        parameters = self.text("evt.args")
        if parameters is None:
            return None
        alert = self._alert
        known: JsonObject = {
            "type": alert.event_type,
            "number": alert.event_num,
            "time": alert.time,
            "parameters": parameters,
        }
        return one_line(known).decode()

    def terminal(self) -> tuple[int, int] | None:
        """Return major and minor number of the controlling terminal; None without one."""
        device = self.number("proc.tty")
        return (device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00) if device else None

    def _port(self, name: str) -> int | None:
        port = self.number(name)
        return port if port is not None and port < 1 << 16 else None


@cached(4096)
def _entity(text: str | None) -> Entity | None:
    parts = (text or "").split(" ", _ENTITY_PARTS - 1)
    if len(parts) != _ENTITY_PARTS:
        return None
    ident, pid, start, path = parts
    if not (pid.isdecimal() and start.isdecimal() and len(pid + start) < _MOST_DIGITS):
        return None
    return Entity(None if ident == "-" else ident, int(pid), int(start), printable(path) or None)


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
    """Return the last component of a path."""
    return path.rstrip("/").rpartition("/")[2] or path
