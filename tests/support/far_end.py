"""A third party's plugin for delivery tests: a source of numbered alerts, and a minimal sink."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence

from mozu.core.api import (
    Alert,
    Context,
    Counts,
    Demand,
    Record,
    Settings,
    Severity,
    SinkDeclaration,
    SourceDeclaration,
    hookimpl,
)
from mozu.core.model.alert import Ref, Template

TEMPLATE = Template(("number ", Ref("number", "uint")))


class NumbersSettings(Settings):
    total: int = 1_000_000_000
    pause: float = 0.001
    batch: int = 10
    hosts: int = 0
    """Number of machines that the alerts come from in turn; 0 for this machine alone."""


class Numbers:
    """A source of ready alerts, a batch at a time."""

    def __init__(self, settings: NumbersSettings, context: Context) -> None:
        self._settings, self._stopped, self._made = settings, False, 0

    async def start(self, demand: Demand) -> None:
        pass

    async def batches(self) -> AsyncIterator[Sequence[Alert]]:
        while self._made < self._settings.total and not self._stopped:
            size = min(self._settings.batch, self._settings.total - self._made)
            yield [self._alert(self._made + i) for i in range(size)]
            self._made += size
            await asyncio.sleep(self._settings.pause)

    def _alert(self, number: int) -> Alert:
        hosts = self._settings.hosts
        return Alert(
            rule="number", priority=Severity.NOTICE, source="numbers", time=time.time_ns(), template=TEMPLATE,
            values={"number": number}, id=f"id-{time.time_ns()}-{number}",
            hostname=f"host-{number % hosts}" if hosts else "",
        )  # fmt: skip

    async def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> Mapping[str, Counts]:
        return {}

    async def stop(self) -> None:
        self._stopped = True


class FarEndSettings(Settings):
    path: str
    pause: float = 0.0
    down: str = ""
    """Path of a file; the destination is down while it exists."""


class FarEnd:
    """A sink of five lines: no queue, no retry, no thread."""

    def __init__(self, settings: FarEndSettings, context: Context) -> None:
        self._settings = settings

    def start(self) -> None:
        pass

    def deliver(self, records: Sequence[Record]) -> None:
        time.sleep(self._settings.pause)
        if self._settings.down and os.path.exists(self._settings.down):
            raise ConnectionRefusedError("down")
        with open(self._settings.path, "ab") as file:
            file.write(b"".join(record.body + b"\n" for record in records))

    def stop(self) -> None:
        pass


@hookimpl
def mozu_components() -> Sequence[SourceDeclaration[NumbersSettings] | SinkDeclaration[FarEndSettings]]:
    return (
        SourceDeclaration(
            name="numbers",
            build=Numbers,
            settings=NumbersSettings,
            event_source="numbers",
            live=False,
            summary="Numbers.",
        ),
        SinkDeclaration(name="far_end", build=FarEnd, settings=FarEndSettings, blocking=True, summary="A file."),
    )
