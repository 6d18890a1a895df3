"""Source probe: an event that mozu causes itself must come through kernel, ring buffer, state and evaluators."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Literal

from mozu.core.api import MakesProbes, Source
from mozu.core.cpu_wait import timeout
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.event import Event

ProbeResult = Literal["passed", "failed", "not checked"]
"""`not checked`: the source cannot cause an event (`MakesProbes`)."""

PROBE_SECONDS: Final = 5.0
"""An event that has not come through by then has failed to."""


class SourceProbe:
    """Of one source. `evaluated` is called with what the evaluators have seen while a probe is under way."""

    def __init__(self, source: Isolated[Source]) -> None:
        self._source, self._passed = source, asyncio.Event()
        self._recognises: Callable[[Event], bool] | None = None

    @property
    def is_pending(self) -> bool:
        """A probe is under way."""
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
        """These were given to the evaluators, which failed on those that are rejected."""
        recognises = self._recognises
        if recognises is None:
            return
        with self._source.contained("recognise its probe"):
            for event in events:
                if recognises(event) and not any(event is one for one in rejected):
                    self._passed.set()
                    return
