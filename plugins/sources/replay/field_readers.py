"""Fields whose values a recording has itself: names of users and groups, containers and their pods.

The answers are those of the batch that was yielded last: a batch ends where these tables change. Recordings that were
made live (`RecordingMetadata.live`) answer as the enrichers did then; all others as Falco reads them.
"""

from collections.abc import Callable, Mapping
from typing import Final

from mozu.core.model.containers.fields import container_readers
from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import Reader
from mozu.core.model.fields.containers import FIELDS
from mozu.plugins.sources.replay.containers import BLANK
from mozu.plugins.sources.replay.described import DescribedContainers
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.user_table import RecordedUser

Binder = Callable[[str | None], Reader]

_UNKNOWN: Final = "<NA>"
"""The text of these fields for a number without a name."""
_HOST: Final = "host"
_OF_NAMESPACE: Final = ("container.start_ts", "container.duration")
_UNDESCRIBED: Final = frozenset({"lxc", "libvirt-lxc", "bpm"})
_ROOT: Final = RecordedUser("root", "/root", _UNKNOWN)


def readers(metadata: RecordingMetadata) -> Mapping[str, Binder]:
    """Field name → (argument → reader); the names that other fields ask for are connected as well."""
    users = _UserFields(metadata)
    metadata.lookups.user, metadata.lookups.group = users.user_name, users.group_name
    plain: dict[str, Reader] = {
        "user.name": lambda event: users.user(event, "uid", "name"),
        "user.homedir": lambda event: users.user(event, "uid", "home"),
        "user.shell": lambda event: users.user(event, "uid", "shell"),
        "user.loginname": lambda event: users.user(event, "loginuid", "name"),
        "group.name": users.group,
    }
    return {**{name: _bound(reader) for name, reader in plain.items()}, **_containers(metadata)}


def _bound(reader: Reader) -> Binder:
    return lambda _: reader


def _containers(metadata: RecordingMetadata) -> Mapping[str, Binder]:
    """Fields of containers. Of a cgroup only the id is used: what a container is, only container events say."""
    recorded, blank = container_readers(metadata.containers.find), container_readers(lambda _: BLANK)
    found = {name: _either(metadata, recorded[name], blank[name]) for name in recorded}
    found["container.id"] = _bound(_id(metadata))
    found["container.full_id"] = _bound(_full_id(metadata))
    found["container.type"] = _bound(_runtime(metadata))
    found["container.state"] = _bound(_state(metadata))
    found |= {field.name: _bound(field.read) for field in FIELDS if field.name in _OF_NAMESPACE and field.read}
    described = DescribedContainers(metadata.containers)
    return {name: described.bind(name, binder) for name, binder in found.items()}


def _either(metadata: RecordingMetadata, recorded: Binder, blank: Binder) -> Binder:
    """Containers of runtimes that have no API to ask exist as soon as their cgroup does, with blank metadata."""

    def bind(argument: str | None) -> Reader:
        read, read_blank = recorded(argument), blank(argument)
        return lambda event: read_blank(event) if _is_undescribed(metadata, event) else read(event)

    return bind


def _is_undescribed(metadata: RecordingMetadata, event: SyscallEvent) -> bool:
    process = event.process
    if metadata.live or process is None or process.container is None:
        return False
    return process.container.runtime in _UNDESCRIBED


def _state(metadata: RecordingMetadata) -> Reader:
    """Answer as a run that knew containers; metadata that came late there may be known here."""

    def read(event: SyscallEvent) -> str | None:
        container = None if event.process is None else event.process.container
        if container is None or not metadata.live or not metadata.containers.described:
            return None
        return "unknown" if metadata.containers.find(container.full_id) is None else "known"

    return read


def _id(metadata: RecordingMetadata) -> Reader:
    """Falco cuts ids of containers that have metadata, and no names of the others."""

    def read(event: SyscallEvent) -> str | None:
        if event.process is None or event.process.container is None:
            return None if event.process is None else _HOST
        container = event.process.container
        return container.full_id if _is_undescribed(metadata, event) else container.id

    return read


def _full_id(metadata: RecordingMetadata) -> Reader:
    def read(event: SyscallEvent) -> str | None:
        if event.process is None or event.process.container is None:
            return None if event.process is None else _HOST
        if metadata.live:
            return event.process.container.full_id
        described = metadata.containers.find(event.process.container.full_id)
        return "" if _is_undescribed(metadata, event) else None if described is None else described.full_id

    return read


def _runtime(metadata: RecordingMetadata) -> Reader:
    def read(event: SyscallEvent) -> str | None:
        if event.process is None or event.process.container is None:
            return None if event.process is None else _HOST
        container = event.process.container
        if metadata.live or _is_undescribed(metadata, event):
            return container.runtime
        return metadata.containers.runtime(container.full_id)

    return read


class _UserFields:
    """Looks up numbers. Other recorders knew the names of their host only: in containers none but root has one."""

    def __init__(self, metadata: RecordingMetadata) -> None:
        self._metadata, self._table = metadata, metadata.user_table

    def user_name(self, uid: int, event: SyscallEvent) -> str | None:
        """See `Lookups.user`."""
        found = self._user(uid, event) if self._has_names(event) else None
        return None if found is None or found.name == _UNKNOWN else found.name

    def group_name(self, gid: int, event: SyscallEvent) -> str | None:
        """See `Lookups.group`."""
        name = self._group(gid, event) if self._has_names(event) else None
        return None if name == _UNKNOWN else name

    def _has_names(self, event: SyscallEvent) -> bool:
        """Return whether parameters show names: in containers of other recorders not even root's."""
        return self._metadata.named and self._root(event) is not None

    def user(self, event: SyscallEvent, number: str, part: str) -> str | None:
        """Return a part of the account that one of the process's numbers stands for."""
        if event.process is None:
            return None
        found = self._user(getattr(event.process, number), event)
        if found is not None and self._metadata.live:
            return str(getattr(found, part))
        return _UNKNOWN if found is None else getattr(found, part) or _UNKNOWN

    def group(self, event: SyscallEvent) -> str | None:
        """The name of the process's group."""
        return None if event.process is None else self._group(event.process.gid, event) or _UNKNOWN

    def _group(self, gid: int, event: SyscallEvent) -> str | None:
        root = self._root(event)
        found = None if root is None else self._table.groups.get((root, gid))
        return found or ("root" if gid == 0 else None)

    def _user(self, uid: int, event: SyscallEvent) -> RecordedUser | None:
        root = self._root(event)
        found = None if root is None else self._table.users.get((root, uid))
        return _ROOT if found is None and uid == 0 else found

    def _root(self, event: SyscallEvent) -> str | None:
        """Return the owner of the user table: the id of a container, or empty for the host; None without a table."""
        process = event.process
        if process is None:
            return None
        if process.container is None:
            return ""
        return process.container.full_id if self._metadata.live else None
