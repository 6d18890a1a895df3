"""The state directory of containerd: the bundles of its tasks, written before the first instruction of a container.

`STATE/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json` is the OCI specification of a task. Containers of CRI
have their pod, their name and their image in its annotations. All functions here block; the enricher runs them on a
thread.
"""

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from mozu.plugins.enrichers.containers.oci_spec import OciSpec, decode_spec
from mozu.plugins.enrichers.containers.regular_file import directories, read_regular

DOCKER: Final = "moby"
"""The namespace of dockerd, which alone knows the names and images of its containers."""

_NAME: Final = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
"""Pattern of containerd's identifiers (pkg/identifiers): none leads out of the directory."""


class Bundle(msgspec.Struct, frozen=True):
    """The bundle of one task."""

    namespace: str
    spec: OciSpec
    created: int
    """Time at which the specification was written, ns since the epoch."""


class StateFiles:
    """The bundles below one state directory. Missing, unreadable or half-written ones count as absent."""

    def __init__(self, state: Path) -> None:
        self.root = state / "io.containerd.runtime.v2.task"

    def folders(self) -> list[str]:
        """Return the namespaces that have or had tasks, without docker's."""
        return sorted(filter(self.is_folder, directories(self.root)))

    def is_folder(self, name: str) -> bool:
        """Return True if the namespace counts."""
        return name != DOCKER

    def is_id(self, name: str) -> bool:
        """Return True if the name is a task's; containerd prefixes files being removed with a dot."""
        return _NAME.fullmatch(name) is not None

    def ids(self, folder: str) -> list[str]:
        """Return the tasks of a namespace."""
        return sorted(filter(self.is_id, directories(self.root / folder)))

    def bundle(self, container_id: str) -> Bundle | None:
        """Return the task of this id; None if there is none, or two namespaces have one, and either could be meant."""
        if not self.is_id(container_id):
            return None
        found = [one for namespace in self.folders() if (one := self._bundle(namespace, container_id)) is not None]
        return found[0] if len(found) == 1 else None

    def _bundle(self, namespace: str, container_id: str) -> Bundle | None:
        path = self.root / namespace / container_id / "config.json"
        with suppress(OSError, msgspec.DecodeError):
            spec = decode_spec(read_regular(path))
            return Bundle(namespace, spec, path.stat().st_mtime_ns)
        return None
