"""A source of events that a test has made; it ends once all of them have been evaluated."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Final

from mozu.core.api import Alert, Context, Counts, Demand, Event, Settings, SourceDeclaration

_BATCH: Final = 500
_LOOK: Final = 0.005


class GivenSource:
    """Gives events as a live source does, so that enrichers are asked; `held` says how many wait for one."""

    def __init__(self, events: Iterable[Event | Alert], held: Callable[[], float]) -> None:
        self._events, self._held = list(events), held
        self._counts: dict[str, Counts] = {}
        self._stopped = False

    async def start(self, demand: Demand) -> None:
        """Nothing to acquire."""

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """All of them, then nothing, until the last has its answer from the enrichers."""
        for at in range(0, len(self._events), _BATCH):
            batch = self._events[at : at + _BATCH]
            for item in batch:
                if isinstance(item, Event):
                    count = self._counts.setdefault(item.type, Counts())
                    count.seen, count.received = count.seen + 1, count.received + 1
            yield batch
        while self._held() and not self._stopped:  # noqa: ASYNC110  the enrichment buffer has no event for being empty
            await asyncio.sleep(_LOOK)  # it releases within its own time limit

    async def update(self, demand: Demand) -> None:
        """What is given is given."""

    def counts(self) -> Mapping[str, Counts]:
        """By type."""
        return self._counts

    async def stop(self) -> None:
        """Wait for no more answers."""
        self._stopped = True

    def declaration(self, name: str) -> SourceDeclaration[Settings]:
        """For a run: every instance that is built is this one. The state machine leaves its events alone."""

        def build(settings: Settings, context: Context) -> GivenSource:
            return self

        return SourceDeclaration(name=name, build=build, settings=Settings, summary="Gives what a test has made.")
