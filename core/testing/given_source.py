"""A source of events that a test has made; it says when all of them have been evaluated."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Final

from mozu.core.api import Alert, Context, Counts, Demand, Event, Settings, SourceDeclaration

_BATCH: Final = 500
_LOOK: Final = 0.005


class GivenSource:
    """Gives events as a live source does, so that enrichers are asked, and ends when it is stopped.

    `held` says how many events wait for an enricher; `on_done` is called once all have been given and none waits.
    """

    def __init__(self, events: Iterable[Event | Alert], held: Callable[[], float], on_done: Callable[[], None]) -> None:
        self._events, self._held, self._on_done = list(events), held, on_done
        self._counts: dict[str, Counts] = {}
        self._stopped = asyncio.Event()

    async def start(self, demand: Demand) -> None:
        """Acquire nothing."""

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """Yield all events, and then wait until it is stopped."""
        for at in range(0, len(self._events), _BATCH):
            batch = self._events[at : at + _BATCH]
            for item in batch:
                if isinstance(item, Event):
                    count = self._counts.setdefault(item.type, Counts())
                    count.seen, count.received = count.seen + 1, count.received + 1
            yield batch
        while self._held() and not self._stopped.is_set():  # noqa: ASYNC110  there is no event for an empty buffer
            await asyncio.sleep(_LOOK)  # it releases within its own time limit
        self._on_done()
        await self._stopped.wait()

    async def update(self, demand: Demand) -> None:
        """Change nothing: the events are given."""

    def counts(self) -> Mapping[str, Counts]:
        """Return the counts of each type."""
        return self._counts

    async def stop(self) -> None:
        """End."""
        self._stopped.set()

    def declaration(self, name: str) -> SourceDeclaration[Settings]:
        """Return a declaration that builds this instance each time. The state machine leaves its events alone."""

        def build(settings: Settings, context: Context) -> GivenSource:
            return self

        return SourceDeclaration(name=name, build=build, settings=Settings, summary="Gives what a test has made.")
