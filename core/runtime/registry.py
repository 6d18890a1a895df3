"""The plugin registry: find plugins (built-in, or by entry point), load them, name them, build their components.

Built-ins have one table and are imported when configuration (or a listing) asks for them. Third parties' plugins come
through the entry-point group `mozu`; such an entry point runs code with mozu's privileges, so it is imported only if
the configuration names it: as the name of a component that no built-in has, or under `plugins`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import pluggy

from mozu.core.api import Context, DataEventType, Kind, Settings, SourceDeclaration
from mozu.core.api.contract import component_class
from mozu.core.api.declarations import DECLARATIONS, AnyDeclaration, AnySource, ComponentDeclaration
from mozu.core.api.extensions import EXTENSIONS, AnyExtension, Encoder, FormatDeclaration
from mozu.core.api.hookspecs import Brought, Hooks
from mozu.core.common.alert_output import diverted
from mozu.core.delivery.contained_encoder import contained_encoder
from mozu.core.delivery.encode.product import version
from mozu.core.errors import PluginError
from mozu.core.isolation.deadline import deadline
from mozu.core.isolation.isolated import START_SECONDS, Isolation
from mozu.core.metrics import Metrics
from mozu.core.model.fields import Field, FieldRegistry
from mozu.core.runtime.builtin_plugins import BUILTINS, is_builtin
from mozu.core.runtime.config import Config, Entry, Mark, Problems
from mozu.core.runtime.config.source_choices import alternatives
from mozu.core.runtime.config.suggest import suggestion
from mozu.core.runtime.config.validate import secret_files, validate
from mozu.core.runtime.extensions import Extension, Extensions
from mozu.core.runtime.field_checks import field_fault, with_needs
from mozu.core.runtime.import_notes import ImportNotes
from mozu.core.runtime.plugin_checks import (
    Origin,
    Plugin,
    as_declarations,
    built_encoder,
    check_contract,
    declaration_fault,
    extension_fault,
    guarded,
    import_target,
    plain_method_warnings,
    version_fault,
)
from mozu.core.runtime.replaced_functions import current, put_back
from mozu.core.runtime.requirements import unmet_requirements
from mozu.core.runtime.unknown_names import unknown_format, unknown_plugin

T = TypeVar("T")
C = TypeVar("C")
D = TypeVar("D", bound=AnyDeclaration)

OnWrongValue = Callable[[Origin, Field, str], None]
"""(plugin, field, what is wrong with a value of it)."""
_BROUGHT: Final[tuple[type[Brought], ...]] = (*DECLARATIONS, *EXTENSIONS)

GROUP: Final = "mozu"
"""The group of entry points."""


class Registry:
    """The plugins of one engine."""

    def __init__(self, notes: ImportNotes | None = None) -> None:
        """Make a registry. `notes` name the plugin whose import or build ends the process."""
        self._notes = notes
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(Hooks)
        self._plugins: dict[tuple[Kind, str], Plugin] = {}
        self.extensions = Extensions()
        """Fields and formats that plugins bring without a component."""
        self._loaded: set[str] = set()
        self._broken: dict[str, PluginError] = {}
        """Target → why the target could not be loaded; later entries that name it fail with the same error."""
        self._installed: Mapping[str, list[Origin]] | None = None
        self.warnings: list[str] = []
        """Sentences for the user about plugins that were accepted."""

    def declaration(self, entry: Entry) -> AnyDeclaration:
        """Return the declaration of the plugin of an entry. Raises PluginError."""
        return self.plugin(entry.kind, entry.name).declaration

    def declarations(self, kind: type[D], entries: Iterable[Entry]) -> list[tuple[D, Entry]]:
        """Return the entries of one kind, each with its plugin's declaration. Raises PluginError."""
        return [(found, entry) for entry in entries if isinstance(found := self.declaration(entry), kind)]

    def sources(self, entry: Entry) -> list[tuple[AnySource, Entry]]:
        """Return the sources that an entry may become, best first: itself, or the alternatives of its choice.

        Raises ConfigError and PluginError.
        """
        problems = Problems()
        found = [(self.declaration(one), one) for one in self._alternatives(entry, problems)]
        problems.check()
        return [(declaration, one) for declaration, one in found if isinstance(declaration, SourceDeclaration)]

    def build(self, declaration: ComponentDeclaration[Settings, C], entry: Entry, context: Context) -> C:
        """Build the component of an entry and check the contract of its kind. Raises PluginError and ConfigError.

        Any MozuError about the component's own settings and rules passes unchanged.
        """
        plugin = self.plugin(entry.kind, entry.name)
        with self._noted(plugin.origin, "built"):
            component = declaration.build(self.settings(entry), context)
        check_contract(plugin, component)
        return component

    def plugin(self, kind: Kind, name: str) -> Plugin:
        """Return the plugin of a kind and name. Raises PluginError with a remedy if there is none or it is broken."""
        if (kind, name) not in self._plugins:
            if name in BUILTINS[kind]:
                self._load(_builtin(name, BUILTINS[kind][name]))
            elif name in self.installed():
                self.load(name)
        found = self._plugins.get((kind, name))
        if found is None:
            raise PluginError(name, unknown_plugin(kind, name, self._plugins, self.installed(), self._unloaded()))
        return found

    def settings(self, entry: Entry) -> Settings:
        """Return the validated settings of one entry. Raises ConfigError or PluginError."""
        problems = Problems()
        settings = self._settings(entry, problems)
        problems.check()
        assert settings is not None  # settings that are refused have a problem
        return settings

    def files_read(self, entry: Entry) -> tuple[Path, ...]:
        """Return the files and directories whose content belongs to an entry's settings. Raises ConfigError or
        PluginError."""
        model = self.declaration(entry).settings
        return (*self.settings(entry).files_read(), *secret_files(model, entry.node))

    def format(self, entry: Entry) -> FormatDeclaration:
        """Return the format of a sink's entry. Raises ConfigError."""
        problems = Problems()
        found = self._format(entry, problems)
        problems.check()
        assert found is not None
        return found

    def format_options(self, entry: Entry) -> Settings | None:
        """Return the options of a sink's format. Raises ConfigError."""
        problems = Problems()
        options = self._format_options(entry, problems)
        problems.check()
        return options

    def requested_fields(self, entry: Entry) -> tuple[str, ...]:
        """Return the fields that the sink's format, with its options, shows. Raises ConfigError."""
        declared = self.format(entry)
        further = declared.further_fields
        return declared.requested_fields + (() if further is None else further(self.format_options(entry)))

    def encoder(self, entry: Entry, metrics: Metrics, seconds: float = START_SECONDS) -> Encoder:
        """Return the encoder of a sink's entry, with its options; a plugin's encoder is contained. `seconds` bounds its
        `build`. Raises ConfigError, PluginError and DeadlineExceeded."""
        named = self.extensions.named(FormatDeclaration, entry.format)
        with deadline(Isolation("format", entry.format, metrics, origin=named), "build", seconds):
            encoder = built_encoder(self.format(entry), self.format_options(entry))
        return contained_encoder(encoder, entry.format, metrics, origin=named) if named else encoder

    def load(self, name: str) -> None:
        """Import the third-party entry point of this name. Raises PluginError."""
        origins = self.installed().get(name, [])
        if not origins:
            known = self.installed()
            raise PluginError(
                name,
                f"no installed distribution has an entry point of this name in the group {GROUP!r}"
                f"{suggestion(name, known)}; install the distribution that brings it (usually mozu-{name})",
            )
        if len(origins) > 1:
            both = " and ".join(map(str, origins))
            raise PluginError(name, f"{both} both bring an entry point of this name; uninstall one of them")
        self._load(origins[0])

    def plugins(self) -> list[Plugin]:
        """Return all plugins declared so far: by kind in the order of the flow, then by name."""
        order = list(Kind)
        return sorted(self._plugins.values(), key=lambda plugin: (order.index(plugin.kind), plugin.declaration.name))

    def event_types(self) -> dict[tuple[str, str], DataEventType]:
        """Return (source class, type) → declaration, for the events that the sources loaded so far bring."""
        declared = (plugin.declaration for plugin in self.plugins())
        sources = [one for one in declared if isinstance(one, SourceDeclaration)]
        return {(one.event_source, event.name): event for one in sources for event in one.events}

    def add_fields(self, fields: FieldRegistry, on_wrong: OnWrongValue | None = None) -> None:
        """Add the fields of every plugin loaded so far, once each, and the source classes. Raises PluginError for a
        field that exists already.

        `on_wrong` receives the wrong values of third parties' fields, which are checked only if it is given.
        """
        owners: dict[str, Origin] = {}
        for name, declared, origin in self._declared_fields():
            for field in declared:
                try:
                    fields.add((with_needs(field),))
                except ValueError as error:
                    other = owners.get(field.name)
                    text = f"the field {field.name} is there already, from {other or 'mozu itself'}; rename it"
                    raise PluginError(name, f"{origin}: {text}") from error
                owners[field.name] = origin
            if on_wrong is not None and not is_builtin(origin.target):
                fields.check_values((field.name for field in declared), partial(on_wrong, origin))
        for one in (plugin.declaration for plugin in self.plugins()):
            if isinstance(one, SourceDeclaration) and one.event_source not in ("", "syscall"):
                fields.declare_source(one.event_source, (event.name for event in one.events))

    def _declared_fields(self) -> Iterator[tuple[str, tuple[Field, ...], Origin]]:
        for plugin in self.plugins():
            yield plugin.declaration.name, plugin.declaration.fields, plugin.origin
        for declaration, origin in self.extensions.fields():
            yield declaration.name, declaration.fields, origin

    def installed(self) -> Mapping[str, list[Origin]]:
        """Return third-party entry points by name, from the metadata of distributions; nothing is imported."""
        if self._installed is None:
            from mozu.core.runtime.entry_points import entry_points  # takes 12 ms; built-ins do without

            self._installed = entry_points(GROUP)
        return self._installed

    def is_loaded(self, origin: Origin) -> bool:
        """Return True if this entry point has been imported."""
        return origin.target in self._loaded

    def check(self, config: Config, problems: Problems) -> None:
        """Load the plugins that the configuration names and validate every entry's settings; add every mistake to
        `problems`."""
        for name, mark in config.plugins.items():
            try:
                self.load(name)
            except PluginError as error:
                self._report(error, mark, problems)
        for entry in config.entries():
            try:
                for one in self._alternatives(entry, problems):
                    self._settings(one, problems)
            except PluginError as error:
                self._report(error, entry.node.mark, problems)
            self._format_options(entry, problems)

    def _report(self, error: PluginError, mark: Mark, problems: Problems) -> None:
        """Add an error; a plugin that cannot be loaded is one mistake, however many entries name it."""
        add = problems.add_once if error in self._broken.values() else problems.add
        add(mark, str(error))

    def _alternatives(self, entry: Entry, problems: Problems) -> list[Entry]:
        return alternatives(entry, problems, self.declaration, self._settings)

    def _settings(self, entry: Entry, problems: Problems) -> Settings | None:
        model = self.declaration(entry).settings
        return validate(model, entry.node, problems, f"{entry.kind} {entry.id}")

    def _load(self, origin: Origin) -> None:
        if origin.target in self._loaded:
            return
        if origin.target in self._broken:
            raise self._broken[origin.target]
        before = {} if is_builtin(origin.target) else current()
        try:
            with self._noted(origin, "imported"), nullcontext() if is_builtin(origin.target) else diverted():
                self._take(origin, guarded(origin, "its import", lambda: import_target(origin.target)))
            self.warnings += unmet_requirements(origin.distribution)
            for name, _ in put_back(before):
                self.warnings.append(f"{origin}: its import has replaced {name} for the whole process: it was put back")
        except PluginError as error:
            self._broken[origin.target] = error
            raise

    def _noted(self, origin: Origin, what: str) -> AbstractContextManager[None]:
        if self._notes is None or is_builtin(origin.target):
            return nullcontext()
        return self._notes.noted(f"the plugin {origin.plugin} of {origin} was being {what}")

    def add(self, name: str, plugin: object) -> None:
        """Register a plugin that is no entry point: a test's, or one of a program around mozu. Raises PluginError."""
        self._take(Origin(name, f"{name} (an object)", name, version()), plugin)

    def _take(self, origin: Origin, plugin: object) -> None:
        try:
            self._register(origin, plugin)
            found = [*self._declared(plugin, origin)]
            if not found:
                raise PluginError(origin.plugin, f"{origin} has no hook of mozu (mozu_components) marked @hookimpl")
            components = [item for item in found if isinstance(item, Plugin)]
            for item in components:
                self._check_unique(item)
                made = component_class(item.declaration)
                if made is not None:
                    check_contract(item, made)
                    self.warnings += plain_method_warnings(item, made)
            for one in found:
                if isinstance(one, Extension):
                    self.extensions.add(one)
        except PluginError:
            self._manager.unregister(name=origin.target)
            raise
        self._plugins.update({(item.kind, item.declaration.name): item for item in components})
        self._loaded.add(origin.target)

    def _register(self, origin: Origin, plugin: object) -> None:
        try:
            self._manager.register(plugin, origin.target)
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            text = str(error).partition("\n")[2] or str(error)
            raise PluginError(origin.plugin, f"{origin} breaks the hook contract: {text.strip()}") from error

    def _declared(self, plugin: object, origin: Origin) -> Iterator[Plugin | Extension]:
        for declaration in self._returned("mozu_components", _BROUGHT, plugin, origin):
            fault = version_fault(declaration.api)
            if isinstance(declaration, AnyExtension):
                fault = fault or extension_fault(declaration)
            else:
                fault = fault or declaration_fault(declaration)
                fault = fault or field_fault(declaration.fields, kind=declaration.kind)
            if fault:
                raise PluginError(str(declaration.name), f"{origin}: {fault}")
            if isinstance(declaration, AnyExtension):
                yield Extension(declaration, origin)
            else:
                yield Plugin(declaration, origin)

    def _returned(self, hook: str, classes: tuple[type[T], ...], plugin: object, origin: Origin) -> list[T]:
        """Return what a plugin's implementation of a hook returned. Raises PluginError."""
        found: list[T] = []
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin:
                made = guarded(origin, f"its hook {hook}", implementation.function)
                found += as_declarations(made, classes, hook, origin)
        return found

    def _format(self, entry: Entry, problems: Problems) -> FormatDeclaration | None:
        formats = self.extensions.formats()
        if entry.format not in formats and entry.format in self.installed():
            try:
                self.load(entry.format)
            except PluginError as error:
                self._report(error, entry.format_options.mark, problems)
                return None
            formats = self.extensions.formats()
        if (found := formats.get(entry.format)) is None:
            problems.add(entry.format_options.mark, unknown_format(entry, formats, self._unloaded()))
        return found

    def _unloaded(self) -> list[str]:
        return [name for name, origins in self.installed().items() if not any(map(self.is_loaded, origins))]

    def _format_options(self, entry: Entry, problems: Problems) -> Settings | None:
        found = self._format(entry, problems)
        if found is None:
            return None
        subject = f"{entry.kind} {entry.id}: format {found.name}"
        return validate(found.settings, entry.format_options, problems, subject)

    def _check_unique(self, plugin: Plugin) -> None:
        key = plugin.kind, plugin.declaration.name
        other = self._plugins.get(key)
        builtin = BUILTINS[plugin.kind].get(plugin.declaration.name)
        if other is not None or (builtin is not None and builtin != plugin.origin.target):
            theirs = other.origin if other is not None else _builtin(key[1], str(builtin))
            raise PluginError(
                plugin.declaration.name,
                f"the {plugin.kind} of this name comes from {theirs} ({theirs.target}) and from {plugin.origin} "
                f"({plugin.origin.target}); configure only one of them",
            )


def _builtin(name: str, module: str) -> Origin:
    return Origin(name, module, "mozu", version())
