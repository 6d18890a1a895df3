"""The numbers of a run at one moment. Nothing is awaited here, so that sums are consistent in the samples."""

import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mozu.core.delivery.encode.product import NAME
from mozu.core.runtime.operations.run_view import RunView


class Sample(msgspec.Struct, frozen=True):
    """A number. The name is mozu's, without a prefix; a counter's name ends in `_total`."""

    name: str
    labels: dict[str, str]
    value: float


def cpu_wait(schedstat: Path = Path("/proc/self/schedstat")) -> float | None:
    """Return the seconds for which the main thread, which runs the event loop, could run and had no CPU; None if not
    counted.

    The file has the run time, the run delay (both ns) and the time slices of the thread group's leader
    (Documentation/scheduler/sched-stats.rst).
    """
    try:
        ran, waited, _ = schedstat.read_text().split()
    except FileNotFoundError:  # a kernel without CONFIG_SCHED_INFO
        return None
    return int(waited) / 1e9 if int(ran) else None  # it counts neither: it was built without CONFIG_SCHEDSTATS


def samples(run: RunView) -> Iterator[Sample]:
    """Yield every number of the run."""
    for name, labels, value in run.metrics.collect():
        yield Sample(name, labels, value)
    yield from _of_types(run)
    yield from _of_sources(run)
    yield from _of_process(run)


def _of_types(run: RunView) -> Iterator[Sample]:
    """Yield counts of event types, for which: seen = filtered + lost + missed + received + content of the ring
    buffer."""
    for pump in run.pumps:
        for kind, count in pump.pipeline.counts.now().items():
            labels = {"source": pump.name, "type": kind}
            numbers = {
                "seen": count.seen,
                "filtered": count.filtered,
                "lost": count.lost,
                "missed": count.missed,
                "received": count.received,
            }
            for what, number in numbers.items():
                if number is not None:
                    yield Sample(f"type_events_{what}_total", labels, number)


def _of_sources(run: RunView) -> Iterator[Sample]:
    for pump in run.pumps:
        labels = {"source": pump.name, "plugin": pump.plugin}
        yield Sample("source_attached", labels, float(pump.started.is_set() and not pump.problem))
        yield Sample("source_fallback", labels, float(bool(pump.refused)))


def _of_process(run: RunView) -> Iterator[Sample]:
    kernel, python = platform.release(), platform.python_version()
    yield Sample(f"{NAME}_info", {"version": run.version, "python": python, "kernel": kernel}, 1.0)
    yield Sample("rules_info", {"digest": run.rules_digest()}, 1.0)
    times = os.times()
    yield Sample("cpu_seconds_total", {}, times.user + times.system)
    if (waited := cpu_wait()) is not None:
        yield Sample("cpu_wait_seconds_total", {}, waited)
    yield Sample("start_time_seconds", {}, run.started)
    yield Sample("run_seconds_total", {}, max(0.0, time.time() - run.started))
    yield Sample("open_fds", {}, float(len(os.listdir("/proc/self/fd")) - 1))
