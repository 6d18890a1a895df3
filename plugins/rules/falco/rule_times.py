"""Time that each rule takes, estimated from a sample of events."""

import random
import threading
from collections.abc import Sequence

from mozu.core.api import Context, Event
from mozu.core.language.conditions import RuleProgram


class RuleTimes:
    """Meter of about one event in `every`, chosen at random, because events can be periodic; each sample counts `every`
    times.

    The function that measures a type is compiled on a thread when the first event of the type is chosen, which is not
    measured; compiling would hold the event loop. Offline, where nothing waits for the loop, every chosen event counts.
    """

    def __init__(self, program: RuleProgram, context: Context, every: int) -> None:
        self._program, self._every, self._is_offline = program, every, context.offline
        self._spent = [context.metrics.time_counter("rule_seconds_total", rule=rule.name) for rule in program.rules]
        self._chance = random.Random(every)
        self._next = self._gap() - 1
        """Index of the next event to measure, from the beginning of the next batch."""
        self._asked: set[tuple[str, str]] = set()
        """Sources and types whose functions are being compiled, or were."""

    def sample(self, batch: Sequence[Event]) -> None:
        """Measure the chosen events. To be called before the batch is evaluated, so that fields are read for the first
        time."""
        while self._next < len(batch):
            event = batch[self._next]
            if self._is_offline or self._program.can_measure(event):
                for position, nanoseconds in self._program.measure(event).items():
                    self._spent[position].value += round(nanoseconds * self._every)
            else:
                self._prepare(event.source, event.type)
            self._next += self._gap()
        self._next -= len(batch)

    def _prepare(self, source: str, event_type: str) -> None:
        if (source, event_type) not in self._asked:
            self._asked.add((source, event_type))
            made = self._program.prepare_measure
            threading.Thread(target=made, args=(source, event_type), name="mozu-rule-times", daemon=True).start()

    def _gap(self) -> int:
        """Return the distance to the next sample, `every` on average."""
        return self._chance.randint(1, 2 * self._every - 1)
