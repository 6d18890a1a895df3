"""The typed configuration: what the engine is built from."""

from pathlib import Path
from typing import Annotated, Final

import msgspec
from pydantic import AfterValidator, ByteSize, Field

from mozu.core.api import Kind, Settings
from mozu.core.delivery.redact import problem_of
from mozu.core.model.value_types import Json
from mozu.core.respond.settings import RespondSettings
from mozu.core.runtime.config.config_file import ConfigFile
from mozu.core.runtime.config.delivery import (
    STATE_DIR,
    AlertLimitSettings,
    QueueSettings,
    RetrySettings,
    RouteSettings,
    SpoolSettings,
)
from mozu.core.runtime.config.http import HttpSettings
from mozu.core.runtime.config.isolation import IsolationSettings
from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.config.lookups import LookupSettings
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.memory import MemorySettings
from mozu.core.runtime.config.node import YamlNode
from mozu.core.runtime.config.recording import CaptureSettings, RecordSettings
from mozu.core.runtime.config.resolve import ResolveSettings
from mozu.core.runtime.config.validate import secret_files
from mozu.core.runtime.config.verdict_memory import VerdictMemorySettings

SECTIONS: Final = {kind.section: kind for kind in Kind}
"""Key of a list → its kind, in the order of the flow."""

RESERVED: Final = frozenset(
    {
        *("id", "format", "heartbeat", "isolation", "lookups", "optional", "queue", "retry", "route", "spool"),
        "start_deadline",
    }
)
"""Keys of an entry that belong to the core; no plugin may have a setting of these names."""


class ReloadSettings(Settings):
    """The occasions on which the configuration is read again; SIGHUP is always one."""

    watch: bool = Field(
        False,
        description="Also when a file changes that was read: configuration, rules, secrets, certificates.",
    )


class EnrichmentBufferSettings(Settings):
    """The bounds of the buffer of events whose container is not known yet."""

    seconds: float = Field(
        0.5,
        ge=0,
        le=60,
        description="The longest that an event waits, less the time for which mozu waits for a CPU; 0: none waits.",
    )
    events: int = Field(20_000, ge=1, description="The most events that wait at once.")
    bytes: ByteSize = Field(ByteSize(32 << 20), ge=1, description="The most memory, roughly, that waiting events take.")


def _expressions(found: tuple[str, ...]) -> tuple[str, ...]:
    for number, expression in enumerate(found, 1):
        problem = problem_of(expression)
        if problem:
            raise ValueError(f"expression {number} ({expression}) cannot be used: {problem}")
    return found


class RedactSettings(Settings):
    """Redaction of alerts, before anything encodes, stores or delivers them."""

    enabled: bool = Field(True, description="False: passwords, tokens and keys stand in alerts as they are.")
    patterns: Annotated[tuple[str, ...], AfterValidator(_expressions)] = Field(
        (), description="Regular expressions (RE2) besides the built-in ones: the first group is hidden, or all of it."
    )
    fields: tuple[str, ...] = Field((), description="Fields whose values are hidden whole, with any argument.")


class CoreSettings(Settings):
    """The settings of the core itself."""

    config_files: tuple[ConfigFile, ...] = Field(
        (), description="In the main file: more files that are read as if they stood in it; Falco's `config_files`."
    )
    plugins: tuple[str, ...] = Field(
        (), description="Entry points of installed third-party plugins to load besides those that the lists name."
    )
    host: str | None = Field(None, min_length=1, description="The name of this host in alerts; by default its own.")
    state_dir: Path = Field(
        STATE_DIR,
        description="Directory for what outlives a run: spools, captures, the audit log, live runs, what plugins keep.",
    )
    core_dumps: bool = Field(
        False, description="Whether a mozu that holds secrets may leave core dumps, and its own user read its memory."
    )
    log: LogSettings = Field(LogSettings(), description="mozu's own log.")
    http: HttpSettings = Field(HttpSettings(), description="Where a run can be looked at: metrics, health, status.")
    memory: MemorySettings = Field(MemorySettings(), description="How much memory mozu may take.")
    enrichment_buffer: EnrichmentBufferSettings = Field(
        EnrichmentBufferSettings(), description="The buffer for events whose container is not known yet."
    )
    verdict_memory: VerdictMemorySettings = Field(
        VerdictMemorySettings(), description="Verdicts on calls that no rule matches, for when they come again."
    )
    resolve: ResolveSettings = Field(
        ResolveSettings(), description="Addresses of the names that rules compare with (`fd.sip.name`)."
    )
    start_deadline: float = Field(
        120.0, gt=0, description="Seconds that a component may take to be built, to start, or to take new rules."
    )
    stop_deadline: float = Field(
        10.0, gt=0, description="Seconds that a stop may take; what is left then is counted as dropped."
    )
    alert_limiter: AlertLimitSettings = Field(
        AlertLimitSettings(), description="Dedup of repeated alerts, and a rate limit for each rule."
    )
    redact: RedactSettings = Field(
        RedactSettings(), description="What is hidden in alerts before anything encodes or stores them."
    )
    reload: ReloadSettings = Field(ReloadSettings(), description="When the configuration is read again.")
    respond: RespondSettings = Field(
        RespondSettings(), description="What responders may do; docs/operate/responders.md."
    )
    record: RecordSettings = Field(RecordSettings(), description="A recording of everything.")
    capture: CaptureSettings = Field(CaptureSettings(), description="Recordings around alerts.")


