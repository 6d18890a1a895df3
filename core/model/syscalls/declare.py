"""Declarations of event types: their shape, and the short notation in which the families are written.

Notation of parameters, separated by blanks: `name:type[:format][:table]`. The format is `d`, `x`, `o`, `id` or `na`;
`fsrelpath@1` is a path relative to the directory in parameter 1; `dynamic(uint64.x|signal)` is a value of one of these
types, depending on the call.
"""

import re
from typing import Final

import msgspec

FORMATS: Final = frozenset({"d", "x", "o", "id", "na"})
_PARAM: Final = re.compile(
    r"(?P<name>\w+):(?P<type>[a-z0-9]+)(?:@(?P<dirfd>\d+))?(?:\((?P<choices>[^)]*)\))?(?P<rest>(?::\w+)*)"
)


class Param(msgspec.Struct, frozen=True):
    """A parameter of an event."""

    name: str
    type: str
    """The type: int8 … uint64, fd, pid, uid, gid, errno, signal, sigset, string, fspath, fsrelpath, bytes, socktuple,
    sockaddr, fdlist, flags8/16/32, enum8/16/32, mode, reltime, abstime, syscallid, dynamic."""
    format: str = ""
    """Format of a number: `x` upper-case hexadecimal, `o` octal with a leading 0, otherwise decimal."""
    table: str = ""
    """Name of the flag table, or empty."""
    dirfd: int | None = None
    """Position of the parameter that holds the directory's descriptor, for `fsrelpath`."""
    choices: tuple[str, ...] = ()
    """Possible types, for `dynamic`, with `.x` after the name if the number prints as hexadecimal. The value is a pair
    (type, value), or a plain value of the first type that fits."""


_SOCKET_MAKERS: Final = frozenset(
    {"socket", "socketpair", "accept", "accept4", "dup", "dup2", "dup3", "pidfd_getfd"}
)
"""Event types that create a descriptor which may be a socket."""


class EventType(msgspec.Struct, frozen=True):
    """A type of event."""

    name: str
    """The name that `evt.type` shows."""
    category: str
    """The category: file, net, process …; `io_read`, `io_write` and `io_other` depend on the descriptor
    (`evt.category`)."""
    kind: str
    """The origin: syscall, tracepoint, meta or plugin."""
    traits: frozenset[str]
    """Traits: creates_fd, uses_fd, destroys_fd, reads_fd, writes_fd, modifies_state, waits, skip_reset,
    large_payload."""
    params: tuple[Param, ...]
    calls: tuple[str, ...]
    """The x86-64 system calls that lead to the event, by the kernel's name; empty if there is none."""
    default: str
    """Condition for collecting the event: `state` always (it changes the state), `rules` if a rule names it, `ignored`
    only with the setting that turns everything on; empty for anything but a system call."""
    own_params: bool = False
    """True if the parameters are mozu's own: in captures of other programs the event has none."""

    def index(self, name: str) -> int | None:
        """Return the position of a parameter, None if there is none; meant for load time."""
        for position, param in enumerate(self.params):
            if param.name == name:
                return position
        return None

    @property
    def has_fd(self) -> bool:
        """True if the event is about a descriptor, so that fields `fd.*` may have a value."""
        return not self.traits.isdisjoint(("creates_fd", "uses_fd", "destroys_fd"))

    @property
    def may_be_socket(self) -> bool:
        """True if the event's descriptor may be a socket: neither a path that is opened (ENXIO; unix(7)) nor a new
        pipe, timer or epoll set is one."""
        return self.has_fd and ("creates_fd" not in self.traits or self.name in _SOCKET_MAKERS)


def call(
    name: str,
    category: str,
    params: str,
    *,
    traits: str = "",
    default: str = "rules",
    calls: str | None = None,
    kind: str = "syscall",
    own_params: bool = False,
) -> EventType:
    """Return the declaration of an event type. `calls` are the system calls behind it if they are not just the one of
    its name."""
    return EventType(
        name=name,
        category=category,
        kind=kind,
        traits=frozenset(traits.split()),
        params=tuple(map(_param, params.split())),
        calls=(name,) if calls is None else tuple(calls.split()),
        default=default,
        own_params=own_params,
    )


def _param(text: str) -> Param:
    match = _PARAM.fullmatch(text)
    if match is None:
        raise ValueError(f"parameter {text!r} is not of the form name:type[:format][:table]")
    rest = match["rest"].split(":")[1:]
    return Param(
        name=match["name"],
        type=match["type"],
        format=next((word for word in rest if word in FORMATS), ""),
        table=next((word for word in rest if word not in FORMATS), ""),
        dirfd=int(match["dirfd"]) if match["dirfd"] else None,
        choices=tuple(match["choices"].split("|")) if match["choices"] else (),
    )
