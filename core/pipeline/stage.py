"""One component at work: the one place where a plugin's failure is caught."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from mozu.core.errors import SinkClosed
from mozu.core.metrics import Metrics

C = TypeVar("C", covariant=True)


class Stage(Generic[C]):
    """A component with its name, its log and its counters."""

    def __init__(self, kind: str, name: str, component: C, metrics: Metrics, *, blocking: bool = False) -> None:
        self.kind, self.name, self.component, self.blocking = kind, name, component, blocking
        self.log = logging.getLogger(f"mozu.{kind}.{name}")
        self.metrics = metrics.scope(kind=kind, id=name)
        self.failures = self.metrics.counter("component_failures_total")

    @contextmanager
    def contained(self, doing: str) -> "Iterator[Outcome]":
        """Run plugin code: an exception is logged with the plugin's name, counted, and told by `outcome.failed`.

        Cancellation passes; so does SinkClosed, which is an end and not a failure.
        """
        outcome = Outcome()
        try:
            yield outcome
        except SinkClosed:
            raise
        except Exception as error:
            outcome.failed = error
            self.failures.value += 1
            self.log.error("%s %s failed to %s: %s", self.kind, self.name, doing, error or type(error).__name__)
            self.log.debug("traceback", exc_info=error)


class Outcome:
    """Whether the code in a `contained` block failed."""

    failed: Exception | None = None
