"""python -m benchmarks.correlations: what an event that only counts adds to its evaluation, and what groups take.

Each type counts opens by process or by file; none is completed. "before" is the evaluation of the same events up to the
match of the step, in ns of CPU. A flood has one group, a scan a new one for each event. Rounds are interleaved; the
median of the rounds is printed with the fastest and the slowest. Nothing here judges the numbers.
"""

import gc
import logging
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.evaluator import made, process
from mozu.core.api import Context, Event, FieldRegistry, Metrics
from mozu.core.language.correlation import CorrelationState, StepMatch, Window, step
from mozu.core.model.fields.builtin import builtin_fields
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import FalcoSettings

_EVENTS: Final = 5000
_ROUNDS: Final = 9
_GROUPS: Final = 200_000
_WRITTEN: Final = "{name: wrote, condition: evt.type = openat and fd.name startswith /tmp/}"
_NEVER: Final = "{name: never, condition: evt.type = openat and fd.name = /never}"
_KINDS: Final = {
    "event_count": f"rules: [{_WRITTEN}], condition: {{gte: 10000}}",
    "value_count": f"rules: [{_WRITTEN}], condition: {{gte: 10000, field: fd.name}}",
    "temporal": f"rules: [{_WRITTEN}, {_NEVER}]",
    "temporal_ordered": f"rules: [{_WRITTEN}, {_NEVER}]",
}


def evaluator(kind: str, by: str) -> FalcoEvaluator:
    """Return an evaluator with one correlation."""
    rule = (
        "- rule: r\n  desc: d\n  priority: INFO\n  output: '%correlation.count %proc.name'\n"
        f"  correlation: {{type: {kind}, {_KINDS[kind]}, group-by: [{by}], timespan: 1h}}\n"
    )
    context = Context("falco", logging.getLogger("benchmark"), Metrics(), FieldRegistry(builtin_fields()))
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(rule)
        file.flush()
        return FalcoEvaluator(
            FalcoSettings(rules=(Path(file.name),), correlation_groups=_GROUPS, rule_times=0), context
        )


def opens(path: Callable[[int], str]) -> list[Event]:
    who = process()
    return [
        made("openat", number, who, path(number), dirfd=-100, name=path(number), flags=1) for number in range(_EVENTS)
    ]


def cpu(run: Callable[[Sequence[Event]], object], events: Sequence[Event]) -> float:
    start = time.process_time_ns()
    run(events)
    return (time.process_time_ns() - start) / len(events)


def memory() -> None:
    """Print what a group with one match takes."""
    for kind in _KINDS:
        window = Window(type=kind, span=10**12, steps=2, at_least=20)
        state = CorrelationState(_GROUPS)
        gc.collect()
        tracemalloc.start()
        for number in range(_GROUPS):
            step(
                window,
                state,
                StepMatch(step=0, key=f"/srv/files/{number}", time=10**18 + number, number=number, value="v"),
            )
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"{kind:<18} {_GROUPS:,} groups: {taken / 2**20:5.1f} MiB, {taken // _GROUPS} bytes each")


def main() -> None:
    floods, scans = opens(lambda _: "/tmp/x"), opens(lambda number: f"/tmp/{number}")
    rounds: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(_ROUNDS):
        for kind in _KINDS:
            for name, by, events in (("flood", "proc.pid", floods), ("scan", "fd.name", scans)):
                judge = evaluator(kind, by)
                judge.evaluate(events[:1])
                gc.collect()
                before = cpu(judge._program.evaluate, events)
                rounds.setdefault((kind, name), []).append((before, cpu(judge.evaluate, events) - before))
    for (kind, name), found in rounds.items():
        before, added = (statistics.median(column) for column in zip(*found, strict=True))
        low, high = min(one[1] for one in found), max(one[1] for one in found)
        print(f"{kind:<18} {name:<6} before {before:5.0f} ns, added {added:5.0f} ns  ({low:.0f} … {high:.0f})")
    memory()


if __name__ == "__main__":
    main()
