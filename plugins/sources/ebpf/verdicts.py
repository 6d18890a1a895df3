"""Verdicts of user space that spare the kernel events: on processes, and on calls that are equal to a judged one.

Process predicates of kernel filters that depend only on a program's name are written by name (COMM_VERDICTS), which the
kernel looks up at each exec. For the rest, a process that keeps making calls which pass the filter is put into a queue.
Exec, exit and a move to another cgroup delete a process's entry in the kernel at once. A verdict that was computed
before must not be written after that: so an empty entry is made first, the ring is read past that moment, the
predicates are evaluated, and the verdict is written only if the entry still exists. Verdicts have the number of their
generation; the kernel ignores those of an earlier one.

The maps CALLER_CLASSES and JUDGED_CALLS have classes of callers, and opens that user space has judged, by key. The
kernel discards equal opens by callers of the same class. The kernel makes callers and keys (bpf/verdict_memory.h), and
records contain them. An entry is valid in the generation in which it was written. A discarded open does not update the
state, so only types that rules alone need are discarded, as by the kernel filter; if events on descriptors show paths,
the open's path is kept like that of a filtered open (`OpenedName`).
"""

import errno
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple, TypeGuard

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import ProcessPredicate
from mozu.core.filter.comparison import EQUALITY, Comparison
from mozu.core.filter.formula import Formula, Leaf, leaves, may_hold
from mozu.core.model.event import SyscallEvent, UndecodedEvent
from mozu.plugins.sources.ebpf import bpf_syscall, wire
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName
from mozu.plugins.sources.ebpf.maps import CALLER_CLASS, ENTRY, NAME, NAMES
from mozu.plugins.sources.ebpf.ring import FlowMap
from mozu.plugins.sources.ebpf.wire import layouts

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


_LAYOUT: Final = layouts()["open"]
_AT: Final = {member.name: member.offset for member in _LAYOUT.members}
_LENGTHS: Final = struct.Struct("<HHH")
"""Lengths of the path as given, the directory, and the path reached."""
_MODE: Final = struct.Struct("<I")
_S_IFMT, _S_IFDIR = 0o170000, 0o040000
_JUDGED_IN: Final = struct.Struct("<I")
_LONGEST: Final = wire.map_constant("MAX_OPENED_PATH") - 1


class JudgedCalls:
    """Writer of the maps for one source. `maps`: descriptors by name."""

    def __init__(self, maps: Mapping[str, int], flow: FlowMap) -> None:
        self._maps, self._flow = maps, flow
        self._generation = 0
        self._types: frozenset[int] = frozenset()
        self._names = OpenedName.UNUSED

    def use(self, types: Collection[str], names: OpenedName) -> None:
        """Let opens of these types be discarded, with their paths treated by `names`. Former verdicts become
        invalid."""
        self._types = frozenset(SYSCALL_SPECS[name].number for name in types)
        self._names = names
        self.forget()

    def forget(self) -> None:
        """Invalidate all verdicts so far."""
        self._generation += 1
        self._flow.recognise(self._generation if self._types else 0, keeps_paths=self._names is OpenedName.KEPT)

    def take(self, events: Sequence[UndecodedEvent] | None, classes: Mapping[bytes, int]) -> None:
        """Store that no rule matches these events, and the classes of these callers. None: invalidate all verdicts so
        far."""
        if events is None:
            self.forget()
            return
        judged = _JUDGED_IN.pack(self._generation)
        keys = {event.source_key: judged for event in events if self._may_be_discarded(event.record)}
        callers = {caller: CALLER_CLASS.pack(number, self._generation) for caller, number in classes.items()}
        with suppress(OSError):  # the kernel is short of memory: they are judged again, and reported again
            bpf_syscall.update_many(self._maps["CALLER_CLASSES"], callers)
            bpf_syscall.update_many(self._maps["JUDGED_CALLS"], keys)

    def recognised(self) -> int:
        """Return the number of discarded opens."""
        raw = bpf_syscall.lookup(self._maps["RECOGNISED"], 0, 8 * bpf_syscall.possible_cpus())
        return sum(struct.unpack(f"<{len(raw) // 8}Q", raw))

    def _may_be_discarded(self, record: object) -> bool:
        assert isinstance(record, bytes)
        if int.from_bytes(record[_AT["head_type"] : _AT["head_type"] + 2], "little") not in self._types:
            return False
        failed = record[_AT["head_result"] + 7] & 0x80
        return failed != 0 or self._names is OpenedName.UNUSED or self._shows_its_path(record)

    def _shows_its_path(self, record: bytes) -> bool:
        """Return True if later events on the descriptor show the same path as if the state had processed the open."""
        given, _, reached = _LENGTHS.unpack_from(record, _AT["user"])
        (mode,) = _MODE.unpack_from(record, _AT["file_mode"])
        path = record[_LAYOUT.size : _LAYOUT.size + given]
        if mode & _S_IFMT == _S_IFDIR or not is_plain(path) or given > _LONGEST:
            return False
        if self._names is OpenedName.KEPT:
            return True
        base = int.from_bytes(record[_AT["base"] : _AT["base"] + 2], "little")
        end = _LAYOUT.size + given + base
        return record[end : end + reached] == path


def is_plain(path: bytes) -> bool:
    """Return True if a path is absolute and normalized: without `.`, `..`, doubled or trailing slashes."""
    return path[:1] == b"/" and all(part not in (b"", b".", b"..") for part in path[1:].split(b"/"))
