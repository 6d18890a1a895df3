"""The source `falco_http`: listens, yields posted alerts, and acknowledges them once they are safe."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence

from mozu.core.api import (
    AcksAlerts,
    Alert,
    ChangesSettings,
    ChecksStart,
    Context,
    Counts,
    Demand,
    Dropped,
    Event,
    Obstacle,
    Settings,
    SourceUnavailable,
)
from mozu.core.common.http.receiver import Receiver, listen_obstacles, why_not_listening
from mozu.core.common.http.request_queue import RequestQueue
from mozu.plugins.sources.falco_http.body import parse
from mozu.plugins.sources.falco_http.settings import FalcoHttpSettings


class FalcoHttpSource(AcksAlerts, ChangesSettings, ChecksStart):
    """Source of finished alerts, which bypass the evaluators; clients get their response when the engine calls
    `ack_alerts`."""

    def __init__(self, settings: FalcoHttpSettings, context: Context) -> None:
        self._settings, self._log = settings, context.log
        self._requests: RequestQueue[Alert] = RequestQueue(settings.max_pending_alerts)
        self._server = Receiver(settings, self._requests, lambda body: parse(body, time.time()), context.metrics)
        self._reading = False
        context.metrics.gauge("falco_http_pending_alerts", self._requests.pending)

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self._server.port

    def obstacles(self) -> Sequence[Obstacle]:
        """Return an obstacle if the certificates cannot be used, or the address is not free."""
        return listen_obstacles(self._settings)

    async def start(self, demand: Demand) -> None:
        """Listen. Raises SourceUnavailable."""
        try:
            await self._server.open()
        except OSError as error:
            raise SourceUnavailable(f"falco_http {why_not_listening(self._settings, error)}") from None
        self._log.info("listening for Falco on %s", self._server.url)

    def change_settings(self, settings: Settings) -> None:
        """Use other settings; see `ChangesSettings`."""
        assert isinstance(settings, FalcoHttpSettings)
        self._server.change(settings)
        self._settings = settings

    async def batches(self) -> AsyncIterator[Sequence[Alert]]:
        """Yield posted alerts; ends after `stop`, when everything in flight was yielded."""
        self._reading = True
        try:
            async for batch in self._requests.batches():
                yield batch
        finally:
            self._reading = False
            await self._end()

    async def ack_alerts(self, batch: Sequence[Event | Alert], dropped: Mapping[int, Dropped]) -> None:
        """Respond: every alert of this batch is spooled, delivered, a dead letter, or in `dropped`."""
        self._requests.ack(batch, dropped)

    async def update(self, demand: Demand) -> None:
        """Do nothing: these alerts do not depend on the demand."""

    def counts(self) -> Mapping[str, Counts]:
        """Return the number of received alerts, without refused ones, which the client knows from the response."""
        received = self._requests.received
        return {"alert": Counts(seen=received, missed=0, received=received)}

    async def stop(self) -> None:
        """Accept no more requests."""
        self._requests.close()
        await self._server.refuse()
        if not self._reading:
            await self._end()

    async def _end(self) -> None:
        self._requests.abandon()
        await self._server.close()
