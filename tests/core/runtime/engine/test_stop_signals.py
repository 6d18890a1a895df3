"""The stop signals that ask for a clean stop, and those that ask for an immediate end."""

import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mozu.core.runtime.engine import stop_signals
from mozu.core.runtime.engine.stop_signals import StopSignals


class Loop:
    """A loop that calls at once."""

    def call_soon_threadsafe(self, call: Callable[..., None], *arguments: object) -> None:
        call(*arguments)


class Ends:
    """A watchdog that records the deadlines and exit codes asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, int]] = []

    def end_within(self, seconds: float, code: int) -> None:
        self.asked.append((seconds, code))


@pytest.mark.parametrize(
    ("times", "left"),
    [((0.0,), []), ((0.0, 0.0), []), ((0.0, 0.000_05, 0.9), []), ((0.0, 1.0), [143]), ((0.0, 0.1, 1.5), [143])],
)
def test_only_a_signal_that_comes_a_second_after_the_first_ends_the_process_at_once(
    monkeypatch: pytest.MonkeyPatch, times: Sequence[float], left: list[int]
) -> None:
    now, ended, stops = [0.0], list[int](), list[str]()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(stop_signals, "leave", lambda code, why: ended.append(code))
    watchdog, loop = Ends(), Loop()
    signals = StopSignals(loop, watchdog, lambda why, ago: stops.append(why), lambda: 10.0)  # type: ignore[arg-type]  # as much as is used
    handle: Any = signals._handle
    for seconds in times:
        now[0] = 1_000.0 + seconds
        signals._set_end(signal.SIGTERM)
        handle(signal.SIGTERM, None)
    assert (left, "received SIGTERM") == (ended, stops[0])
    assert [code for _, code in watchdog.asked] == [1] * (len(times) - len(left)) + left
