"""Process guard: undoes what a plugin has changed of the state of the whole process, and names the plugin.

Signal handlers, descriptors 0 to 2 and functions of libraries belong to the process. A plugin that ignores SIGTERM
makes mozu unstoppable, one that closes a descriptor or replaces a function makes it silent. Nothing reports such an act
when it happens, so the guard checks each second.
"""

import fcntl
import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from mozu.core.common.ticks import tick
from mozu.core.isolation.interrupter import SIGNAL
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.runtime.early_signals import KEPT
from mozu.core.runtime.replaced_functions import put_back
from mozu.core.runtime.stack_owners import is_of_package

_log = logging.getLogger("mozu.engine")

_SECONDS: Final = 1.0
_STANDARD: Final = range(3)
_LOWEST: Final = 3
"""The lowest number that a duplicated descriptor may have."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, *KEPT, SIGNAL)


async def guarded(components: Callable[[], Sequence[Isolated[object]]]) -> None:
    """Check each second, until cancelled."""
    guard = ProcessGuard(components)
    try:
        while True:
            await tick(_SECONDS)
            guard.look()
    finally:
        guard.close()


class ProcessGuard:
    """The guard of one run, used on the main thread. `components` returns the components that may be responsible."""

    def __init__(self, components: Callable[[], Sequence[Isolated[object]]]) -> None:
        self._components = components
        self._handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        self._copies = {fd: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _LOWEST) for fd in _STANDARD}
        self._files = {fd: _file(fd) for fd in _STANDARD}

    def look(self) -> None:
        """Undo and report changes since the last call."""
        for text, culprit in (*self._signals(), *self._descriptors(), *self._functions()):
            self._report(text, culprit)

    def close(self) -> None:
        """Close the copies of the descriptors."""
        for copy in self._copies.values():
            with suppress(OSError):
                os.close(copy)

    def _signals(self) -> Iterator[tuple[str, object]]:
        blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        for number, handler in self._handlers.items():
            found, name = signal.getsignal(number), _name(number)
            is_ignored = _is_ignored(number) and handler is not signal.SIG_IGN
            signal.signal(number, handler)
            if found is not handler:
                yield f"{name} has another handler", found
            elif is_ignored:  # by sigaction(2), which Python does not see
                yield f"{name} is ignored", None
            if number in blocked:
                yield f"{name} is blocked", None

    def _descriptors(self) -> Iterator[tuple[str, object]]:
        for fd, file in self._files.items():
            if _file(fd) != file:
                what = "is closed" if _file(fd) is None else "is another file"
                with suppress(OSError):  # the copy is closed, too
                    os.dup2(self._copies[fd], fd)
                yield f"descriptor {fd} {what}", None

    def _functions(self) -> Iterator[tuple[str, object]]:
        for name, found in put_back():
            yield f"{name} is another function", found

    def _report(self, text: str, culprit: object) -> None:
        """Report the component to whose package the culprit belongs, or else all that are not built in."""
        module = str(getattr(culprit, "__module__", "") or "")
        known = self._components()
        named = [one for one in known if is_of_package(module, one)]
        suspects: Sequence[Isolation] = named or [one for one in known if not one.module.startswith("mozu.")]
        error = ChangedProcess(f"{text}, which belongs to the whole process: it was put back")
        if len(suspects) == 1:
            suspects[0].failed("leave the process as it was", error, dedup_by_type=False)
        else:
            who = " or ".join(map(str, suspects)) or module or "unknown code"
            _log.error("%s: %s", who, error)


class ChangedProcess(Exception):
    """A change that a component made to what belongs to the process."""


def _file(fd: int) -> tuple[int, int] | None:
    """Return device and inode of a descriptor's file; None if the descriptor is closed."""
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _name(number: int) -> str:
    return signal.Signals(number).name if number in signal.Signals.__members__.values() else f"signal {number}"


def _is_ignored(number: int) -> bool:
    """Return whether the kernel drops the signal (`SigIgn` of proc_pid_status(5))."""
    try:
        with open("/proc/self/status", "rb") as status:
            mask = next(line for line in status if line.startswith(b"SigIgn:"))
    except (OSError, StopIteration):
        return False
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)