class EntrySettings(Settings):
    """The core's keys of an entry."""

    id: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_-]+$", description="The instance's name; by default the plugin's."
    )
    optional: bool = Field(
        False, description="mozu starts without it where it cannot be built or started, says so, and tries again."
    )
    start_deadline: float | None = Field(
        None, gt=0, description="Seconds that it may take to be built, to start, or to take new rules; null: as all."
    )
    isolation: IsolationSettings = Field(
        IsolationSettings(), description="Where its code runs: in mozu itself (`none`), or in a child (`process`)."
    )
    format: str = Field(
        "falco",
        description="Sinks: the form of alerts, by name or as a mapping from the name to options; "
        "docs/integrate/formats.md.",
    )
    queue: QueueSettings = Field(QueueSettings(), description="Sinks: the queue before it.")
    spool: SpoolSettings = Field(
        SpoolSettings(enabled=False), description="Sinks: alerts on disk until they have arrived."
    )
    retry: RetrySettings = Field(RetrySettings(), description="Sinks: when to try again, and when to give up.")
    route: RouteSettings = Field(RouteSettings(), description="Sinks: which alerts it gets.")
    lookups: LookupSettings = Field(
        LookupSettings(), description="Enrichers: how it is asked; what is not set is as the plugin declares it."
    )
    heartbeat: float = Field(
        0.0, ge=0, le=86_400, description="Sinks: seconds between two heartbeats (docs/integrate/siem.md); 0: none."
    )


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A configured component."""

    kind: Kind
    name: str
    """Name of the plugin."""
    id: str
    """Name of the instance, unique within its kind."""
    settings: Json
    """Settings as written, without the core's keys; the registry validates them (`Registry.settings`)."""
    node: YamlNode
    """The settings with places; a mapping."""
    optional: bool = False
    start_deadline: float | None = None
    """Seconds; None: the core's setting."""
    isolation: IsolationSettings = IsolationSettings()
    format: str = "falco"
    """A sink's format, by name."""
    format_options: YamlNode = msgspec.field(default_factory=lambda: YamlNode({}, Mark("")))
    """Options of the format: a mapping, whose place is where the format is named. The registry validates name and
    options."""
    queue: QueueSettings = QueueSettings()
    spool: SpoolSettings = SpoolSettings(enabled=False)
    retry: RetrySettings = RetrySettings()
    route: RouteSettings = RouteSettings()
    heartbeat: float = 0.0
    lookups: LookupSettings = LookupSettings()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration, merged."""

    sources: tuple[Entry, ...] = ()
    enrichers: tuple[Entry, ...] = ()
    evaluators: tuple[Entry, ...] = ()
    sinks: tuple[Entry, ...] = ()
    responders: tuple[Entry, ...] = ()
    plugins: dict[str, Mark] = {}
    """Entry points to load besides those that entries name → where they are named."""
    core: CoreSettings = CoreSettings()
    node: YamlNode = msgspec.field(default_factory=lambda: YamlNode({}, Mark("")))
    """The core's own keys with places; a mapping."""
    files: tuple[str, ...] = ()
    """The files that were read, in order."""
    places: tuple[Path, ...] = ()
    """The main file and the directory of drop-ins, whether they exist or not."""

    def start_seconds(self, entry: Entry) -> float:
        """Return the seconds that the component of this entry may take to be built, to start, or to take new rules."""
        return self.core.start_deadline if entry.start_deadline is None else entry.start_deadline

    @property
    def host(self) -> str | None:
        """The name of this host, if it is set."""
        return self.core.host

    @property
    def log(self) -> LogSettings:
        """The settings of mozu's own log."""
        return self.core.log

    @property
    def enrichment_buffer(self) -> EnrichmentBufferSettings:
        """Bounds of the enrichment buffer."""
        return self.core.enrichment_buffer

    @property
    def stop_deadline(self) -> float:
        """Seconds that a stop may take."""
        return self.core.stop_deadline

    def files_read(self) -> tuple[Path, ...]:
        """Return the files that the core's own settings name: certificates, keys, and files of secrets."""
        return (*self.core.http.tls.files_read(), *secret_files(CoreSettings, self.node))

    def of(self, kind: Kind) -> tuple[Entry, ...]:
        """Return the entries of one kind, in order."""
        entries: tuple[Entry, ...] = getattr(self, kind.section)
        return entries

    def entries(self) -> tuple[Entry, ...]:
        """Return every entry, in the order of the flow."""
        return tuple(entry for kind in Kind for entry in self.of(kind))
