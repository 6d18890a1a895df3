"""The storage of podman, written about a container before the container's first instruction.

An ordinary user can write to that user's storage, which therefore only names that user's containers. All functions here
block; the enricher runs them on a thread.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from glob import escape, glob
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from mozu.core.common.owners import ROOT, owner_of
from mozu.core.common.unsynced_stat import unsynced_stat
from mozu.plugins.enrichers.containers.oci_spec import OciSpec, decode_spec
from mozu.plugins.enrichers.containers.podman.database import PodmanDatabase
from mozu.plugins.enrichers.containers.podman.documents import Found, ListedContainer, ListedImage
from mozu.plugins.enrichers.containers.regular_file import directories, read_regular

T = TypeVar("T")

LISTING: Final = "containers.json"
_FULL_ID: Final = re.compile(r"[0-9a-f]{64}")
_CONTAINERS: Final = "-containers"
_IMAGES: Final = "-images"


class _Listing(Generic[T]):
    """A file that lists things by their ids, decoded again when it has changed."""

    def __init__(self, path: Path, decode: Callable[[bytes], list[T]], key: Callable[[T], str]) -> None:
        self._path, self._decode, self._key = path, decode, key
        self._stamp: tuple[int, int, int] | None = None
        self._content: dict[str, T] = {}

    def get(self, key: str) -> T | None:
        """Return the thing with this id; None if there is none. Raises OSError and msgspec.DecodeError."""
        return self._current().get(key)

    def all(self) -> Iterable[T]:
        """Return all things. Raises OSError and msgspec.DecodeError."""
        return self._current().values()

    def _current(self) -> dict[str, T]:
        found = self._path.stat()
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            self._content = {self._key(one): one for one in self._decode(read_regular(self._path))}
            self._stamp = stamp
        return self._content


class Storage:
    """A storage, with all of its drivers. Missing, unreadable or half-written files count as absent."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._database = PodmanDatabase(root)
        self._containers: dict[str, _Listing[ListedContainer]] = {}
        self._images: dict[str, _Listing[ListedImage]] = {}

    def owner(self) -> int:
        """Return the uid of the user that can have written the storage; UNKNOWN if that cannot be seen."""
        return owner_of(self.root)

    def folders(self) -> list[str]:
        """Return the folders of the drivers that have containers."""
        return sorted(filter(self.is_folder, directories(self.root)))

    def is_folder(self, name: str) -> bool:
        """Return True if a driver has its containers in the folder."""
        return name.endswith(_CONTAINERS)

    def is_id(self, name: str) -> bool:
        """Return True if the name is a container's."""
        return _FULL_ID.fullmatch(name) is not None

    def names(self, folder: str) -> dict[str, tuple[str, ...]]:
        """Return full id → names, for all containers of a driver. Raises OSError and msgspec.DecodeError."""
        return {one.id: tuple(one.names or ()) for one in self._container_listing(folder).all()}

    def ids(self, folder: str) -> list[str]:
        """Return the containers of a driver."""
        return sorted(filter(self.is_id, directories(self.root / folder)))

    def find(self, full_id: str) -> Found | None:
        """Return a container by its full id; None if there is none."""
        owner = self.owner()
        for folder in self.folders():
            with suppress(OSError, msgspec.DecodeError):
                listed = self._container_listing(folder).get(full_id)
                if listed is not None:
                    return Found(
                        listed,
                        self._image(folder, listed.image),
                        self._spec(folder, full_id),
                        self._database.find(full_id),
                        owner,
                    )
        return None

    def _container_listing(self, folder: str) -> _Listing[ListedContainer]:
        if folder not in self._containers:
            path = self.root / folder / LISTING
            self._containers[folder] = _Listing(path, _containers, lambda one: one.id)
        return self._containers[folder]

    def _image(self, folder: str, image_id: str) -> ListedImage | None:
        images = folder.removesuffix(_CONTAINERS) + _IMAGES
        if images not in self._images:
            self._images[images] = _Listing(self.root / images / "images.json", _images, lambda one: one.id)
        with suppress(OSError, msgspec.DecodeError):
            return self._images[images].get(image_id)
        return None

    def _spec(self, folder: str, full_id: str) -> OciSpec | None:
        with suppress(OSError, msgspec.DecodeError):
            return decode_spec(read_regular(self.root / folder / full_id / "userdata" / "config.json"))
        return None


class AllStorage:
    """The storages that the patterns find, in their order; new users' are found at the next look-up."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(patterns)
        self._known: dict[str, Storage] = {}

    def roots(self, uid: int | None = None) -> list[Storage]:
        """Return the storages that exist, and those that a pattern names without a wildcard. With `uid`, directories of
        other users are left out: only their owner is read, because their file systems may not answer."""
        places: dict[str, None] = {}
        for pattern in self._patterns:
            places.update(dict.fromkeys(sorted(_expanded(pattern, uid)) if "*" in pattern else [pattern]))
        return [self._known.setdefault(place, Storage(Path(place))) for place in places]

    def find(self, full_id: str, uid: int = ROOT) -> Found | None:
        """Return a container by its full id, from the storage of this user; None if there is none."""
        if not _FULL_ID.fullmatch(full_id):
            return None
        stores = (storage for storage in self.roots(uid) if storage.owner() == uid)
        return next((found for storage in stores if (found := storage.find(full_id)) is not None), None)


def _expanded(pattern: str, uid: int | None) -> Iterator[str]:
    """Yield the paths that a pattern of `glob` finds, as of `AllStorage.roots`."""
    if uid is None:
        yield from glob(pattern)
        return
    parts = Path(pattern).parts
    first = next(at for at, part in enumerate(parts) if "*" in part)
    for found in glob(str(Path(*parts[: first + 1]))):
        with suppress(OSError):
            if unsynced_stat(found).uid in (ROOT, uid, os.geteuid()):
                yield from glob(str(Path(escape(found), *parts[first + 1 :])))


_containers = msgspec.json.Decoder(list[ListedContainer]).decode
_images = msgspec.json.Decoder(list[ListedImage]).decode
