"""The verdict memory: system calls that no rule matches are recognised when they recur, before they are decoded.

A verdict is a function of the fields that it has read. Each field declares what its value depends on (`Field.depends`):
on the event alone, for which its key is enough; on the task alone, whose values are read once, and again when its state
changes; or on anything else, and then a verdict that has read it is not remembered (`read_log.py` of
core/model/fields). So a verdict is found by the contents of the event's record and the values of all fields of the task
that could decide: tasks with equal values share their verdicts.

With the verdict the effect of the event on the state is kept (`core/state/effects.py`), and applied again. An event
that raised an alert, was held for an enricher, or made an evaluator fail is not remembered. If most calls of a type
turn out not to recur, a call is remembered only at its second occurrence.

Nothing is remembered while something else wants every event: a recording, an evaluator that does not say by which
fields it judges, or one that works elsewhere.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from mozu.core.api import JudgesByFields, LeavesUndecoded, Resolved, Source
from mozu.core.flow.evaluation import Evaluation
from mozu.core.flow.judged_type import Caller, JudgedType, Verdicts
from mozu.core.flow.source_discards import SourceDiscards
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import Event, SyscallEvent, UndecodedEvent
from mozu.core.model.fields.read_log import LOG
from mozu.core.state.effects import EFFECTS, Effect
from mozu.core.state.state import State

ENTRY_BYTES: Final = 500
"""Size of an entry in bytes without its key: measured roughly, used only to bound memory."""
_TASKS: Final = 8_192
"""The most tasks of one event type, and different values of them, that are known at once."""
_SEEN: Final = 1 << 16
"""The most calls that are known to have come once, of types whose calls are remembered at the second occurrence."""
WINDOW: Final = 1 << 15
"""Decoded calls of one type after which the benefit of remembering is examined: by then half as many different
recurring calls are known."""
_WORTH: Final = 16
"""The most decoded calls for each remembered one at which remembering pays; otherwise the type rests."""
RESTS: Final = (200, 3_200)
"""Batches for which a type rests, at first and at most; doubled each time."""
_FIRST: Final = 4
"""Number of a task's event from which on its fields are read: many tasks make only a few."""


