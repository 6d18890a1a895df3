"""The contracts of components (source, enricher, evaluator, sink), and the types that pass between them and the core.

Every method of these protocols is required; optional members are in `capabilities.py`. docs/plugins/component.md says
what a component may assume and must promise.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from mozu.core.filter.demand import Demand
from mozu.core.model.alert import Alert, Stamp
from mozu.core.model.event import Event
from mozu.core.model.fields import Reader

FieldReaders = Mapping[str, Callable[[str | None], Reader]]
"""Map from a field's name to a function from the field's argument to a reader of its value."""


class Counts(msgspec.Struct):
    """Loss accounting of one event type in a source: seen = filtered + lost + missed + received."""

    seen: int = 0
    filtered: int = 0
    """Events discarded on purpose because no rule could match them."""
    lost: int = 0
    """Events that did not fit into the ring buffer."""
    missed: int | None = 0
    """Events for which the program did not run (the kernel's own count); None if the kernel does not count them."""
    received: int = 0
    over_share: int = 0
    """Events of `lost` for which the ring buffer had space, but not for their account (`ReportsFloods`)."""


@runtime_checkable
class Source(Protocol):
    """Yields batches of events. See docs/plugins/component.md, "Source"."""

    async def start(self, demand: Demand) -> None:
        """Acquire the resources and begin. Raises SourceUnavailable with a remedy."""

    def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """Yield batches in order; end when the input ends or after `stop`, with everything in flight yielded first."""

    async def update(self, demand: Demand) -> None:
        """Use this demand, which a reload has changed."""

    def counts(self) -> Mapping[str, Counts]:
        """Return the loss accounting per event type since the start. Cheap; called every second."""

    async def stop(self) -> None:
        """Stop reading input; `batches` yields the rest and ends. Idempotent."""


@runtime_checkable
class BlockingSource(Protocol):
    """A source whose declaration says `blocking`: plain functions, each of which may block. One thread calls `start`
    and reads `batches`, another one `update` and `stop`, which may come while `batches` waits for input."""

    def start(self, demand: Demand) -> None:
        """Start; see `Source.start`."""

    def batches(self) -> Iterable[Sequence[Event | Alert]]:
        """Yield batches; see `Source.batches`. Usually a generator, which `stop` ends."""

    def update(self, demand: Demand) -> None:
        """Use a changed demand; see `Source.update`."""

    def counts(self) -> Mapping[str, Counts]:
        """Return loss accounting; see `Source.counts`. Called on the event loop while the thread may be at work; must
        not block."""

    def stop(self) -> None:
        """Stop; see `Source.stop`."""


@runtime_checkable
class BlockingEnricher(Protocol):
    """An enricher whose declaration says `blocking`: `start` and `resolve` are called on a thread of its own, one at a
    time, and `stop` on another; the rest, which every event needs, on the event loop."""

    def start(self) -> None:
        """Start; see `Enricher.start`."""

    def key(self, event: Event) -> str | None:
        """Return the event's key; see `Enricher.key`. Must not block."""

    def known(self, key: str) -> bool:
        """Return True if the answer is final; see `Enricher.known`. Must not block."""

    def resolve(self, key: str) -> None:
        """Fetch the data of a key; see `Enricher.resolve`."""

    def readers(self) -> FieldReaders:
        """Return readers, which must not block; see `Enricher.readers`."""

    def stop(self) -> None:
        """Stop; see `Enricher.stop`."""


@runtime_checkable
class Enricher(Protocol):
    """A provider of data from outside the stream. See docs/plugins/component.md, "Enricher"."""

    async def start(self) -> None:
        """Connect, load, subscribe. An unreachable outside world is not an error."""

    def key(self, event: Event) -> str | None:
        """Return the key under which the event's data is looked up (a container id); None if there is nothing to look
        up. Pure and cheap."""

    def known(self, key: str) -> bool:
        """Return True if a look-up of the key would be final now, also for a key that is known to have no data."""

    async def resolve(self, key: str) -> None:
        """Fetch the key's data; afterwards `known(key)` is True. The core bounds the time and calls this once per
        unknown key."""

    def readers(self) -> FieldReaders:
        """Return readers of every field that the declaration lists."""

    async def stop(self) -> None:
        """Close connections and files. Idempotent."""


@runtime_checkable
class Evaluator(Protocol):
    """A judge of events. See docs/plugins/component.md, "Evaluator"."""

    def demand(self) -> Demand:
        """Return what could possibly match."""

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Return alerts in the order of their events. Pure: no I/O, no clock."""

    def reload(self) -> "Evaluator":
        """Return a new evaluator with the same settings; called off the event loop. Raises RulesError and then changes
        nothing."""


class Record(msgspec.Struct):
    """An alert on its way to one sink."""

    alert: Alert
    body: bytes
    """The alert in the sink's `format`, without a line end."""
    stamp: Stamp
    """The alert's number at this sink."""


class Retry(msgspec.Struct, frozen=True):
    """An outcome that asks to try the record again, not before `after` seconds."""

    after: float = 0.0
    tried: bool = True
    """False if the record was not sent, or something other than the record failed (a rate limit, no connection). Such
    an attempt never counts against the record, even while others arrive."""
    reason: str = ""
    """Sentence on why the destination does not take the record now, for the state of a run; empty if it is not
    known."""


class Rejected(msgspec.Struct, frozen=True):
    """An outcome that says that the destination will never take this record."""

    reason: str


Outcome = None | Retry | Rejected
"""The outcome of one record; None if it was acknowledged."""

Outcomes = Sequence[Outcome] | None
"""An outcome per record; None if all were acknowledged."""


@runtime_checkable
class Sink(Protocol):
    """A destination of alerts. See docs/plugins/component.md, "Sink". Methods are plain functions if the declaration
    says `blocking`."""

    def start(self) -> Awaitable[None] | None:
        """Prepare for delivery; an absent destination is no error here."""

    def deliver(self, records: Sequence[Record]) -> Awaitable[Outcomes] | Outcomes:
        """Deliver records. Returning None acknowledges all, raising retries all, otherwise return one outcome per
        record."""

    def stop(self) -> Awaitable[None] | None:
        """Flush and close. Idempotent."""


class Visibility(msgspec.Struct, frozen=True):
    """A line of `mozu sources`: something that this machine lets a source see, or not."""

    what: str
    seen: bool
    why: str
    """The means of observation, or what is missing with a remedy."""
