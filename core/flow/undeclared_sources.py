"""Events of a source class that no plugin declares and no evaluator wants: no rule can name it, so they can raise
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
"""Classes of one source that are reported; the events of all are counted."""


class UndeclaredSources:
    """Of one source: counts such events, and says once of each class what is declared. `known` gives the classes that
    plugins declare, and those that evaluators want."""

    def __init__(self, source: Isolated[Source], known: Callable[[], frozenset[str]], metrics: Metrics) -> None:
        self._source, self._look = source, known
        self._known: frozenset[str] = frozenset()
        self._unknown: set[str] = set()
        self._reported: set[str] = set()
        self._count = metrics.counter("events_undeclared_total")

    def forget(self) -> None:
        """A reload may have brought other plugins and evaluators: look again. What was reported stays so."""
        self._known, self._unknown = frozenset(), set()

    def new(self, events: Sequence[Event]) -> list[str]:
        """A sentence for each class that is new among these, and not declared. Looks at one of a batch of system calls:
        a source gives all of its own the same class."""
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
