"""How long each rule takes, estimated from a sample of events: each stands for those between two samples on average."""

import random
from collections.abc import Sequence

from mozu.core.api import Context, Event
from mozu.core.language.conditions import RuleProgram


class RuleTimes:
    """Measures about one event in `every`, by chance, since events can come in a rhythm of their own."""

    def __init__(self, program: RuleProgram, context: Context, every: int) -> None:
        self._program, self._every = program, every
        self._spent = [context.metrics.time_counter("rule_seconds_total", rule=rule.name) for rule in program.rules]
        self._chance = random.Random(every)
        self._next = self._gap() - 1
        """Place of the next event to be measured, from the beginning of the next batch."""

    def sample(self, batch: Sequence[Event]) -> None:
        """Before the batch is judged, so that its fields are read as they are for the first time."""
        while self._next < len(batch):
            for position, nanoseconds in self._program.measure(batch[self._next]).items():
                self._spent[position].value += round(nanoseconds * self._every)
            self._next += self._gap()
        self._next -= len(batch)

    def _gap(self) -> int:
        """`every` on average."""
        return self._chance.randint(1, 2 * self._every - 1)
