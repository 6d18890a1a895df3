"""The fields that are made of a container's metadata."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final

import re2

from mozu.core.errors import UnknownField
from mozu.core.model.containers.entered import Command, runs, words_of
from mozu.core.model.containers.metadata import HOST, ContainerMetadata, Mount
from mozu.core.model.event import SyscallEvent, as_bytes
from mozu.core.model.fields import Reader
from mozu.core.model.value_types import FieldValue

Lookup = Callable[[str], ContainerMetadata | None]
"""Function from `Container.key` to metadata, or None if they are not known (yet). Returns immediately."""

Binder = Callable[[str | None], Reader]
"""Function from a field's argument to its reader."""

_PLAIN: Final[Mapping[str, str]] = {
    "container.name": "name",
    "container.image": "image",
    "container.image.id": "image_id",
    "container.image.repository": "repository",
    "container.image.tag": "tag",
    "container.image.digest": "digest",
    "container.privileged": "privileged",
    "container.ip": "ip",
    "container.host_pid": "host_pid",
    "container.host_network": "host_network",
    "container.host_ipc": "host_ipc",
    "container.cni.json": "cni_json",
    "k8s.pod.full_sandbox_id": "sandbox_id",
}
_LABELS: Final[Mapping[str, str]] = {
    "k8s.pod.name": "io.kubernetes.pod.name",
    "k8s.ns.name": "io.kubernetes.pod.namespace",
    "k8s.pod.id": "io.kubernetes.pod.uid",
    "k8s.pod.uid": "io.kubernetes.pod.uid",
}
_MOUNT: Final[Mapping[str, Callable[[Mount], str]]] = {
    "container.mount": lambda mount: mount.text,
    "container.mount.source": lambda mount: mount.source,
    "container.mount.dest": lambda mount: mount.dest,
    "container.mount.mode": lambda mount: mount.mode,
    "container.mount.rdwr": lambda mount: "true" if mount.writable else "false",
    "container.mount.propagation": lambda mount: mount.propagation,
}
_COMMANDS: Final[Mapping[str, Command]] = {
    "healthcheck": attrgetter("healthcheck"),
    "liveness_probe": attrgetter("liveness_probe"),
    "readiness_probe": attrgetter("readiness_probe"),
}
_PATHED: Final = frozenset({"file", "directory"})
_HIDDEN_LABELS: Final = ("annotation.", "io.kubernetes.")


def container_readers(lookup: Lookup) -> dict[str, Binder]:
    """Return field name → (argument → reader), for every container and pod field that an engine can answer."""
    fields = _Fields(lookup)
    plain = {name: fields.of(attrgetter(attribute)) for name, attribute in _PLAIN.items()}
    labels = {name: fields.of(_label(key)) for name, key in _LABELS.items()}
    mounts = {name: fields.mount(show, by_dest=name == "container.mount.source") for name, show in _MOUNT.items()}
    commands = {f"container.{name}": fields.of(words_of(command)) for name, command in _COMMANDS.items()}
    commands |= {f"proc.is_container_{name}": fields.by_event(runs(command)) for name, command in _COMMANDS.items()}
    return {
        **plain,
        **labels,
        **mounts,
        **commands,
        "container.engine": fields.of(lambda metadata: metadata.runtime or None),
        "container.is_pod_sandbox": fields.of(lambda metadata: metadata.sandbox_id == metadata.full_id),
        "container.mounts": fields.of(_mounts),
        "container.label": lambda argument: fields.reader(_label(argument or "")),
        "container.labels": fields.of(_labels),
        "fd.hostpath": fields.by_file(_host_path),
        "k8s.pod.sandbox_id": fields.of(lambda metadata: metadata.sandbox_id[:12]),
        "k8s.pod.label": lambda argument: fields.pod_reader(_label(argument or "")),
        "k8s.pod.labels": lambda _: fields.pod_reader(_labels),
        "k8s.pod.ip": lambda _: fields.pod_reader(attrgetter("ip")),
        "k8s.pod.cni.json": lambda _: fields.pod_reader(attrgetter("cni_json")),
    }


