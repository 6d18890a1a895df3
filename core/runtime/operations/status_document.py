"""The document at `/status`, as far as `mozu status` and `mozu top` read it. Numbers: docs/operate/statistics.md."""

import msgspec


class TypeStatus(msgspec.Struct, frozen=True):
    """Counts of one event type."""

    seen: int = 0
    filtered: int = 0
    lost: int = 0
    missed: int | None = None
    received: int = 0


class SourceStatus(msgspec.Struct, frozen=True):
    """A source."""

    plugin: str
    not_seen: list[str] = []
    dropped: int = 0
    alerts: int = 0
    types: dict[str, TypeStatus] = {}


class SinkStatus(msgspec.Struct, frozen=True):
    """A sink."""

    accepted: int = 0
    delivered: int = 0
    found: int = 0
    redriven: int = 0
    waiting: int = 0
    """Alerts that wait for delivery."""
    dead_letters: int = 0
    """Alerts in its spool that are not tried again."""
    failures: int = 0
    dropped: dict[str, int] = {}


class MemoryStatus(msgspec.Struct, frozen=True):
    """Memory use, in bytes."""

    resident: int = 0
    limit: int = 0


class MetricStatus(msgspec.Struct, frozen=True):
    """A number of the registry."""

    name: str
    labels: dict[str, str]
    value: float


class StatisticsStatus(msgspec.Struct, frozen=True):
    """The statistics of a run."""

    seconds: float
    cpu_seconds: float
    memory: MemoryStatus
    sources: dict[str, SourceStatus] = {}
    sinks: dict[str, SinkStatus] = {}
    metrics: list[MetricStatus] = []


class FindingStatus(msgspec.Struct, frozen=True):
    """A finding that makes a run degraded or not ready."""

    state: str
    subject: str
    reason: str


class VersionStatus(msgspec.Struct, frozen=True):
    """The versions of what runs."""

    mozu: str
    kernel: str
    rules_digest: str


class ContainerStatus(msgspec.Struct, frozen=True):
    """A container."""

    name: str = ""
    events: int = 0


class ShadowSampleStatus(msgspec.Struct, frozen=True):
    """An alert of a rule in shadow mode."""

    time: int
    """Nanoseconds since the epoch."""
    output: str


class ShadowStatus(msgspec.Struct, frozen=True):
    """A rule in shadow mode."""

    rule: str
    matches: int = 0
    samples: list[ShadowSampleStatus] = []
    """The newest ones, oldest first."""


class RunStatus(msgspec.Struct, frozen=True):
    """The whole document."""

    status: str
    host: str
    started: float
    """Start of the run, in seconds since the epoch."""
    versions: VersionStatus
    statistics: StatisticsStatus
    findings: list[FindingStatus] = []
    shadow: list[ShadowStatus] = []
    """Rules in shadow mode, most matches first."""
    containers: dict[str, dict[str, ContainerStatus]] = {}
    """Source → id of a container → the container, if `/status?containers` was requested."""
