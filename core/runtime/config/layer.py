"""A layer of configuration taken apart: the core's own keys, and lists of components by kind."""

import msgspec

from mozu.core.api import Kind
from mozu.core.runtime.config.looks_like_falco import looks_like_falco
from mozu.core.runtime.config.mark import Mark, Problems
from mozu.core.runtime.config.model import SECTIONS, CoreSettings
from mozu.core.runtime.config.node import YamlNode
from mozu.core.runtime.config.suggest import suggestion

TOP_KEYS = (*SECTIONS, *CoreSettings.model_fields)
"""Every key that may be at the top."""


class Item(msgspec.Struct):
    """An entry of a list, as written."""

    name: str
    id: str
    mark: Mark
    node: YamlNode
    """The settings, with the core's keys; a mapping."""


class Layer(msgspec.Struct):
    """The content of one file, or of all files so far. A kind that is absent was not mentioned."""

    core: YamlNode
    sections: dict[Kind, dict[str, Item]] = {}


def layer_of(root: YamlNode | None, where: str, problems: Problems) -> Layer:
    """Return the layer of a document; an empty document has an empty layer."""
    layer = Layer(YamlNode({}, Mark(where, 1, 1), {}))
    if root is None or root.value is None:
        return layer
    if not isinstance(root.value, dict):
        keys = ", ".join(TOP_KEYS)
        problems.add(root.mark, f"the configuration must be a mapping with the keys {keys}; found {root.kind}")
        return layer
    if looks_like_falco(root.value):
        problems.add(root.mark, f"this is a configuration of Falco; `mozu import {where} -o mozu.yaml` translates it")
        return layer
    for key, node in root.value.items():
        mark = root.key_mark(key)
        if key in SECTIONS:
            layer.sections[SECTIONS[key]] = items_of(SECTIONS[key], node, problems)
        elif known_key(key, mark, problems):
            layer.core.mapping()[key] = node
            layer.core.keys[key] = mark
    return layer


def known_key(key: str, mark: Mark, problems: Problems) -> bool:
    """Return True if a key may be at the top; otherwise add a mistake."""
    if key in TOP_KEYS:
        return True
    problems.add(mark, f"unknown key {key!r}{suggestion(key, TOP_KEYS) or '; expected one of ' + ', '.join(TOP_KEYS)}")
    return False


def items_of(kind: Kind, node: YamlNode, problems: Problems) -> dict[str, Item]:
    """Return the entries of one list by their ids."""
    items: dict[str, Item] = {}
    if not isinstance(node.value, list):
        problems.add(node.mark, f"{kind.section} must be a list of {kind} plugins, [] for none; found {node.kind}")
        return items
    for entry in node.value:
        item = item_of(kind, entry, problems)
        if item is None:
            continue
        if item.id in items:
            line = items[item.id].mark.line
            there = f"the first in line {line}" if line else "both here"
            problems.add(item.mark, f"two {kind.section} have the id {item.id!r} ({there}); give one another `id`")
            continue
        items[item.id] = item
    return items


def item_of(kind: Kind, node: YamlNode, problems: Problems) -> Item | None:
    """Return an entry, written as a name or as one mapping from the name to its settings; None after adding the
    mistake."""
    if isinstance(node.value, str) and node.value:
        return Item(node.value, node.value, node.mark, YamlNode({}, node.mark, {}))
    if not isinstance(node.value, dict) or not node.value:
        expected = f"an entry of {kind.section} is a plugin's name, or one mapping from it to its settings"
        problems.add(node.mark, f"{expected}; found {node.kind}")
        return None
    (name, settings), *others = node.value.items()
    if others:
        key = others[0][0]
        problems.add(node.key_mark(key), f"{key!r} stands beside {name!r}; indent the settings of {name!r} below it")
        return None
    if settings.value is None:
        settings = YamlNode({}, settings.mark, {})
    if not isinstance(settings.value, dict):
        problems.add(settings.mark, f"the settings of {kind} {name} must be a mapping; found {settings.kind}")
        return None
    written = settings.value.get("id")
    identity = written.value if written is not None and isinstance(written.value, str) else name
    return Item(name, identity, node.key_mark(name), settings)
