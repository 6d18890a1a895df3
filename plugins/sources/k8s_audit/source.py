"""The source `k8s_audit`: audit events of a webhook or of files, acknowledged once their alerts are safe."""

from collections.abc import AsyncIterator, Mapping, Sequence

from mozu.core.api import (
    AcksBatches,
    Alert,
    ChangesSettings,
    ChecksStart,
    Context,
    Counts,
    DataEvent,
    Demand,
    Event,
    HasOrigin,
    Obstacle,
    ReportsGaps,
    Settings,
)
from mozu.core.common.k8s_audit.decoder import EVENT_SOURCE, EVENT_TYPE, AuditEventDecoder
from mozu.plugins.sources.k8s_audit.files import FileInput
from mozu.plugins.sources.k8s_audit.remembered import RememberedEvents
from mozu.plugins.sources.k8s_audit.settings import K8sAuditSettings
from mozu.plugins.sources.k8s_audit.webhook import WebhookInput


class K8sAuditSource(AcksBatches, ChangesSettings, ChecksStart, HasOrigin, ReportsGaps):
    """Source of audit events, whose numbers are hashes of them: an event that is judged again gives alerts with the ids
    that they had."""

    def __init__(self, settings: K8sAuditSettings, context: Context) -> None:
        decoder = AuditEventDecoder(context.metrics, settings.max_bytes)
        remembered = RememberedEvents(settings.remembered_events, context.metrics)
        self._input: WebhookInput | FileInput
        if settings.listen is None:
            self._input = FileInput(settings, context, decoder, remembered)
        else:
            self._input = WebhookInput(settings, context, decoder, remembered)
        self._received = 0

    @property
    def port(self) -> int:
        """The port on which it listens; 0 if it follows files."""
        return self._input.port if isinstance(self._input, WebhookInput) else 0

    @property
    def origin(self) -> str:
        """The name under which the events' hashes are unique."""
        return EVENT_SOURCE

    def obstacles(self) -> Sequence[Obstacle]:
        """Return why it cannot listen, or the files that cannot be read."""
        return self._input.obstacles()

    def take_gaps(self) -> Sequence[str]:
        """Return a sentence for each time that lines of a file may have been lost since the last call."""
        if isinstance(self._input, WebhookInput):
            return ()
        gaps = list(self._input.gaps)
        del self._input.gaps[: len(gaps)]
        return gaps

    async def start(self, demand: Demand) -> None:
        """Listen, or open the files. Raises SourceUnavailable."""
        await self._input.open()

    def change_settings(self, settings: Settings) -> None:
        """Use other settings; see `ChangesSettings`."""
        assert isinstance(settings, K8sAuditSettings)
        self._input.change(settings)

    async def batches(self) -> AsyncIterator[Sequence[DataEvent]]:
        """Yield events, each once; end after `stop`, or at the end of the standard input."""
        async for batch in self._input.batches():
            self._received += len(batch)
            yield batch

    async def ack(self, batch: Sequence[Event | Alert]) -> None:
        """Respond, or store positions: every alert of this batch is spooled, delivered, a dead letter, or dropped by
        policy."""
        await self._input.ack(batch)

    async def update(self, demand: Demand) -> None:
        """Do nothing: events are complete for any demand."""

    def counts(self) -> Mapping[str, Counts]:
        """Return the number of events, without refused ones and duplicates, which have counters."""
        return {EVENT_TYPE: Counts(seen=self._received, missed=0, received=self._received)}

    async def stop(self) -> None:
        """Accept no more requests, or read no more lines."""
        await self._input.stop()
