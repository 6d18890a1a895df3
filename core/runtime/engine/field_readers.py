"""Readers of fields that enrichers and sources bring: checked, recorded where they are a third party's, and bound."""

from functools import partial

from mozu.core.api import Enricher, ProvidesReaders
from mozu.core.flow.impaired_fields import ImpairedFields
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.fields import FieldRegistry
from mozu.core.recording import KeepsRecordedNames, PluginValues
from mozu.core.runtime.builtin_plugins import is_builtin
from mozu.core.runtime.plugin_checks import Plugin, check_readers


def bind_enricher(
    fields: FieldRegistry,
    plugin: Plugin,
    enricher: Isolated[Enricher],
    values: PluginValues,
    impaired: ImpairedFields,
) -> None:
    """Its readers. Raises PluginError for one that is missing, or of a field that there is not."""
    readers = enricher.component.readers()
    check_readers(plugin, readers, fields)
    for name, reader in readers.items():
        field = fields.get(name)
        assert field is not None
        if is_builtin(plugin.origin.target):
            fields.provide(name, reader, enricher.name)
            continue
        fields.check_values((name,), partial(impaired.on_wrong, plugin.origin))
        fields.provide(name, values.recorded(field, reader), enricher.name)
        if field.is_bare:
            fields.resolve(name)  # so that recordings have its value for rules of later days


def bind_source(fields: FieldRegistry, source: ProvidesReaders, values: PluginValues) -> None:
    """The readers of a source whose input answers for itself; what it holds of plugins is recorded again."""
    readers = source.readers()
    again = source.recorded_names.value_names if isinstance(source, KeepsRecordedNames) else frozenset()
    for name, reader in readers.items():
        field = fields.get(name)
        fields.provide(name, reader if field is None or name not in again else values.recorded(field, reader))
