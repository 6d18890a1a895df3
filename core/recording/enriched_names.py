"""Names in a recording: users, groups, containers and hosts, as enrichers and the resolver knew them.

Enrichers give names to a live source's events; what they know of a process is read when its event is evaluated, and
again after a second; names that addresses were resolved from are written as they change. A source that reads a
recording has tables of its own, which change between its batches.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol, runtime_checkable

import msgspec

from mozu.core.api import Kind
from mozu.core.api.capabilities import Capability
from mozu.core.model.alert.template import MISSING
from mozu.core.model.containers import ContainerMetadata
from mozu.core.model.event import Address, SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.syscalls import event_types
from mozu.core.recording.encode import line
from mozu.core.recording.lines import ContainerLine, GroupLine, HostLine, MetadataLine, StartLine, UserLine
from mozu.core.recording.section import Chunk, Section

_REFRESH_SECONDS: Final = 1.0


class RecordedNames(Protocol):
    """Users, containers and hosts as a source knows them itself, because its input holds them."""

    @property
    def live(self) -> bool:
        """Whether the input was recorded from a live machine."""

    @property
    def changes(self) -> int:
        """How often any of `entries` has changed."""

    def entries(self) -> Iterable[MetadataLine]:
        """All of them, as they are now."""


@runtime_checkable
class KeepsRecordedNames(Protocol):
    """A source of recordings, which has what they say of users and containers."""

    @property
    def recorded_names(self) -> RecordedNames:
        """As of the last batch; they go into a recording of this run instead of what enrichers say."""


RECORDED_NAMES: Final = Capability(KeepsRecordedNames, "recorded_names", frozenset((Kind.SOURCE,)))
"""Looked for beside the capabilities that are promised to third parties."""


def metadata_lines(section: Section, item: MetadataLine) -> list[bytes]:
    """The line of an item; none if the section holds it already."""
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


IDS: Final = {
    name: tuple((place, param.type) for place, param in enumerate(kind.params) if param.type in ("uid", "gid"))
    for name, kind in event_types().items()
    if any(param.type in ("uid", "gid") for param in kind.params)
}
"""Event type → (place, `uid` or `gid`) of the parameters that are numbers of users and groups."""


class EnrichedNames:
    """Reads what enrichers know of the processes of events, through the fields that rules use."""

    def __init__(self, fields: FieldRegistry) -> None:
        self._names = fields.lookups
        self._read: dict[str, Callable[[Any], Any]] = {
            name: fields.resolve(name, None, None).read
            for name in ("user.name", "user.homedir", "user.shell", "user.loginname", "group.name")
        }

    def add(self, event: SyscallEvent, chunk: Chunk) -> None:
        """Put the names of an event's process before the chunk, unless its section has them."""
        process = event.process
        if process is None:
            return
        container = "" if process.container is None else process.container.full_id
        section, now = chunk.section, time.monotonic()
        for place, kind in IDS.get(event.type, ()):
            self._add_number(event, kind, event.args[place], container, chunk)
        subject = (container, process.uid, process.gid, process.loginuid)
        if section.fresh_until.get(subject, 0.0) > now:
            return
        read = {name: reader(event) for name, reader in self._read.items()}
        found: list[MetadataLine] = [
            UserLine(container, process.uid, read["user.name"], read["user.homedir"], read["user.shell"]),
            GroupLine(container, process.gid, read["group.name"]),
        ]
        login = UserLine(container, process.loginuid, read["user.loginname"])
        before = section.metadata.get(_key(login))
        if process.loginuid != process.uid and not (isinstance(before, UserLine) and before.name == login.name):
            found.append(login)
        metadata = self._names.container(container) if container else None
        if isinstance(metadata, ContainerMetadata):
            found.append(ContainerLine(container, metadata))
        if MISSING not in (read["user.name"], read["group.name"]) and (metadata is not None or not container):
            section.fresh_until[subject] = now + _REFRESH_SECONDS
        for item in found:
            _put(chunk, event, item)

    def _add_number(self, event: SyscallEvent, kind: str, number: object, container: str, chunk: Chunk) -> None:
        """The name of a number among the parameters, unless the section has one."""
        if not isinstance(number, int):
            return
        name = (self._names.user if kind == "uid" else self._names.group)(number, event)
        item = UserLine(container, number, name) if kind == "uid" else GroupLine(container, number, name)
        if name is not None and _key(item) not in chunk.section.metadata:
            _put(chunk, event, item)


def _put(chunk: Chunk, event: SyscallEvent, item: MetadataLine) -> None:
    """A first line on its subject goes before the chunk, a changed one right before its event."""
    before = chunk.section.metadata.get(_key(item))
    for text in metadata_lines(chunk.section, item):
        if before is None:
            chunk.preamble.append(text)
        else:
            chunk.insert(event.num, text)


def changed(section: Section, tables: Iterable[MetadataLine]) -> list[bytes]:
    """Lines for every item that differs from what the section holds, and for those that are gone."""
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
    """Lines for every address whose names differ from what the section holds."""
    if hosts is section.hosts:
        return []
    gone = section.hosts.keys() - hosts.keys()
    section.hosts = hosts
    items = [
        *(HostLine(address, names) for address, names in hosts.items()),
        *(HostLine(address, ()) for address in gone),
    ]
    return [text for item in items for text in metadata_lines(section, item)]
