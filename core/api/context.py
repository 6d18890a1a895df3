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
"""Function that starts a background task, from a coroutine and a name."""


class Context(msgspec.Struct):
    """The services that a component receives when it is built."""

    id: str
    """The instance's name in the configuration; used by logs, metrics and spools."""
    log: logging.Logger
    metrics: Metrics
    """Metrics scoped to this component: labels `kind` and `id` are set."""
    fields: FieldRegistry
    """Every field of this engine, plugins' fields included; complete once all plugins are declared."""
    offline: bool = False
    """True if nothing may be fetched from this machine or the network (recordings)."""
    requested_fields: tuple[str, ...] = ()
    """Fields, for evaluators, that the encoders in use show with each alert (`Alert.enrichment`)."""
    lookups: AnyLookupTable = msgspec.field(default_factory=LookupTable)
    """Table of an enricher, in which `resolve` keeps its results by key; bounded by the entry's setting
    `lookups.cache`."""
    event_types: Mapping[tuple[str, str], DataEventType] = {}
    """Map from source class and type to the declaration of such events by a loaded plugin
    (`SourceDeclaration.events`)."""
    content_type: str = ""
    """The media type of a record's body, for sinks."""
    schema: str = ""
    """The JSON Schema of a record's body, for sinks (`FormatDeclaration.schema`); empty if there is none."""
    spawn: Spawn | None = None
    """Function that starts a task for the component's own background work. The engine's task group owns the task,
    contains its failure and cancels it at the end. None outside an engine."""
    state_path: Path | None = None
    """The path of `state_directory`; None if components are built for inspection only (`mozu check`)."""

    def state_directory(self) -> Path:
        """Return a directory of the component's own, for what must outlive a run: a position, a cursor. The first call
        makes it; it belongs to mozu's user, has the mode 0700, and stays through restarts and upgrades; mozu removes
        nothing from it. Call this in `start` or later. Raises MozuError if the directory cannot be made."""
        if self.state_path is None:
            raise MozuError(f"{self.id} has no state directory before it is started; call `state_directory` in `start`")
        return made_private(self.state_path)