class _Fields:
    """A maker of readers that find the metadata first."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def of(self, value: Callable[[ContainerMetadata], FieldValue]) -> Binder:
        reader = self.reader(value)
        return lambda _: reader

    def reader(self, value: Callable[[ContainerMetadata], FieldValue]) -> Reader:
        lookup = self._lookup

        def read(event: SyscallEvent) -> FieldValue:
            process = event.process
            if process is None:
                return None
            container = process.container
            metadata = HOST if container is None else lookup(container.key)
            return None if metadata is None else value(metadata)

        return read

    def by_event(self, value: Callable[[SyscallEvent, ContainerMetadata], FieldValue]) -> Binder:
        """Return a binder of a value that depends on the event; false on the host."""
        lookup = self._lookup

        def read(event: SyscallEvent) -> FieldValue:
            container = None if event.process is None else event.process.container
            if container is None:
                return None if event.process is None else False
            metadata = lookup(container.key)
            return None if metadata is None else value(event, metadata)

        return lambda _: read

    def by_file(self, value: Callable[[str, tuple[Mount, ...]], str | None]) -> Binder:
        """Return a binder of a value that depends on the path of the event's file and the container's mounts; missing
        on the host."""
        lookup = self._lookup

        def read(event: SyscallEvent) -> str | None:
            file = event.file
            container = None if event.process is None else event.process.container
            if container is None or file is None or file.kind not in _PATHED:
                return None
            metadata = lookup(container.key)
            return None if metadata is None else value(file.realpath or file.name, metadata.mounts or ())

        return lambda _: read

    def pod_reader(self, value: Callable[[ContainerMetadata], FieldValue]) -> Reader:
        """Return a reader of a value of the pod's sandbox; missing outside pods."""
        lookup = self._lookup

        def of_sandbox(metadata: ContainerMetadata) -> FieldValue:
            sandbox = lookup(metadata.sandbox_id) if metadata.sandbox_id else None
            return None if sandbox is None else value(sandbox)

        return self.reader(of_sandbox)

    def mount(self, show: Callable[[Mount], str], *, by_dest: bool) -> Binder:
        """Return a binder of one mount, chosen by index or as the first whose source (or destination) a pattern
        finds."""

        def bind(argument: str | None) -> Reader:
            choose = _choose(argument or "", by_dest=by_dest)

            def value(metadata: ContainerMetadata) -> str | None:
                found = None if metadata.mounts is None else choose(metadata.mounts)
                return None if found is None else show(found)

            return self.reader(value)

        return bind


def _choose(argument: str, *, by_dest: bool) -> Callable[[tuple[Mount, ...]], Mount | None]:
    if argument.isdecimal():
        index = int(argument)
        return lambda mounts: mounts[index] if index < len(mounts) else None
    try:
        search = re2.compile(b"(?m)" + as_bytes(argument)).search
    except re2.error as error:
        raise UnknownField(f"[{argument}] selects mounts by a regular expression and is none: {error}") from error
    place = attrgetter("dest" if by_dest else "source")
    return lambda mounts: next((mount for mount in mounts if search(as_bytes(place(mount)))), None)


def _mounts(metadata: ContainerMetadata) -> str | None:
    return None if metadata.mounts is None else ",".join(mount.text for mount in metadata.mounts)


def _host_path(path: str, mounts: tuple[Mount, ...]) -> str | None:
    """Return the path on the host of a path in the container; None if no mount holds the path."""
    found, source = "", None
    for mount in mounts:
        place = mount.dest.rstrip("/")
        holds_path = path == place or path.startswith(f"{place}/")
        if holds_path and mount.source.startswith("/") and len(place) >= len(found):
            found, source = place, mount.source.rstrip("/")
    return None if source is None else f"{source}{path[len(found) :]}" or "/"


def _label(key: str) -> Callable[[ContainerMetadata], str | None]:
    return lambda metadata: None if metadata.labels is None else metadata.labels.get(key)


def _labels(metadata: ContainerMetadata) -> str | None:
    if metadata.labels is None:
        return None
    shown = ((key, value) for key, value in sorted(metadata.labels.items()) if not key.startswith(_HIDDEN_LABELS))
    return ", ".join(f"{key}:{value}" if value else key for key, value in shown)
