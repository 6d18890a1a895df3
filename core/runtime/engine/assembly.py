"""Assembly: build the components that a configuration names, without starting them."""

import os
import socket
import time
from pathlib import Path
from typing import Any

import msgspec

from mozu.core.api.hookspecs import Context, Declaration, Enricher, Source
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.encode import Encoder, FalcoText
from mozu.core.delivery.redact import Redactor
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.lookups import Lookups
from mozu.core.runtime.config import Config, Entry, Kind
from mozu.core.runtime.config.recording import CaptureSettings, RecordSettings
from mozu.core.runtime.config.resolve import ResolveSettings
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.interfaces import interface_addresses
from mozu.core.runtime.registry import Registry, version

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Built(msgspec.Struct):
    """One component with what its declaration and its entry say about it."""

    declaration: Declaration
    entry: Entry
    isolated: Isolated[Any]
    encoder: Encoder = msgspec.field(default_factory=FalcoText)
    """Sinks: how alerts become bytes."""


class Assembly(msgspec.Struct):
    """Everything that a configuration names, built and not yet started."""

    fields: FieldRegistry
    sources: list[Built]
    enrichers: list[Built]
    evaluators: list[Built]
    sinks: list[Built]
    enrichment_buffer: EnrichmentBufferBounds
    hostname: str
    origin: str
    """Identity of this run: host, boot and run, in which event numbers are unique."""
    stop_deadline: float
    """Seconds."""
    alert_limiter: AlertLimiter = msgspec.field(default_factory=AlertLimiter)
    redact: Redactor | None = None
    """Hides secrets in alerts; None where that is switched off."""
    record: RecordSettings = RecordSettings()
    capture: CaptureSettings = CaptureSettings()
    resolve: ResolveSettings = ResolveSettings()
    version: str = ""
    """Of mozu."""


def assemble(config: Config, registry: Registry, metrics: Metrics, tasks: BackgroundTasks) -> Assembly:
    """Build in the order in which components need each other: fields, enrichers, sources, evaluators, sinks."""
    hostname = config.core.host or os.environ.get("FALCO_HOSTNAME") or socket.gethostname()
    names = _surroundings(hostname)
    fields = FieldRegistry(builtin_fields(names), names)
    declared = {kind: _declared(config, registry, kind) for kind in ("sources", "enrichers", "evaluators", "sinks")}
    registry.add_fields(fields)

    builder = _Builder(registry, fields, metrics, tasks, _requested_fields(config, registry))

    def build(kind: str) -> list[Built]:
        return [builder.build(declaration, entry) for declaration, entry in declared[kind]]

    enrichers, sources = build("enrichers"), build("sources")
    for built in (*enrichers, *sources):
        _bind(fields, built.isolated.component)
    bounds = config.core.enrichment_buffer
    return Assembly(
        fields=fields,
        enrichers=enrichers,
        evaluators=build("evaluators"),
        sinks=build("sinks"),
        sources=sources,
        enrichment_buffer=EnrichmentBufferBounds(bounds.seconds, bounds.events, bounds.bytes),
        hostname=hostname,
        origin=f"{hostname}/{_boot_id()}/{time.time_ns():x}",
        stop_deadline=config.core.stop_deadline,
        alert_limiter=AlertLimiter(**config.core.alert_limiter.model_dump()),
        redact=_redactor(config, metrics),
        record=config.core.record,
        capture=config.core.capture,
        resolve=config.core.resolve,
        version=version(),
    )


def _surroundings(hostname: str) -> Lookups:
    names = Lookups()
    names.hostname = hostname
    names.addresses.replace(interface_addresses())
    names.first_time = time.time_ns()
    return names


def _declared(config: Config, registry: Registry, kind: str) -> list[tuple[Declaration, Entry]]:
    return [(registry.declaration(entry), entry) for entry in getattr(config, kind)]


def _redactor(config: Config, metrics: Metrics) -> Redactor | None:
    settings = config.core.redact
    return Redactor(metrics, settings.patterns, settings.fields) if settings.enabled else None


def _requested_fields(config: Config, registry: Registry) -> tuple[str, ...]:
    """What the formats of all sinks have a place for."""
    return tuple(dict.fromkeys(name for entry in config.sinks for name in registry.format(entry).requested_fields))


class _Builder:
    """Makes components from declarations and entries."""

    def __init__(
        self,
        registry: Registry,
        fields: FieldRegistry,
        metrics: Metrics,
        tasks: BackgroundTasks,
        requested_fields: tuple[str, ...],
    ) -> None:
        self._registry, self._fields, self._metrics, self._tasks = registry, fields, metrics, tasks
        self._requested_fields = requested_fields

    def build(self, declaration: Declaration, entry: Entry) -> Built:
        kind, is_sink = entry.kind.value, entry.kind is Kind.SINK
        isolation = Isolation(kind, entry.id, self._metrics)
        context = Context(
            id=entry.id,
            log=isolation.log,
            metrics=isolation.metrics,
            fields=self._fields,
            offline=not declaration.live,
            spawn=self._tasks.of(isolation),
            requested_fields=self._requested_fields if entry.kind is Kind.EVALUATOR else (),
            content_type=self._registry.format(entry).content_type if is_sink else "",
        )
        component = declaration.build(self._registry.settings(entry), context)
        isolated = Isolated(kind, entry.id, component, self._metrics, blocking=declaration.blocking)
        return Built(declaration, entry, isolated, self._registry.encoder(entry) if is_sink else FalcoText())


def _bind(fields: FieldRegistry, component: Enricher | Source) -> None:
    """Enrichers bring readers, and so may a source whose input answers for itself; the latter's hold."""
    readers = getattr(component, "readers", None)
    for name, reader in readers().items() if readers is not None else ():
        fields.provide(name, reader)


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
