"""Mozu's own fields that identify processes beyond one run and one machine (`core/model/fields/entities.py`)."""

from collections.abc import Callable
from ipaddress import ip_address
from itertools import islice
from typing import Final

from mozu.core.model.event import Address, Process, SyscallEvent
from mozu.core.model.fields.dependency import EVERYTHING, Dependency
from mozu.core.model.fields.descriptor_kind import IP
from mozu.core.model.fields.field import Field, FieldType, Reader
from mozu.core.model.fields.lookups import Lookups
from mozu.core.model.fields.proc.own import TREE, env_value
from mozu.core.model.fields.proc.read import group_leader, lineage, of_main, own, parent
from mozu.core.model.value_types import FieldValue

_SESSION: Final = frozenset({"tree", "session"})
_CGROUPS: Final = frozenset({"tree", "cgroups"})
_MOST_ANCESTORS: Final = 24
"""The most ancestors in a document; deeper trees are cut."""
_SSHD: Final = ("/sshd", "/sshd-session")
_CONSOLE: Final = ("/login", "/agetty", "/getty")
_STANDARD: Final = (0, 1, 2)
_ADDRESS_LENGTHS: Final = (4, 16)
_ADDRESS_VARIABLE: Final = "SSH_CONNECTION"
"""Variable with the client's address and port, and the server's, separated by blanks (sshd(8))."""

Entry = tuple[Process, str]
"""The process by which a login, a container or a service began, and which of these."""


def argv(process: Process) -> str | None:
    """Return the command line's words, separated by NULs, as in the kernel; None if there are none."""
    return "\0".join((process.exe, *process.args)) if process.exe or process.args else None


def entry_of(process: Process, number: int) -> Entry:
    """Return the process with which the login, container or service of this one began, as of event `number`, and the
    kind.

    It is the nearest process whose parent is outside of its container (`container`), is sshd (`sshd`), or is a login
    program of a terminal (`console`); otherwise the ancestor that the machine's first process made (`init`). The kind
    is empty if an ancestor on the way is not known.
    """
    found = process
    above = found.parent_at(number)
    seen = {found.tid}
    while above is not None and above.tid not in seen:
        if found.container != above.container and found.container is not None:
            return found, "container"
        if above.exepath.endswith(_SSHD) and not found.exepath.endswith(_SSHD):
            return found, "sshd"
        if above.exepath.endswith(_CONSOLE) and not found.exepath.endswith(_CONSOLE):
            return found, "console"
        if above.pid == 1:
            break
        seen.add(above.tid)
        found, above = above, above.parent_at(number)
    return found, "" if above is None else "init"


class _Entries:
    """The entry of the event that was asked about last: a format asks for each of its parts, one after the other."""

    def __init__(self) -> None:
        self._latest: tuple[SyscallEvent | None, Entry | None] = (None, None)
        """Event and entry, replaced together, so that a thread sees a consistent pair."""

    def of(self, event: SyscallEvent) -> Entry | None:
        """Return the entry; None for an event without a process."""
        asked, found = self._latest
        if asked is not event:
            process = event.process
            found = None if process is None else entry_of(process.main_at(event.num), event.num)
            self._latest = event, found
        return found


_entries = _Entries()


def _entry(read: Callable[[Entry], FieldValue]) -> Reader:
    def reader(event: SyscallEvent) -> FieldValue:
        found = _entries.of(event)
        return None if found is None else read(found)

    return reader


def _login_address(entry: Entry) -> str | None:
    """Return the client's address, which sshd puts into the environment of its children; None if not known."""
    process, kind = entry
    known = env_value(process, _ADDRESS_VARIABLE) if kind == "sshd" else None
    return known.partition(" ")[0] if known else None


