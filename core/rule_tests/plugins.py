"""The plugins whose fields rules under test may read, whatever the machine's configuration is."""

from collections.abc import Iterable

from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.registry import Registry


def builtin_plugins_and(names: Iterable[str]) -> Registry:
    """Return a registry of every built-in plugin, and of installed ones by the names of their entry points. Raises
    PluginError."""
    registry = Registry()
    for kind, table in BUILTINS.items():
        for name in table:
            registry.plugin(kind, name)
    for name in names:
        registry.load(name)
    return registry


def fields_of(registry: Registry) -> FieldRegistry:
    """Return the core's fields and those of the plugins. Raises PluginError if two have one name."""
    fields = FieldRegistry(builtin_fields())
    registry.add_fields(fields)
    return fields
