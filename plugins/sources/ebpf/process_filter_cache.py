"""Cache of process verdicts in kernel maps: the values of the kernel filter's process predicates, by process.

Predicates that depend only on a program's name are written by name (COMM_VERDICTS), which the kernel looks up at each
exec. For the rest, a process that keeps making calls which pass the filter is put into a queue.

Exec, exit and a move to another cgroup delete a process's entry in the kernel at once. A verdict that was computed
before must not be written after that: so an empty entry is made first, the ring is read past that moment, the
predicates are evaluated, and the verdict is written only if the entry still exists. Verdicts have the number of their
generation; the kernel ignores those of an earlier one.
"""

import errno
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeGuard

from mozu.core.api import ProcessPredicate
from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.filter.formula import Formula, Leaf, leaves, may_hold
from mozu.core.model.event import SyscallEvent, UndecodedEvent
from mozu.plugins.sources.ebpf import bpf_syscall

ENTRY: Final = struct.Struct("<QQ")
"""Generation (0 if there is no verdict yet), and values of the predicates, a bit each: `struct verdicts` of
bpf/process_verdicts.h."""
NAME: Final = 16
"""Bytes of a name in the kernel, including the NUL at its end."""
NAMES: Final = 4096
"""Most names in the map COMM_VERDICTS."""
_EMPTY: Final = ENTRY.pack(0, 0)
_GENERATION: Final = struct.Struct("<Q")
_THRESHOLD: Final = 16
"""Passing calls after which a process is put into the queue."""
_AT_ONCE: Final = 200
"""Most verdicts written between two batches."""
_REQUEUE: Final = 1000
"""Passing calls after which a process is put into the queue again, because its entry may have been deleted."""


class Prepared(NamedTuple):
    """Process predicates in the forms in which they are evaluated."""

    predicates: Sequence[Formula] = ()
    decide: ProcessPredicate | None = None
    by_name: Mapping[str, int] = {}
    """Verdict by name of a program, as in the function `by_name`."""


