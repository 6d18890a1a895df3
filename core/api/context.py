"""The services a component receives when it is built: name, log, metrics, fields, a directory, background tasks."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from mozu.core.api.event_types import DataEventType
from mozu.core.api.lookup_table import AnyLookupTable, LookupTable
from mozu.core.api.state_directory import made_private
from mozu.core.errors import MozuError
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry

Spawn = Callable[[Awaitable[None], str], None]
"""(coroutine, name) → nothing: start a background task."""


class Context(msgspec.Struct):
    """The services that a component receives when it is built."""

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
    state_path: Path | None = None
    """The path of `state_directory`; None if components are built for inspection only (`mozu check`)."""

    def state_directory(self) -> Path:
        """Return a directory of the component's own, for what must outlive a run: a position, a cursor. It is made at
        the first call, belongs to mozu's user, has the mode 0700, and stays through restarts and upgrades; mozu removes
        nothing from it. Call it in `start` or later. Raises MozuError where it cannot be made."""
        if self.state_path is None:
            raise MozuError(f"{self.id} has no state directory before it is started; call `state_directory` in `start`")
        return made_private(self.state_path)
