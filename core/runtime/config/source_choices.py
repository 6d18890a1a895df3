"""The sources that a choice among sources (`SourceChoiceDeclaration`) names in its settings, as entries."""

from collections.abc import Callable, Iterator

from mozu.core.api import NO_SOURCE, Kind, Settings, SourceChoiceDeclaration
from mozu.core.api.declarations import AnyDeclaration, AnySourceChoice
from mozu.core.errors import PluginError
from mozu.core.runtime.config.layer import item_of
from mozu.core.runtime.config.mark import Problems
from mozu.core.runtime.config.model import Entry
from mozu.core.runtime.config.node import YamlNode, node_of

DeclarationOf = Callable[[Entry], AnyDeclaration]
"""Returns an entry's declaration. Raises PluginError if there is no such plugin."""
SettingsOf = Callable[[Entry, Problems], Settings | None]
"""Returns the validated settings; None after adding the mistakes."""


def alternatives(
    entry: Entry, problems: Problems, declaration_of: DeclarationOf, settings_of: SettingsOf
) -> list[Entry]:
    """Return the entry itself, or the entries that its choice among sources names; their mistakes are added.

    Raises PluginError if the entry itself has no plugin.
    """
    declaration = declaration_of(entry)
    if not isinstance(declaration, SourceChoiceDeclaration):
        return [entry]
    settings = settings_of(entry, problems)
    if settings is None:
        return []
    found = list(_chosen(declaration, settings, entry, problems))
    if not found and not problems:
        problems.add(entry.node.mark, f"source {entry.id}: it names no source, so there is nothing to watch")
    return [one for one in found if _is_source(one, problems, declaration_of)]


def _chosen(declaration: AnySourceChoice, settings: Settings, entry: Entry, problems: Problems) -> Iterator[Entry]:
    """Yield an entry for each named source, with the id of the choice, best first; mistakes are added."""
    values = settings.model_dump(mode="json")
    for name in declaration.choices:
        node = entry.node.child(name) or node_of(values[name], entry.node.mark)
        if node.value == NO_SOURCE:
            continue
        item = item_of(Kind.SOURCE, node, problems)
        if item is None:
            continue
        if "id" in item.node.mapping():
            problems.add(item.node.key_mark("id"), f"source {entry.id}: an `id` belongs beside {name}, not below it")
            continue
        own = YamlNode(item.node.mapping(), item.mark, item.node.keys)
        yield Entry(
            kind=Kind.SOURCE, name=item.name, id=entry.id, settings=own.plain(), node=own, optional=entry.optional,
            start_deadline=entry.start_deadline,
        )  # fmt: skip


def _is_source(chosen: Entry, problems: Problems, declaration_of: DeclarationOf) -> bool:
    """Return True if a choice names a source; otherwise add a mistake."""
    try:
        if not isinstance(declaration_of(chosen), SourceChoiceDeclaration):
            return True
        text = f"source {chosen.id}: {chosen.name} is itself a choice among sources; name one of those"
    except PluginError as error:
        text = str(error)
    problems.add(chosen.node.mark, text)
    return False
