"""The docker engine's own files, written about a container before the container's first instruction.

`DATA_ROOT/containers/ID/{config.v2.json,hostconfig.json}` describe a container, and images have their names in
`DATA_ROOT/image/DRIVER/repositories.json`. Reading them needs no answer from the engine, which keeps a container
locked, and inspect requests for it waiting, during the whole of its start. All functions here block; the enricher runs
them on a thread.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.model.containers.image import ImageNames
from mozu.plugins.enrichers.containers.docker.documents import Described, HostConfig, Repositories, Stored
from mozu.plugins.enrichers.containers.regular_file import directories, read_regular
from mozu.plugins.enrichers.containers.runtime_api import is_directory

_CONTAINERS: Final = "containers"
_FULL_ID: Final = re.compile(r"[0-9a-f]{64}")
_DRIVER: Final = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9_-]")
_stored = msgspec.json.Decoder(Stored)
_host = msgspec.json.Decoder(HostConfig)
_repositories = msgspec.json.Decoder(Repositories)


class EngineFiles:
    """The files below one data root. Missing, unreadable or half-written ones count as absent."""

    def __init__(self, data_root: Path) -> None:
        self.data_root = data_root
        self._names: dict[str, tuple[tuple[int, int, int], dict[str, ImageNames]]] = {}
        """Driver → (stamp of the file, its content)."""

    @property
    def containers(self) -> Path:
        """The directory with one directory for each container."""
        return self.data_root / _CONTAINERS

    def exist(self) -> bool:
        """Return True if the directory is known to exist."""
        return is_directory(self.containers)

    def readable(self) -> bool:
        """Return True if the containers' directory can be listed, or does not exist."""
        try:
            os.scandir(self.containers).close()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def container(self, full_id: str) -> Described | None:
        """Return a container by its full id; None if there is none."""
        if not _FULL_ID.fullmatch(full_id):
            return None
        place = self.containers / full_id
        try:
            host = _host.decode(read_regular(place / "hostconfig.json"))
            return _stored.decode(read_regular(place / "config.v2.json")).described(host)
        except (OSError, msgspec.DecodeError):
            return None

    def container_and_image(self, full_id: str) -> tuple[Described | None, ImageNames | None]:
        """Return a container by its full id, and the names of its image; None for data missing in the files."""
        found = self.container(full_id)
        return found, None if found is None else self.image_names(found.driver, found.image_id)

    def image_names(self, driver: str, image_id: str) -> ImageNames | None:
        """Return the engine's names of an image; None if the files do not hold them (the image store may be
        containerd's)."""
        if not _DRIVER.fullmatch(driver):
            return None
        place = self.data_root / "image" / driver / "repositories.json"
        try:
            found = place.stat()
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
            cached = self._names.get(driver)
            if cached is None or cached[0] != stamp:
                cached = self._names[driver] = (stamp, _repositories.decode(read_regular(place)).names())
        except (OSError, msgspec.DecodeError):
            return None
        return cached[1].get(image_id)


class ContainerFolders:
    """The places of an engine's containers, for a BundleWatch. `files` returns those below the data root that is known
    now."""

    def __init__(self, files: Callable[[], EngineFiles]) -> None:
        self._files = files

    @property
    def root(self) -> Path:
        """The data root."""
        return self._files().data_root

    def folders(self) -> list[str]:
        """Return the single folder, if it exists."""
        return list(filter(self.is_folder, directories(self.root)))

    def is_folder(self, name: str) -> bool:
        """Return True if the folder holds the containers."""
        return name == _CONTAINERS

    def ids(self, folder: str) -> list[str]:
        """Return all containers, stopped ones included."""
        return sorted(filter(self.is_id, directories(self.root / folder)))

    def is_id(self, name: str) -> bool:
        """Return True if the name can be a container's."""
        return _FULL_ID.fullmatch(name) is not None
