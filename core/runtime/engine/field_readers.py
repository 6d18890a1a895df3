"""Readers of fields that enrichers and sources bring: checked, recorded if they are a third party's, and bound."""

from functools import partial
from typing import Final

from mozu.core.api import Enricher, ProvidesReaders, Source
from mozu.core.flow.impaired_fields import ImpairedFields
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.reader import contained_readers
from mozu.core.model.fields import FieldRegistry
from mozu.core.recording import KeepsRecordedNames, PluginValues
from mozu.core.runtime.builtin_plugins import is_builtin
from mozu.core.runtime.plugin_checks import Plugin, check_readers

_IN_LINES: Final = frozenset({"enricher:containers", "enricher:users"})
"""Needs of fields that a recording has lines for. For other needs a recording has the values that rules and outputs
read."""


def bind_enricher(
    fields: FieldRegistry,
    plugin: Plugin,
    enricher: Isolated[Enricher],
    values: PluginValues,
    impaired: ImpairedFields,
) -> None:
    """Bind the readers of an enricher. Raises PluginError for a reader that is missing, or one of an unknown field."""
    names = [field.name for field in plugin.declaration.fields]
    if enricher.is_ready:  # it may answer for fields of the core, which it does not declare
        readers = enricher.component.readers()
        check_readers(plugin, readers, fields)
        names = list(readers)
    for name in names:
        reader = contained_readers(enricher, name)
        field = fields.get(name)
        assert field is not None
        if is_builtin(plugin.origin.target):
            is_in_lines = not _IN_LINES.isdisjoint(field.needs or ())
            fields.provide(name, reader if is_in_lines else values.recorded(field, reader), enricher.name)
            continue
        fields.check_values((name,), partial(impaired.on_wrong, plugin.origin))
        fields.provide(name, values.recorded(field, reader), enricher.name)
        if field.is_bare:
            fields.resolve(name)  # so that recordings have its value for rules of later days


def bind_source(fields: FieldRegistry, isolated: Isolated[Source], values: PluginValues) -> None:
    """Bind the readers of a source whose input answers for itself; values of plugins in the input are recorded
    again."""
    source = isolated.component
    readers = source.readers() if isinstance(source, ProvidesReaders) else {}
    again = source.recorded_names.value_names if isinstance(source, KeepsRecordedNames) else frozenset()
    for name, reader in readers.items():
        field = fields.get(name)
        fields.provide(name, reader if field is None or name not in again else values.recorded(field, reader))
