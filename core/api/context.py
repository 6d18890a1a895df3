"""What the core hands to a component when it builds it: name, log, metrics, fields, background tasks."""

import logging
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from mozu.core.api.event_types import DataEventType
from mozu.core.api.lookup_table import AnyLookupTable, LookupTable
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry

Spawn = Callable[[Awaitable[None], str], None]
"""(coroutine, name) → nothing: start a background task."""


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
    """True where nothing may be fetched from this machine or the network (recordings)."""
    requested_fields: tuple[str, ...] = ()
    """Evaluators: fields that the encoders in use show with each alert (`Alert.enrichment`)."""
    lookups: AnyLookupTable = msgspec.field(default_factory=LookupTable)
    """Enrichers: where `resolve` keeps what it found, by key; bounded by the setting `lookups.cache` of the entry."""
    event_types: Mapping[tuple[str, str], DataEventType] = {}
    """Source class and type → what a plugin that is loaded declares of such events (`SourceDeclaration.events`)."""
    content_type: str = ""
    """Sinks: the media type of a record's body."""
    spawn: Spawn | None = None
    """Start a task for the component's own background work. The engine's task group owns it, contains its failure and
    cancels it at the end. None outside an engine."""
