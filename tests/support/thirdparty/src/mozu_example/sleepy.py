"""The sink `sleepy`: blocks whoever calls it, as many client libraries do."""

import time
from collections.abc import Sequence

from pydantic import Field

from mozu.core.api import Context, Record, Settings, SinkDeclaration, hookimpl


class SleepySettings(Settings):
    """How slow."""

    seconds: float = Field(30.0, ge=0, description="How long one delivery blocks.")


class Sleepy:
    """Sleeps, and counts what it was given."""

    def __init__(self, settings: SleepySettings, context: Context) -> None:
        self._seconds = settings.seconds
        self._taken = context.metrics.counter("sleepy_records_total")

    def start(self) -> None:
        """Nothing to prepare."""

    def deliver(self, records: Sequence[Record]) -> None:
        """Block."""
        self._taken.value += len(records)
        time.sleep(self._seconds)

    def stop(self) -> None:
        """Nothing to let go of."""


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
