"""The contracts of components: source, enricher, evaluator, sink, and what passes between them and the core.

Every method of these protocols is required; what a component may have besides stands in `capabilities.py`. What a
component may assume and must promise is written in docs/spec/component.md.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from mozu.core.filter.demand import Demand
from mozu.core.model.alert import Alert, Stamp
from mozu.core.model.event import Event
from mozu.core.model.fields import Reader

FieldReaders = Mapping[str, Callable[[str | None], Reader]]
"""Field name → function from the field's argument to a reader of its value."""


class Counts(msgspec.Struct):
    """Loss accounting of one event type in a source: seen = filtered + lost + missed + received."""

    seen: int = 0
    filtered: int = 0
    """Discarded on purpose because no rule could match it."""
    lost: int = 0
    """Found no room in the ring buffer."""
    missed: int | None = 0
    """The program did not run (the kernel's own count); None where the kernel does not count."""
    received: int = 0
    over_share: int = 0
    """Of `lost`: there was room, but not for who made them (`ReportsFloods`)."""


@runtime_checkable
class Source(Protocol):
    """Yields batches of events. See docs/spec/component.md, "Source"."""

    async def start(self, demand: Demand) -> None:
        """Acquire what is needed and begin. Raises SourceUnavailable with a remedy."""

    def batches(self) -> AsyncIterator[Sequence[Event | Alert]]:
        """Batches in order; ends when the input ends or after `stop`, everything in flight yielded first."""

    async def update(self, demand: Demand) -> None:
        """Demand has changed (a reload)."""

    def counts(self) -> Mapping[str, Counts]:
        """Loss accounting per event type, since the start. Cheap; called every second."""

    async def stop(self) -> None:
        """Stop taking in; `batches` yields what is left and ends. Idempotent."""


@runtime_checkable
class BlockingSource(Protocol):
    """A source whose declaration says `blocking`: plain functions, each of which may block. One thread calls `start`
    and reads `batches`, another one `update` and `stop`, which may come while `batches` waits for input."""

    def start(self, demand: Demand) -> None:
        """As `Source.start`."""

    def batches(self) -> Iterable[Sequence[Event | Alert]]:
        """As `Source.batches`; usually a generator. `stop` makes it end."""

    def update(self, demand: Demand) -> None:
        """As `Source.update`."""

    def counts(self) -> Mapping[str, Counts]:
        """As `Source.counts`: on the event loop, while the thread may be at work; must not block."""

    def stop(self) -> None:
        """As `Source.stop`."""


@runtime_checkable
class BlockingEnricher(Protocol):
    """An enricher whose declaration says `blocking`: `start` and `resolve` are called on a thread of its own, one at a
    time, and `stop` on another; the rest, which every event asks for, on the event loop."""

    def start(self) -> None:
        """As `Enricher.start`."""

    def key(self, event: Event) -> str | None:
        """As `Enricher.key`: must not block."""

    def known(self, key: str) -> bool:
        """As `Enricher.known`: must not block."""

    def resolve(self, key: str) -> None:
        """As `Enricher.resolve`."""

    def readers(self) -> FieldReaders:
        """As `Enricher.readers`: readers must not block."""

    def stop(self) -> None:
        """As `Enricher.stop`."""


@runtime_checkable
class Enricher(Protocol):
    """Adds what comes from outside the stream. See docs/spec/component.md, "Enricher"."""

    async def start(self) -> None:
        """Connect, load, subscribe. Absence of the outside world is not an error."""

    def key(self, event: Event) -> str | None:
        """What the event's data hangs on (a container id); None: nothing to look up. Pure and cheap."""

    def known(self, key: str) -> bool:
        """Whether `lookup` would be final now: True also for a key that is known to have no data."""

    async def resolve(self, key: str) -> None:
        """Fetch; afterwards `known(key)` is True. The core bounds the time and calls it once per unknown key."""

    def readers(self) -> FieldReaders:
        """Readers of every field that the declaration lists."""

    async def stop(self) -> None:
        """Close connections and files. Idempotent."""


@runtime_checkable
class Evaluator(Protocol):
    """Decides. See docs/spec/component.md, "Evaluator"."""

    def demand(self) -> Demand:
        """What could possibly match."""

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Alerts in the order of their events. Pure: no I/O, no clock."""

    def reload(self) -> "Evaluator":
        """A new evaluator from the same settings; called off the loop. Raises RulesError and changes nothing."""


class Record(msgspec.Struct):
    """One alert on its way to one sink."""

    alert: Alert
    body: bytes
    """The alert in the sink's `format`, without a line end."""
    stamp: Stamp
    """Its number at this sink."""


class Retry(msgspec.Struct, frozen=True):
    """Try this record again, not before `after` seconds."""

    after: float = 0.0
    tried: bool = True
    """False: it was not sent, or what failed was not its fault (a rate limit, no connection). Such an attempt never
    counts against the record, even while others arrive."""


class Rejected(msgspec.Struct, frozen=True):
    """The destination will never take this record."""

    reason: str


Outcome = None | Retry | Rejected
"""What became of one record; None: acknowledged."""

Outcomes = Sequence[Outcome] | None
"""One outcome per record; None: all are acknowledged."""


@runtime_checkable
class Sink(Protocol):
    """Delivers. See docs/spec/component.md, "Sink". Methods are plain functions if the declaration says `blocking`."""

    def start(self) -> Awaitable[None] | None:
        """Get ready; a destination that is absent is no error here."""

    def deliver(self, records: Sequence[Record]) -> Awaitable[Outcomes] | Outcomes:
        """Returning nothing acknowledges all, raising retries all, else one outcome per record."""

    def stop(self) -> Awaitable[None] | None:
        """Flush and close. Idempotent."""


class Visibility(msgspec.Struct, frozen=True):
    """One line of `mozu sources`: something that this machine lets a source see, or not."""

    what: str
    seen: bool
    why: str
    """By which means it is seen, or what is missing; what to do about it."""
