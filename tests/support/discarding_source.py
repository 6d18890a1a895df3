"""A source that discards calls which were judged, as bpf/verdict_memory.h does: by the versions of processes."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from mozu.core.model.event import SyscallEvent, UndecodedEvent
from mozu.core.state import StateMachine
from mozu.core.state.effects import CHANGES_ANOTHER, CHANGES_ITS_PROCESS
from tests.support.judged_twice import SIZE, Judged, Leaving, undecoded

OPENS = frozenset(("open", "openat", "openat2", "creat"))


class Discarding(Leaving):
    """`forgets`: event types that change no version, though they should."""

    def __init__(self, forgets: Collection[str] = ()) -> None:
        super().__init__()
        self._forgets = forgets
        self._judged: set[bytes] = set()
        self._versions = Counter[int]()
        self._parents: dict[int, int] = {}
        self._changes = 0
        self.discarded = 0

    def discard_judged(self, events: Sequence[UndecodedEvent] | None) -> None:
        if events is None:
            self._judged.clear()
        else:
            self._judged.update(event.source_key for event in events)

    def give(self, event: SyscallEvent) -> SyscallEvent | UndecodedEvent | None:
        """As this source gives it; None: it is discarded."""
        if event.type not in OPENS:
            self._see(event)
            return undecoded(event) if event.type in self.left else msgspec.structs.replace(event)
        found = undecoded(event)
        lineage = [(pid, self._versions[pid]) for pid in self._lineage(event.pid)]
        found.source_key = repr((self._changes, lineage, event.tid, event.type, found.key)).encode()
        if found.source_key in self._judged:
            self.discarded += 1
            return None
        return found if event.type in self.left else msgspec.structs.replace(event)

    def _lineage(self, pid: int) -> list[int]:
        found = [pid]
        while (parent := self._parents.get(found[-1], 0)) and parent not in found:
            found.append(parent)
        return found

    def _see(self, event: SyscallEvent) -> None:
        kind, told = event.type, event.observed
        if kind == "_process" or (kind == "execve" and told is not None):
            self._parents[event.pid] = told.ptid
        if kind == "_fork":
            self._parents[told.pid] = event.pid if told.pid != event.pid else self._parents.get(event.pid, 0)
        if kind == "procexit":
            self._parents |= {pid: 1 for pid, parent in self._parents.items() if parent == event.pid}
        if kind not in self._forgets:
            self._changes += kind in CHANGES_ANOTHER
            self._versions[told.pid if kind == "_fork" else event.pid] += kind in CHANGES_ITS_PROCESS


class JudgedBySource(Judged):
    """A pipeline behind such a source."""

    def __init__(self, evaluators: Sequence[Any], source: Discarding) -> None:
        super().__init__(evaluators, SIZE, StateMachine(procfs="/nowhere/at/all"), source)
        self.kernel = source

    def process(self, events: Iterable[SyscallEvent]) -> None:
        """One batch, as its source gives it."""
        given = [self.kernel.give(event) for event in events]
        self.pipeline.process([event for event in given if event is not None])
