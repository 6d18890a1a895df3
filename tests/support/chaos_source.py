"""A third party's source for the chaos suite: numbered alerts of all priorities, with poison among them on request.

Its plugin is `chaos`; the last alert is of the rule `the end`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from mozu.core.api import Alert, Context, Counts, Demand, Settings, Severity, SourceDeclaration, hookimpl
from mozu.core.model.alert import Ref, Template
from tests.core.delivery.poison import poison

TEMPLATE = Template(("number ", Ref("number", "uint"), " of ", Ref("text", "string")))
_POLL_PAUSE = 0.05
"""Seconds between two checks for the file that ends the source."""
_PRIORITIES = (Severity.CRITICAL, Severity.WARNING, Severity.NOTICE)


class ChaosSettings(Settings):
    total: int = 1_000
    pause: float = 0.01
    batch: int = 20
    poison: bool = False
    """True to send each kind of poison once."""
    size: int = 100
    """Characters of text in an ordinary alert."""
    end_with: str = ""
    """Name of a file for which the last alert waits."""


class ChaosSource:
    """A live source: nothing waits for it."""

    def __init__(self, settings: ChaosSettings, context: Context) -> None:
        self._settings, self._stopped = settings, asyncio.Event()

    async def start(self, demand: Demand) -> None:
        pass

    async def batches(self) -> AsyncIterator[Sequence[Alert]]:
        batch: list[Alert] = []
        for alert in self._alerts():
            batch.append(alert)
            if len(batch) == self._settings.batch:
                yield batch
                batch = []
                await asyncio.sleep(self._settings.pause)
                if self._stopped.is_set():
                    return
        while not self._may_end() and not self._stopped.is_set():
            await asyncio.sleep(_POLL_PAUSE)
        yield [*batch, self._alert(0, "the end")]
        await self._stopped.wait()

    def _may_end(self) -> bool:
        return not self._settings.end_with or Path(self._settings.end_with).exists()

    def _alerts(self) -> Iterator[Alert]:
        bad = poison() if self._settings.poison else iter(())
        for number in range(self._settings.total):
            yield self._alert(number, f"rule {number % 7}")
            for _, alert in [next(bad, ("", None))]:
                if alert is not None:
                    yield msgspec.structs.replace(alert)
        for _, alert in bad:
            yield msgspec.structs.replace(alert)

    def _alert(self, number: int, rule: str) -> Alert:
        return Alert(
            rule=rule, priority=_PRIORITIES[number % 3], source="chaos", time=time.time_ns(), template=TEMPLATE,
            values={"number": number, "text": "x" * self._settings.size}, id=f"{time.time_ns()}-{number}",
        )  # fmt: skip

    async def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> Mapping[str, Counts]:
        return {}

    async def stop(self) -> None:
        self._stopped.set()


@hookimpl
def mozu_components() -> SourceDeclaration[ChaosSettings]:
    return SourceDeclaration(
        name="chaos", build=ChaosSource, settings=ChaosSettings, event_source="chaos", summary="Alerts for chaos tests."
    )
