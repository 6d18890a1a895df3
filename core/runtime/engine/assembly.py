"""Assembly: build the components that a configuration names, without starting them."""

import logging
import os
import socket
import time
from pathlib import Path
from typing import TypeVar

import msgspec

from mozu.core.api import Context, Enricher, Evaluator, FieldReaders, ProvidesReaders, Settings, Sink, Source
from mozu.core.api.declarations import (
    AnyEnricher,
    AnyEvaluator,
    AnySink,
    AnySource,
    ComponentDeclaration,
    EnricherDeclaration,
    EvaluatorDeclaration,
    SinkDeclaration,
    SourceDeclaration,
)
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.encode import Encoder, FalcoText
from mozu.core.delivery.redact import Redactor
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.lookups import Lookups
from mozu.core.runtime.config import Config, Entry
from mozu.core.runtime.config.delivery import STATE_DIR
from mozu.core.runtime.config.recording import CaptureSettings, RecordSettings
from mozu.core.runtime.config.resolve import ResolveSettings
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.interfaces import interface_addresses
from mozu.core.runtime.registry import Registry, version

C = TypeVar("C")

_log = logging.getLogger("mozu.engine")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class BuiltSource(msgspec.Struct):
    """A source, with what its declaration says about it."""

    declaration: AnySource
    isolated: Isolated[Source]


class BuiltSink(msgspec.Struct):
    """A sink, with its entry in the configuration."""

    entry: Entry
    isolated: Isolated[Sink]
    encoder: Encoder = msgspec.field(default_factory=FalcoText)
    """How alerts become bytes."""


class Assembly(msgspec.Struct):
    """Everything that a configuration names, built and not yet started."""

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
    alert_limiter: AlertLimiter = msgspec.field(default_factory=AlertLimiter)
    redact: Redactor | None = None
    """Hides secrets in alerts; None where that is switched off."""
    record: RecordSettings = RecordSettings()
    capture: CaptureSettings = CaptureSettings()
    resolve: ResolveSettings = ResolveSettings()
    version: str = ""
    """Of mozu."""
    state_dir: Path = STATE_DIR
    files: tuple[str, ...] = ()
    """The configuration was read from."""


def assemble(config: Config, registry: Registry, metrics: Metrics, tasks: BackgroundTasks) -> Assembly:
    """Build in the order in which components need each other: fields, enrichers, sources, evaluators, sinks."""
    hostname = config.core.host or os.environ.get("FALCO_HOSTNAME") or socket.gethostname()
    names = _lookups(hostname)
    fields = FieldRegistry(builtin_fields(names), names)
    declared_sources = registry.declarations(SourceDeclaration, config.sources)
    declared_enrichers = registry.declarations(EnricherDeclaration, config.enrichers)
    declared_evaluators = registry.declarations(EvaluatorDeclaration, config.evaluators)
    declared_sinks = registry.declarations(SinkDeclaration, config.sinks)
    for text in registry.warnings:
        _log.warning("%s", text)
    registry.add_fields(fields)

    builder = _Builder(registry, fields, metrics, tasks, _requested_fields(config, registry))
    enrichers = [builder.enricher(*declared) for declared in declared_enrichers]
    sources = [builder.source(*declared) for declared in declared_sources]
    for enricher in enrichers:
        _bind(fields, enricher.component.readers())
    for source in sources:  # whose input answers for itself: its readers take the place of the enrichers'
        if isinstance(source.isolated.component, ProvidesReaders):
            _bind(fields, source.isolated.component.readers())
    bounds = config.core.enrichment_buffer
    return Assembly(
        fields=fields,
        enrichers=enrichers,
        evaluators=[builder.evaluator(*declared) for declared in declared_evaluators],
        sinks=[builder.sink(*declared) for declared in declared_sinks],
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
        state_dir=config.core.state_dir,
        files=config.files,
    )


def _lookups(hostname: str) -> Lookups:
    names = Lookups()
    names.hostname = hostname
    names.addresses.replace(interface_addresses())
    names.first_time = time.time_ns()
    return names


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

    def source(self, declaration: AnySource, entry: Entry) -> BuiltSource:
        return BuiltSource(declaration, self._built(declaration, entry, offline=not declaration.live))

    def enricher(self, declaration: AnyEnricher, entry: Entry) -> Isolated[Enricher]:
        return self._built(declaration, entry)

    def evaluator(self, declaration: AnyEvaluator, entry: Entry) -> Isolated[Evaluator]:
        return self._built(declaration, entry, requested_fields=self._requested_fields)

    def sink(self, declaration: AnySink, entry: Entry) -> BuiltSink:
        content_type = self._registry.format(entry).content_type
        isolated = self._built(declaration, entry, content_type=content_type, blocking=declaration.blocking)
        return BuiltSink(entry, isolated, self._registry.encoder(entry))

    def _built(
        self,
        declaration: ComponentDeclaration[Settings, C],
        entry: Entry,
        *,
        offline: bool = False,
        requested_fields: tuple[str, ...] = (),
        content_type: str = "",
        blocking: bool = False,
    ) -> Isolated[C]:
        isolation = Isolation(entry.kind.value, entry.id, self._metrics)
        context = Context(
            id=entry.id,
            log=isolation.log,
            metrics=isolation.metrics,
            fields=self._fields,
            offline=offline,
            requested_fields=requested_fields,
            content_type=content_type,
            spawn=self._tasks.of(isolation),
        )
        component = self._registry.build(declaration, entry, context)
        return Isolated(entry.kind.value, entry.id, component, self._metrics, blocking=blocking)


def _bind(fields: FieldRegistry, readers: FieldReaders) -> None:
    for name, reader in readers.items():
        fields.provide(name, reader)


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
