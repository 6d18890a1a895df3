"""Audit events that API servers post: answered with 200 once their alerts are safe."""

import time
from collections.abc import AsyncIterator, Sequence

from mozu.core.api import Context, DataEvent, Obstacle, SourceUnavailable
from mozu.core.common.http.receiver import Receiver, listen_obstacles, why_not_listening
from mozu.core.common.http.request_queue import RequestQueue
from mozu.core.common.k8s_audit.decoder import AuditEventDecoder, IdentifiedEvent
from mozu.plugins.sources.k8s_audit.remembered import RememberedEvents
from mozu.plugins.sources.k8s_audit.settings import K8sAuditSettings


class WebhookInput:
    """A receiver with its queue. Batches are acknowledged in the order in which requests came, so that an event that is
    dropped as a duplicate is safe when its own request is acknowledged."""

    def __init__(
        self, settings: K8sAuditSettings, context: Context, decoder: AuditEventDecoder, remembered: RememberedEvents
    ) -> None:
        self._settings, self._log, self._decoder, self._remembered = settings, context.log, decoder, remembered
        self._requests: RequestQueue[IdentifiedEvent] = RequestQueue(
            settings.max_pending_events, max_bytes=2 * settings.max_bytes
        )
        self._server = Receiver(settings, self._requests, self._parse, context.metrics)
        self._in_flight: tuple[object, Sequence[IdentifiedEvent]] | None = None
        self._reading = False
        context.metrics.gauge("k8s_audit_pending_events", self._requests.pending)

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self._server.port

    def obstacles(self) -> Sequence[Obstacle]:
        """Return an obstacle if the certificates cannot be used, or the address is not free."""
        return listen_obstacles(self._settings)

    async def open(self) -> None:
        """Listen. Raises SourceUnavailable."""
        try:
            await self._server.open()
        except OSError as error:
            raise SourceUnavailable(f"k8s_audit {why_not_listening(self._settings, error)}") from None
        self._log.info("listening for the API server on %s", self._server.url)

    def change(self, settings: K8sAuditSettings) -> None:
        """Use other tokens and limits, and the present certificate."""
        self._server.change(settings)

    async def batches(self) -> AsyncIterator[Sequence[DataEvent]]:
        """Yield the events of whole requests that did not come before."""
        self._reading = True
        try:
            async for received in self._requests.batches():
                batch = self._remembered.fresh(received)
                if batch:
                    self._in_flight = batch, received
                    yield batch
                else:
                    self._requests.ack(received, {})
        finally:
            self._reading = False
            await self._end()

    async def ack(self, batch: object) -> None:
        """Respond to the requests of the batch."""
        if self._in_flight is not None and self._in_flight[0] is batch:
            received, self._in_flight = self._in_flight[1], None
            self._requests.ack(received, {})

    async def stop(self) -> None:
        """Accept no more requests."""
        self._requests.close()
        await self._server.refuse()
        if not self._reading:
            await self._end()

    async def _end(self) -> None:
        self._requests.abandon()
        await self._server.close()

    def _parse(self, body: bytes) -> Sequence[IdentifiedEvent]:
        return self._decoder.decode(body, time.time_ns())
