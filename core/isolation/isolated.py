"""Fault isolation (a bulkhead): the one place where a plugin's exception is caught, logged and counted."""

import copy
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar, cast

from mozu.core.errors import SinkClosed
from mozu.core.metrics import Metrics

_LOG_DEDUP_SECONDS = 10.0
"""The same failure again within this time is counted and not logged."""

C = TypeVar("C", covariant=True)
D = TypeVar("D")


class Isolation:
    """The name, the log and the counters under which a component's failures are caught."""

    def __init__(self, kind: str, name: str, metrics: Metrics) -> None:
        self.kind, self.name = kind, name
        self.log = logging.getLogger(f"mozu.{kind}.{name}")
        self.metrics = metrics.scope(kind=kind, id=name)
        self.failures = self.metrics.counter("component_failures_total")
        self._logged, self._logged_at, self._suppressed = "", 0.0, 0

    @contextmanager
    def contained(self, doing: str) -> "Iterator[ContainedCall]":
        """Run plugin code: an exception is logged with the plugin's name, counted, and given as `failed`.

        Cancellation passes; so does SinkClosed, which is an end and not a failure.
        """
        call = ContainedCall()
        try:
            yield call
        except SinkClosed:
            raise
        except Exception as error:  # noqa: BLE001  the contract: a plugin that raises harms no other
            call.failed = error
            self.failed(doing, error, dedup_by_type=False)

    def failed(self, doing: str, error: Exception, *, dedup_by_type: bool = True) -> None:
        """Count and log an exception that was caught elsewhere. `dedup_by_type`: one log line in ten seconds for the
        same work and type of exception, whose text may come from an event and differ each time."""
        self.failures.value += 1
        try:
            what = str(error) or type(error).__name__
        except Exception:  # noqa: BLE001  an exception whose own __str__ raises
            what = type(error).__name__
        text = f"{self.kind} {self.name} failed to {doing}: {what}"
        self._log_failure(f"{doing} {type(error).__name__}" if dedup_by_type else text, text, error)

    def _log_failure(self, key: str, text: str, error: Exception) -> None:
        now = time.monotonic()
        if key == self._logged and now - self._logged_at < _LOG_DEDUP_SECONDS:
            self._suppressed += 1
            return
        more = f" ({self._suppressed} more before this)" if self._suppressed else ""
        self.log.error("%s%s", text, more)
        self.log.debug("traceback", exc_info=error)
        self._logged, self._logged_at, self._suppressed = key, now, 0


class Isolated(Isolation, Generic[C]):
    """A component whose calls are made in `contained` blocks. `blocking`: they are made on a thread of its own."""

    def __init__(self, kind: str, name: str, component: C, metrics: Metrics, *, blocking: bool = False) -> None:
        super().__init__(kind, name, metrics)
        self._component, self.blocking = component, blocking

    @property
    def component(self) -> C:
        """The plugin's own object."""
        return self._component

    def with_component(self, component: D) -> "Isolated[D]":
        """Another component under the same name, log and counters (a reload)."""
        twin = cast("Isolated[D]", copy.copy(self))
        twin._component = component
        return twin


class ContainedCall:
    """Whether the code in a `contained` block failed."""

    failed: Exception | None = None
