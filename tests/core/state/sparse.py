"""Histories of calls with missing parameters: each kind of event once complete, then without one parameter after the
other, then with other results. Each is made by a process of its own, with the same descriptors.
"""

import random
from collections.abc import Iterator
from typing import Any, Final

from mozu.core.model.event import File, SockTuple, SyscallEvent
from mozu.core.model.syscalls import event_type, event_types
from mozu.core.model.syscalls.declare import EventType
from mozu.core.state import CHANGING
from mozu.core.state.observed import KnownFile, KnownProcess, Restored
from tests.core.state.invented import History

_EPOCH: Final = 1_767_225_600 * 1_000_000_000
_KINDS: Final = tuple(sorted(set(CHANGING) & set(event_types())))
_PARTS: Final = 8
_ROUNDS: Final = 3
"""Number of values of each kind; live, the kernel reports more in all but the first."""
_ME: Final = 10
_CONNECTION: Final = SockTuple(2, b"\x0a\0\0\1", 40000, b"\x0a\0\0\2", 443)
_FILES: Final = (
    File("file", "/etc/passwd", ino=7, dev=5), File("ipv4", sock=_CONNECTION, protocol="udp", l4proto="udp"),
    File("directory", "/srv"), File("pidfd", "/proc/1"), File("unix"), File("ipv6"),
)  # fmt: skip


class Sparse:
    """A history of every eighth kind of event."""

    def __init__(self, part: int, *, live: bool) -> None:
        self.name = f"{'live' if live else 'recorded'}-{part}"
        self._kinds, self._live = _KINDS[part::_PARTS], live
        self._time = _EPOCH

    def events(self) -> Iterator[SyscallEvent]:
        """Yield the events from the beginning."""
        if self._live:
            yield _internal("_state", Restored(live=True, number=0))
        yield _internal("_process", KnownProcess(name="init", vtid=1, vpid=1), 1)
        for name in self._kinds:
            kind = event_type(name)
            assert kind is not None
            for round_ in range(_ROUNDS):
                drawn = History(0, live=self._live)
                drawn._chance = random.Random(f"{name}/{round_}")
                for args in self._arguments(kind, drawn):
                    yield from self._process()
                    event = SyscallEvent("syscall", name, self._time, tid=_ME, pid=_ME if self._live else 0, args=args)
                    if self._live and round_:
                        drawn._observe(event, kind)
                    yield event

    def _arguments(self, kind: EventType, drawn: History) -> Iterator[tuple[Any, ...]]:
        whole = [self._given(drawn, kind, place) for place in range(len(kind.params))]
        yield tuple(whole)
        for place in range(len(whole)):
            yield (*whole[:place], None, *whole[place + 1 :])
        for result in (0, 1, -1, 7):
            if whole:
                yield (result, *whole[1:])
        yield (0, *([None] * (len(whole) - 1)))

    @staticmethod
    def _given(drawn: History, kind: EventType, place: int) -> Any:
        """Return a value that is not missing, if the type has any."""
        for _ in range(20):
            value = drawn._value(kind, kind.params[place])
            if value is not None:
                return value
        return 0

    def _process(self) -> Iterator[SyscallEvent]:
        self._time += 3_000_000_000
        known = KnownProcess(
            ptid=1, sid=3, pgid=4, vpgid=4, vtid=_ME, vpid=_ME, name="sh", exe="sh", cwd="/home", uid=1000, gid=1000,
            cap_permitted=3, cap_effective=1, start=_EPOCH, tty=5, fdlimit=64, vm_size=9, vm_rss=8, vm_swap=7,
        )  # fmt: skip
        yield _internal("_process", known, _ME)
        for fd, file in enumerate(_FILES):
            yield _internal("_file", KnownFile(fd, file), _ME)


def _internal(kind: str, observed: Any, tid: int = 0) -> SyscallEvent:
    return SyscallEvent("syscall", kind, 0, tid=tid, pid=tid, observed=observed)


def sparse() -> list[Sparse]:
    """Return all histories, in each shape."""
    return [Sparse(part, live=live) for live in (False, True) for part in range(_PARTS)]
