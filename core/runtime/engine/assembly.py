"""Assembly: build the components that a configuration names, without starting them.

A reload builds beside the running assembly: a component whose recipe (plugin, settings, surroundings) has not changed
is kept, and only the others are built anew. Nothing is in force before the engine commits it.
"""

import logging
import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, cast

import msgspec

from mozu.core.api import (
    Context,
    DigestsRules,
    Enricher,
    Evaluator,
    Kind,
    LookupLimits,
    ProvidesReaders,
    Responder,
    ResponderSettings,
    Settings,
    Source,
)
from mozu.core.api.declarations import (
    AnyEnricher,
    AnyResponder,
    AnySource,
    ComponentDeclaration,
    EnricherDeclaration,
    EvaluatorDeclaration,
    ResponderDeclaration,
    SinkDeclaration,
    SourceDeclaration,
)
from mozu.core.api.lookup_table import AnyLookupTable
from mozu.core.api.state_directory import state_path
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.encode.product import version
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.flow.impaired_fields import ImpairedFields
from mozu.core.flow.key_lookups import KeyLookups
from mozu.core.flow.wanted_enrichers import EnricherLookups
from mozu.core.isolation.deadline import deadline
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.recording import PluginValues
from mozu.core.runtime.config import Config, Entry
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.build_each import build_each
from mozu.core.runtime.engine.built import Assembly, BuiltResponder, BuiltSink, BuiltSource, Recipe
from mozu.core.runtime.engine.config_parts import lookups_of, redactor_of, requested_fields
from mozu.core.runtime.engine.field_readers import bind_enricher, bind_source
from mozu.core.runtime.engine.file_content import contents_of
from mozu.core.runtime.format_schema import format_schema
from mozu.core.runtime.hosting import isolated, planned
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.run_file import boot_id
from mozu.core.runtime.unfilled_fields import unfilled_fields

C = TypeVar("C")
_log = logging.getLogger("mozu.engine")


def assemble(config: Config, registry: Registry, metrics: Metrics, tasks: BackgroundTasks) -> Assembly:
    """Build all components. Raises ConfigError, PluginError and RulesError."""
    assembler = Assembler(config, registry, metrics, tasks, None)
    assembly = assembler.assembly(assembler.evaluators())
    assembly.assign_lookups()
    evaluators = (one.component for one in assembly.evaluators if one.is_ready)
    for text in unfilled_fields(config, registry, assembly.fields, evaluators):
        _log.warning("%s", text)
    return assembly


