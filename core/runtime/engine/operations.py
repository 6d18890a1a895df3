"""What looks at a run from outside, where the configuration wants it: the HTTP listener, and the lag of the loop."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.errors import MozuError
from mozu.core.flow.source_pump import SourcePump
from mozu.core.metrics import Metrics
from mozu.core.runtime.engine.built import Assembly

if TYPE_CHECKING:
    from mozu.core.runtime.operations.http_server import OperationsServer

_log = logging.getLogger("mozu.http")


class RunOperations:
    """Of one run; nothing of it is imported where nothing listens."""

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
    ) -> None:
        self._settings, self._spawn = assembly.config.core.http, spawn
        self._server: OperationsServer | None = None
        if self._settings.listen is None:
            return
        from mozu.core.runtime.operations import http_server  # imports aiohttp
        from mozu.core.runtime.operations.loop_lag import LoopLag
        from mozu.core.runtime.operations.run_view import RunView

        self._lag = LoopLag(metrics)
        self._server = http_server.OperationsServer(
            self._settings,
            RunView(
                metrics=metrics,
                pumps=pumps,
                workers=workers,
                heartbeat_intervals=lambda: {one.entry.id: one.entry.heartbeat for one in assembly.sinks},
                components=lambda: [*assembly.enrichers, *assembly.evaluators],
                has_started=has_started,
                is_stopping=is_stopping,
                rules_digest=rules_digest,
                statistics=statistics,
                version=assembly.version,
                hostname=assembly.hostname,
                started=time.time(),
            ),
        )

    async def open(self) -> None:
        """Listen. Raises MozuError."""
        if self._server is None:
            return
        try:
            await self._server.open()
        except OSError as error:
            from mozu.core.runtime.operations.listen_check import why_not

            raise MozuError(f"http: {why_not(self._settings, error)}") from None
        port = f" (port {self._server.port})" if self._server.port else ""
        _log.info("metrics, health and status of this run: %s%s", self._settings.listen, port)
        self._spawn(self._lag.run(), "measure the lag of the loop")

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            await self._server.close()
