"""The rows of `benchmarks.side_by_side`: what a monitor does where events are wanted."""

import math
import statistics
import subprocess
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from benchmarks.floods import FLOODS, Flood, flooding, read_shadow
from benchmarks.latency import act
from benchmarks.live import timed
from benchmarks.watcher import UNDER_WAY, Site, Watcher
from benchmarks.workloads.calls import CALLS

RATES: Final = (50_000, 100_000, 150_000, 200_000, 250_000, 300_000, 400_000)
_BURST: Final = 200_000
_READS: Final = 200
_ALERTS: Final = {10: 200, 1_000: 10_000, 5_000: 10_000}
"""Alerts a second → how many: of fewer than a hundred, the slowest one would be the 99th percentile."""

Measure = Callable[[Watcher, Site], Sequence[float]]
"""Function that returns a number for each row; nan if the monitor does not report it."""


class Rows(NamedTuple):
    """Rows that are measured together: their names, and what is written behind their numbers."""

    names: Sequence[tuple[str, str]]
    measure: Measure
    is_count: bool = False
    """True if results hardly differ between runs, so that one round is enough."""


def sustained(processes: int, paths: int, before: int = 0) -> Measure:
    """The highest of the rates at which nothing was lost, as it was reached (0: it loses at each, or does not say), and
    per cent of the opens that were not judged because equal ones were. `before`: a rate at which other processes open
    the same paths first."""

    def measure(monitor: Watcher, site: Site) -> Sequence[float]:
        best, share = 0.0, math.nan

        def is_too_much(rate: int) -> bool:
            nonlocal best, share
            with site.watched(monitor) as usage:
                made = site.opens(before, processes, paths).made if before else 0
                opens = site.opens(rate, processes, paths)
            if not usage.lost and opens.rate > best:
                best, share = opens.rate, 100 * monitor.recognised / (made + opens.made)
            return usage.lost != 0 or opens.rate < rate * 0.9

        bisect_left(RATES, True, key=is_too_much)
        return best, share

    return measure


def loop(monitor: Watcher, site: Site) -> Sequence[float]:
    """Per cent of two million opens that were lost."""
    with site.watched(monitor) as usage:
        subprocess.run([site.folder / "calls", "open", "1", "2000000", site.folder / "wanted-0"], check=True)
    return (usage.lost / 20_000 if usage.lost >= 0 else math.nan,)


def survivors(flood: Flood) -> Measure:
    """Alerts of 200 reads of /etc/shadow in ten seconds."""

    def measure(monitor: Watcher, site: Site) -> Sequence[float]:
        with site.watched(monitor), flooding(site.folder / "floods", flood.arguments):
            time.sleep(1)  # until the flood is at its full rate, which no one reports
            read_shadow(_READS, 10.0)
        return (monitor.alerts["Shadow read"],)

    return measure


def burst(monitor: Watcher, site: Site) -> Sequence[float]:
    """Per cent of the alerts that were made, and not lost before, which arrived."""
    with site.watched(monitor) as usage:
        subprocess.run([site.folder / "calls", "open", "1", str(_BURST), site.folder / "burst"], check=True)
        _until_quiet(lambda: monitor.alerts["Burst"])
    return (100 * monitor.alerts["Burst"] / (_BURST - max(usage.lost, 0)),)


def _until_quiet(count: Callable[[], int]) -> None:
    before = -1
    while (found := count()) > before:
        before = found
        time.sleep(UNDER_WAY)  # alerts that are under way


def latency(rate: int) -> Measure:
    """p50 and p99 of alerts at so many a second, in ms."""

    def measure(monitor: Watcher, site: Site) -> Sequence[float]:
        with site.watched(monitor):
            act(site.folder, rate, _ALERTS[rate])
        if len(monitor.ages) < 2:
            return math.nan, math.nan
        found = statistics.quantiles(monitor.ages, n=100)
        return found[49], found[98]

    return measure


def spawns(monitor: Watcher, site: Site) -> Sequence[float]:
    """CPU of the monitor for each of 10,000 posix_spawn, in µs."""
    (work,) = (one for one in CALLS if "posix_spawn" in one.name)
    with work.prepared() as run, site.watched(monitor) as usage:
        run()
    return (usage.cpu * 100,)


def unrelated(monitor: Watcher, site: Site) -> Sequence[float]:
    """ns that a call of dd takes longer than alone, right before."""
    with CALLS[0].prepared() as run:
        alone = timed(run).run.rate
        with site.watched(monitor):
            under = timed(run).run.rate
    return ((1 / under - 1 / alone) * 1e9,)


def _sustained(name: str, measure: Measure) -> Rows:
    return Rows(((f"sustained without loss: {name}", " opens/s"), ("of these recognised", " %")), measure)


ROWS: Final = (
    _sustained("one path", sustained(1, 1)),
    _sustained("10,000 paths, 100 processes", sustained(100, 10_000)),
    _sustained("the same, known paths", sustained(100, 10_000, before=50_000)),
    _sustained("never the same path", sustained(1, 0)),
    Rows((("2 M opens as fast as it goes: lost", " %"),), loop),
    *(Rows(((f"survive {one.name}", f" of {_READS}"),), survivors(one), is_count=True) for one in FLOODS),
    Rows((("200,000 alerts flat out: arrived of those not lost before", " %"),), burst, is_count=True),
    *(Rows(tuple((f"latency at {rate:,}/s, {of}", " ms") for of in ("p50", "p99")), latency(rate)) for rate in _ALERTS),
    Rows((("10,000 spawns: monitor's CPU for each", " µs"),), spawns),
    Rows((("dd bs=1: added to a call, 32-bit calls watched", " ns"),), unrelated),
)
