"""Retries of components that did not start: reported at once, tried again with back-off, reported when they run.

A source has its pump for this; an enricher, an evaluator or a sink is tried again here. Meanwhile mozu runs without the
component: an enricher is asked nothing, an evaluator raises nothing, and the alerts of a sink wait in its queue.
"""

import asyncio
from collections.abc import Awaitable, Callable

from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.retry import retry_start
from mozu.core.model.alert import Severity


class Retries:
    """The retries of one run. `spawn` starts background tasks, `stopping` is set when the stop begins; `on_start` is
    called once a component has started."""

    def __init__(
        self,
        alerts: AlertPipeline,
        spawn: Callable[[Awaitable[None], str], None],
        stopping: asyncio.Event,
        on_start: Callable[[], None],
    ) -> None:
        self._alerts, self._spawn, self._stopping, self._on_start = alerts, spawn, stopping, on_start

    def begin(
        self,
        component: Isolated[object],
        error: BaseException | None,
        attempt: Callable[[], Awaitable[None]],
    ) -> None:
        """Retry a component that failed to start, or (`error` is None) was absent from the beginning. `attempt` builds
        and starts another instance."""
        component.is_ready = False
        why = "it could not be built" if error is None else component.described(error)
        self._alerts.notice(
            "Component failed",
            Severity.CRITICAL,
            f"{component} did not start and is tried again; mozu runs without it: {why}",
            component=str(component),
            error=why,
        )
        self._spawn(self._retry(component, attempt), f"start {component} again")

    async def _retry(self, component: Isolated[object], attempt: Callable[[], Awaitable[None]]) -> None:
        if await retry_start(component, attempt, self._stopping):
            self._on_start()
            self._alerts.notice(
                "Component recovered", Severity.NOTICE, f"{component} has started", component=str(component)
            )