class VerdictMemory:
    """The remembered verdicts of one source. `size`: bytes that they may take, roughly; 0: nothing is remembered."""

    def __init__(self, size: int, source: Isolated[Source], evaluation: Evaluation, metrics: Metrics) -> None:
        self._size, self._source, self._evaluation = size, source, evaluation
        self._types: dict[str, JudgedType] = {}
        self._rests: dict[str, int] = {}
        """Type that has rested → batches of its last rest."""
        self._resting: dict[str, int] = {}
        """Type whose calls hardly ever recur → batches for which they are still decoded at once."""
        self._undecoded: frozenset[str] = frozenset()
        self._entries: deque[tuple[Verdicts, bytes]] = deque()
        """The entries, oldest first; the oldest is dropped first."""
        self._bytes = 0
        self._seen: set[int] = set()
        self._few: dict[tuple[str, bytes], int] = {}
        """Task whose fields are not read yet → its events so far."""
        self._candidates: list[tuple[int, Verdicts, UndecodedEvent, Effect]] = []
        """(number, verdicts, event, effect) of events of this batch that are being judged."""
        self._alerted: set[int] = set()
        self._rules: Sequence[object] | None = None
        """The evaluators under which all entries are valid."""
        self._left_undecoded: tuple[object, frozenset[str]] = (None, self._undecoded)
        self._in_source = SourceDiscards(source)
        self.recalled: list[Event] = []
        """Events of this batch that were not decoded."""
        self.hits = metrics.counter("verdict_memory_hits_total")
        self.misses = metrics.counter("verdict_memory_misses_total")
        metrics.gauge("verdict_memory_entries", lambda: len(self._entries))
        metrics.gauge("verdict_memory_bytes", lambda: self._bytes)

    def use(self, size: int) -> None:
        """Use this size from the next batch on (a reload)."""
        if size != self._size:
            self._size = size
            self.forget()

    def numbers(self) -> dict[str, int]:
        """Return numbers for the statistics. Shape: docs/operate/statistics.md."""
        return {"hits": self.hits.value, "misses": self.misses.value, "entries": len(self._entries)}

    # --- one batch, in this order

    def prepare(self, events: Sequence[Event], *, all_wanted: bool) -> Sequence[Event]:
        """Begin a batch, and return its events; `all_wanted`: something besides the evaluators wants every event,
        decoded."""
        rules = () if all_wanted or not self._size else [one.component for one in self._evaluation.evaluators]
        if rules != self._rules:
            self.forget()
            self._rules = rules
            self._types = {name: JudgedType(name, fields) for name, fields in (self._judged() if rules else ())}
            self._undecoded = frozenset(self._types)
        if self._resting:
            self._count_rests()
        self._leave_undecoded()
        self.recalled, self._candidates = [], []
        self._alerted.clear()
        if self._types:
            LOG.begin()
        return self._decoded(events) if all_wanted else events

    def begin_again(self) -> None:
        """Forget what was found in this batch: the state machine has failed in it, and is given the same events one by
        one."""
        self.recalled, self._candidates = [], []

    def recall(self, event: UndecodedEvent, state: State) -> bool:
        """Apply the remembered effect of a call; see `Remembers`."""
        kind = self._types.get(event.type)
        caller = None if kind is None else kind.callers.get(event.task)
        if caller is None or kind is None or state.entered:
            return False
        tables = state.tables
        if caller.epoch != tables.epoch and not kind.still_holds(caller, tables):
            del kind.callers[event.task]
            return False
        effect = caller.verdicts.get(event.key)
        if effect is None:
            return False
        kind.hits += 1
        state.number = event.num or state.number + 1
        if effect:
            fd, file = effect
            files = caller.node.files
            if files.get(fd) is not file:
                tables.put_file(files, fd, file, state.number)
        self.recalled.append(event)
        if kind.source_sees:
            self._in_source.recalled(event, caller.verdicts.number)
        return True

    def missed(self, event: UndecodedEvent, decoded: SyscallEvent, state: State) -> None:
        """Note a call that had to be decoded; see `Remembers`."""
        kind = self._types.get(event.type)
        caller = None if kind is None else self._caller(kind, event, decoded, state)
        if caller is None or kind is None or state.entered:
            return
        if kind.source_sees:
            self._in_source.missed(event, caller.verdicts.number)
        if not kind.is_repetitive and not self._was_seen(event.key, caller.verdicts):
            return
        effect = kind.effect(decoded)
        if effect is not None:
            self._candidates.append((decoded.num, caller.verdicts, event, effect))

    def _was_seen(self, key: bytes, verdicts: Verdicts) -> bool:
        """Return True if this call has come before, and note it."""
        sighting = hash((key, id(verdicts)))
        if sighting in self._seen:
            return True
        if len(self._seen) >= _SEEN:
            self._seen.clear()
        self._seen.add(sighting)
        return False

    def alerted(self, number: int) -> None:
        """Note that an event of this batch has raised an alert."""
        self._alerted.add(number)

    def remember(self, evaluated: Iterable[Event], rejected: Sequence[Event]) -> None:
        """Remember the calls of an evaluated batch that no rule has matched; held events are not among `evaluated`."""
        read = LOG.end()
        self.hits.value += len(self.recalled)
        self._keep_found(evaluated, rejected, read)
        self._in_source.flush()

    def _keep_found(self, evaluated: Iterable[Event], rejected: Sequence[Event], read: set[int]) -> None:
        if not self._candidates or not self._evaluation.was_whole or 0 in self._alerted:
            return
        judged = {event.num for event in evaluated}
        judged -= read | self._alerted | {event.num for event in rejected}
        for number, verdicts, event, effect in self._candidates:
            if number in judged and event.key not in verdicts:
                self._keep(verdicts, event.key, effect)
                if self._types[event.type].source_sees:
                    self._in_source.add(event)

    # --- what is kept

    def shrink(self) -> int:
        """Forget the older half of the entries; return how many."""
        count = (len(self._entries) + 1) // 2
        for _ in range(count):
            self._forget_oldest()
        return count

    def forget(self) -> None:
        """Drop every entry now: the rules they were computed under have changed."""
        self._in_source.forget()
        self._types, self._rules, self._undecoded = {}, None, frozenset()
        self._resting.clear()
        self._entries.clear()
        self._seen.clear()
        self._few.clear()
        self._bytes = 0

    def _keep(self, verdicts: Verdicts, key: bytes, effect: Effect) -> None:
        verdicts[key] = effect
        self._entries.append((verdicts, key))
        self._bytes += len(key) + ENTRY_BYTES
        while self._bytes > self._size:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        verdicts, key = self._entries.popleft()
        del verdicts[key]
        self._bytes -= len(key) + ENTRY_BYTES

    def _caller(self, kind: JudgedType, event: UndecodedEvent, decoded: SyscallEvent, state: State) -> Caller | None:
        self.misses.value += 1
        kind.misses += 1
        if kind.misses >= WINDOW:
            self._look_back(event.type, kind)
        caller = kind.callers.get(event.task)
        if caller is not None and (caller.epoch == state.tables.epoch or kind.still_holds(caller, state.tables)):
            return caller
        name = event.type, event.task
        count = self._few.get(name, 0) + 1
        if count < _FIRST:
            if len(self._few) >= _TASKS:
                self._few.clear()
            self._few[name] = count
            return None
        caller = kind.caller(decoded, state.tables)
        if caller is not None:
            if len(kind.callers) >= _TASKS:
                kind.forget_ended()
            if max(len(kind.callers), len(kind.by_values)) >= _TASKS:
                kind.forget_tasks()
            kind.callers[event.task] = caller
        return caller

    # --- which types

    def _judged(self) -> list[tuple[str, Sequence[Resolved]]]:
        """Return the types that are judged here and by their fields alone, with these fields."""
        wanted = self._evaluation.demand().of("syscall")
        found: list[tuple[str, Sequence[Resolved]]] = []
        for name in EFFECTS if "*" in wanted else wanted.keys() & EFFECTS.keys():
            fields: list[Resolved] = []
            for judge in self._evaluation.evaluators:
                judged_by: Sequence[Resolved] | None = None
                if isinstance(judge.component, JudgesByFields):
                    with judge.contained("say by which fields it judges"):
                        judged_by = judge.component.fields_judged(name)
                if judged_by is None:
                    return []
                fields += judged_by
            found.append((name, fields))
        return found

    def _look_back(self, name: str, kind: JudgedType) -> None:
        """Let a type rest if its calls hardly ever recur."""
        kind.is_repetitive = kind.hits >= kind.misses
        if kind.hits * _WORTH < kind.misses:
            self._rests[name] = min(2 * self._rests.get(name, RESTS[0] // 2), RESTS[1])
            self._resting[name] = self._rests[name]
            self._undecoded -= {name}
        else:
            self._rests.pop(name, None)
        kind.hits = kind.misses = 0

    def _count_rests(self) -> None:
        for name in list(self._resting):
            self._resting[name] -= 1
            if not self._resting[name]:
                del self._resting[name]
                self._undecoded |= {name}

    def _decoded(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return the events, all decoded: the source may have left some undecoded before it learned the types."""
        if not any(type(event) is UndecodedEvent for event in events):
            return events
        found: list[Event] = []
        for event in events:
            with self._source.contained(f"decode {event.type}"):
                found.append(event.decode(event.record) if isinstance(event, UndecodedEvent) else event)
        return found

    def _leave_undecoded(self) -> None:
        """Pass the types that may stay undecoded to the source, and again to each new instance of it."""
        component, types = self._source.component, self._undecoded
        if self._left_undecoded[0] is component and self._left_undecoded[1] is types:
            return
        self._left_undecoded = component, types
        if isinstance(component, LeavesUndecoded):
            with self._source.contained("leave events undecoded"):
                component.leave_undecoded(types)
