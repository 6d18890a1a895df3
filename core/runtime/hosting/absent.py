"""Stand-ins for optional components that could not be built: a stand-in cannot be started, and is replaced by the
component once that can be built."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from mozu.core.api import (
    Alert,
    Counts,
    Demand,
    Event,
    FieldReaders,
    Incident,
    Kind,
    MozuError,
    Outcome,
    Record,
    ResponsePlan,
    ResponseTarget,
    Retry,
    SourceUnavailable,
)

_RETRY: Final = Retry(1.0, tried=False)


class ComponentAbsent(MozuError):
    """The failure of starting a component that could not be built."""


class AbsentSource:
    """A source without events."""

    async def start(self, demand: Demand) -> None:
        """Raise SourceUnavailable."""
        raise SourceUnavailable("it could not be built")

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """Yield nothing."""
        return
        yield ()

    async def update(self, demand: Demand) -> None:
        """Ignore the demand."""

    def counts(self) -> Mapping[str, Counts]:
        """Return no counts."""
        return {}

    async def stop(self) -> None:
        """Do nothing."""


class AbsentEnricher:
    """An enricher that knows nothing."""

    async def start(self) -> None:
        """Raise ComponentAbsent."""
        raise ComponentAbsent("it could not be built")

    def key(self, event: Event) -> str | None:
        """Return None: no event waits for an absent enricher."""
        return None

    def known(self, key: str) -> bool:
        """Return True: no key need be waited for."""
        return True

    async def resolve(self, key: str) -> None:
        """Do nothing."""

    def readers(self) -> FieldReaders:
        """Return no readers."""
        return {}

    async def stop(self) -> None:
        """Do nothing."""


class AbsentEvaluator:
    """An evaluator that raises no alert."""

    def demand(self) -> Demand:
        """Return an empty demand."""
        return Demand()

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Return no alerts."""
        return ()

    def reload(self) -> "AbsentEvaluator":
        """Return this object."""
        return self


class AbsentSink:
    """A sink that accepts nothing: alerts wait for the real one."""

    async def start(self) -> None:
        """Raise ComponentAbsent."""
        raise ComponentAbsent("it could not be built")

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Return a retry for each record."""
        return [_RETRY] * len(records)

    async def stop(self) -> None:
        """Do nothing."""


class AbsentResponder:
    """A responder that does nothing."""

    async def start(self) -> None:
        """Raise ComponentAbsent."""
        raise ComponentAbsent("it could not be built")

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return None: no response is planned."""
        return None

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Do nothing; no response was planned."""

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Raise ComponentAbsent."""
        raise ComponentAbsent("it could not be built")

    async def stop(self) -> None:
        """Do nothing."""


ABSENT: Final[Mapping[Kind, Callable[[], object]]] = {
    Kind.SOURCE: AbsentSource,
    Kind.ENRICHER: AbsentEnricher,
    Kind.EVALUATOR: AbsentEvaluator,
    Kind.SINK: AbsentSink,
    Kind.RESPONDER: AbsentResponder,
}
"""Kind → class of its stand-in."""
