"""One component at work: the one place where a plugin's failure is caught."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from mozu.core.errors import SinkClosed
from mozu.core.metrics import Metrics

_SILENCE = 10.0

C = TypeVar("C", covariant=True)


class Isolated(Generic[C]):
    """A component with its name, its log and its counters."""

    def __init__(self, kind: str, name: str, component: C, metrics: Metrics, *, blocking: bool = False) -> None:
        self.kind, self.name, self.component, self.blocking = kind, name, component, blocking
        self.log = logging.getLogger(f"mozu.{kind}.{name}")
        self.metrics = metrics.scope(kind=kind, id=name)
        self._told, self._told_at, self._untold = "", 0.0, 0
        self.failures = self.metrics.counter("component_failures_total")

    @contextmanager
    def contained(self, doing: str) -> "Iterator[ContainedCall]":
        """Run plugin code: an exception is logged with the plugin's name, counted, and told by `outcome.failed`.

        Cancellation passes; so does SinkClosed, which is an end and not a failure.
        """
        outcome = ContainedCall()
        try:
            yield outcome
        except SinkClosed:
            raise
        except Exception as error:  # noqa: BLE001  the contract: a plugin that raises hurts nobody else
            outcome.failed = error
            self.failures.value += 1
            self._tell(f"{self.kind} {self.name} failed to {doing}: {str(error) or type(error).__name__}", error)

    def _tell(self, text: str, error: Exception) -> None:
        """The same failure again within ten seconds is counted and not repeated."""
        now = time.monotonic()
        if text == self._told and now - self._told_at < _SILENCE:
            self._untold += 1
            return
        more = f" ({self._untold} more before this)" if self._untold else ""
        self.log.error("%s%s", text, more)
        self.log.debug("traceback", exc_info=error)
        self._told, self._told_at, self._untold = text, now, 0


class ContainedCall:
    """Whether the code in a `contained` block failed."""

    failed: Exception | None = None
