"""The event loop: uvloop, and a watchdog that names whoever holds it."""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from inspect import CO_COROUTINE
from types import CodeType, FrameType
from typing import Any, Final, TypeVar

import uvloop

T = TypeVar("T")

_log = logging.getLogger("mozu.loop")
_EVERY: Final = 10
"""Looks at a loop that rests until it is asked all the same."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end under uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


class Watchdog:
    """A thread that asks the loop for a sign of life; without one for `patience` seconds it looks who is running.

    A loop in which no Python code runs is asked every tenth time only: it most likely waits, and need not be woken.
    `owners` maps the top package of a component's module to the component's name.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        owners: Mapping[str, str],
        *,
        patience: float = 0.1,
        report: Callable[[str, float], None],
    ) -> None:
        self._loop, self._owners, self._patience, self._report = loop, dict(owners), patience, report
        self._alive = threading.Event()
        self._stopped = threading.Event()
        self._target = threading.get_ident()
        self._runner: CodeType | None = None
        """The code that runs the loop."""
        self._thread = threading.Thread(target=self._watch, name="mozu-watchdog", daemon=True)

    def start(self) -> None:
        """Begin; call from a coroutine in the loop."""
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_flags & CO_COROUTINE:
            frame = frame.f_back
        self._runner = frame.f_code
        self._thread.start()

    def stop(self) -> None:
        """End; what the thread has seen is reported before this returns."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def _watch(self) -> None:
        looks = 0
        while not self._stopped.wait(self._patience):
            looks += 1
            if looks % _EVERY and self._rests():
                continue
            self._alive.clear()
            try:
                self._loop.call_soon_threadsafe(self._alive.set)
            except RuntimeError:  # closed
                return
            if self._alive.wait(self._patience):
                continue
            culprit = self._culprit(sys._current_frames().get(self._target))
            waited = self._patience
            while not self._alive.wait(self._patience) and not self._stopped.is_set():
                waited += self._patience
            self._report(culprit, waited)

    def _rests(self) -> bool:
        frame = sys._current_frames().get(self._target)
        return frame is not None and frame.f_code is self._runner

    def _culprit(self, frame: FrameType | None) -> str:
        """The component nearest to where the loop's thread stands, else the place itself."""
        place = "unknown"
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            if place == "unknown":
                place = f"{module}:{frame.f_code.co_name}"
            for package, name in self._owners.items():
                if module == package or module.startswith(package + "."):
                    return f"{name} ({module}:{frame.f_code.co_name})"
            frame = frame.f_back
        return place
