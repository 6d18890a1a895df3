"""The function of an event type with a clock around each of its tests: the time each rule takes.

It performs the same steps as the function of `function.py` in the same order, so that the times of all rules add up to
the time of judging the event. A test that several rules share is made once, and each rule is charged an equal part.

It is for a sample of events: reading the clock takes about as long as a test, and is subtracted. Each event is judged
twice, and the shorter time of each test counts: the first run is slower because the processor's caches are cold, and
another thread may have interrupted either run.
"""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import Final

from mozu.core.filter.formula import Formula
from mozu.core.language.conditions.generate.emitter import Emitter, Ready
from mozu.core.language.conditions.generate.function import (
    Candidates,
    Guard,
    Hit,
    LookUp,
    Step,
    Writer,
    planned,
    written,
)
from mozu.core.language.conditions.generate.index import Found
from mozu.core.language.conditions.operands import Resolver
from mozu.core.model.event import Event

_HEAD: Final = "def measure(e, spent):"
_TRIALS: Final = 100


class MeasuredFunction:
    """Function from an event to position of a rule → ns. Rules that the event did not reach are absent."""

    def __init__(
        self, conditions: Mapping[int, Formula], resolver: Resolver, clock: Callable[[], int] = perf_counter_ns
    ) -> None:
        """`conditions`: position → simplified condition. `clock`: returns ns since any fixed time."""
        plan, library = planned(conditions, resolver)
        library.namespace["clock"] = self._clock = clock
        sharers: list[tuple[int, ...]] = []

        def writer(emitter: Emitter) -> Writer:
            sharers.clear()
            return _MeasuringWriter(emitter, sharers)

        self._measure = library.define("measure", written(plan, library, writer, _HEAD, "    return"))
        self._sharers = tuple(sharers)
        """Rules that each test is made for."""
        self._clock_ns = min(-clock() + clock() for _ in range(_TRIALS))
        """Nanoseconds taken by reading the clock."""

    def __call__(self, event: Event) -> Mapping[int, float]:
        """Judge an event. Errors of its tests propagate."""
        one, other = self._judged(event), self._judged(event)
        found: dict[int, float] = {}
        for sharers, *times in zip(self._sharers, one, other, strict=True):
            nanoseconds = min(times) - self._clock_ns
            if nanoseconds > 0:
                part = nanoseconds / len(sharers)
                for position in sharers:
                    found[position] = found.get(position, 0.0) + part
        for position, *times in zip(one.candidates, one.of_candidates, other.of_candidates, strict=True):
            found[position] = found.get(position, 0.0) + max(0, min(times) - self._clock_ns)
        return found

    def _judged(self, event: Event) -> "_Spent":
        spent = _Spent(len(self._sharers), self._clock)
        self._measure(event, spent)
        return spent


class _Spent(list[int]):
    """List of ns by index of the test."""

    def __init__(self, tests: int, clock: Callable[[], int]) -> None:
        super().__init__([0] * tests)
        self._clock = clock
        self.candidates: list[int] = []
        """Positions of the rules that an index found."""
        self.of_candidates: list[int] = []
        """ns of the remaining tests of each candidate."""

    def check(self, candidates: Candidates, event: Event, found: Found) -> None:
        """Run the remaining tests of each candidate."""
        for position in found:
            function = candidates.function(position)
            begun = self._clock()
            function(event)
            self.of_candidates.append(self._clock() - begun)
            self.candidates.append(position)


class _MeasuringWriter(Writer):
    """Converter of a plan to lines of Python with clocks."""

    def __init__(self, emitter: Emitter, sharers: list[tuple[int, ...]]) -> None:
        super().__init__(emitter)
        self._sharers = sharers

    def block(self, steps: Sequence[Step], ready: Ready, depth: int) -> list[str]:
        """Return the lines of steps, indented."""
        margin = "    " * depth
        lines = [f"{margin}pass"]
        for step in steps:
            if isinstance(step, Hit):
                continue
            end = f"{margin}spent[{len(self._sharers)}] = clock() - begun"
            self._sharers.append(_positions(step))
            lines.append(f"{margin}begun = clock()")
            if isinstance(step, LookUp):
                now = set(ready)
                lines += [f"{margin}found = {step.find}({self.emitter.value(step.key.left, now)})", end]
                candidates = self.emitter.library.shared(step.candidates)
                lines.append(f"{margin}if found: spent.check({candidates}, e, found)")
                ready = frozenset(now)
            else:
                text, true, false = self.emitter.condition(step.test, ready)
                lines += [f"{margin}holds = {text}", end, f"{margin}if holds:"]
                lines += self.block(step.body, true, depth + 1)
                ready = true & false
        return lines


def _positions(step: Step) -> tuple[int, ...]:
    """Return the rules that a step is for."""
    if isinstance(step, Hit):
        return (step.position,)
    if isinstance(step, LookUp):
        return step.candidates.positions
    assert isinstance(step, Guard)
    return tuple(position for inner in step.body for position in _positions(inner))
