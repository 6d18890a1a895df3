"""What a plugin declares, by kind: name, settings, and how to build the component."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, Generic, TypeVar

import click
import msgspec

from mozu.core.api.components import (
    BlockingEnricher,
    BlockingSource,
    Enricher,
    Evaluator,
    Sink,
    Source,
    Visibility,
)
from mozu.core.api.context import Context
from mozu.core.api.event_types import DataEventType
from mozu.core.api.kind import Kind
from mozu.core.api.lookup_table import LookupLimits
from mozu.core.api.privileges import Privilege
from mozu.core.api.responders import BlockingResponder, Responder, ResponderSettings
from mozu.core.api.settings import Settings
from mozu.core.filter.demand import Demand
from mozu.core.filter.pushdown import Pushdown
from mozu.core.model.fields import Field, FieldRegistry

API_VERSION: Final = 2
"""Raised when a contract changes in a way that breaks plugins; the version before stays accepted (docs/hooks.md)."""

S = TypeVar("S", bound=Settings)
C = TypeVar("C")


class PluginDeclaration(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """What all declarations have; a plugin makes one of the classes below."""

    kind: ClassVar[Kind]

    name: str
    """As configuration writes it; unique within its kind."""
    settings: type[S]
    """`Settings` itself where there are none."""
    summary: str
    """One sentence for `mozu plugins`."""
    fields: tuple[Field, ...] = ()
    """Fields it brings. An enricher gives their readers through the component."""
    commands: Callable[[], Mapping[str, "click.Command"]] | None = None
    """Commands of its own, by name: `mozu NAME COMMAND`. Each finds the validated settings of its entry in the
    configuration as the context's object (`click.pass_obj`)."""
    api: int = API_VERSION


class ComponentDeclaration(PluginDeclaration[S], Generic[S, C], frozen=True, kw_only=True):
    """What the declarations of all components have."""

    build: Callable[[S, Context], C]
    """(settings, context) → component. A class, or a function whose annotation names the class: its methods are then
    checked when the plugin is loaded, otherwise when the component is built."""
    blocking: bool = False
    """Its methods are plain functions, which may block: they run on a thread of its own (docs/hooks.md, "Threads")."""
    privileges: Callable[[S], Iterable[Privilege]] | None = None
    """Which capabilities of Linux it uses with these settings, for `mozu run --check` (docs/privileges.md). None where
    it needs none."""


class SourceDeclaration(ComponentDeclaration[S, Source | BlockingSource], Generic[S], frozen=True, kw_only=True):
    """Declares a source: something that yields events (or ready alerts)."""

    kind: ClassVar[Kind] = Kind.SOURCE

    event_source: str = ""
    """The source class of its events. `syscall` events pass through the core's state machine."""
    events: tuple[DataEventType, ...] = ()
    """The types of its events, where they are its own and no system calls."""
    live: bool = True
    """True if the world goes on while it is not read (eBPF); False if reading can wait (recordings, Kafka). Only a
    source that can wait acknowledges its input (`AcksBatches`); responders act on its alerts only with `acted_on`."""
    acted_on: bool = False
    """Responders act on alerts about its events although it is not live: they are of now. They always do if it is."""
    ends: bool = False
    """Its input may have an end though it is live: a command that is traced. Otherwise a live source that ends by
    itself is an alert, and is started again."""
    changeable: frozenset[str] = frozenset()
    """Settings that may change while it runs, if it has the capability `ChangesSettings`; others take a restart."""
    pushdown: Callable[[Demand, FieldRegistry], Mapping[str, Pushdown]] | None = None
    """Event type → what it can filter of a demand, for `mozu rules explain`; starts nothing. None where it ignores
    predicates."""
    visibility: Callable[[], Iterable[Visibility]] | None = None
    """What this machine lets it see, for `mozu sources`; it may take a second, and starts nothing. None where that does
    not depend on the machine."""
    start_problem: Callable[[S], str | None] | None = None
    """Why it could not start on this machine with these settings, in one sentence; None: nothing speaks against it. For
    `mozu run --check`; starts nothing."""


class SourceChoiceDeclaration(PluginDeclaration[S], Generic[S], frozen=True, kw_only=True):
    """Declares a source that is one of others: the first that can start on this machine takes its place."""

    kind: ClassVar[Kind] = Kind.SOURCE

    choices: tuple[str, ...]
    """Settings that name these sources, best first, each a `SourceChoice`. Those that are `none` are left out."""


class EnricherDeclaration(ComponentDeclaration[S, Enricher | BlockingEnricher], Generic[S], frozen=True, kw_only=True):
    """Declares an enricher: something that knows what is not in the stream of events."""

    kind: ClassVar[Kind] = Kind.ENRICHER

    provides: tuple[str, ...] = ()
    """What it is asked for besides the fields of its `readers()`: NAME stands for the need `enricher:NAME` of fields
    that read what it puts into `Context.fields.lookups` (`users`)."""
    lookups: LookupLimits = LookupLimits()
    """How the core calls `resolve`; an entry's setting `lookups` changes single values."""


class EvaluatorDeclaration(ComponentDeclaration[S, Evaluator], Generic[S], frozen=True, kw_only=True):
    """Declares an evaluator: something that turns events into alerts."""

    kind: ClassVar[Kind] = Kind.EVALUATOR


class SinkDeclaration(ComponentDeclaration[S, Sink], Generic[S], frozen=True, kw_only=True):
    """Declares a sink: something that takes alerts to where they are read."""

    kind: ClassVar[Kind] = Kind.SINK


R = TypeVar("R", bound=ResponderSettings)


class ResponderDeclaration(
    ComponentDeclaration[R, Responder | BlockingResponder], Generic[R], frozen=True, kw_only=True
):
    """Declares a responder: something that acts on alerts."""

    kind: ClassVar[Kind] = Kind.RESPONDER


AnySource = SourceDeclaration[Any]
AnySourceChoice = SourceChoiceDeclaration[Settings]
AnyEnricher = EnricherDeclaration[Any]
AnyEvaluator = EvaluatorDeclaration[Any]
AnySink = SinkDeclaration[Any]
AnyResponder = ResponderDeclaration[Any]
AnyComponent = AnySource | AnyEnricher | AnyEvaluator | AnySink | AnyResponder
AnyDeclaration = AnyComponent | AnySourceChoice
"""One of the six, whatever its settings are; the registry validates those against `settings`."""

DECLARATIONS: Final[tuple[type[AnyDeclaration], ...]] = (
    SourceDeclaration,
    SourceChoiceDeclaration,
    EnricherDeclaration,
    EvaluatorDeclaration,
    SinkDeclaration,
    ResponderDeclaration,
)
"""Their classes."""
