"""Speed of judging a recording, by stages.

    python -m benchmarks.replay [--events 300000] [--rules FILE ...] [--profile]

Makes a recording of mixed events and measures stretches of the way, each from the compressed bytes on: reading; reading
and state; the same and rules; and the latter with a source that leaves out what no rule wants. Best of three runs.
"""

import argparse
import cProfile
import io
import logging
import pstats
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.stock import rules_or_stable
from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.state import CHANGING, StateMachine
from mozu.core.testing import context
from mozu.plugins.rules.falco import mozu_components
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.sources.replay.field_readers import readers
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.scap_recording import ScapRecording
from tests.oracle.busy import recording

_RUNS = 3


class Chain:
    """The pipeline of a run, without a loop and without sinks."""

    def __init__(self, raw: bytes, rules: Sequence[Path]) -> None:
        self._raw = raw
        fields = FieldRegistry((*builtin_fields(), *mozu_components().fields))
        self._metadata = RecordingMetadata(fields.lookups)
        for name, make in readers(self._metadata).items():
            fields.provide(name, make)
        about = context("benchmark", offline=True)
        about.fields, about.log = fields, logging.getLogger("mozu.benchmark")
        about.log.setLevel(logging.CRITICAL)
        settings = mozu_components().settings.model_validate({"rules": [str(path) for path in rules]})
        self._rules = FalcoEvaluator(settings, about)

    def read(self, wanted: frozenset[str] | None = None) -> Iterator[list[SyscallEvent]]:
        """The batches of the recording."""
        source = ScapRecording(io.BytesIO(self._raw), "benchmark", self._metadata)
        source.want(wanted)
        return source.batches()

    def reading(self) -> int:
        """Events read."""
        return sum(len(batch) for batch in self.read())

    def state(self) -> int:
        """Events that the state has seen."""
        return sum(len(events) for events in self._applied(self.read()))

    def rules(self) -> int:
        """Alerts, all events judged."""
        return sum(len(self._rules.evaluate(events)) for events in self._applied(self.read()))

    def demanded(self) -> int:
        """Alerts, what nobody wants left out."""
        types = self._rules.demand().of("syscall")
        wanted = None if "*" in types else frozenset(types) | CHANGING
        return sum(len(self._rules.evaluate(events)) for events in self._applied(self.read(wanted)))

    def _applied(self, batches: Iterator[list[SyscallEvent]]) -> Iterator[list[SyscallEvent]]:
        state = StateMachine(procfs=None)
        for batch in batches:
            events = state.apply(batch)
            yield events
            if events:
                state.prune(events[-1].num)


def measure(title: str, events: int, run: Callable[[], int]) -> None:
    """Print the best of a few runs."""
    best, result = float("inf"), 0
    for _ in range(_RUNS):
        begun = time.process_time()
        result = run()
        best = min(best, time.process_time() - begun)
    print(f"{title:<34} {events / best:>12,.0f} events/s {best / events * 1e6:>8.2f} µs/event   ({result:,})")


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rules", type=Path, nargs="+", default=[])
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    arguments = parser.parse_args()
    chain = Chain(recording(arguments.events), rules_or_stable(arguments.rules))
    events = chain.reading()
    measure("reading", events, chain.reading)
    measure("reading, state", events, chain.state)
    measure("reading, state, rules", events, chain.rules)
    measure("the same, only what rules want", events, chain.demanded)
    if arguments.profile:
        profile = cProfile.Profile()
        profile.runcall(chain.rules)
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
