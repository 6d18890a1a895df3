"""What stands in for a component that could not be built, and whose entry says `optional`: it cannot be started, and is
replaced by the component once that can be built."""

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
    """A component that could not be built cannot be started."""


class AbsentSource:
    """Gives nothing."""

    async def start(self, demand: Demand) -> None:
        """Raises SourceUnavailable."""
        raise SourceUnavailable("it could not be built")

    async def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """None."""
        return
        yield ()

    async def update(self, demand: Demand) -> None:
        """Nothing to update."""

    def counts(self) -> Mapping[str, Counts]:
        """None."""
        return {}

    async def stop(self) -> None:
        """Nothing to stop."""


class AbsentEnricher:
    """Knows nothing."""

    async def start(self) -> None:
        """Raises ComponentAbsent."""
        raise ComponentAbsent("it could not be built")

    def key(self, event: Event) -> str | None:
        """None."""
        return None

    def known(self, key: str) -> bool:
        """Nothing need be waited for."""
        return True

    async def resolve(self, key: str) -> None:
        """Nothing to fetch."""

    def readers(self) -> FieldReaders:
        """None."""
        return {}

    async def stop(self) -> None:
        """Nothing to stop."""


class AbsentEvaluator:
    """Raises no alert."""

    def demand(self) -> Demand:
        """Nothing."""
        return Demand()

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """No alerts."""
        return ()

    def reload(self) -> "AbsentEvaluator":
        """It stays absent."""
        return self


class AbsentSink:
    """Takes nothing: alerts wait for the sink."""

    async def start(self) -> None:
        """Raises ComponentAbsent."""
        raise ComponentAbsent("it could not be built")

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Later."""
        return [_RETRY] * len(records)

    async def stop(self) -> None:
        """Nothing to stop."""


class AbsentResponder:
    """Does nothing."""

    async def start(self) -> None:
        """Raises ComponentAbsent."""
        raise ComponentAbsent("it could not be built")

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Nothing."""
        return None

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Nothing was planned."""

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Raises ComponentAbsent."""
        raise ComponentAbsent("it could not be built")

    async def stop(self) -> None:
        """Nothing to stop."""


ABSENT: Final[Mapping[Kind, Callable[[], object]]] = {
    Kind.SOURCE: AbsentSource,
    Kind.ENRICHER: AbsentEnricher,
    Kind.EVALUATOR: AbsentEvaluator,
    Kind.SINK: AbsentSink,
    Kind.RESPONDER: AbsentResponder,
}
"""Kind → what stands in for it."""
