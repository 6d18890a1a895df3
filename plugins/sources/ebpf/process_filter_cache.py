"""What the kernel knows of processes: answers to the questions that gates ask about them.

What the name of a program alone tells is written down by name, and the kernel looks it up at each exec. For the rest, a
process that keeps making calls which a gate lets pass is looked at. Its exec or end makes the kernel forget it at once,
and what was found out in the meantime is then refused: first an empty entry is made, then the stream is awaited until
it has passed that moment, then the questions are answered, and the answers go in only if the entry is still there.
Answers have the number of their edition, and those of an earlier one count for nothing.
"""

import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from mozu.core.api.hookspecs import Holds
from mozu.core.filter.predicate import Fact, Predicate, holds
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf import kernel

ENTRY: Final = struct.Struct("<QQ")
"""Edition, 0 where there are no answers yet; which are yes, a bit each (struct verdicts of bpf/record.h)."""
NAME: Final = 16
"""Bytes of a name in the kernel, the NUL at its end included."""
NAMES: Final = 4096
"""Names of which something is written down."""
_EMPTY: Final = ENTRY.pack(0, 0)
_EDITION: Final = struct.Struct("<Q")
_ENOUGH: Final = 16
"""Calls after which a process is worth a look."""
_AT_ONCE: Final = 200
"""Answers between two batches."""
_AGAIN: Final = 1000
"""Calls after which it is looked at once more: the kernel may have forgotten it."""


class Acquaintances:
    """Of one source. `maps`: descriptors; `limit`: entries of ACQUAINTED; `written`: how far the ring is written."""

    def __init__(
        self,
        maps: Mapping[str, int],
        limit: int,
        decide: Callable[[Sequence[Predicate]], Holds],
        written: Callable[[], int],
    ) -> None:
        self._maps, self._limit, self._decide, self._written = maps, limit, decide, written
        self._types: frozenset[str] = frozenset()
        self._questions: Sequence[Predicate] = ()
        self._holds: Holds | None = None
        self._edition = 0
        self._names: set[str] = set()
        """Those that stand in NAMES, of this edition or an earlier one."""
        self._calls: Counter[int] = Counter()
        self._known: set[int] = set()
        self._asked: deque[tuple[int, int]] = deque()
        """(position of the ring, process) of empty entries, the position taken once the entry was there."""
        self._resumes = 0.0

    def choose(self, types: frozenset[str], questions: Sequence[Predicate]) -> None:
        """From now on these questions are asked, by the gates of these types. Nobody is known."""
        self._types = types if questions else frozenset()
        self._questions = questions
        self._holds = self._decide(questions) if questions else None
        self._begin()

    def forget(self) -> None:
        """What is known may be wrong: everybody is asked about again."""
        known = list(self._known)
        self._begin()
        self.introduce(known)

    def introduce(self, pids: Iterable[int]) -> None:
        """Ask about these before they call."""
        if self._types and time.monotonic() >= self._resumes:
            for pid in pids:
                self._ask(pid)

    def _begin(self) -> None:
        """A new edition: nobody is known."""
        for pid in self._known:
            kernel.delete(self._maps["PROC_VERDICTS"], pid)
        self._known.clear()
        self._asked.clear()
        self._calls.clear()
        self._edition += 1
        kernel.update(self._maps["GENERATION"], 0, _EDITION.pack(self._edition))
        self._write_names(by_name(self._questions))

    def _write_names(self, answers: Mapping[str, int]) -> None:
        """What is not written down by name gets what every other name gets; of too many names nothing is told."""
        kernel.update(self._maps["COMM_DEFAULT"], 0, _EMPTY)
        self._names.update(answers)
        if not self._questions or len(self._names) > NAMES:
            return
        for name in self._names:
            key = name.encode("utf-8", "surrogateescape").ljust(NAME, b"\0")
            bits = answers.get(name, answers[""])
            kernel.update_text(self._maps["COMM_VERDICTS"], key, ENTRY.pack(self._edition, bits))
        kernel.update(self._maps["COMM_DEFAULT"], 0, ENTRY.pack(self._edition, answers[""]))

    def pause(self, seconds: float) -> None:
        """Forget everybody, and get to know nobody for so long."""
        self._begin()
        self._resumes = time.monotonic() + seconds

    def notice(self, batch: Sequence[SyscallEvent]) -> None:
        """Count what passed."""
        types, calls = self._types, self._calls
        if not types or time.monotonic() < self._resumes:
            return
        for event in batch:
            kind = event.type
            if kind in types:
                calls[event.pid] += 1
                if calls[event.pid] == _ENOUGH:
                    self._ask(event.pid)
                elif calls[event.pid] == _AGAIN:
                    calls[event.pid] = 0
            elif kind in ("execve", "procexit"):
                calls.pop(event.pid, None)
                self._known.discard(event.pid)

    def _ask(self, pid: int) -> None:
        if len(self._known) < self._limit:
            kernel.update(self._maps["PROC_VERDICTS"], pid, _EMPTY)
            self._known.add(pid)
            self._asked.append((self._written(), pid))

    @property
    def is_asking(self) -> bool:
        """Whether somebody waits for answers."""
        return bool(self._asked)

    def answer(self, position: int) -> None:
        """Tell what holds of those who were asked about before `position`, up to which all events are in the state.

        Of some of them at a time: nobody shall wait for that.
        """
        if self._holds is None:
            return
        for _ in range(_AT_ONCE):
            if not self._asked or self._asked[0][0] > position:
                return
            pid = self._asked.popleft()[1]
            holds = self._holds(pid)
            bits = None if holds is None else sum(1 << number for number, one in enumerate(holds) if one)
            entry = None if bits is None else ENTRY.pack(self._edition, bits)
            if entry is not None and kernel.update_existing(self._maps["PROC_VERDICTS"], pid, entry):
                continue
            kernel.delete(self._maps["PROC_VERDICTS"], pid)
            self._known.discard(pid)


def by_name(questions: Sequence[Predicate]) -> dict[str, int]:
    """Name of a program → answers, as far as the name alone tells; under the empty name those of all other programs."""
    names = {"": None, **{name: None for question in questions for name in _names(question)}}
    return {
        name: sum(1 << number for number, one in enumerate(questions) if holds(one, partial(_may_hold, name)))
        for name in names
    }


def _names(question: Predicate) -> Sequence[str]:
    """Those that a name is compared with; what is longer than a name can be is none."""
    found: list[str] = []

    def note(fact: Fact) -> bool:
        if fact.field == "proc.name" and fact.op in ("in", "!="):
            found.extend(name for name in fact.values if 0 < len(name.encode("utf-8", "surrogateescape")) < NAME)
        return True

    holds(question, note)
    return found


def _may_hold(name: str, fact: Fact) -> bool:
    if fact.field != "proc.name" or fact.op not in ("in", "!="):
        return True
    return ((name in fact.values and name != "") is (fact.op == "in")) is not fact.negated
