"""Source probe: an event caused by mozu itself that must come through kernel, ring buffer, state and evaluators."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Literal

from mozu.core.api import MakesProbes, Source
from mozu.core.cpu_wait import timeout
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.event import Event

ProbeResult = Literal["passed", "failed", "not checked"]
"""The result of a probe; `not checked`: the source cannot cause an event (`MakesProbes`)."""

PROBE_SECONDS: Final = 5.0
"""Seconds within which the event must come through."""


class SourceProbe:
    """The probe of one source. `evaluated` is called with the events that evaluators have seen while a probe is under
    way."""

    def __init__(self, source: Isolated[Source]) -> None:
        self._source, self._passed = source, asyncio.Event()
        self._recognises: Callable[[Event], bool] | None = None

    @property
    def is_pending(self) -> bool:
        """True while a probe is under way."""
        return self._recognises is not None

    async def run(self) -> ProbeResult:
        """Cause an event and wait for it, PROBE_SECONDS at most. Raises nothing."""
        component = self._source.component
        if not isinstance(component, MakesProbes):
            return "not checked"
        self._passed.clear()
        with self._source.contained("make a probe"):
            made = component.make_probe()
            if not callable(made):
                raise TypeError(f"make_probe() must give a function, not {type(made).__name__}")
            self._recognises = made
        if self._recognises is None:
            return "failed"
        try:
            async with timeout(PROBE_SECONDS):
                await self._passed.wait()
        except TimeoutError:
            return "failed"
        finally:
            self._recognises = None
        return "passed"

    def evaluated(self, events: Sequence[Event], rejected: Sequence[Event]) -> None:
        """Check if the probe is among the events that the evaluators were given, and not among those that they failed
        on."""
        recognises = self._recognises
        if recognises is None:
            return
        with self._source.contained("recognise its probe"):
            for event in events:
                if recognises(event) and not any(event is one for one in rejected):
                    self._passed.set()
                    return
