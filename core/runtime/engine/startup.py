"""Startup: the components of a run are started, each within its deadline, sinks and enrichers before sources.

A source that is optional is not waited for: its pump starts it. A stop can break off a start at any moment; the
components to stop are then known.
"""

import gc
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from mozu.core.api import Enricher, Responder
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.filter.demand import Demand
from mozu.core.flow.source_pump import SourcePump
from mozu.core.isolation.deadline import within
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.side_by_side import side_by_side
from mozu.core.runtime.engine.host_resolver import HostResolver
from mozu.core.runtime.engine.sink_set import SinkSet

_log = logging.getLogger("mozu.engine")

Helper = Isolated[Enricher] | Isolated[Responder]
"""A component that is started before sources."""


class Startup:
    """The startup of one run."""

    def __init__(
        self,
        helpers: Sequence[Helper],
        sinks: SinkSet,
        pumps: tuple[SourcePump, ...],
        hosts: HostResolver | None,
        *,
        demand: Callable[[], Demand],
        spawn: Callable[[Awaitable[None], str], None],
        begin_retry: Callable[[Isolated[object], BaseException, Callable[[], Awaitable[None]]], None],
        before_sources: Callable[[], Awaitable[None]],
    ) -> None:
        """Make a startup. `helpers` are enrichers and responders. `begin_retry` receives (component, why it failed to
        start, how another instance is built and started). `before_sources` is awaited once everything but the sources
        has started. `spawn` starts background tasks."""
        self._before_sources = before_sources
        self._helpers, self._sinks, self._pumps, self._hosts = helpers, sinks, pumps, hosts
        self._demand, self._spawn, self._begin_retry = demand, spawn, begin_retry
        self.helpers: list[Helper] = []
        """Helpers whose start has begun."""
        self.pumps: list[SourcePump] = []

    async def run(self) -> None:
        """Start sinks before sources, so that the first alert finds its queue. Raises SourceUnavailable and
        DeadlineExceeded."""
        helpers = [self._start_helper(helper) for helper in self._helpers]
        await side_by_side(*helpers, self._sinks.start(self._retry_sink))
        await self._before_sources()
        demand = self._demand()
        if self._hosts is not None:
            self._hosts.want(demand.hosts)
            self._spawn(self._hosts.run(), "resolve the names of hosts")
        needed = [pump for pump in self._pumps if not pump.is_optional]
        for pump in sorted(needed, key=lambda pump: pump.live):  # what is live fills its ring until the run reads it
            self.pumps.append(pump)
            await pump.start(demand)
        if self._hosts is not None:
            await self._hosts.ready()
        if not gc.isenabled():  # in the command mozu, until here: core/cli/process_settings.py
            gc.freeze()
            gc.enable()
        types = sorted({name for source in demand.types.values() for name in source})
        sinks = ", ".join(worker.name for worker in self._sinks.workers)
        _log.info("watching %d event types; alerts go to %s", len(types), sinks)
        _log.debug("event types: %s", ", ".join(types))

    async def _start_helper(self, helper: Helper) -> None:
        self.helpers.append(helper)
        with helper.contained("start") as call:
            await _started(helper)
        if call.failed is not None:
            self._begin_retry(helper, call.failed, partial(_renewed, helper))

    def _retry_sink(self, worker: SinkWorker, error: BaseException) -> None:
        self._begin_retry(worker.sink, error, worker.start_another)


async def _started(helper: Helper) -> None:
    await within(helper, "start", helper.start_seconds, lambda: helper.component.start())


async def _renewed(helper: Helper) -> None:
    await helper.renew()
    await _started(helper)
