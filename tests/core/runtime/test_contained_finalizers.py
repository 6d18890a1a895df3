"""An exception of a finalizer is the failure of the component whose code raised it; an interruption is raised again."""

import asyncio
import gc
import sys
import threading
import weakref

import pytest

from mozu.core.isolation.deadline import deadline
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.runtime import loop as loops
from mozu.core.runtime.contained_finalizers import ContainedFinalizers
from mozu.core.runtime.contained_loop import ContainedLoop
from mozu.core.runtime.stack_owners import StackOwners


class Failing:
    """An object whose finalizer fails."""

    def __del__(self) -> None:
        raise SystemExit(0)


class Bell:
    """A sink."""


def test_a_finalizer_that_raises_is_its_components_failure() -> None:
    owners, sink = StackOwners(), Isolated("sink", "bell", Bell(), Metrics())
    owners.use([sink])
    with ContainedFinalizers(owners):
        made = Failing()
        del made
        gc.collect()
    assert 1 == sink.failures.value


def test_what_no_component_has_raised_goes_to_the_hook_before(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    with ContainedFinalizers(StackOwners()):
        made = Failing()
        del made
        gc.collect()
    assert 1 == len(seen)
    assert sys.unraisablehook == seen.append


class Holding:
    """A sink that holds the event loop for ever, at first in a finalizer, where Python drops the interruption."""

    def __init__(self) -> None:
        self.reached = threading.Event()

    def hold(self) -> None:
        made = Bell()
        kept = weakref.ref(made, self._spin)
        del made
        while kept() is None:
            pass

    def _spin(self, _: object) -> None:
        try:
            while True:
                pass
        except Interrupted:
            self.reached.set()
            raise


def test_what_breaks_off_a_call_in_a_finalizer_is_raised_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loops, "HOLD_SECONDS", 0.2)
    sink = Isolated("sink", "bell", Holding(), Metrics())

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ContainedLoop)
        loop.owners.use([sink])
        watchdog = loops.Watchdog(loop, loop.owners, threshold=0.02, report=lambda *_: None)
        watchdog.start()
        with deadline(sink, "start", 60.0):  # so that signals are handled
            pass
        with sink.contained("hold the loop"):
            sink.component.hold()
        watchdog.stop()

    loops.run(main())
    assert (True, 1) == (sink.component.reached.is_set(), sink.failures.value)
    assert "Exception ignored" not in capsys.readouterr().err
