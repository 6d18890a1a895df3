"""Metadata of a recording, while it is read: processes, descriptors, users, containers, host names."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from mozu.core.model.event import Address, SyscallEvent
from mozu.core.model.fields.entities import ProcessEntities
from mozu.core.model.fields.lookups import Lookups
from mozu.core.recording import lines
from mozu.core.state.observed import KnownFile, KnownProcess, Seeded
from mozu.plugins.sources.replay import blocks, tables
from mozu.plugins.sources.replay.containers import ID_LENGTH, RecordedContainers
from mozu.plugins.sources.replay.cursor import RecordTruncated
from mozu.plugins.sources.replay.layouts import EventLayout
from mozu.plugins.sources.replay.recorded_values import RecordedValues
from mozu.plugins.sources.replay.user_table import UserTable

_PROCESS_LIMIT: Final = 1 << 18
_FILE_LIMIT: Final = 1 << 20
_HOST_LIMIT: Final = 1 << 16


class RecordingMetadata:
    """Tables of the section that is being read. Users, containers and names of addresses change as events pass; the
    rest only seeds."""

    def __init__(self, lookups: Lookups | None = None) -> None:
        self.lookups = Lookups() if lookups is None else lookups
        """Look-ups for readers of fields; they are kept as the recording says."""
        self.user_table = UserTable()
        self.containers = RecordedContainers()
        self.values = RecordedValues()
        self.value_names: frozenset[str] = frozenset()
        """Fields of plugins whose values the recordings hold."""
        self.live = False
        """The recording was made while its source watched a machine, and is read as that was."""
        self.named = True
        """Numbers of users and groups among parameters have names."""
        self._processes: dict[int, tuple[int, KnownProcess]] = {}
        self._files: list[tuple[int, KnownFile]] = []
        self._addresses: tuple[Address, ...] = ()
        self._hosts: dict[Address, tuple[str, ...]] = {}
        self._host_changes = 0

    def begin(self) -> None:
        """A recording begins: forget the one before it."""
        self.user_table.clear()
        self.containers.clear()
        self.values.clear()
        self._hosts.clear()
        self._host_changes += 1
        self.live, self.named = False, True
        self._processes, self._files, self._addresses = {}, [], ()

    def restart(self, head: lines.HeadLine) -> None:
        """A section of a recording of mozu's own begins."""
        self.begin()
        self.live, self.named = head.live, head.named
        self.lookups.first_time = 0
        self.lookups.hostname = head.hostname
        self.lookups.entities = ProcessEntities(
            head.host_id or head.origin, head.boot_id, boot_offset=head.boot_offset, live=head.live
        )
        self.lookups.addresses.replace(head.addresses, recorded=None if head.live else self.containers.address)

    def apply(self, line: lines.MetadataLine) -> None:
        """A line about a user, a group, a container, an address or the run."""
        if isinstance(line, lines.StartLine):
            self.begun(line.time)
        elif isinstance(line, lines.ContainerLine):
            # Other recorders' containers are found by the id that they wrote, whole or not.
            identity = line.id[:ID_LENGTH] if self.live else line.id
            if line.metadata is None:
                self.containers.remove(identity)
            else:
                self.containers.put(identity, line.metadata, line.runtime)
        elif isinstance(line, lines.HostLine):
            self._apply_host(line)
        elif isinstance(line, lines.UserLine):
            self.user_table.put_user(line.container, line.uid, line.name, line.home, line.shell)
        else:
            self.user_table.put_group(line.container, line.gid, line.name)

    def _apply_host(self, line: lines.HostLine) -> None:
        if not line.names:
            self._hosts.pop(line.address, None)
        elif len(self._hosts) < _HOST_LIMIT:
            self._hosts[line.address] = line.names
        self._host_changes += 1
        self.lookups.hosts = self._hosts

    @property
    def changes(self) -> int:
        """The number of changes to users, groups, containers and host names."""
        return self.user_table.changes + self.containers.changes + self._host_changes + bool(self.lookups.first_time)

    def entries(self) -> Iterable[lines.MetadataLine]:
        """Yield all of these, for a recording of this recording."""
        if self.lookups.first_time:
            yield lines.StartLine(self.lookups.first_time)
        table = self.user_table
        for container, uid in table.removed_users - table.users.keys():
            yield lines.UserLine(container, uid, None)
        for (container, uid), user in table.users.items():
            yield lines.UserLine(container, uid, user.name, user.home, user.shell)
        for container, gid in table.removed_groups - table.groups.keys():
            yield lines.GroupLine(container, gid, None)
        for (container, gid), name in table.groups.items():
            yield lines.GroupLine(container, gid, name)
        for identity in self.containers.removed:
            yield lines.ContainerLine(identity, None)
        for identity, metadata, runtime in self.containers.all():
            yield lines.ContainerLine(identity, metadata, runtime)
        for address, names in self._hosts.items():
            yield lines.HostLine(address, names)

    def load(self, kind: int, body: bytes) -> None:
        """Load a block before the first event; unknown types are skipped. Raises RecordTruncated."""
        if kind in blocks.PROCESSES:
            self._load_processes(body, blocks.PROCESSES[kind])
        elif kind in blocks.DESCRIPTORS:
            self._load_files(body, blocks.DESCRIPTORS[kind])
        elif kind in blocks.INTERFACES:
            self._addresses = tables.interfaces(body, blocks.INTERFACES[kind])
        elif kind in blocks.USERS:
            self.user_table.load(body, blocks.USERS[kind])

    def _load_processes(self, body: bytes, version: int) -> None:
        for tid, pid, known in tables.processes(body, version):
            if len(self._processes) >= _PROCESS_LIMIT:
                raise RecordTruncated(f"more than {_PROCESS_LIMIT} processes are listed")
            self._processes[tid] = (pid, known)

    def _load_files(self, body: bytes, version: int) -> None:
        tid, found = tables.descriptors(body, version)
        if len(self._files) + len(found) > _FILE_LIMIT:
            raise RecordTruncated(f"more than {_FILE_LIMIT} descriptors are listed")
        if tid in self._processes:
            self._files.extend((tid, known) for known in found)

    def seeds(self, number: int) -> Iterator[SyscallEvent]:
        """Yield the events that seed the state machine; `number` is that of the last event so far."""
        pids = {tid: pid for tid, (pid, _) in self._processes.items()}
        for tid, (pid, process) in self._processes.items():
            yield SyscallEvent("syscall", "_process", 0, number, tid, pid, observed=process)
        for tid, file in self._files:
            yield SyscallEvent("syscall", "_file", 0, number, tid, pids[tid], observed=file)
        ipv4 = tuple(address for address in self._addresses if len(address) == 4)
        self.lookups.addresses.replace(self._addresses, recorded=self.containers.address)
        yield SyscallEvent("syscall", "_seeded", 0, number, observed=Seeded(ipv4))
        self._processes, self._files = {}, []

    def begun(self, time: int) -> None:
        """Note the time of the first event that happened; records about the machine do not count."""
        if not self.lookups.first_time:
            self.lookups.first_time = time

    def change(self, layout: EventLayout, args: tuple[Any, ...]) -> str:
        """An event about users, groups or containers; returns the name by which rules know it."""
        if layout.name == "container":
            self.containers.change("container", args)
        elif layout.name == "asyncevent":
            plugin, name, _ = args
            if not plugin:
                self.containers.change(name or "", args)
            return name or layout.name
        elif all(arg is not None for arg in args[:1]):
            self.user_table.change(layout.name, args)
        return layout.name
