"""The sink `sleepy`: blocks its caller, as many client libraries do."""

import time
from collections.abc import Sequence

from pydantic import Field

from mozu.core.api import Context, Record, Settings, SinkDeclaration, hookimpl


class SleepySettings(Settings):
    """The settings of the sink."""

    seconds: float = Field(30.0, ge=0, description="How long one delivery blocks.")


class Sleepy:
    """A sink that sleeps, and counts the records that it receives."""

    def __init__(self, settings: SleepySettings, context: Context) -> None:
        self._seconds = settings.seconds
        self._taken = context.metrics.counter("sleepy_records_total")

    def start(self) -> None:
        """Do nothing: there is nothing to prepare."""

    def deliver(self, records: Sequence[Record]) -> None:
        """Sleep, and count the records."""
        self._taken.value += len(records)
        time.sleep(self._seconds)

    def stop(self) -> None:
        """Do nothing: there is nothing to release."""


@hookimpl
def mozu_components() -> SinkDeclaration[SleepySettings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="sleepy",
        build=Sleepy,
        summary="Blocks whoever calls it, as many client libraries do.",
        settings=SleepySettings,
        blocking=True,
    )
