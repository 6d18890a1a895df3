"""Readiness of a run: ready, degraded or not ready; and why."""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from mozu.core.runtime.operations.run_view import RunView

State = Literal["ready", "degraded", "not ready"]
_WORST: Final[tuple[State, ...]] = ("not ready", "degraded", "ready")


class ReadinessFinding(msgspec.Struct, frozen=True):
    """A finding that makes a run degraded or not ready."""

    state: State
    subject: str
    reason: str


class Readiness(msgspec.Struct, frozen=True):
    """The readiness at one moment."""

    state: State
    findings: tuple[ReadinessFinding, ...]


def readiness(run: RunView) -> Readiness:
    """Return the readiness of a run. `degraded`: the run watches and delivers, but not all that was configured."""
    found = tuple(_findings(run))
    states = {one.state for one in found}
    return Readiness(next((state for state in _WORST if state in states), "ready"), found)


def _findings(run: RunView) -> Iterator[ReadinessFinding]:
    if not run.has_started():
        yield ReadinessFinding("not ready", "mozu", "it is starting")
        return
    if run.is_stopping():
        yield ReadinessFinding("not ready", "mozu", "it is stopping")
    yield from _of_sources(run)
    yield from _of_sinks(run)
    for component in run.components():
        if not component.is_ready:
            yield ReadinessFinding("degraded", str(component), "it could not be started, and is tried again")
        elif not component.suspension.is_over:
            why = "it has held the event loop, and is left out for a while"
            yield ReadinessFinding("degraded", str(component), why)


def _of_sources(run: RunView) -> Iterator[ReadinessFinding]:
    for pump in run.pumps:
        subject = f"source {pump.name}"
        if pump.problem or not pump.started.is_set():
            state: State = "degraded" if pump.is_optional else "not ready"
            yield ReadinessFinding(state, subject, pump.problem or "it has not started")
        elif pump.is_dropping:
            why = "its events are dropped unevaluated: memory is at its limit (memory.limit)"
            yield ReadinessFinding("not ready", subject, why)
        elif pump.refused:
            reasons = "; ".join(f"{plugin} cannot start ({why})" for plugin, why in pump.refused.items())
            yield ReadinessFinding("degraded", subject, f"{reasons}, so {pump.plugin} watches")


def _of_sinks(run: RunView) -> Iterator[ReadinessFinding]:
    """Yield findings on sinks: one that wants heartbeats must have accepted one within its interval; for the others the
    last delivery must not have failed."""
    intervals = run.heartbeat_intervals()
    for worker in run.workers():
        subject, interval = f"sink {worker.name}", intervals.get(worker.name, 0.0)
        if not worker.sink.is_ready:
            yield ReadinessFinding("degraded", subject, "it could not be started, and is tried again")
        elif interval and worker.heartbeat.age > interval:
            why = f"it has not accepted a heartbeat for {worker.heartbeat.age:.0f} s"
            yield ReadinessFinding("not ready", subject, why)
        elif failure := str(worker.failure):
            yield ReadinessFinding("degraded", subject, failure)
