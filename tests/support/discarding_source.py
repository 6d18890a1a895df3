"""A source that discards judged calls by versions and classes, like bpf/verdict_memory.h."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from mozu.core.model.event import SyscallEvent, UndecodedEvent
from mozu.core.state import StateMachine
from mozu.core.state.effects import CHANGES_ANOTHER, CHANGES_ITS_PROCESS
from tests.support.judged_twice import SIZE, Judged, Leaving, undecoded

OPENS = frozenset(("open", "openat", "openat2", "creat"))


class Discarding(Leaving):
    """A source that discards judged calls. `forgets`: event types that change no version, though they should."""

    def __init__(self, forgets: Collection[str] = ()) -> None:
        super().__init__()
        self._forgets = forgets
        self._judged: dict[bytes, bytes] = {}
        """Key → task for which it was first reported."""
        self.classes: dict[bytes, int] = {}
        self._versions = Counter[int]()
        self._parents: dict[int, int] = {}
        self._changes = self.generation = 0
        self.discarded = self.shared = 0
        """Counts of discarded calls, and of those that were judged for another task."""

    def discard_judged(self, events: Sequence[UndecodedEvent] | None, classes: Mapping[bytes, int]) -> None:
        if events is None:
            self.forget()
            return
        for event in events:
            self._judged.setdefault(event.source_key, event.task)
        self.classes.update(classes)

    def forget(self) -> None:
        """Drop all judged calls and the classes of callers."""
        self.generation += 1
        self._judged.clear()
        self.classes.clear()

    def invalidate_processes(self) -> None:
        self.forget()

    def give(self, event: SyscallEvent) -> SyscallEvent | UndecodedEvent | None:
        """Return the event as this source reports it; None if it is discarded."""
        if event.type not in OPENS:
            self._see(event)
            return undecoded(event) if event.type in self.left else msgspec.structs.replace(event)
        found = undecoded(event)
        lineage = [(pid, self._versions[pid]) for pid in self._lineage(event.pid)]
        caller = repr((self._changes, lineage, event.tid, event.type)).encode()
        number = self.classes.get(caller)
        if number is None:
            found.source_caller = caller
        else:
            found.source_key = repr((self.generation, number, found.key)).encode()
        if found.source_key in self._judged:
            self.discarded += 1
            self.shared += self._judged[found.source_key] != found.task
            return None
        return found if event.type in self.left else msgspec.structs.replace(event)

    def _lineage(self, pid: int) -> list[int]:
        found = [pid]
        while (parent := self._parents.get(found[-1], 0)) and parent not in found:
            found.append(parent)
        return found

    def _see(self, event: SyscallEvent) -> None:
        kind, reported = event.type, event.observed
        if kind == "_process" or (kind == "execve" and reported is not None):
            self._parents[event.pid] = reported.ptid
        if kind == "_fork":
            self._parents[reported.pid] = event.pid if reported.pid != event.pid else self._parents.get(event.pid, 0)
        if kind == "procexit":
            self._parents |= {pid: 1 for pid, parent in self._parents.items() if parent == event.pid}
        if kind not in self._forgets:
            self._changes += kind in CHANGES_ANOTHER
            self._versions[reported.pid if kind == "_fork" else event.pid] += kind in CHANGES_ITS_PROCESS


class JudgedBySource(Judged):
    """A pipeline behind such a source."""

    def __init__(self, evaluators: Sequence[Any], source: Discarding) -> None:
        super().__init__(evaluators, SIZE, StateMachine(procfs="/nowhere/at/all"), source)
        self.kernel = source

    def process(self, events: Iterable[SyscallEvent]) -> None:
        """Process a batch as its source reports it."""
        given = [self.kernel.give(event) for event in events]
        self.pipeline.process([event for event in given if event is not None])
