"""Names in a recording: users, groups, containers and hosts, as enrichers and the resolver knew them.

Enrichers add names to the events of a live source. The names of a process are read when its event is evaluated, and
again after a second. Events are not evaluated in order if some wait for an enricher; the names read are therefore noted
under the number of the event, and lines are placed once the whole chunk has been evaluated: a replay gives each event
the same names. Names that addresses were resolved from are written when they change. A source that reads a recording
has tables of its own, which change between its batches.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, Final, Protocol, runtime_checkable

import msgspec

from mozu.core.api import Kind
from mozu.core.api.capabilities import Capability
from mozu.core.model.alert.template import MISSING
from mozu.core.model.containers import ContainerMetadata
from mozu.core.model.event import Address, Process, SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.syscalls import event_types
from mozu.core.recording.encode import line
from mozu.core.recording.lines import (
    ContainerLine,
    GroupLine,
    HostLine,
    MetadataLine,
    NameLine,
    StartLine,
    UserLine,
)
from mozu.core.recording.section import Chunk, Section

_REFRESH_SECONDS: Final = 1.0


class RecordedNames(Protocol):
    """Users, containers and hosts known to a source from its own input."""

    @property
    def live(self) -> bool:
        """True if the input was recorded from a live machine."""

    @property
    def changes(self) -> int:
        """Number of changes of `entries` so far."""

    @property
    def value_names(self) -> frozenset[str]:
        """Fields of plugins with values in the input."""

    def entries(self) -> Iterable[MetadataLine]:
        """Return all current entries."""


@runtime_checkable
class KeepsRecordedNames(Protocol):
    """A source of recordings, with their records of users and containers."""

    @property
    def recorded_names(self) -> RecordedNames:
        """Names as of the last batch; a recording of this run contains them instead of the names from enrichers."""


RECORDED_NAMES: Final = Capability(KeepsRecordedNames, "recorded_names", frozenset((Kind.SOURCE,)))
"""Capability that is looked up beside those promised to third parties."""


def metadata_lines(section: Section, item: MetadataLine) -> list[bytes]:
    """Return the line of an item; none if the section already has an equal one."""
    key = _key(item)
    if section.metadata.get(key) == item:
        return []
    section.metadata[key] = item
    return [line(item)]


def _key(item: MetadataLine) -> tuple[str, ...]:
    if isinstance(item, StartLine):
        return ("start",)
    if isinstance(item, ContainerLine):
        return ("container", item.id)
    if isinstance(item, HostLine):
        return ("host", item.address.hex())
    number = item.uid if isinstance(item, UserLine) else item.gid
    return (type(item).__name__, item.container, str(number))


_UNREAD: Final[tuple[float, tuple[NameLine, ...]]] = (0.0, ())
IDS: Final = {
    name: tuple((place, param.type) for place, param in enumerate(kind.params) if param.type in ("uid", "gid"))
    for name, kind in event_types().items()
    if any(param.type in ("uid", "gid") for param in kind.params)
}
"""Event type → (index, `uid` or `gid`) of the parameters that are numbers of users and groups."""


class EnrichedNames:
    """Reader of the names that enrichers know for the processes of events, through the fields that rules use."""

    def __init__(self, fields: FieldRegistry) -> None:
        self._names = fields.lookups
        self._read: dict[str, Callable[[Any], Any]] = {
            name: fields.resolve(name, None, None).read
            for name in ("user.name", "user.homedir", "user.shell", "user.loginname", "group.name")
        }

    def add(self, event: SyscallEvent, chunk: Chunk) -> tuple[NameLine, ...]:
        """Note the current names of an event's process and parameters; return the names of the process."""
        process = event.process
        if process is None:
            return ()
        container = "" if process.container is None else process.container.full_id
        section, now = chunk.section, time.monotonic()
        for place, kind in IDS.get(event.type, ()):
            self._add_number(event, kind, event.args[place], container, chunk)
        subject = (container, process.uid, process.gid, process.loginuid)
        until, found = section.names_of.get(subject, _UNREAD)
        if until <= now:
            until, found = self._read_names(event, process, container, now)
            section.names_of[subject] = until, found
        chunk.names.append((event.num, found))
        return found

    def _read_names(
        self, event: SyscallEvent, process: Process, container: str, now: float
    ) -> tuple[float, tuple[NameLine, ...]]:
        """Return the time until which the names remain valid, and their lines."""
        read = {name: reader(event) for name, reader in self._read.items()}
        user = UserLine(container, process.uid, read["user.name"], read["user.homedir"], read["user.shell"])
        found = [NameLine(user), NameLine(GroupLine(container, process.gid, read["group.name"]))]
        if process.loginuid != process.uid:
            found.append(NameLine(UserLine(container, process.loginuid, read["user.loginname"]), "same name"))
        metadata = None if process.container is None else self._names.container(process.container.key)
        if isinstance(metadata, ContainerMetadata):
            found.append(NameLine(ContainerLine(container, metadata)))
        # The name of root is known without its files, the shell is not.
        is_known = MISSING not in (read["user.name"], read["user.shell"], read["group.name"])
        is_complete = is_known and (metadata is not None or not container)
        return now + _REFRESH_SECONDS if is_complete else 0.0, tuple(found)

    def _add_number(self, event: SyscallEvent, kind: str, number: object, container: str, chunk: Chunk) -> None:
        """Note the name of a user or group among the parameters, unless the section has one."""
        if not isinstance(number, int):
            return
        name = (self._names.user if kind == "uid" else self._names.group)(number, event)
        if name is not None:
            item = UserLine(container, number, name) if kind == "uid" else GroupLine(container, number, name)
            chunk.names.append((event.num, (NameLine(item, "any"),)))


def place_names(chunk: Chunk) -> None:
    """Put the names of a chunk's events into it, once all of them have been evaluated. Chunks must come in order."""
    placed: tuple[NameLine, ...] = ()
    for number, found in sorted(chunk.names, key=itemgetter(0)):
        if found is not placed:
            for one in found:
                _place(chunk, number, one)
            placed = found
    chunk.names.clear()


def _place(chunk: Chunk, number: int, found: NameLine) -> None:
    """Place a line: the first one on its subject before the chunk, a changed one directly before its event."""
    item, before = found.item, chunk.section.metadata.get(_key(found.item))
    if before is not None and found.unless == "any":
        return
    if found.unless == "same name" and isinstance(before, UserLine) and before.name == getattr(item, "name", None):
        return
    for text in metadata_lines(chunk.section, item):
        if before is None:
            chunk.preamble.append(text)
        else:
            chunk.insert(number, text)


def changed(section: Section, tables: Iterable[MetadataLine]) -> list[bytes]:
    """Return lines for every item that differs from the section, and for every item that no longer exists."""
    items = {_key(item): item for item in tables}
    lines = [text for item in items.values() for text in metadata_lines(section, item)]
    for key in section.metadata.keys() - items.keys():
        gone = section.metadata.pop(key)
        if isinstance(gone, UserLine | GroupLine):
            lines.append(line(msgspec.structs.replace(gone, name=None)))
        elif isinstance(gone, HostLine):
            lines.append(line(HostLine(gone.address, ())))
    return lines


def hosts_changed(section: Section, hosts: Mapping[Address, tuple[str, ...]]) -> list[bytes]:
    """Return lines for every address whose names differ from the section."""
    if hosts is section.hosts:
        return []
    gone = section.hosts.keys() - hosts.keys()
    section.hosts = hosts
    items = [
        *(HostLine(address, names) for address, names in hosts.items()),
        *(HostLine(address, ()) for address in gone),
    ]
    return [text for item in items for text in metadata_lines(section, item)]
