"""Checks on a third party's plugin: its import, the return value of its hook, its declarations, its components'
contracts.

Each fault becomes a PluginError, one sentence that names the distribution and says what to do.
"""

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Final, TypeVar

import msgspec
from pydantic import TypeAdapter, ValidationError

from mozu.core.api import (
    API_VERSION,
    DataEventType,
    FieldReaders,
    Kind,
    ResponderDeclaration,
    ResponderSettings,
    Settings,
    SourceDeclaration,
)
from mozu.core.api.capabilities import CAPABILITIES, Capability
from mozu.core.api.contract import build_fault, faults, plain_methods
from mozu.core.api.declarations import AnyDeclaration, ComponentDeclaration, SourceChoiceDeclaration
from mozu.core.api.extensions import AnyExtension, CommandsDeclaration, Encoder, FieldsDeclaration, FormatDeclaration
from mozu.core.errors import PluginError
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.texts import text_of
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.builtin_plugins import is_builtin
from mozu.core.runtime.config import RESERVED
from mozu.core.runtime.field_checks import field_fault
from mozu.core.runtime.unknown_keyword import keyword_hint, place_of

T = TypeVar("T")

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
"""Names that the keys of a configuration can have."""


class Origin(msgspec.Struct, frozen=True):
    """The origin of a plugin."""

    plugin: str
    """Name of the entry point; a built-in's own name."""
    target: str
    """Import target: `package.module` or `package.module:object`."""
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


class Plugin(msgspec.Struct, frozen=True):
    """A declaration with its origin."""

    declaration: AnyDeclaration
    origin: Origin

    @property
    def named(self) -> str:
        """The origin of a component's code, for the log."""
        return f"plugin {self.declaration.name} of {self.origin}"

    @property
    def kind(self) -> Kind:
        """The kind of the declared component."""
        return self.declaration.kind


def guarded(origin: Origin, what: str, call: Callable[[], T]) -> T:
    """Run a plugin's code while it is being registered; whatever it raises becomes a PluginError with a remedy."""
    try:
        return call()
    except ModuleNotFoundError as error:
        remedy = f"install it, or reinstall {origin.distribution}"
        raise PluginError(
            origin.plugin, f"{origin} needs the module {error.name!r}, which is missing; {remedy}"
        ) from error
    except BaseException as error:  # a third party's code: refused by name
        if is_ours(error):
            raise
        remedy = f"update {origin.distribution}, or take it out of the configuration"
        text = f"{type(error).__name__}: {text_of(error)}{keyword_hint(error)}{place_of(error)}"
        raise PluginError(origin.plugin, f"{origin}: {what} raised {text}; {remedy}") from error


def import_target(target: str) -> object:
    """Import and return the target of an entry point: `package.module` or `package.module:object`."""
    module, _, attribute = target.partition(":")
    found: object = importlib.import_module(module.strip())
    for name in filter(None, attribute.strip().split(".")):
        found = getattr(found, name)
    return found


def as_declarations(made: object, classes: tuple[type[T], ...], hook: str, origin: Origin) -> Sequence[T]:
    """Return the declarations that a hook returned. Raises PluginError if anything else is among them."""
    several = made if isinstance(made, Sequence) else [made]
    found = [item for item in several if isinstance(item, classes)]
    if len(found) == len(several):
        return found
    name = " or ".join(one.__name__ for one in classes)
    other = next(type(item).__name__ for item in several if not isinstance(item, classes))
    raise PluginError(origin.plugin, f"{origin}: {hook} must return {name}, or a sequence of them, not {other}")


def capabilities(kind: Kind) -> tuple[Capability, ...]:
    """Return the capabilities that the core looks for in components of this kind."""
    if kind is not Kind.SOURCE:
        return CAPABILITIES
    from mozu.core.recording import RECORDED_NAMES  # imports the state machine, which few commands need

    return (*CAPABILITIES, RECORDED_NAMES)


def check_contract(plugin: Plugin, component: object) -> None:
    """Check a component, or the class of one, against the contract of its kind. Raises PluginError."""
    known = capabilities(plugin.kind)
    blocking = isinstance(plugin.declaration, ComponentDeclaration) and plugin.declaration.blocking
    found = list(faults(plugin.kind, component, blocking=blocking, capabilities=known))
    if found:
        made = component if isinstance(component, type) else type(component)
        text = f"{plugin.origin}: the {plugin.kind} {made.__name__} breaks its contract: {'; '.join(found)}"
        raise PluginError(plugin.declaration.name, f"{text}; see docs/plugins/component.md")


def plain_method_warnings(plugin: Plugin, made: type) -> Iterator[str]:
    """Yield a sentence if methods of a third party's component hold the event loop; the plugin is loaded."""
    blocking = isinstance(plugin.declaration, ComponentDeclaration) and plugin.declaration.blocking
    plain = list(plain_methods(plugin.kind, made, blocking=blocking))
    if plain and not is_builtin(plugin.origin.target):
        names = ", ".join(f"`{name}`" for name in plain)
        remedy = "make them `async def`, or declare it blocking=True"
        yield f"{plugin.origin}: {names} of {plugin.kind} {plugin.declaration.name} run on the event loop; {remedy}"


