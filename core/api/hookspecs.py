"""The hooks: what a plugin can be.

A plugin is a module (or object) with one or more of the hooks below. Each hook returns a *declaration*: name, settings,
what else the plugin brings (fields, event types), and how to build a component. pluggy is called to collect
declarations, when configuration is read; never on the path of an event. What a component may assume and must promise is
written in docs/spec/component.md.

Third parties: group `mozu` of entry points; name the distribution `mozu-<name>`. An entry point is imported only when
the configuration names it.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import msgspec
import pluggy
from pydantic import BaseModel, ConfigDict

from mozu.core.filter.demand import Demand
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Stamp
from mozu.core.model.event import Event
from mozu.core.model.fields import Field, FieldRegistry

API_VERSION: Final = 1
"""Raised when a contract changes in a way that breaks plugins; announced one minor release before (docs/hooks.md)."""

hookspec = pluggy.HookspecMarker("mozu")
hookimpl = pluggy.HookimplMarker("mozu")


class Settings(BaseModel):
    """The base of every plugin's settings: unknown keys are refused, values never change.

    Give each setting a type, a default where there is a sensible one, and `Field(description=…)` of one sentence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class Counts(msgspec.Struct):
    """Loss accounting of one event type in a source: seen = filtered + lost + missed + received."""

    seen: int = 0
    filtered: int = 0
    """Discarded on purpose because no rule could want it."""
    lost: int = 0
    """Found no room in the ring."""
    missed: int | None = 0
    """The program did not run (the kernel's own count); None where the kernel does not count."""
    received: int = 0


class Context(msgspec.Struct):
    """What the core hands to a component when it builds it."""

    id: str
    """The instance's name in the configuration; logs, metrics and spools use it."""
    log: logging.Logger
    metrics: Metrics
    """Scoped to this component: labels `kind` and `id` are set."""
    fields: FieldRegistry
    """Every field of this engine, those of plugins too; complete once all plugins are declared."""
    offline: bool = False
    """True where nothing may be fetched from outside (recordings)."""
    requested_fields: tuple[str, ...] = ()
    """Evaluators: fields that the encoders in use want of each alert (`Alert.enrichment`)."""
    content_type: str = ""
    """Sinks: the media type of a record's body."""
    spawn: Callable[[Awaitable[None], str], None] | None = None
    """(coroutine, name): start a task for the component's own background work. The engine's task group owns it,
    contains its failure and cancels it at the end. None outside an engine."""


ProcessPredicate = Callable[[int], Sequence[bool] | None]
"""A process → which of some facts hold of it; None: the process is not known."""


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

    def readers(self) -> Mapping[str, Callable[[str | None], Callable[[Any], Any]]]:
        """Field name → function from the argument to a reader. Covers every field that the declaration lists."""

    async def stop(self) -> None:
        """Let go. Idempotent."""


@runtime_checkable
class Evaluator(Protocol):
    """Decides. See docs/spec/component.md, "Evaluator"."""

    def demand(self) -> Demand:
        """What could possibly matter."""

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
"""None: acknowledged."""


@runtime_checkable
class Sink(Protocol):
    """Delivers. See docs/spec/component.md, "Sink". Synchronous methods if the declaration says `blocking`."""

    def start(self) -> Awaitable[None] | None:
        """Get ready; a destination that is absent is no error here."""

    def deliver(self, records: Sequence[Record]) -> "Awaitable[Sequence[Outcome] | None] | Sequence[Outcome] | None":
        """Returning nothing acknowledges all, raising retries all, else one outcome per record."""

    def stop(self) -> Awaitable[None] | None:
        """Flush and let go. Idempotent."""


class Capability(msgspec.Struct, frozen=True):
    """One line of `mozu sources`: something that this machine lets a source see, or not."""

    what: str
    seen: bool
    why: str
    """By which means it is seen, or what is missing; what to do about it."""


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """What a hook returns."""

    name: str
    """As configuration writes it; unique within its kind."""
    build: Callable[[Any, Context], Any]
    """(settings, context) → component."""
    summary: str
    """One sentence for `mozu plugins`."""
    settings: type[Settings] = Settings
    api: int = API_VERSION
    fields: tuple[Field, ...] = ()
    """Fields it brings. An enricher gives their readers through the component."""
    event_source: str = ""
    """Sources: the source class of its events. `syscall` events pass through the core's state machine."""
    live: bool = True
    """Sources: True if the world goes on while nobody reads (eBPF); False if reading can wait (recordings, Kafka)."""
    capabilities: Callable[[], Iterable[Capability]] | None = None
    """Sources: what this machine lets it see, for `mozu sources`; it may take a second, and starts nothing. None where
    that does not depend on the machine."""
    blocking: bool = False
    """Sinks: `deliver` may block; it runs on a worker thread of its own."""


class Hooks:
    """The hook specifications, in the order in which the core asks for them."""

    @hookspec
    def mozu_source(self) -> Declaration | Sequence[Declaration]:  # type: ignore[empty-body]
        """Declare a source: something that yields events (or ready alerts).

        Called: once, when configuration has been read, on the main thread.
        Returns: one declaration, or several.
        May block: no.
        If it raises: the plugin is refused by name and mozu does not start.
        """

    @hookspec
    def mozu_enricher(self) -> Declaration | Sequence[Declaration]:  # type: ignore[empty-body]
        """Declare an enricher: something that knows what the stream of events does not tell.

        Called: once, when configuration has been read, on the main thread.
        Returns: one declaration, or several.
        May block: no.
        If it raises: the plugin is refused by name and mozu does not start.
        """

    @hookspec
    def mozu_evaluator(self) -> Declaration | Sequence[Declaration]:  # type: ignore[empty-body]
        """Declare an evaluator: something that turns events into alerts.

        Called: once, when configuration has been read, on the main thread.
        Returns: one declaration, or several.
        May block: no.
        If it raises: the plugin is refused by name and mozu does not start.
        """

    @hookspec
    def mozu_sink(self) -> Declaration | Sequence[Declaration]:  # type: ignore[empty-body]
        """Declare a sink: something that takes alerts to where they are read.

        Called: once, when configuration has been read, on the main thread.
        Returns: one declaration, or several.
        May block: no.
        If it raises: the plugin is refused by name and mozu does not start.
        """