class ProcessFilterCache:
    """Verdicts of one source.

    `maps`: descriptors by name; `limit`: entries of PROC_VERDICTS; `decide`: compiles predicates; `written`: the
    producer position of the ring buffer.
    """

    def __init__(
        self,
        maps: Mapping[str, int],
        limit: int,
        decide: Callable[[Sequence[Formula]], ProcessPredicate],
        written: Callable[[], int],
    ) -> None:
        self._maps, self._limit, self._decide, self._written = maps, limit, decide, written
        self._types: frozenset[str] = frozenset()
        self._prepared = Prepared()
        self._generation = 0
        self._names: set[str] = set()
        """Keys of the map COMM_VERDICTS, of this generation or an earlier one."""
        self._calls: Counter[int] = Counter()
        self._known: set[int] = set()
        self._queue: deque[tuple[int, int]] = deque()
        """(position of the ring, process) of empty entries, with the position read after the entry was made."""
        self._resumes = 0.0

    def prepare(self, predicates: Sequence[Formula]) -> Prepared:
        """Compile predicates and evaluate them by name: 100 ms of CPU for mozu's own rules, on a thread."""
        return Prepared(predicates, self._decide(predicates), by_name(predicates)) if predicates else Prepared()

    def configure(self, types: frozenset[str], prepared: Prepared) -> None:
        """Use these predicates in the filters of these types from now on, in a new generation without verdicts."""
        self._types = types if prepared.predicates else frozenset()
        self._prepared = prepared
        self._next_generation()

    def invalidate(self) -> None:
        """Drop every verdict and queue its process again, because the state was wrong."""
        known = list(self._known)
        self._next_generation()
        self.prefetch(known)

    def prefetch(self, pids: Iterable[int]) -> None:
        """Put processes into the queue before they make a call."""
        if self._types and time.monotonic() >= self._resumes:
            for pid in pids:
                self._enqueue(pid)

    def _next_generation(self) -> None:
        """Begin a new generation, without verdicts."""
        for pid in self._known:
            bpf_syscall.delete(self._maps["PROC_VERDICTS"], pid)
        self._known.clear()
        self._queue.clear()
        self._calls.clear()
        self._generation += 1
        bpf_syscall.update(self._maps["GENERATION"], 0, _GENERATION.pack(self._generation))
        self._write_names(self._prepared.by_name)

    def _write_names(self, answers: Mapping[str, int]) -> None:
        """Write verdicts by name. COMM_DEFAULT is for all names that are not in COMM_VERDICTS; with too many names
        neither is written."""
        bpf_syscall.update(self._maps["COMM_DEFAULT"], 0, _EMPTY)
        self._names.update(answers)
        if not answers or len(self._names) > NAMES:
            return
        for name in self._names:
            key = name.encode("utf-8", "surrogateescape").ljust(NAME, b"\0")
            entry = ENTRY.pack(self._generation, answers.get(name, answers[""]))
            bpf_syscall.update_text(self._maps["COMM_VERDICTS"], key, entry)
        bpf_syscall.update(self._maps["COMM_DEFAULT"], 0, ENTRY.pack(self._generation, answers[""]))

    def suspend(self, seconds: float) -> None:
        """Drop every verdict and write none for this time."""
        self._next_generation()
        self._resumes = time.monotonic() + seconds

    def observe(self, batch: Sequence[SyscallEvent | UndecodedEvent]) -> None:
        """Count the passing calls by process; at a threshold the process is queued."""
        types, calls = self._types, self._calls
        if not types or time.monotonic() < self._resumes:
            return
        for event in batch:
            kind = event.type
            if kind in types:
                calls[event.pid] += 1
                if calls[event.pid] == _THRESHOLD:
                    self._enqueue(event.pid)
                elif calls[event.pid] == _REQUEUE:
                    calls[event.pid] = 0
            elif kind in ("execve", "procexit"):
                calls.pop(event.pid, None)
                self._known.discard(event.pid)
            elif kind == "_cgroup" and event.pid in self._known:
                self._known.discard(event.pid)
                self._enqueue(event.pid)

    def shrink(self) -> int:
        """Drop the counts of calls and every verdict; return their number. Processes that continue to call are counted
        and evaluated again."""
        count = len(self._calls) + len(self._known)
        if count:
            self._next_generation()
        return count

    def _enqueue(self, pid: int) -> None:
        if len(self._known) < self._limit:
            try:
                bpf_syscall.update(self._maps["PROC_VERDICTS"], pid, _EMPTY)
            except OSError as error:
                if error.errno != errno.E2BIG:
                    raise
                return  # full of children that were born with the verdict of their parent
            self._known.add(pid)
            self._queue.append((self._written(), pid))

    @property
    def is_pending(self) -> bool:
        """True if a process is in the queue."""
        return bool(self._queue)

    def publish(self, position: int) -> None:
        """Write verdicts of processes that were queued before `position`, up to which all events are in the state.

        At most _AT_ONCE, so that the ring does not wait longer.
        """
        decide = self._prepared.decide
        if decide is None:
            return
        for _ in range(_AT_ONCE):
            if not self._queue or self._queue[0][0] > position:
                return
            pid = self._queue.popleft()[1]
            holds = decide(pid)
            bits = None if holds is None else sum(1 << number for number, one in enumerate(holds) if one)
            entry = None if bits is None else ENTRY.pack(self._generation, bits)
            if entry is not None and bpf_syscall.update_existing(self._maps["PROC_VERDICTS"], pid, entry):
                continue
            bpf_syscall.delete(self._maps["PROC_VERDICTS"], pid)
            self._known.discard(pid)


def by_name(predicates: Sequence[Formula]) -> dict[str, int]:
    """Return verdicts by program name, as far as the name decides; the empty name is for all others.

    Names in the same comparisons have the same verdict, which is evaluated once.
    """
    tests = {id(test): test for predicate in predicates for test in leaves(predicate) if _is_of_name(test)}
    places = [frozenset(test.values) for test in tests.values()]
    verdicts: dict[tuple[bool, ...], int] = {}
    found: dict[str, int] = {}
    for name in dict.fromkeys(("", *(name for predicate in predicates for name in _names(predicate)))):
        stands = tuple(name != "" and name in values for values in places)
        if stands not in verdicts:
            held = (may_hold(one, partial(_decided, name)) for one in predicates)
            verdicts[stands] = sum(1 << number for number, one in enumerate(held) if one)
        found[name] = verdicts[stands]
    return found


def _names(predicate: Formula) -> Iterable[str]:
    """Yield the names that `proc.name` is compared with, if they fit into the kernel's name."""
    for test in leaves(predicate):
        if _is_of_name(test):
            yield from (name for name in test.values if 0 < len(name.encode("utf-8", "surrogateescape")) < NAME)


def _decided(name: str, test: Leaf) -> bool | None:
    """Return the value of a comparison for programs of this name; None if the name does not decide it."""
    return (name in test.values and name != "") is (test.op != "!=") if _is_of_name(test) else None


def _is_of_name(test: Leaf) -> TypeGuard[Comparison]:
    return isinstance(test, Comparison) and test.field == "proc.name" and (test.op in EQUALITY or test.op == "!=")
