"""The source itself."""

from collections.abc import AsyncIterator, Mapping, Sequence

from mozu.core.api import Alert, Context, Counts, Demand, SourceUnavailable
from mozu.plugins.sources.falco_http.intake import RequestQueue
from mozu.plugins.sources.falco_http.server import Server
from mozu.plugins.sources.falco_http.settings import FalcoHttpSettings


class FalcoHttp:
    """Ready alerts, which pass the evaluators by; clients get their answer when the engine says `settled`."""

    def __init__(self, settings: FalcoHttpSettings, context: Context) -> None:
        self._settings, self._log = settings, context.log
        self._intake = RequestQueue(settings.max_waiting)
        self._server = Server(settings, self._intake, context.metrics)
        self._reading = False
        context.metrics.gauge("falco_http_waiting_alerts", self._intake.waiting)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    async def start(self, demand: Demand) -> None:
        """Listen. Raises SourceUnavailable."""
        try:
            await self._server.open()
        except OSError as error:
            reason = getattr(error, "reason", None) or error.strerror or error
            raise SourceUnavailable(
                f"falco_http cannot listen on {self._settings.listen}: {reason}; change `listen` or `tls`, "
                "or stop what holds the port (falcosidekick has the same one)"
            ) from None
        scheme = "http" if self._settings.tls.certificate is None else "https"
        self._log.info("listening for Falco on %s://%s:%d", scheme, self._settings.host(), self.port)

    async def batches(self) -> AsyncIterator[Sequence[Alert]]:
        """What was posted; ends after `stop`, everything in flight yielded first."""
        self._reading = True
        try:
            async for batch in self._intake.batches():
                yield batch
        finally:
            self._reading = False
            await self._end()

    async def settled(self, batch: Sequence[object]) -> None:
        """Every alert of this batch is spooled, has arrived, or is dropped or buried by policy: answer."""
        self._intake.settled(batch)

    async def update(self, demand: Demand) -> None:
        """What rules want makes no difference: these alerts are judged already."""

    def counts(self) -> Mapping[str, Counts]:
        """Alerts taken in; what was refused, the client knows."""
        received = self._intake.received
        return {"alert": Counts(seen=received, missed=0, received=received)}

    async def stop(self) -> None:
        """Take nothing more in."""
        self._intake.close()
        await self._server.refuse()
        if not self._reading:
            await self._end()

    async def _end(self) -> None:
        self._intake.abandon()
        await self._server.close()
