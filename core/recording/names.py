"""What a recording tells of users, containers and the names of addresses.

A live source's events are given names by enrichers, whose answers are looked at once an event has been judged, and
again every second; names that addresses were resolved from are written as they change. A source that reads a recording
has tables of its own, which change between its batches.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec

from mozu.core.model.alert.template import MISSING
from mozu.core.model.containers import ContainerMetadata
from mozu.core.model.event import Address, SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.syscalls import event_types
from mozu.core.recording.encode import line
from mozu.core.recording.lines import ContainerLine, GroupLine, HostLine, StartLine, Told, UserLine
from mozu.core.recording.section import Chunk, Section

_AGAIN: Final = 1.0
"""Seconds."""


class RecordedNames(Protocol):
    """What a source knows of users and containers itself."""

    @property
    def live(self) -> bool:
        """How what is recorded was made: by watching a machine."""

    @property
    def changes(self) -> int:
        """How often anything of it has changed."""

    def told(self) -> Iterable[Told]:
        """All of it, as it is now."""


def note(section: Section, item: Told) -> list[bytes]:
    """The line of something that this section has not yet told."""
    key = _key(item)
    if section.notes.get(key) == item:
        return []
    section.notes[key] = item
    return [line(item)]


def _key(item: Told) -> tuple[str, ...]:
    if isinstance(item, StartLine):
        return ("start",)
    if isinstance(item, ContainerLine):
        return ("container", item.id)
    if isinstance(item, HostLine):
        return ("host", item.address.hex())
    number = item.uid if isinstance(item, UserLine) else item.gid
    return (type(item).__name__, item.container, str(number))


IDS: Final = {
    name: tuple((place, param.type) for place, param in enumerate(kind.params) if param.type in ("uid", "gid"))
    for name, kind in event_types().items()
    if any(param.type in ("uid", "gid") for param in kind.params)
}
"""Event type → (place, `uid` or `gid`) of the parameters that are numbers of users and groups."""


class EnrichedNames:
    """Looks at what enrichers say of the processes of events."""

    def __init__(self, fields: FieldRegistry) -> None:
        self._names = fields.lookups
        self._read: dict[str, Callable[[Any], Any]] = {
            name: fields.resolve(name, None, None).read
            for name in ("user.name", "user.homedir", "user.shell", "user.loginname", "group.name")
        }

    def note(self, event: SyscallEvent, chunk: Chunk) -> None:
        """Write what is known of an event's process before the chunk, unless its section has it."""
        process = event.process
        if process is None:
            return
        container = "" if process.container is None else process.container.full_id
        section, now = chunk.section, time.monotonic()
        for place, kind in IDS.get(event.type, ()):
            self._note_number(event, kind, event.args[place], container, chunk)
        who = (container, process.uid, process.gid, process.loginuid)
        if section.fresh.get(who, 0.0) > now:
            return
        read = {name: reader(event) for name, reader in self._read.items()}
        found: list[Told] = [
            UserLine(container, process.uid, read["user.name"], read["user.homedir"], read["user.shell"]),
            GroupLine(container, process.gid, read["group.name"]),
        ]
        login = UserLine(container, process.loginuid, read["user.loginname"])
        told = section.notes.get(_key(login))
        if process.loginuid != process.uid and not (isinstance(told, UserLine) and told.name == login.name):
            found.append(login)
        metadata = self._names.container(container) if container else None
        if isinstance(metadata, ContainerMetadata):
            found.append(ContainerLine(container, metadata))
        if MISSING not in (read["user.name"], read["group.name"]) and (metadata is not None or not container):
            section.fresh[who] = now + _AGAIN
        for item in found:
            _tell(chunk, event, item)

    def _note_number(self, event: SyscallEvent, kind: str, number: object, container: str, chunk: Chunk) -> None:
        """The name of a number among the parameters, unless the section has one."""
        if not isinstance(number, int):
            return
        name = (self._names.user if kind == "uid" else self._names.group)(number, event)
        item = UserLine(container, number, name) if kind == "uid" else GroupLine(container, number, name)
        if name is not None and _key(item) not in chunk.section.notes:
            _tell(chunk, event, item)


def _tell(chunk: Chunk, event: SyscallEvent, item: Told) -> None:
    """Before the chunk what is told for the first time, before the event what is different now."""
    before = chunk.section.notes.get(_key(item))
    for text in note(chunk.section, item):
        if before is None:
            chunk.notes.append(text)
        else:
            chunk.insert(event.num, text)


def changed(section: Section, tables: Iterable[Told]) -> list[bytes]:
    """Lines for everything that is not as the section has told it, what has gone included."""
    items = {_key(item): item for item in tables}
    lines = [text for item in items.values() for text in note(section, item)]
    for key in section.notes.keys() - items.keys():
        gone = section.notes.pop(key)
        if isinstance(gone, UserLine | GroupLine):
            lines.append(line(msgspec.structs.replace(gone, name=None)))
        elif isinstance(gone, HostLine):
            lines.append(line(HostLine(gone.address, ())))
    return lines


def hosts_changed(section: Section, hosts: Mapping[Address, tuple[str, ...]]) -> list[bytes]:
    """Lines for every address whose names are not as the section has told them."""
    if hosts is section.hosts:
        return []
    gone = section.hosts.keys() - hosts.keys()
    section.hosts = hosts
    items = [
        *(HostLine(address, names) for address, names in hosts.items()),
        *(HostLine(address, ()) for address in gone),
    ]
    return [text for item in items for text in note(section, item)]
