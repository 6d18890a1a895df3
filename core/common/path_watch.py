"""A wait for files that may appear: a socket, a directory, any match of a pattern.

inotify reports them and costs nothing until then. Mounts, and files that other machines write into a network file
system, raise no event, so a wait also has an end.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from mozu.core.common.directory_watch import DirectoryWatch
from mozu.core.common.path_steps import ANY, steps_of_pattern

LOOK_INTERVAL: Final = 30.0
"""Seconds after which a wait ends, for changes that raise no event."""


class PathWatch:
    """A watch of paths. Call `renew` on the event loop, `add` (which may block) on any thread, check the paths, then
    `wait`."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._watch: DirectoryWatch | None = None
        self._names: Mapping[Path, set[str]] = {}
        """Directory → names in it that matter."""

    def renew(self) -> None:
        """Watch nothing, and forget what has changed."""
        self.close()
        self._changed.clear()
        self._names = {}
        watch = DirectoryWatch(self._noticed, self._changed.set)
        with suppress(OSError):  # no instance is left (fs.inotify.max_user_instances): waits have an end
            watch.open()
            self._watch = watch

    def add(self, patterns: Iterable[str]) -> None:
        """Watch the ways to these paths. If one cannot be watched, waits for it have an end nevertheless."""
        if self._watch is None:
            return
        wanted = list(patterns)
        while (names := _names_on_ways(wanted)) != self._names:  # a new link may lead further
            self._names = names
            for directory in names:
                with suppress(OSError):
                    self._watch.add(directory)

    async def wait(self, seconds: float) -> bool:
        """Wait until something on the ways has appeared or vanished since `add`, for at most so many seconds; return
        True if so."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        return self._changed.is_set()

    def close(self) -> None:
        """Close the watch. Idempotent."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _noticed(self, path: Path, is_there: bool) -> None:
        names = self._names.get(path.parent, ())
        if path.name in names or ANY in names:
            self._changed.set()


async def until_there(path: Path, is_there: Callable[[], bool]) -> None:
    """Wait until `is_there` returns True, called whenever something may have appeared."""
    with closing(PathWatch()) as watch:
        while not is_there():
            watch.renew()
            watch.add([str(path)])
            if not is_there():
                await watch.wait(LOOK_INTERVAL)


def _names_on_ways(patterns: Iterable[str]) -> Mapping[Path, set[str]]:
    names: dict[Path, set[str]] = {}
    for pattern in patterns:
        for directory, name in steps_of_pattern(pattern):
            names.setdefault(Path(directory), set()).add(name)
    return names
