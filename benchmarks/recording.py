"""Cost of recording, size of recordings, and speed of judging them.

    python -m benchmarks.recording [--events 200000] [--rules FILE ...]

Judges a capture of mixed events with and without recording it, in turn, nine times, and then the recording.
"""

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.stock import rules_or_stable
from mozu.core.metrics import Metrics
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.recording import EnrichedNames, FullRecording, Recorder, RecordingFiles, RecordingInfo, RecordingWriter
from mozu.core.state import StateMachine
from mozu.core.testing import context
from mozu.plugins.rules.falco import mozu_components
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.sources.replay.field_readers import readers
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.mozu_recording import MozuRecording
from mozu.plugins.sources.replay.scap_recording import ScapRecording
from tests.oracle.busy import recording

_RUNS: Final = 9
Times = tuple[float, float]
"""Seconds: of the loop's thread, and of all threads."""


class Chain:
    """The pipeline of a run, without a loop and without sinks."""

    def __init__(self, raw: bytes, rules: Sequence[Path]) -> None:
        self._raw = raw
        self._fields = FieldRegistry((*builtin_fields(), *mozu_components().fields))
        self._metadata = RecordingMetadata(self._fields.lookups)
        for name, make in readers(self._metadata).items():
            self._fields.provide(name, make)
        about = context("benchmark", offline=True)
        about.fields, about.log = self._fields, logging.getLogger("mozu.benchmark")
        about.log.setLevel(logging.CRITICAL)
        settings = mozu_components().settings.model_validate({"rules": [str(path) for path in rules]})
        self._rules = FalcoEvaluator(settings, about)

    def capture(self) -> Iterable[Sequence[Event]]:
        """The batches of the capture."""
        return ScapRecording(BytesIO(self._raw), "benchmark", self._metadata).batches()

    def own(self, path: Path) -> Iterable[Sequence[Event]]:
        """The batches of a recording."""
        return MozuRecording(BytesIO(path.read_bytes()), "benchmark", self._metadata).batches()

    def judge(self, batches: Iterable[Sequence[Event]], recorder: Callable[[StateMachine], Recorder] | None) -> int:
        """Events judged, and recorded where a recorder is given."""
        state, count = StateMachine(procfs=None), 0
        made = None if recorder is None else recorder(state)
        for batch in batches:
            if made is not None:
                made.record(batch)
            events = state.apply(batch)
            self._rules.evaluate(events)
            count += len(events)
            if events:
                state.prune(events[-1].num)
            if made is not None:
                made.flush(None)
                asyncio.run(made.wait_capacity())
        if made is not None:
            asyncio.run(made.close(60))
        return count

    def recorder(self, path: Path) -> Callable[[StateMachine], Recorder]:
        """Makes one that writes to a file."""

        def make(state: StateMachine) -> Recorder:
            about = RecordingInfo(source="b", origin="o", writer="benchmark", names=self._fields.lookups)
            whole = FullRecording(RecordingWriter(RecordingFiles(path), Metrics(), lambda _: None), Metrics())
            return Recorder(
                about, [whole], live=False, state=state, enriched_names=EnrichedNames(self._fields),
                recorded_names=self._metadata, metrics=Metrics(),
            )  # fmt: skip

        return make


def timed(run: Callable[[], int]) -> tuple[Times, int]:
    """Seconds and what it gave."""
    thread, everything = time.thread_time(), time.process_time()
    count = run()
    return (time.thread_time() - thread, time.process_time() - everything), count


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rules", type=Path, nargs="+", default=[])
    arguments = parser.parse_args()
    chain = Chain(recording(arguments.events), rules_or_stable(arguments.rules))
    plain, recorded, again = list[Times](), list[Times](), list[Times]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.jsonl.gz"
        for _ in range(_RUNS):
            path.unlink(missing_ok=True)
            times, count = timed(lambda: chain.judge(chain.capture(), None))
            plain.append(times)
            recorded.append(timed(lambda: chain.judge(chain.capture(), chain.recorder(path)))[0])
            again.append(timed(lambda: chain.judge(chain.own(path), None))[0])
        size = path.stat().st_size
    for place, title in enumerate(("the loop's thread", "all threads")):
        base = median(times[place] for times in plain)
        with_it = median(two[place] / one[place] for one, two in zip(plain, recorded, strict=True))
        back = median(two[place] / one[place] for one, two in zip(plain, again, strict=True))
        print(
            f"{title:<18} judged {base / count * 1e6:.2f} µs/event ({count / base:,.0f}/s); "
            f"recording meanwhile {with_it:.2f} × ({count / base / with_it:,.0f}/s); "
            f"from the recording {back:.2f} × ({count / base / back:,.0f}/s)"
        )
    print(f"{size / count:.1f} bytes an event on disk ({count:,} events)")


if __name__ == "__main__":
    main()
