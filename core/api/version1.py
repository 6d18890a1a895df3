"""Version 1 of the hook API, accepted with a warning: one hook per kind, one `Declaration` for all, other names.

A declaration of version 1 is converted to one of today's; its component gets today's names of capabilities beside its
own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec
import pluggy

from mozu.core.api.components import Visibility
from mozu.core.api.context import Context
from mozu.core.api.contract import RENAMED
from mozu.core.api.declarations import (
    AnyDeclaration,
    EnricherDeclaration,
    EvaluatorDeclaration,
    SinkDeclaration,
    SourceDeclaration,
)
from mozu.core.api.kind import Kind
from mozu.core.api.settings import Settings
from mozu.core.filter.demand import Interest
from mozu.core.filter.formula import TRUE, Formula
from mozu.core.model.fields import Field

T = TypeVar("T")

VERSION: Final = 1

hookspec = pluggy.HookspecMarker("mozu")


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration of any kind, as a hook of version 1 returns it."""

    name: str
    build: Callable[[Any, Context], Any]
    summary: str
    settings: type[Settings] = Settings
    api: int = VERSION
    fields: tuple[Field, ...] = ()
    event_source: str = ""
    live: bool = True
    sights: Callable[[], Iterable[Visibility]] | None = None
    blocking: bool = False


def Need(  # noqa: N802  in version 1 this was a class
    facets: frozenset[str] = frozenset(), predicate: Formula = TRUE
) -> Interest:
    """Return `Interest(state_dependencies, predicate)`, today's name for it."""
    return Interest(facets, predicate)


class Version1Context(Context):
    """A context with version 1's names."""

    @property
    def strict(self) -> bool:
        """Version 1's name of `offline`."""
        return self.offline

    @property
    def wanted(self) -> tuple[str, ...]:
        """Version 1's name of `requested_fields`."""
        return self.requested_fields


class Version1Hooks:
    """The hooks of version 1: one per kind."""

    @hookspec
    def mozu_source(self) -> Declaration | Sequence[Declaration]:  # type: ignore[empty-body]  # pluggy never calls a spec
        """Declare sources; now `mozu_components` with a `SourceDeclaration`."""

    @hookspec
    def mozu_enricher(self) -> Declaration | Sequence[Declaration]:  # type: ignore[empty-body]  # pluggy never calls a spec
        """Declare enrichers; now `mozu_components` with an `EnricherDeclaration`."""

    @hookspec
    def mozu_evaluator(self) -> Declaration | Sequence[Declaration]:  # type: ignore[empty-body]  # pluggy never calls a spec
        """Declare evaluators; now `mozu_components` with an `EvaluatorDeclaration`."""

    @hookspec
    def mozu_sink(self) -> Declaration | Sequence[Declaration]:  # type: ignore[empty-body]  # pluggy never calls a spec
        """Declare sinks; now `mozu_components` with a `SinkDeclaration`."""


HOOKS: Final = {
    "mozu_source": Kind.SOURCE,
    "mozu_enricher": Kind.ENRICHER,
    "mozu_evaluator": Kind.EVALUATOR,
    "mozu_sink": Kind.SINK,
}
"""Map from a hook of version 1 to the kind that it declares."""


def upgraded(declaration: Declaration, kind: Kind) -> AnyDeclaration:
    """Return the declaration in today's form."""
    name, settings, summary, fields = (
        declaration.name, declaration.settings, declaration.summary, declaration.fields,
    )  # fmt: skip

    def build(settings: Settings, context: Context) -> Any:
        return _with_new_names(declaration.build(settings, _context(context)))

    if kind is Kind.SOURCE:
        return SourceDeclaration(
            name=name, build=build, settings=settings, summary=summary, fields=fields,
            event_source=declaration.event_source, live=declaration.live, visibility=declaration.sights,
        )  # fmt: skip
    if kind is Kind.ENRICHER:
        return EnricherDeclaration(name=name, build=build, settings=settings, summary=summary, fields=fields)
    if kind is Kind.EVALUATOR:
        return EvaluatorDeclaration(name=name, build=build, settings=settings, summary=summary, fields=fields)
    return SinkDeclaration(
        name=name, build=build, settings=settings, summary=summary, fields=fields, blocking=declaration.blocking
    )


def _context(context: Context) -> Version1Context:
    return Version1Context(
        id=context.id, log=context.log, metrics=context.metrics, fields=context.fields, offline=context.offline,
        requested_fields=context.requested_fields, lookups=context.lookups, event_types=context.event_types,
        content_type=context.content_type, schema=context.schema, spawn=context.spawn, state_path=context.state_path,
    )  # fmt: skip


def _with_new_names(component: T) -> T:
    """Return the component, given today's names of its capabilities in addition."""
    for old, new in RENAMED.items():
        found = getattr(component, old, None)
        if found is not None and not hasattr(component, new):
            setattr(component, new, found)
    return component
