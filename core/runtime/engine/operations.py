"""The HTTP listener and the meter of the loop's lag, if the configuration wants them.

A reload changes them in three steps: `prepare` listens at another address, and finds what would not work; `commit` puts
the change in force; `abandon` takes back what was prepared.
"""

import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.errors import MozuError
from mozu.core.flow.shadow_samples import ShadowMatches
from mozu.core.flow.source_pump import SourcePump
from mozu.core.metrics import Metrics
from mozu.core.runtime.config.http import HttpSettings
from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.engine.file_content import contents_of

if TYPE_CHECKING:
    from mozu.core.runtime.operations.http_server import OperationsServer

_log = logging.getLogger("mozu.http")


class ListenerChange(msgspec.Struct, frozen=True):
    """A change that a reload prepares."""

    settings: HttpSettings
    files: Mapping[Path, bytes]
    """Certificates and keys → digests of the files."""
    server: "OperationsServer | None"
    """A server that listens already; the one in use if the address stays."""
    tls: ssl.SSLContext | None


class RunOperations:
    """The listener of one run; nothing of it is imported if the run does not listen."""

    def __init__(
        self,
        assembly: Assembly,
        metrics: Metrics,
        *,
        pumps: Sequence[SourcePump],
        workers: Callable[[], Sequence[SinkWorker]],
        spawn: Callable[[Awaitable[None], str], None],
        has_started: Callable[[], bool],
        is_stopping: Callable[[], bool],
        rules_digest: Callable[[], str],
        statistics: Callable[[], Mapping[str, object]],
        shadow: Callable[[], Sequence[ShadowMatches]],
    ) -> None:
        self._assembly, self._metrics, self._spawn = assembly, metrics, spawn
        self._pumps, self._workers, self._rules_digest, self._statistics = pumps, workers, rules_digest, statistics
        self._shadow = shadow
        self._has_started, self._is_stopping, self._began = has_started, is_stopping, time.time()
        self._now = ListenerChange(HttpSettings(), {}, None, None)
        """The state in force."""
        self._measures_lag = False

    @property
    def port(self) -> int:
        """The port of the listener; 0 without a listener, or if it listens at a path."""
        return 0 if self._now.server is None else self._now.server.port

    async def open(self) -> None:
        """Listen as the configuration says. Raises MozuError."""
        self.commit(await self.prepare(self._assembly.config.core.http))

    async def prepare(self, settings: HttpSettings) -> ListenerChange:
        """Prepare a change, with nothing in force yet. Raises MozuError if these settings cannot come into force."""
        files = contents_of(settings.tls.files_read())
        if (settings, files) == (self._now.settings, self._now.files):
            return self._now
        if settings.listen is None:
            return ListenerChange(settings, files, None, None)
        from mozu.core.common.tls import server_context  # imports of a run that listens
        from mozu.core.runtime.operations.listen_check import why_not

        try:
            tls = server_context(settings.tls)
            server = self._now.server if settings.listen == self._now.settings.listen else self._server(settings)
            if server is not None and server is not self._now.server:
                await server.open(tls)
        except OSError as error:
            raise MozuError(f"http: {why_not(settings, error)}") from None
        return ListenerChange(settings, files, server, tls)

    def commit(self, change: ListenerChange) -> Callable[[], Awaitable[None]] | None:
        """Put a change in force; returns a function that closes the former listener, or None if that one stays."""
        before, self._now = self._now, change
        if change is before:
            return None
        if change.server is not None and change.server is before.server:
            change.server.use(change.settings, change.tls)
        elif change.server is not None:
            port = f" (port {change.server.port})" if change.server.port else ""
            _log.info("serving metrics, health and status on %s%s", change.settings.listen, port)
            self._measure_lag()
        return before.server.close if before.server not in (None, change.server) else None

    def _measure_lag(self) -> None:
        """Measure the lag of the loop from the first listener on."""
        if not self._measures_lag:
            from mozu.core.runtime.operations.loop_lag import LoopLag

            self._measures_lag = True
            self._spawn(LoopLag(self._metrics).run(), "measure the lag of the loop")

    async def abandon(self, change: ListenerChange) -> None:
        """Close what was prepared: the change does not come into force."""
        if change.server is not None and change.server is not self._now.server:
            await change.server.close()

    async def close(self) -> None:
        """Stop listening."""
        if self._now.server is not None:
            await self._now.server.close()

    def _server(self, settings: HttpSettings) -> "OperationsServer":
        from mozu.core.runtime.operations import http_server  # imports aiohttp
        from mozu.core.runtime.operations.run_view import RunView

        assembly = self._assembly
        view = RunView(
            metrics=self._metrics,
            pumps=self._pumps,
            workers=self._workers,
            heartbeat_intervals=lambda: {one.entry.id: one.entry.heartbeat for one in assembly.sinks},
            components=lambda: [*assembly.enrichers, *assembly.evaluators],
            has_started=self._has_started,
            is_stopping=self._is_stopping,
            rules_digest=self._rules_digest,
            statistics=self._statistics,
            shadow=self._shadow,
            version=assembly.version,
            hostname=assembly.hostname,
            started=self._began,
        )
        return http_server.OperationsServer(settings, view)
