"""Declarations of plugins, by kind: name, settings, and how to build the component."""

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
"""Version of the contracts, raised by a change that breaks plugins; the version before stays accepted
(docs/plugins/hooks.md)."""

S = TypeVar("S", bound=Settings)
C = TypeVar("C")


class PluginDeclaration(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """The members that all declarations have; a plugin makes one of the classes below."""

    kind: ClassVar[Kind]

    name: str
    """The name in the configuration; unique within its kind."""
    settings: type[S]
    """The class of the settings; `Settings` itself if there are none."""
    summary: str
    """A sentence for `mozu plugins`."""
    fields: tuple[Field, ...] = ()
    """Fields that the plugin brings. An enricher's component returns their readers."""
    commands: Callable[[], Mapping[str, "click.Command"]] | None = None
    """The plugin's commands by name: `mozu NAME COMMAND`. Each finds the validated settings of its entry in the
    configuration as the context's object (`click.pass_obj`)."""
    api: int = API_VERSION


class ComponentDeclaration(PluginDeclaration[S], Generic[S, C], frozen=True, kw_only=True):
    """The members that the declarations of all components have."""

    build: Callable[[S, Context], C]
    """Function from (settings, context) to the component: a class, or a function whose annotation names the class,
    whose methods are then checked when the plugin is loaded, and otherwise when the component is built."""
    blocking: bool = False
    """True if the component's methods are plain functions, which may block: they run on a thread of its own
    (docs/plugins/hooks.md, "Threads")."""
    privileges: Callable[[S], Iterable[Privilege]] | None = None
    """Function from settings to the Linux capabilities that the component uses with them, for `mozu run --check`
    (docs/operate/privileges.md). None if it needs none."""


class SourceDeclaration(ComponentDeclaration[S, Source | BlockingSource], Generic[S], frozen=True, kw_only=True):
    """Declaration of a source: a component that yields events (or ready alerts)."""

    kind: ClassVar[Kind] = Kind.SOURCE

    event_source: str = ""
    """The source class of the events. `syscall` events pass through the core's state machine."""
    events: tuple[DataEventType, ...] = ()
    """The types of the source's events, if they are its own and no system calls."""
    live: bool = True
    """True if the world goes on while the source is not read (eBPF); False if reading can wait (recordings, Kafka).
    Only a source that can wait acknowledges its input (`AcksBatches`); responders act on its alerts only with
    `acted_on`."""
    acted_on: bool = False
    """True if responders act on alerts about the events of a source that is not live, because they happen now. A live
    source's are always acted on."""
    ends: bool = False
    """True if a live source's input may end: a traced command. Otherwise a live source that ends by itself raises an
    alert and is started again."""
    changeable: frozenset[str] = frozenset()
    """Settings that may change while the source runs, with the capability `ChangesSettings`; others need a restart."""
    pushdown: Callable[[Demand, FieldRegistry], Mapping[str, Pushdown]] | None = None
    """Function that returns, per event type, what the source can filter of a demand, for `mozu rules explain`; starts
    nothing. None if the source ignores predicates."""
    visibility: Callable[[], Iterable[Visibility]] | None = None
    """Function that returns what this machine lets the source see, for `mozu sources`; may take a second and starts
    nothing. None if that does not depend on the machine."""
    start_problem: Callable[[S], str | None] | None = None
    """Function that returns in one sentence why the source could not start on this machine with these settings; None if
    nothing is known. For `mozu run --check`; starts nothing."""


class SourceChoiceDeclaration(PluginDeclaration[S], Generic[S], frozen=True, kw_only=True):
    """Declaration of a source that stands for others: the first that can start on this machine takes its place."""

    kind: ClassVar[Kind] = Kind.SOURCE

    choices: tuple[str, ...]
    """Names of settings that name these sources, best first, each a `SourceChoice`. Settings with the value `none` are
    left out."""


class EnricherDeclaration(ComponentDeclaration[S, Enricher | BlockingEnricher], Generic[S], frozen=True, kw_only=True):
    """Declaration of an enricher: a component that supplies facts which the stream of events does not contain."""

    kind: ClassVar[Kind] = Kind.ENRICHER

    provides: tuple[str, ...] = ()
    """Further names that the enricher is asked for, besides the fields of its `readers()`: NAME stands for the need
    `enricher:NAME` of fields that read its entries in `Context.fields.lookups` (`users`)."""
    lookups: LookupLimits = LookupLimits()
    """Limits of the core's calls of `resolve`; an entry's setting `lookups` changes single values."""


class EvaluatorDeclaration(ComponentDeclaration[S, Evaluator], Generic[S], frozen=True, kw_only=True):
    """Declaration of an evaluator: a component that turns events into alerts."""

    kind: ClassVar[Kind] = Kind.EVALUATOR


class SinkDeclaration(ComponentDeclaration[S, Sink], Generic[S], frozen=True, kw_only=True):
    """Declaration of a sink: a component that delivers alerts to a destination."""

    kind: ClassVar[Kind] = Kind.SINK


R = TypeVar("R", bound=ResponderSettings)


class ResponderDeclaration(
    ComponentDeclaration[R, Responder | BlockingResponder], Generic[R], frozen=True, kw_only=True
):
    """Declaration of a responder: a component that acts on alerts."""

    kind: ClassVar[Kind] = Kind.RESPONDER


AnySource = SourceDeclaration[Any]
AnySourceChoice = SourceChoiceDeclaration[Settings]
AnyEnricher = EnricherDeclaration[Any]
AnyEvaluator = EvaluatorDeclaration[Any]
AnySink = SinkDeclaration[Any]
AnyResponder = ResponderDeclaration[Any]
AnyComponent = AnySource | AnyEnricher | AnyEvaluator | AnySink | AnyResponder
AnyDeclaration = AnyComponent | AnySourceChoice
"""Any of the six declarations, whatever its settings are; the registry validates those against `settings`."""

DECLARATIONS: Final[tuple[type[AnyDeclaration], ...]] = (
    SourceDeclaration,
    SourceChoiceDeclaration,
    EnricherDeclaration,
    EvaluatorDeclaration,
    SinkDeclaration,
    ResponderDeclaration,
)
"""The classes of the six declarations."""
