"""Two live sources that see the same events, one with kernel filters and one without."""

import asyncio
import copy
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, NamedTuple

from mozu.core.api import Context
from mozu.core.filter.demand import Demand, Interest
from mozu.core.flow.process_predicate import process_predicates
from mozu.core.language.conditions import RuleInput, compile_rules, parse
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.state import StateMachine
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support.live import Act, Live

OPENS: Final = "evt.type in (open, openat, openat2, creat)"
FIELDS: Final = FieldRegistry(builtin_fields())


class FilterComparison(NamedTuple):
    """Two sources that see the same events."""

    filtered: Live
    whole: Live

    def want(self, *conditions: str, more: Demand | None = None) -> None:
        """Set the demand of both sources: that of the rules, and `more`."""
        wanted = wants(conditions) | (more or Demand())
        self.filtered.update(wanted)
        self.whole.update(wanted)

    def act(self, function: Callable[..., Any], *arguments: Any) -> tuple[Act, Act]:
        """Run an act in a child; return the act as each of the sources saw it."""
        self.whole.forget()
        act = self.filtered.act(function, *arguments)
        mine = self.whole.wait(lambda seen: any(e.type == "procexit" and e.pid == act.pid for e in reversed(seen)))
        family = {act.pid} | {event.observed.pid for event in mine if event.type == "_fork" and event.pid == act.pid}
        return act, Act(act.pid, act.value, [event for event in mine if event.pid in family])


def context_with(fields: FieldRegistry) -> Context:
    return Context("live", logging.getLogger("live"), Metrics(), fields)


def program_of(conditions: Sequence[str]) -> Any:
    rules = [RuleInput(str(number), "syscall", parse(text)) for number, text in enumerate(conditions)]
    return compile_rules(rules, FIELDS, "all")


def wants(conditions: Sequence[str]) -> Demand:
    """Return the demand of these conditions, as the evaluator of rule files states it."""
    program = program_of(conditions)
    needs, predicates = program.needs["syscall"], program.predicates["syscall"]
    return Demand({"syscall": {name: Interest(read, predicates[name]) for name, read in needs.items()}})


def alerts(conditions: Sequence[str], act: Act) -> list[tuple[Any, ...]]:
    """Return which rules match which events of the act, without the numbers of events."""
    shown = StateMachine().apply(act.events)
    return [
        (position, event.type, event.args, None if event.file is None else (event.file.name, event.file.raw))
        for event, position in program_of(conditions).evaluate(shown)
    ]


class Judged:
    """A source with the core's process predicates: a state sees its batches first."""

    def __init__(self, source: EbpfSource) -> None:
        self._source, self._state = source, StateMachine()
        source.use_process_predicates(process_predicates(FIELDS, self._state))

    async def distrust(self, seconds: float) -> None:
        """Suspend the process cache as after a loss. Runs in the source's loop."""
        assert self._source._process_cache is not None
        self._source._process_cache.suspend(seconds)

    async def published(self) -> None:
        """Wait until every process in the queue has its predicate bits. Runs in the source's loop."""
        while self._source._process_cache is not None and self._source._process_cache.is_pending:
            await asyncio.sleep(0.01)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def batches(self) -> AsyncIterator[Sequence[Any]]:
        self._state.seed()
        async for batch in self._source.batches():
            self._state.apply([copy.copy(event) for event in batch])
            self._source.state_applied(batch)
            yield batch
