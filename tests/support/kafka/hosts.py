"""A third party's plugin for delivery tests: a source of numbered alerts of several hosts."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence

from mozu.core.api import Alert, Context, Counts, Demand, Settings, Severity, SourceDeclaration, hookimpl
from mozu.core.model.alert import Ref, Template

TEMPLATE = Template(("number ", Ref("number", "uint")))


class HostsSettings(Settings):
    """How many alerts, how fast."""

    total: int = 1_000_000_000
    batch: int = 10
    pause: float = 0.1
    hosts: int = 5


class Hosts:
    """Ready alerts."""

    def __init__(self, settings: HostsSettings, context: Context) -> None:
        self._settings, self._stopped, self._made = settings, False, 0

    async def start(self, demand: Demand) -> None:
        """Nothing to prepare."""

    async def batches(self) -> AsyncIterator[Sequence[Alert]]:
        """One host after the other."""
        while self._made < self._settings.total and not self._stopped:
            size = min(self._settings.batch, self._settings.total - self._made)
            yield [self._alert(self._made + i) for i in range(size)]
            self._made += size
            await asyncio.sleep(self._settings.pause)

    def _alert(self, number: int) -> Alert:
        now = time.time_ns()
        return Alert(
            rule="number", priority=Severity.NOTICE, source="numbers", time=now, template=TEMPLATE,
            values={"number": number}, id=f"id-{now}-{number}", hostname=f"host-{number % self._settings.hosts}",
        )  # fmt: skip

    async def update(self, demand: Demand) -> None:
        """Nothing to filter."""

    def counts(self) -> Mapping[str, Counts]:
        """Nothing to count."""
        return {}

    async def stop(self) -> None:
        """End."""
        self._stopped = True


@hookimpl
def mozu_components() -> SourceDeclaration[HostsSettings]:
    """Declare the source."""
    return SourceDeclaration(
        name="hosts",
        build=Hosts,
        settings=HostsSettings,
        event_source="numbers",
        summary="Alerts of several hosts.",
        ends=True,
    )
