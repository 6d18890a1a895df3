"""An assembly: the built components of a configuration, and what they were built from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from mozu.core.api import Enricher, Evaluator, Kind, Responder, ResponderSettings, Settings, Sink, Source
from mozu.core.api.declarations import AnySource
from mozu.core.api.extensions import Encoder
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.core.delivery.redact import Redactor
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.flow.impaired_fields import ImpairedFields
from mozu.core.flow.wanted_enrichers import EnricherLookups
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.fields import FieldRegistry
from mozu.core.recording import PluginValues
from mozu.core.respond.named_files import NamedFiles
from mozu.core.respond.protection import Protection
from mozu.core.respond.settings import RespondSettings
from mozu.core.runtime.config import Config, Entry
from mozu.core.runtime.config.delivery import STATE_DIR
from mozu.core.runtime.config.recording import CaptureSettings, RecordSettings
from mozu.core.runtime.config.resolve import ResolveSettings
from mozu.core.runtime.secret_memory import keep_memory


class BuiltSource(msgspec.Struct):
    """A source, with the facts of its declaration."""

    declaration: AnySource
    isolated: Isolated[Source]
    fallback: "Callable[[], BuiltSource] | None" = None
    """Function that builds the replacement for a source that cannot start; None if there is none."""


class BuiltSink(msgspec.Struct):
    """A sink, with its entry in the configuration."""

    entry: Entry
    isolated: Isolated[Sink]
    encoder: Encoder = msgspec.field(default_factory=FalcoText)
    """Encoder of alerts into bytes."""

    @property
    def spool(self) -> Path | None:
        """The file of its queue; None for a queue in memory."""
        return self.entry.spool.file(self.entry.id) if self.entry.spool.enabled else None


class BuiltResponder(msgspec.Struct):
    """A responder, with the settings that the core reads."""

    isolated: Isolated[Responder]
    settings: ResponderSettings


class Recipe(msgspec.Struct, frozen=True):
    """The recipe of a component: what it was built from. While the recipe is equal a reload keeps the component."""

    plugin: str
    settings: Settings
    surroundings: tuple[object, ...] = ()
    """Arguments of the component besides its settings."""
    content: bytes = b""
    """Digest of the files that belong to the settings; not for evaluators, which compare files themselves
    (`reload`)."""


class Assembly(msgspec.Struct):
    """The components that a configuration names, built and not yet started."""

    fields: FieldRegistry
    sources: list[BuiltSource]
    enrichers: list[Isolated[Enricher]]
    evaluators: list[Isolated[Evaluator]]
    sinks: list[BuiltSink]
    enrichment_buffer: EnrichmentBufferBounds
    hostname: str
    origin: str
    """Identity of this run: host, boot and run, in which event numbers are unique."""
    stop_deadline: float
    """Seconds."""
    responders: list[BuiltResponder] = []
    respond: RespondSettings = RespondSettings()
    protection: Protection | None = None
    """The allow list's plan, once it is made."""
    named_files: NamedFiles = msgspec.field(default_factory=NamedFiles)
    """Files that rules of the responders name."""
    memory_limit: int = 0
    """Bytes of memory that mozu may use; 0: no limit."""
    verdict_memory: int = 0
    """Bytes of the judged-call cache of one source; 0: every event is evaluated."""
    alert_limiter: AlertLimiter = msgspec.field(default_factory=AlertLimiter)
    redact: Redactor | None = None
    """Redactor of secrets in alerts; None if redaction is off."""
    record: RecordSettings = RecordSettings()
    capture: CaptureSettings = CaptureSettings()
    resolve: ResolveSettings = ResolveSettings()
    version: str = ""
    """Version of mozu."""
    state_dir: Path = STATE_DIR
    files: tuple[str, ...] = ()
    """Files that the configuration was read from."""
    watched: dict[Path, bytes] = {}
    """Files and directories from which the assembly was made, whether they exist or not, with their content
    (`contents_of`)."""
    config: Config = msgspec.field(default_factory=Config)
    recipes: dict[tuple[Kind, str], Recipe] = {}
    """Recipes by kind and id of the component."""
    key_lookups: list[EnricherLookups] = []
    """Limits of the look-ups of each enricher."""
    plugin_values: PluginValues = msgspec.field(default_factory=PluginValues)
    """Values that recordings keep of third parties' enrichers."""
    impaired: ImpairedFields = msgspec.field(default_factory=ImpairedFields)
    """Fields of plugins whose values were wrong."""
    lookups: dict[tuple[Kind, str], dict[str, Any]] = {}
    """Look-ups of names that each component assigned when it was built."""
    field_plugins: frozenset[tuple[str, str]] = frozenset()
    """Plugins whose declared fields are in `fields`."""

    def become(self, other: "Assembly") -> None:
        """Replace everything here by what a reload built from the new configuration."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(other, name))

    def keep_secrets(self) -> None:
        """Keep mozu's memory from core dumps if settings hold a secret, unless `core_dumps` allows them."""
        if not self.config.core.core_dumps:
            keep_memory([self.config.core, *(one.settings for one in self.recipes.values())])

    def set_deadlines(self) -> None:
        """Apply the configured deadlines to the components, including those that a reload has kept."""
        components: dict[tuple[Kind, str], Isolated[object]] = {
            **{(Kind.SOURCE, one.isolated.name): one.isolated for one in self.sources},
            **{(Kind.ENRICHER, one.name): one for one in self.enrichers},
            **{(Kind.EVALUATOR, one.name): one for one in self.evaluators},
            **{(Kind.SINK, one.isolated.name): one.isolated for one in self.sinks},
            **{(Kind.RESPONDER, one.isolated.name): one.isolated for one in self.responders},
        }
        for entry in self.config.entries():
            if (entry.kind, entry.id) in components:
                components[entry.kind, entry.id].start_seconds = self.config.start_seconds(entry)

    @property
    def helpers(self) -> "list[Isolated[Enricher] | Isolated[Responder]]":
        """Enrichers and responders: started before sources, and stopped after sinks."""
        return [*self.enrichers, *(one.isolated for one in self.responders)]

    def assign_lookups(self) -> None:
        """Have the components of this assembly, in their order, and no others answer the look-ups of names."""
        names = self.fields.lookups
        names.forget()
        for entry in (*self.config.enrichers, *self.config.sources):
            names.add(self.lookups.get((entry.kind, entry.id), {}))