def _peer(event: SyscallEvent) -> str | None:
    """Return the connection that the process has as a standard descriptor, instead of a terminal; None if it has
    none."""
    process = event.process
    if process is None:
        return None
    for fd in _STANDARD:
        file = process.file_at(fd, event.num)
        if file is not None and file.kind in IP and file.sock is not None and file.role in ("client", "server"):
            ends = f"{_address(file.sock.source)} {file.sock.sport} {_address(file.sock.dest)} {file.sock.dport}"
            return f"{file.role} {ends} {file.protocol or '-'}"
    return None


def _address(raw: Address) -> str:
    return str(ip_address(raw)) if len(raw) in _ADDRESS_LENGTHS else "-"


def fields(lookups: Lookups) -> tuple[Field, ...]:
    """Return the identity fields of one engine and its surroundings."""

    def identity(process: Process) -> str | None:
        return lookups.entities.of(process)

    def parents_identity(event: SyscallEvent) -> str | None:
        found = parent(event)
        return None if found is None else identity(found)

    return (
        _field("proc.argv", "The command line's words with NULs between them.", own(argv)),
        _field(
            "proc.entity_id",
            "The identity of the process: another one for each process of all machines, the same for each run of mozu.",
            of_main(identity),
        ),
        _field("proc.pentity_id", "proc.entity_id of the parent.", parents_identity),
        *_others(identity),
        _field(
            "proc.entry.type",
            "How: container, sshd, console or init (a service, a timed job).",
            _entry(lambda entry: entry[1] or None),
            _CGROUPS,
        ),
        _field(
            "proc.entry.ip",
            "The address that logged in by ssh, where the environment of the login is known.",
            _entry(_login_address),
            _CGROUPS,
        ),
        _field(
            "proc.peer",
            "The connection that is the process's stdin, stdout or stderr, where its descriptors are known: client or "
            "server (what the process is), address and port of the client, of the server, and the protocol.",
            _peer,
        ),
    )


def _others(identity: Callable[[Process], str | None]) -> tuple[Field, ...]:
    """Return the fields that describe other processes, each by identity, pid, start and path of the program."""

    def described(process: Process | None) -> str | None:
        if process is None:
            return None
        return f"{identity(process) or '-'} {process.pid} {process.start} {process.exepath}"

    def led(get: Callable[[Process], int], *, virtual: bool) -> Reader:
        leader = group_leader(get, virtual=virtual)
        return lambda event: described(leader(event))

    def ancestors(event: SyscallEvent) -> tuple[FieldValue, ...] | None:
        return tuple(described(found) for found in islice(lineage(event), _MOST_ANCESTORS)) or None

    return (
        _field(
            "proc.ancestors",
            "The ancestors, the parent first, at most 24, each as proc.entity_id, pid, start and proc.exepath with "
            "blanks between them.",
            ancestors,
            is_list=True,
        ),
        _field(
            "proc.sid.leader", "The leader of the session, as proc.ancestors has it.", led(_sid, virtual=True), _SESSION
        ),
        _field(
            "proc.pgid.leader", "The leader of the process group, the same way.", led(_pgid, virtual=False), _SESSION
        ),
        _field(
            "proc.entry.leader",
            "The process by which its session, login or container began, the same way.",
            _entry(lambda entry: described(entry[0])),
            _CGROUPS,
        ),
    )


def _sid(process: Process) -> int:
    return process.sid


def _pgid(process: Process) -> int:
    return process.pgid


def _field(
    name: str, doc: str, read: Reader, needs: frozenset[str] = TREE, *, is_list: bool = False
) -> Field:
    return Field(
        name=name, type=FieldType.STRING, doc=f"{doc} Mozu's own.", read=read, needs=needs, is_list=is_list,
        depends=EVERYTHING,
    )  # fmt: skip


DEPENDS: Final = (
    Dependency.PROCESS, Dependency.PARENT, Dependency.TASKS, Dependency.IMAGE, Dependency.SESSION, Dependency.CGROUP,
    Dependency.DESCRIPTORS, Dependency.METADATA,
)  # fmt: skip
"""Dependencies shared by all identity fields."""
