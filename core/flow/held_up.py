"""Held up: the components that the last batch of a source waits for, named when a stop waits no longer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mozu.core.isolation.deadline import exceeded
from mozu.core.isolation.isolated import Isolation


class HeldUp:
    """The present wait of one source pump."""

    def __init__(self) -> None:
        self._method = "batches"
        """Method of the source that the pump is in, unless it waits for others."""
        self._others: Callable[[], str] | None = None
        """Function that names the components that the pump waits for; None while it waits for the source."""

    @contextmanager
    def by(self, others: Callable[[], str]) -> Iterator[None]:
        """Note that a block waits for other components, which the function names."""
        self._others = others
        try:
            yield
        finally:
            self._others = None

    @contextmanager
    def calling(self, method: str) -> Iterator[None]:
        """Note that a block calls this method of the source, and not `batches`."""
        before, self._method = self._method, method
        try:
            yield
        finally:
            self._method = before

    def log(self, source: Isolation, seconds: float) -> None:
        """Log an error that the source has not ended within this time, with the component that keeps it from that."""
        others = "" if self._others is None else self._others()
        if others:
            text = "source %s did not end within %.3g s: its last batch waits for %s"
            source.log.error(text, source.name, seconds, others)
        else:
            source.log.error("%s", exceeded(source, self._method, seconds))
