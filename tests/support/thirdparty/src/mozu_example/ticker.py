"""The source `ticker`: an event at a steady pace."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence

from pydantic import Field

from mozu.core.api import Alert, Context, Counts, DataEvent, Demand, Event, Settings, SourceDeclaration, hookimpl


class TickerSettings(Settings):
    """The settings of the source."""

    count: int = Field(ge=1, description="How many ticks there are.")
    seconds: float = Field(0.01, gt=0, description="Time between two ticks.")


class Ticker:
    """A source that ticks `count` times, then ends."""

    def __init__(self, settings: TickerSettings, context: Context) -> None:
        self._settings = settings
        self._stopped = asyncio.Event()
        self._made = 0

    async def start(self, demand: Demand) -> None:
        """Do nothing: there is nothing to acquire."""

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """Yield batches of one tick."""
        while self._made < self._settings.count and not self._stopped.is_set():
            self._made += 1
            yield [DataEvent(source="ticker", type="tick", time=time.time_ns(), data={"number": self._made})]
            try:
                await asyncio.wait_for(self._stopped.wait(), self._settings.seconds)
            except TimeoutError:
                continue

    async def update(self, demand: Demand) -> None:
        """Ignore the demand: the source ticks in any case."""

    def counts(self) -> Mapping[str, Counts]:
        """Return the counts of ticks; none is ever lost."""
        return {"tick": Counts(seen=self._made, received=self._made)}

    async def stop(self) -> None:
        """Emit no further tick."""
        self._stopped.set()


@hookimpl
def mozu_components() -> SourceDeclaration[TickerSettings]:
    """Declare the source."""
    return SourceDeclaration(
        name="ticker",
        build=Ticker,
        summary="An event at a steady pace.",
        settings=TickerSettings,
        event_source="ticker",
        ends=True,
    )
