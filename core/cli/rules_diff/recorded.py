"""Events of recordings that only one of two conditions matches."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from mozu.core.api import Alert, Demand, Event, Kind
from mozu.core.cli.pushdown import demand_of
from mozu.core.cli.rules_diff.changes import Change
from mozu.core.cli.why.bare_engine import BareEngine, bare
from mozu.core.language.conditions import RuleInput, compile_rules
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.config import Config, Entry
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.node import node_of
from mozu.core.runtime.loop import run as run_loop
from mozu.core.runtime.registry import Registry


class Matches(msgspec.Struct):
    """Numbers of events."""

    more: int = 0
    """Events that only the new condition matches."""
    fewer: int = 0
    """Events that only the old condition matches."""
    both: int = 0


class _Comparing:
    """An evaluator of both conditions of each change, which raises no alert."""

    def __init__(self, changed: Sequence[Change], fields: FieldRegistry) -> None:
        rules = [rule for one in changed for rule in (one.before, one.after)]
        inputs = [RuleInput(f"{at}", rule.source, rule.checked.node) for at, rule in enumerate(rules)]
        self._program = compile_rules(inputs, fields, "all")
        self._demand = demand_of(rules, fields)
        self.matches = [Matches() for _ in changed]

    def demand(self) -> Demand:
        """Return the demand of all conditions."""
        return self._demand

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Count the events of a batch."""
        found: dict[int, set[int]] = {}
        for event, position in self._program.evaluate(batch):
            found.setdefault(position, set()).add(id(event))
        for at, matches in enumerate(self.matches):
            old, new = found.get(2 * at, set()), found.get(2 * at + 1, set())
            matches.more += len(new - old)
            matches.fewer += len(old - new)
            matches.both += len(new & old)
        return ()

    def reload(self) -> "_Comparing":
        """Return this object."""
        return self


def matches(changed: Sequence[Change], files: Sequence[Path], config: Config, registry: Registry) -> list[Matches]:
    """Return the matches of each change, in order, over all recordings. Raises MozuError."""
    settings = {"files": [str(file) for file in files]}
    node = node_of(settings, Mark("mozu rules diff"))
    source = Entry(kind=Kind.SOURCE, name="replay", id="replay", settings=settings, node=node)
    around = msgspec.structs.replace(config, sources=(source,), enrichers=())
    return run_loop(_run(changed, bare(around, registry), registry))


async def _run(changed: Sequence[Change], config: Config, registry: Registry) -> list[Matches]:
    stage = BareEngine(config, registry)
    comparing = _Comparing(changed, stage.assembly.fields)
    stage.add("diff", comparing)
    await stage.run()
    return comparing.matches