def version_fault(api: object) -> str:
    """Return why a declaration that was written for this version of the hook API is refused; empty if it is not."""
    if api == API_VERSION:
        return ""
    side = "update mozu" if isinstance(api, int) and api > API_VERSION else "update the plugin"
    return f"it is written for version {api} of the hook API, and this mozu has {API_VERSION}; {side}"


def declaration_fault(declaration: AnyDeclaration) -> str:
    """Return what is wrong with a declaration; empty if nothing is."""
    if fault := _name_fault(declaration.name):
        return fault
    if not isinstance(declaration, SourceChoiceDeclaration) and not callable(declaration.build):
        return "its declaration has no `build` that can be called"
    if not (isinstance(declaration.settings, type) and issubclass(declaration.settings, Settings)):
        return "its `settings` must be a class derived from mozu.core.api.Settings"
    if isinstance(declaration, ResponderDeclaration) and not issubclass(declaration.settings, ResponderSettings):
        return "its `settings` must be a class derived from mozu.core.api.ResponderSettings"
    taken = sorted(RESERVED & declaration.settings.model_fields.keys())
    if taken:
        return f"its setting {taken[0]!r} has a name that the core reserves; rename it"
    if isinstance(declaration, SourceChoiceDeclaration):
        unknown = [name for name in declaration.choices if name not in declaration.settings.model_fields]
        return f"its choice {unknown[0]!r} is none of its settings" if unknown else ""
    if isinstance(declaration, SourceDeclaration):
        return _events_fault(declaration.events) or build_fault(declaration.build)
    return build_fault(declaration.build)


def _name_fault(name: object) -> str:
    if not isinstance(name, str) or not name:
        return "its declaration has no name"
    if not _NAME.fullmatch(name):
        return f"its name {name!r} may have letters, digits, - and _ only: a configuration names it; rename it"
    return ""


def default_faults(settings: type[Settings]) -> Iterator[str]:
    """Yield a sentence for each setting whose default would be refused if a configuration had it. pydantic does not
    validate defaults."""
    for name, field in settings.model_fields.items():
        if field.is_required():
            continue
        kind: object = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        default = field.get_default(call_default_factory=True, validated_data={})
        try:
            TypeAdapter(kind).validate_python(default)  # type: ignore[arg-type]  # a form of type, known at run time only
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            yield f"its setting {name!r} has the default {default!r}, which would be refused ({reason}); change it"


def _events_fault(events: object) -> str:
    if not isinstance(events, tuple | list):
        return f"its `events` must be a tuple of DataEventType, not {type(events).__name__}"
    wrong = [one for one in events if not isinstance(one, DataEventType)]
    if not wrong:
        return ""
    name = repr(wrong[0]) if isinstance(wrong[0], str) else "…"
    return f"its `events` have {wrong[0]!r}, which is no DataEventType; give `DataEventType(name={name}, doc=…)`"


def extension_fault(declaration: AnyExtension) -> str:
    """Return what is wrong with a declaration of fields, a format or commands; empty if nothing is."""
    if fault := _name_fault(declaration.name):
        return fault
    if isinstance(declaration, FieldsDeclaration):
        return field_fault(declaration.fields, kind=None)
    if isinstance(declaration, CommandsDeclaration):
        return "" if callable(declaration.commands) else "its declaration has no `commands` that can be called"
    if not callable(declaration.build):
        return "its declaration has no `build` that can be called"
    if not (isinstance(declaration.settings, type) and issubclass(declaration.settings, Settings)):
        return "its `settings` must be a class derived from mozu.core.api.Settings"
    return ""


def check_readers(plugin: Plugin, readers: FieldReaders, fields: FieldRegistry) -> None:
    """Check that an enricher has a reader for each declared field, and a field for each reader. Raises PluginError."""
    name = plugin.declaration.name
    for field in plugin.declaration.fields:
        if field.name not in readers and field.read is None and field.bind is None:
            text = f"it declares the field {field.name}, and its `readers()` have none of this name; add one"
            raise PluginError(name, f"{plugin.origin}: {text}")
    unknown = next((one for one in readers if one not in fields), None)
    if unknown is not None:
        text = f"its `readers()` have {unknown}, which is no field; declare it in `fields`"
        raise PluginError(name, f"{plugin.origin}: {text}")


def built_encoder(declaration: FormatDeclaration, options: Settings | None) -> Encoder:
    """Return the encoder of a format with these options. Raises PluginError."""
    try:
        encoder = declaration.build(options)
    except BaseException as error:  # a third party's code, as above
        if is_ours(error) or isinstance(error, Interrupted):
            raise
        what = f"{type(error).__name__}: {text_of(error)}{place_of(error)}"
        raise PluginError(declaration.name, f"the format could not be built: {what}; change its options") from error
    if not isinstance(encoder, Encoder):
        text = f"the format's `build` gave {type(encoder).__name__}, which has no method `encode`"
        raise PluginError(declaration.name, text)
    return encoder
