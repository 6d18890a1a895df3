"""Merge layers: components by id, mappings by key, and everything else is replaced."""

from mozu.core.api import Kind
from mozu.core.runtime.config.layer import Item, Layer
from mozu.core.runtime.config.mark import Problems
from mozu.core.runtime.config.node import YamlNode


def stack(below: Layer, above: Layer, problems: Problems, *, replace: bool = False) -> Layer:
    """Return both layers as one. With `replace` a list of components in `above` replaces the one below."""
    sections = dict(below.sections)
    for kind, items in above.sections.items():
        sections[kind] = items if replace else _items(kind, below.sections.get(kind, {}), items, problems)
    core = mapping(below.core, above.core)
    first, second = below.core.child("plugins"), above.core.child("plugins")
    if first is not None and second is not None and isinstance(first.value, list) and isinstance(second.value, list):
        core.mapping()["plugins"] = YamlNode([*first.value, *second.value], second.mark)
    return Layer(core, sections)


def _items(kind: Kind, below: dict[str, Item], above: dict[str, Item], problems: Problems) -> dict[str, Item]:
    merged = dict(below)
    for identity, item in above.items():
        old = below.get(identity)
        if old is not None and old.name != item.name:
            there = f"{kind} {identity!r} is of the plugin {old.name} in {old.mark.where}"
            problems.add(item.mark, f"{there}; choose another `id` for this one")
        elif old is None:
            merged[identity] = item
        else:
            merged[identity] = Item(item.name, identity, item.mark, entry(old.node, item.node))
    return merged


def entry(below: YamlNode, above: YamlNode) -> YamlNode:
    """Return the merged settings of one component: mappings merge, except a format's options, which belong to that
    format."""
    merged = mapping(below, above)
    form, old = above.child("format"), below.child("format")
    if form is not None and old is not None and form.mapping().keys() != old.mapping().keys():
        merged.mapping()["format"] = form
    return merged


def mapping(below: YamlNode, above: YamlNode) -> YamlNode:
    """Merge two mappings: keys in both merge if both values are mappings, else the upper value replaces the lower."""
    entries, keys = dict(below.mapping()), dict(below.keys)
    for key, node in above.mapping().items():
        old = entries.get(key)
        both = old is not None and isinstance(old.value, dict) and isinstance(node.value, dict)
        entries[key] = mapping(old, node) if old is not None and both else node
        keys[key] = above.key_mark(key)
    return YamlNode(entries, above.mark if above.mapping() else below.mark, keys)
