"""A pair of pipelines for the same events, with a verdict memory and without; the results must be the same."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from mozu.core.filter.demand import Demand, Interest
from mozu.core.isolation.isolated import Isolated
from mozu.core.language.conditions import RuleInput, compile_rules, parse
from mozu.core.language.conditions.program import RuleProgram
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity, Template
from mozu.core.model.event import Event, SyscallEvent, UndecodedEvent
from mozu.core.model.fields import FieldRegistry, Resolved
from mozu.core.state import StateMachine
from tests.core.flow.making import Taken, pipeline_of

SIZE = 1 << 20


class ByRules:
    """An evaluator of conditions, each a rule named by its number."""

    def __init__(self, conditions: Sequence[str], fields: FieldRegistry) -> None:
        self._types = Demand({"syscall": {"*": Interest()}})
        rules = [RuleInput(str(number), "syscall", parse(text)) for number, text in enumerate(conditions)]
        self.program: RuleProgram = compile_rules(rules, fields, "all")
        self.given = 0

    def demand(self) -> Demand:
        return self._types

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        self.given += len(batch)
        return [
            Alert(
                rule=str(position), priority=Severity.NOTICE, source="syscall", time=event.time, template=Template(()),
                values={"pid": event.pid} if isinstance(event, SyscallEvent) else {}, event_type=event.type,
                event_num=event.num,
            )
            for event, position in self.program.evaluate(batch)
        ]  # fmt: skip

    def fields_judged(self, event_type: str) -> Sequence[Resolved]:
        return self.program.fields("syscall", event_type)

    def reload(self) -> "ByRules":
        return self


class Leaving:
    """A source that leaves undecoded the event types that it is asked to."""

    def __init__(self) -> None:
        self.left: frozenset[str] = frozenset()

    def leave_undecoded(self, types: frozenset[str]) -> None:
        self.left = types


def undecoded(event: SyscallEvent) -> UndecodedEvent:
    """Return the event as an undecoded one, like a source's."""
    seen = (event.args, event.fd, event.file, event.observed, event.entry_path)
    return UndecodedEvent(
        event.source, event.type, event.time, event.num, event.pid, f"{event.pid}/{event.tid}".encode(),
        repr(seen).encode("utf-8", "surrogateescape"), event, msgspec.structs.replace,
    )  # fmt: skip


class Judged:
    """A pipeline and its results."""

    def __init__(
        self, evaluators: Sequence[Any], verdict_memory: int, machine: StateMachine, source: Leaving | None = None
    ) -> None:
        self.source, self.machine, self.taken = source or Leaving(), machine, Taken()
        self.evaluators = evaluators
        self.evaluation: Any = None
        self.metrics = Metrics()
        self.pipeline = pipeline_of(
            Isolated("source", "made", self.source, Metrics()), *evaluators, live=True, state=machine,
            metrics=self.metrics, worker=self.taken, verdict_memory=verdict_memory,
        )  # fmt: skip
        self.evaluation = self.pipeline._evaluation

    def process(self, events: Iterable[SyscallEvent]) -> None:
        """Process a batch as its source would report it."""
        left = self.source.left
        self.pipeline.process(
            [undecoded(event) if event.type in left else msgspec.structs.replace(event) for event in events]
        )

    def alerts(self) -> list[tuple[str, int, object]]:
        """Return (rule, number of the event, values) of each alert."""
        return [(one.rule, one.event_num, one.values) for one in self.taken.alerts]

    def counts(self) -> list[int]:
        """Return the counts of events by their end."""
        pipeline = self.pipeline
        ends = (pipeline.received, pipeline.rejected, pipeline.internal, pipeline.evaluated, pipeline.dropped)
        return [end.value for end in ends]

    def state(self) -> list[object]:
        """Return everything that is known of tasks and descriptors."""
        return [event.observed for event in self.machine.snapshot().events()]


class JudgedTwice:
    """The pair of pipelines. `make` makes the evaluators; each pipeline has its own."""

    def __init__(self, make: Callable[[], Sequence[Any]], *, live: bool = True) -> None:
        procfs = "/nowhere/at/all" if live else None
        self.remembering, self.forgetful = (
            Judged(make(), size, StateMachine(procfs=procfs)) for size in (SIZE, 0)
        )
        self.remembering.process([])

    def process(self, *events: SyscallEvent) -> None:
        """Process a batch in both pipelines."""
        for one in (self.remembering, self.forgetful):
            one.process(events)

    @property
    def hits(self) -> int:
        """Return the count of events that were not decoded."""
        return self.remembering.pipeline.verdicts.hits.value

    @property
    def agree(self) -> bool:
        """Return True if alerts, states and counts of both pipelines are equal."""
        first, second = self.remembering, self.forgetful
        return (first.alerts(), first.state(), first.counts()) == (second.alerts(), second.state(), second.counts())


def by_rules(*conditions: str, fields: FieldRegistry) -> JudgedTwice:
    """Return the pair with an evaluator of these conditions."""
    return JudgedTwice(lambda: [ByRules(conditions, fields)])
