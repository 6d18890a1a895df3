"""What `/status` says, as far as `mozu status` and `mozu top` read it. Numbers: docs/statistics.md."""

import msgspec


class TypeStatus(msgspec.Struct, frozen=True):
    """Counts of one event type."""

    seen: int = 0
    filtered: int = 0
    lost: int = 0
    missed: int | None = None
    received: int = 0


class SourceStatus(msgspec.Struct, frozen=True):
    """One source."""

    plugin: str
    not_seen: list[str] = []
    dropped: int = 0
    alerts: int = 0
    types: dict[str, TypeStatus] = {}


class SinkStatus(msgspec.Struct, frozen=True):
    """One sink."""

    accepted: int = 0
    delivered: int = 0
    found: int = 0
    redriven: int = 0
    waiting: int = 0
    """Alerts that it still owes its destination."""
    dead_letters: int = 0
    """Alerts that lie in its spool and are not tried again."""
    failures: int = 0
    dropped: dict[str, int] = {}


class MemoryStatus(msgspec.Struct, frozen=True):
    """Bytes."""

    resident: int = 0
    limit: int = 0


class MetricStatus(msgspec.Struct, frozen=True):
    """One number of the registry."""

    name: str
    labels: dict[str, str]
    value: float


class StatisticsStatus(msgspec.Struct, frozen=True):
    """The statistics."""

    seconds: float
    cpu_seconds: float
    memory: MemoryStatus
    sources: dict[str, SourceStatus] = {}
    sinks: dict[str, SinkStatus] = {}
    metrics: list[MetricStatus] = []


class FindingStatus(msgspec.Struct, frozen=True):
    """What is not as it should be."""

    state: str
    subject: str
    reason: str


class VersionStatus(msgspec.Struct, frozen=True):
    """What runs."""

    mozu: str
    kernel: str
    rules_digest: str


class ContainerStatus(msgspec.Struct, frozen=True):
    """One container."""

    name: str = ""
    events: int = 0


class RunStatus(msgspec.Struct, frozen=True):
    """The whole."""

    status: str
    host: str
    started: float
    """Seconds since the epoch."""
    versions: VersionStatus
    statistics: StatisticsStatus
    findings: list[FindingStatus] = []
    containers: dict[str, dict[str, ContainerStatus]] = {}
    """Source → id of a container; where `/status?containers` was asked for."""
