"""Overrides of the command line: `-o key.path=value`, `-r RULES` and `--json`."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec

from mozu.core.api import Kind
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config.layer import Item, Layer, item_of, items_of, known_key
from mozu.core.runtime.config.mark import Mark, Problems
from mozu.core.runtime.config.merge import entry
from mozu.core.runtime.config.model import SECTIONS
from mozu.core.runtime.config.node import YamlNode, node_of
from mozu.core.runtime.config.option_path import END, Step, placed, steps_of
from mozu.core.runtime.config.reader import parse
from mozu.core.runtime.config.suggest import suggestion

RULES_PLUGIN: Final = "falco"
"""The evaluator whose rules `-r` names."""

JSON_PLUGIN: Final = "stdout"
"""The sink that `--json` changes."""


def override(layer: Layer, text: str, problems: Problems) -> None:
    """Apply one `-o`. The value is YAML; `${…}` stays as it is, because the shell has already expanded variables."""
    key, equals, written = text.partition("=")
    adds = key.endswith("+")
    key = key.removesuffix("+").strip()
    mark = Mark(f"-o {key}")
    steps = steps_of(key)
    if not equals or steps is None:
        problems.add(Mark(f"-o {text}"), "expected key.path=value, such as sinks.stdout.format=json")
        return
    before = len(problems.lines())
    read = parse(written, mark.where, problems)
    if len(problems.lines()) > before:
        return
    value = node_of(None if read is None else read.plain(), mark)
    top = str(steps[0])
    section = SECTIONS.get(top)
    if adds and (section is not None or not isinstance(value.value, list)):
        problems.add(mark, "`+=` adds a list to one of the core's own, such as plugins+=[NAME]; KEY[]= adds one")
    elif section is not None:
        _component(layer, section, steps[1:], value, problems)
    elif known_key(top, mark, problems):
        _put(layer.core, steps, _added(layer.core.follow(steps)[0], value) if adds else value, problems)


def _added(there: YamlNode, more: YamlNode) -> YamlNode:
    """Return a list with more elements; anything but a list is replaced."""
    if not isinstance(there.value, list) or not isinstance(more.value, list):
        return more
    return YamlNode([*there.value, *more.value], more.mark)


def _component(layer: Layer, kind: Kind, steps: Sequence[Step], value: YamlNode, problems: Problems) -> None:
    if not steps:
        layer.sections[kind] = items_of(kind, value, problems)
        return
    if steps[0] == END and len(steps) == 1:
        _append(layer, kind, value, problems)
        return
    item = _find(layer, kind, steps[0], value.mark, problems)
    if item is None:
        return
    if len(steps) > 1 and steps[1] == "id":
        problems.add(value.mark, "the id cannot be changed here: it is what the command line addresses an entry by")
    elif len(steps) > 1:
        form = item.node.child("format")
        if steps[1] == "format" and len(steps) > 2 and form is not None and steps[2] not in form.mapping():
            del item.node.mapping()["format"]
        _put(item.node, steps[1:], value, problems)
    elif isinstance(value.value, dict):
        item.node = entry(item.node, value)
    else:
        problems.add(value.mark, f"the settings of {kind} {item.id} must be a mapping; found {value.kind}")


def _append(layer: Layer, kind: Kind, value: YamlNode, problems: Problems) -> None:
    """Append an entry."""
    item = item_of(kind, value, problems)
    items = layer.sections.setdefault(kind, {})
    if item is not None and item.id in items:
        problems.add(value.mark, f"a {kind} with the id {item.id!r} is there already; give this one another `id`")
    elif item is not None:
        items[item.id] = item


def _find(layer: Layer, kind: Kind, wanted: Step, mark: Mark, problems: Problems) -> Item | None:
    """Return an item by id or by index; None after adding a mistake."""
    items = layer.sections.get(kind, {})
    identity = wanted if not isinstance(wanted, int) else next(islice(items, wanted, None), f"[{wanted}]")
    if identity in items:
        return items[identity]
    there = ", ".join(items) or "none"
    hint = suggestion(identity, items) if isinstance(wanted, str) and wanted else ""
    problems.add(mark, f"no {kind} has the id {identity!r}{hint or f'; configured: {there}'}")
    return None


def _put(node: YamlNode, steps: Sequence[Step], value: YamlNode, problems: Problems) -> None:
    """Set a value deep in a mapping, making mappings and lists on the way."""
    step, *rest = steps
    if not isinstance(step, str) or step == END:
        problems.add(value.mark, f"{node.kind} has no elements by number; name a key")
        return
    try:
        node.mapping()[step] = placed(node.mapping().get(step), rest, value)
    except IndexError as error:
        problems.add(value.mark, str(error))
        return
    node.keys[step] = value.mark if not rest else node.keys.get(step, value.mark)


def use_rules(layer: Layer, rules: Sequence[str], problems: Problems) -> None:
    """Apply `-r`: these files and directories replace the configured ones."""
    if rules:
        mark = Mark("-r")
        _each(layer, Kind.EVALUATOR, RULES_PLUGIN, "rules", node_of(list(rules), mark), problems)


class StdoutForm(msgspec.Struct, frozen=True):
    """The format of the sink stdout as a command has chosen it."""

    format: str | JsonObject
    """A name, or a mapping from it to options, as `format` of a sink has it."""
    origin: str
    """Option of the command line, which mistakes name."""
    replaces: bool
    """True if a format that the configuration names gives way, and a configuration without the sink is a mistake."""


JSON: Final = StdoutForm("json", "--json", replaces=True)


def use_form(layer: Layer, form: StdoutForm, problems: Problems) -> None:
    """Set the format of the sink stdout."""
    value = node_of(form.format, Mark(form.origin))
    _each(layer, Kind.SINK, JSON_PLUGIN, "format", value, problems, replace=form.replaces)


def _each(
    layer: Layer, kind: Kind, name: str, key: str, value: YamlNode, problems: Problems, *, replace: bool = True
) -> None:
    """Set a key of each entry of a plugin; `replace`: also of one that has the key, and none is a mistake."""
    items = [item for item in layer.sections.get(kind, {}).values() if item.name == name]
    for item in items:
        if replace or item.node.child(key) is None:
            _put(item.node, [key], value, problems)
    if replace and not items:
        problems.add(value.mark, f"this is about the {kind} {name}, and none is configured")
