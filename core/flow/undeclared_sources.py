"""Events of a source class that no plugin declares and no evaluator wants: no rule can name the class, so they raise
nothing. Most likely it is misspelt."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from operator import attrgetter

from mozu.core.api import Source
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import Event, SyscallEvent, UndecodedEvent

_class_of = attrgetter("source")
_MAX_CLASSES = 64
"""The most classes of one source that are reported; events of all classes are counted."""


class UndeclaredSources:
    """The undeclared events of one source: counted, and reported once per class with the declared ones. `known` returns
    the classes that plugins declare or evaluators want."""

    def __init__(self, source: Isolated[Source], known: Callable[[], frozenset[str]], metrics: Metrics) -> None:
        self._source, self._look = source, known
        self._known: frozenset[str] = frozenset()
        self._unknown: set[str] = set()
        self._reported: set[str] = set()
        self._count = metrics.counter("events_undeclared_total")

    def forget(self) -> None:
        """Read the known classes again: a reload may have brought other plugins and evaluators. Reported classes stay
        reported."""
        self._known, self._unknown = frozenset(), set()

    def new(self, events: Sequence[Event]) -> list[str]:
        """Return a sentence for each new undeclared class among these events. Only one event of a batch of system calls
        is examined, because a source gives all of its own the same class."""
        looked = events[:1] if events and isinstance(events[0], SyscallEvent | UndecodedEvent) else events
        others = set(map(_class_of, looked)) - self._known
        if not others:
            return []
        if others - self._unknown:
            self._known = self._look()
            others -= self._known
            self._unknown |= set(sorted(others)[:_MAX_CLASSES])
        self._count.value += sum(event.source in others for event in events) if others else 0
        fresh = sorted(others - self._reported)[: max(0, _MAX_CLASSES - len(self._reported))]
        self._reported.update(fresh)
        return [self._sentence(name) for name in fresh]

    def _sentence(self, name: str) -> str:
        close = get_close_matches(name[:80], self._known, 1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return (
            f"{self._source} gives events of the source class {name[:80]!r}, which no plugin declares, so that no rule "
            f"sees them; {hint}declared: {', '.join(sorted(self._known))}"
        )