class Assembler:
    """The builder of an assembly, in the order in which components need each other: fields, enrichers, sources, sinks,
    then evaluators.

    `current` runs, and is not changed. All steps but `evaluators` are quick and belong on the event loop, because a
    component may assign look-ups while it is built; evaluators may be compiled on a thread.
    """

    def __init__(
        self, config: Config, registry: Registry, metrics: Metrics, tasks: BackgroundTasks, current: Assembly | None
    ) -> None:
        self._config, self._registry, self._metrics, self._tasks, self._current = (
            config, registry, metrics, tasks, current,
        )  # fmt: skip
        self.compiling = ""
        """The evaluator that is being built."""
        self._settings: dict[tuple[Kind, str], Settings] = {}
        self._content: dict[tuple[Kind, str], bytes] = {}
        self._watched = contents_of((*config.places, *config.files_read()))
        self._recipes: dict[tuple[Kind, str], Recipe] = {}
        self._assigned: dict[tuple[Kind, str], dict[str, Any]] = {}
        self._hostname = config.core.host or os.environ.get("FALCO_HOSTNAME") or socket.gethostname()
        self._names = lookups_of(self._hostname) if current is None else current.fields.lookups
        self._requested_fields = requested_fields(config, registry)
        self._key_lookups: dict[str, EnricherLookups] = {}
        self._impaired = ImpairedFields(metrics) if current is None else current.impaired
        self._values = PluginValues()
        alternatives = [(registry.sources(entry), entry) for entry in config.sources]
        self._fields = self._make_fields()
        for text in registry.warnings:
            _log.warning("%s", text)
        self._enrichers = build_each(registry.declarations(EnricherDeclaration, config.enrichers), self._enricher)
        self._sources = build_each(alternatives, self._source)
        self._bind_readers()
        self._sinks = build_each(registry.declarations(SinkDeclaration, config.sinks), self._sink)
        self._responders = build_each(registry.declarations(ResponderDeclaration, config.responders), self._responder)

    def evaluators(self) -> list[Isolated[Evaluator]]:
        """Load and compile the rules. Raises ConfigError, PluginError, RulesError."""
        declared = self._registry.declarations(EvaluatorDeclaration, self._config.evaluators)
        return build_each(declared, self._evaluator)

    def assembly(self, evaluators: list[Isolated[Evaluator]]) -> Assembly:
        """Return the assembly of all that was built."""
        config, current, core = self._config, self._current, self._config.core
        bounds, limits = core.enrichment_buffer, core.alert_limiter
        same_limits = current is not None and limits == current.config.core.alert_limiter
        same_redaction = current is not None and core.redact == current.config.core.redact
        made = Assembly(
            fields=self._fields,
            enrichers=self._enrichers,
            evaluators=evaluators,
            sinks=self._sinks,
            sources=self._sources,
            enrichment_buffer=EnrichmentBufferBounds(bounds.seconds, bounds.events, bounds.bytes),
            hostname=self._hostname if current is None else current.hostname,
            origin=f"{self._hostname}/{boot_id()}/{time.time_ns():x}" if current is None else current.origin,
            stop_deadline=core.stop_deadline,
            responders=self._responders,
            respond=core.respond,
            memory_limit=core.memory.bound(),
            verdict_memory=core.verdict_memory.bound(),
            alert_limiter=current.alert_limiter if current and same_limits else AlertLimiter(**limits.model_dump()),
            redact=current.redact if current and same_redaction else redactor_of(config, self._metrics),
            record=core.record,
            capture=core.capture,
            resolve=core.resolve,
            version=version(),
            state_dir=core.state_dir,
            files=config.files,
            watched=self._watched,
            config=config,
            recipes=self._recipes,
            lookups=self._assigned,
            key_lookups=list(self._key_lookups.values()),
            plugin_values=self._values,
            impaired=self._impaired,
            field_plugins=self._field_plugins(),
        )
        self._let_go()
        return made

    def _let_go(self) -> None:
        """Drop the references to the other components: a component keeps this object for building another instance."""
        self._current = None
        self._enrichers, self._sources, self._sinks, self._responders = [], [], [], []
        self._key_lookups, self._assigned = {}, {}

    # --- fields

    def _make_fields(self) -> FieldRegistry:
        """Return the fields in force, if every component that brings or reads fields has stayed; else new ones."""
        config, current = self._config, self._current
        if current is not None and self._field_plugins() == current.field_plugins:
            entries = (*config.enrichers, *config.sources)
            before = [(entry.kind, entry.id) for entry in (*current.config.enrichers, *current.config.sources)]
            if [(one.kind, one.id) for one in entries] == before and all(
                self._is_unchanged(one, *self._around(one)) for one in entries
            ):
                self._values = current.plugin_values
                return current.fields
        fields = FieldRegistry(builtin_fields(self._names), self._names)
        self._registry.add_fields(fields, self._impaired.on_wrong)
        return fields

    def _around(self, entry: Entry) -> tuple[object, ...]:
        """Return what a component receives besides its settings, as far as its fields depend on that."""
        return (self._limits(entry),) if entry.kind is Kind.ENRICHER else ()

    def _field_plugins(self) -> frozenset[tuple[str, str]]:
        for entry in self._config.entries():
            self._registry.declaration(entry)
        declared = ((one.kind.value, one.declaration) for one in self._registry.plugins())
        plugins = (one for one in declared if one[1].fields or isinstance(one[1], SourceDeclaration))
        extensions = ((one.declaration.what, one.declaration) for one in self._registry.extensions)
        return frozenset((what, declaration.name) for what, declaration in (*plugins, *extensions))

    def _bind_readers(self) -> None:
        if self._current is not None and self._fields is self._current.fields:
            return
        for enricher in self._enrichers:
            with self._assigning(self._assigned.setdefault((Kind.ENRICHER, enricher.name), {})):
                (entry,) = (one for one in self._config.enrichers if one.id == enricher.name)
                plugin = self._registry.plugin(entry.kind, entry.name)
                bind_enricher(self._fields, plugin, enricher, self._values, self._impaired)
        for source in self._sources:  # whose input answers for itself: its readers take the place of the enrichers'
            if isinstance(source.isolated.component, ProvidesReaders):
                with self._assigning(self._assigned.setdefault((Kind.SOURCE, source.isolated.name), {})):
                    bind_source(self._fields, source.isolated, self._values)

    @contextmanager
    def _assigning(self, assigned: dict[str, Any]) -> Iterator[None]:
        """Note the look-ups of names that a component assigns meanwhile. They take effect with the assembly."""
        before = self._names.functions()
        yield
        after = self._names.functions()
        self._names.assign(before)
        assigned.update((name, after[name]) for name in after if after[name] != before[name])

    # --- components

    def _recipe(self, entry: Entry, *surroundings: object) -> Recipe:
        key = entry.kind, entry.id
        if key not in self._settings:
            self._settings[key] = self._registry.settings(entry)
            files = self._registry.files_read(entry)
            contents = contents_of(files)
            self._watched.update(contents)
            self._content[key] = b"" if entry.kind is Kind.EVALUATOR else b"".join(contents.values())
        return Recipe(entry.name, self._settings[key], surroundings, self._content[key])

    def _is_unchanged(self, entry: Entry, *surroundings: object) -> bool:
        """Return True if the running component of this id can be kept."""
        if self._current is None:
            return False
        return self._current.recipes.get((entry.kind, entry.id)) == self._recipe(entry, *surroundings)

    def _running(self, of: Iterable[Isolated[C]], entry: Entry, *surroundings: object) -> Isolated[C] | None:
        """Return the running component if it can be kept, else None."""
        key = entry.kind, entry.id
        self._recipes[key] = self._recipe(entry, *surroundings)
        if self._current is None or not self._is_unchanged(entry, *surroundings):
            return None
        self._assigned[key] = self._current.lookups.setdefault(key, {})
        return next((one for one in of if one.name == entry.id), None)

    def _source(self, alternatives: Sequence[tuple[AnySource, Entry]], entry: Entry) -> BuiltSource:
        """Return the running source, even if its settings differ (`fixed_problems` reports those that cannot change),
        or else a new one."""
        key = entry.kind, entry.id
        self._recipes[key] = self._recipe(entry)
        for one in [] if self._current is None else self._current.sources:
            if one.isolated.name == entry.id and self._current is not None:
                self._assigned[key] = self._current.lookups.setdefault(key, {})
                return one
        return self._first_of(alternatives)

    def _first_of(self, alternatives: Sequence[tuple[AnySource, Entry]]) -> BuiltSource:
        (declaration, entry), *others = alternatives
        built = cast("Isolated[Source]", self._built(declaration, entry))
        return BuiltSource(declaration, built, partial(self._first_of, others) if others else None)

    def _enricher(self, declaration: AnyEnricher, entry: Entry) -> Isolated[Enricher]:
        running = [] if self._current is None else self._current.enrichers
        limits = self._limits(entry)
        found = self._running(running, entry, limits)
        if found is not None and self._current is not None:
            asked = next(one for one in self._current.key_lookups if one.lookups.enricher is found)
        else:
            values = AnyLookupTable(limits.cache)
            found = cast("Isolated[Enricher]", self._built(declaration, entry, lookups=values))
            needs = frozenset(f"enricher:{name}" for name in (entry.id, *declaration.provides))
            classes = frozenset[str]().union(*(field.sources for field in declaration.fields))
            asked = EnricherLookups(KeyLookups(found, limits, self._tasks.spawn, values), needs, classes)
        self._key_lookups[entry.id] = asked
        return found

    def _limits(self, entry: Entry) -> LookupLimits:
        declaration = self._registry.declaration(entry)
        assert isinstance(declaration, EnricherDeclaration)
        return entry.lookups.over(declaration.lookups)

    def _sink(self, declaration: SinkDeclaration[Any], entry: Entry) -> BuiltSink:
        """Return the sink. One whose queue moves elsewhere is built anew: the old one delivers the rest while the new
        one works."""
        running = [] if self._current is None else self._current.sinks
        content_type, schema = self._registry.format(entry).content_type, format_schema(self._registry, entry)
        spool = entry.spool.file(entry.id) if entry.spool.enabled else None
        isolated = self._running([one.isolated for one in running], entry, content_type, schema, spool)
        if isolated is None:
            isolated = self._built(declaration, entry, content_type=content_type, schema=schema)
        encoder = next((one.encoder for one in running if _format(one.entry) == _format(entry)), None)
        if encoder is None:
            encoder = self._registry.encoder(entry, self._metrics, self._config.start_seconds(entry))
        return BuiltSink(entry, isolated, encoder)

    def _responder(self, declaration: AnyResponder, entry: Entry) -> BuiltResponder:
        running = [] if self._current is None else [one.isolated for one in self._current.responders]
        made = self._running(running, entry) or cast("Isolated[Responder]", self._built(declaration, entry))
        settings = self._recipes[entry.kind, entry.id].settings
        assert isinstance(settings, ResponderSettings)  # plugin_checks.py
        return BuiltResponder(made, settings)

    def _evaluator(self, declaration: ComponentDeclaration[Settings, Evaluator], entry: Entry) -> Isolated[Evaluator]:
        """Return the evaluator. Rules may have changed whatever the settings: those that came out the same stay in
        force."""
        self.compiling = entry.id
        running = [] if self._current is None else self._current.evaluators
        before = self._running(running, entry, self._requested_fields)
        other_fields = self._current is None or self._fields is not self._current.fields
        if before is None or not before.is_ready or other_fields:
            return self._built(declaration, entry, requested_fields=self._requested_fields)
        fresh = before.component.reload()
        return before if _same_rules(before.component, fresh) else before.with_component(fresh)

    def _built(
        self,
        declaration: ComponentDeclaration[Settings, C],
        entry: Entry,
        *,
        requested_fields: tuple[str, ...] = (),
        lookups: AnyLookupTable | None = None,
        content_type: str = "",
        schema: str = "",
    ) -> Isolated[C]:
        named = self._registry.plugin(entry.kind, entry.name).named
        isolation = Isolation(entry.kind.value, entry.id, self._metrics, origin=named)
        context = Context(
            id=entry.id, log=isolation.log, metrics=isolation.metrics, fields=self._fields,
            offline=isinstance(declaration, SourceDeclaration) and not declaration.live,
            requested_fields=requested_fields,
            lookups=AnyLookupTable() if lookups is None else lookups,
            event_types=self._registry.event_types(),
            content_type=content_type, schema=schema,
            spawn=self._tasks.of(isolation),
            state_path=state_path(self._config.core.state_dir, entry.kind, entry.id),
        )  # fmt: skip

        assigned = self._assigned.setdefault((entry.kind, entry.id), {})

        def build() -> C:
            with self._assigning(assigned), deadline(isolation, "build", self._config.start_seconds(entry)):
                return self._registry.build(declaration, entry, context)

        # A start goes without an optional component; a reload that cannot build it is refused.
        needed = msgspec.structs.replace(entry, optional=False) if self._current is not None else entry
        plan = partial(planned, self._registry, entry, context, self._hostname)
        made = cast("Isolated[C]", isolated(isolation, declaration, needed, self._metrics, build, plan))
        made.is_optional, made.start_seconds = entry.optional, self._config.start_seconds(entry)
        return made


def _same_rules(one: Evaluator, other: Evaluator) -> bool:
    if not (isinstance(one, DigestsRules) and isinstance(other, DigestsRules)):
        return False
    return one.rules_digest() == other.rules_digest() and one.demand() == other.demand()


def _format(entry: Entry) -> tuple[str, str, object]:
    return entry.id, entry.format, entry.format_options.plain()
