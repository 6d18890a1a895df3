"""YAML → items: the shape of rules files, with every mistake of a file reported in one pass."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.exception_reader import read_shared_exception
from mozu.core.language.rules.items import (
    Broken,
    Item,
    ListItem,
    MacroItem,
    Mode,
    RequiredEngine,
    RequiredPlugin,
    RequiredPlugins,
)
from mozu.core.language.rules.mapping import Add, MappingReader
from mozu.core.language.rules.problem import ProblemContext, RuleProblem, file_context
from mozu.core.language.rules.rule_reader import read_override, read_rule
from mozu.core.language.rules.source import SourceFile
from mozu.core.language.rules.suggest import closest
from mozu.core.language.rules.tree import Mapping, Node, Scalar, Sequence, YamlError, documents
from mozu.core.language.rules.values import Version, unsigned, version

_MACRO_NAME: Final = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*")
_LIST_NAME: Final = re.compile(r"[^()\"'\s=,]+")


def read(source: SourceFile, add: Add) -> Iterator[Item]:
    """Yield the items of a file, including those before a place that is not YAML."""
    root = file_context(source)
    try:
        for document in documents(source):
            yield from _document(document, root, add)
    except YamlError as error:
        add(RuleProblem(Code.LOAD_ERR_YAML_PARSE, error.message, root, error.offset, error.hint))


def _document(document: Node, root: ProblemContext, add: Add) -> Iterator[Item]:
    if isinstance(document, Scalar) and document.null:
        return
    if not isinstance(document, Sequence):
        message = "a rules file must be a sequence of items (each begins with `- rule:`, `- macro:`, `- list:` …)"
        add(RuleProblem(Code.LOAD_ERR_YAML_VALIDATE, message, root, document.offset))
        return
    for node in document.items:
        if isinstance(node, Scalar) and node.null:
            continue
        if not isinstance(node, Mapping):
            context = root.inner("rules content item", "", node.offset)
            message = "an item must be a mapping that begins with `rule:`, `macro:`, `list:` or a requirement"
            add(RuleProblem(Code.LOAD_ERR_YAML_VALIDATE, message, context, node.offset))
        else:
            yield from _item(node, root, add)


def _item(node: Mapping, root: ProblemContext, add: Add) -> Iterator[Item]:
    for key, (type_, read_it) in _KINDS.items():
        named = node.get(key)
        if named is not None:
            name = named.text if isinstance(named, Scalar) and type_ == key else ""
            reading = MappingReader(node, root.inner(type_, name, node.offset), add)
            items = list(read_it(reading))
            if not reading.failed or key == "rule":
                yield from items
            if reading.failed and name:
                yield Broken(key, name)
            return
    known = ", ".join(f"`{key}`" for key in _KINDS)
    first = node.pairs[0][0] if node.pairs else node
    word = first.text if isinstance(first, Scalar) else ""
    context = root.inner("rules content item", "", node.offset)
    message = f"an item without any of the keys {known} is ignored"
    add(RuleProblem(Code.LOAD_UNKNOWN_ITEM, message, context, first.offset, closest(word, _KINDS)))


def _engine(reading: MappingReader) -> Iterator[Item]:
    reading.warn_unknown_keys(("required_engine_version",))
    node = reading.scalar("required_engine_version", required=True)
    if node is None:
        return
    number = unsigned(node.text)
    wanted = Version(0, number, 0) if number is not None else version(node.text)
    if wanted is None:
        reading.error(f"`{node.text[:80]}` is not a version; write a number such as 15, or x.y.z", node)
    else:
        yield RequiredEngine(wanted, reading.context)


def _plugins(reading: MappingReader) -> Iterator[Item]:
    reading.warn_unknown_keys(("required_plugin_versions",))
    node = reading.mapping.get("required_plugin_versions")
    if not isinstance(node, Sequence):
        reading.error("`required_plugin_versions` must be a sequence of mappings with `name` and `version`", node)
        return
    for entry in node.items:
        wanted = list(_alternatives(entry, reading))
        names = [plugin.name for plugin in wanted]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            reading.error(
                f"the plugin `{twice}` stands twice among the alternatives", entry, code=Code.LOAD_ERR_VALIDATE
            )
        if wanted:
            context = reading.context.inner("required plugin versions entry", wanted[0].name, entry.offset)
            yield RequiredPlugins(tuple(wanted), context)


def _alternatives(entry: Node, reading: MappingReader) -> Iterator[RequiredPlugin]:
    if not isinstance(entry, Mapping):
        reading.error("an entry of `required_plugin_versions` must be a mapping with `name` and `version`", entry)
        return
    yield from _plugin(entry, reading, ("name", "version", "alternatives"))
    others = entry.get("alternatives")
    if others is None:
        return
    if not isinstance(others, Sequence):
        reading.error("`alternatives` must be a sequence of mappings with `name` and `version`", others)
        return
    for other in others.items:
        if isinstance(other, Mapping):
            yield from _plugin(other, reading, ("name", "version"))
        else:
            reading.error("an alternative must be a mapping with `name` and `version`", other)


def _plugin(node: Mapping, outer: MappingReader, known: tuple[str, ...]) -> Iterator[RequiredPlugin]:
    reading = MappingReader(node, outer.context, outer.add)
    reading.warn_unknown_keys(known)
    name, text = reading.word("name", required=True), reading.scalar("version", required=True)
    wanted = version(text.text) if text is not None else None
    if text is not None and wanted is None:
        reading.error(f"`{text.text[:80]}` is not a version x.y.z", text, code=Code.LOAD_ERR_VALIDATE)
    outer.failed = outer.failed or reading.failed
    if name is not None and wanted is not None:
        yield RequiredPlugin(name, wanted)


def _list(reading: MappingReader) -> Iterator[Item]:
    reading.warn_unknown_keys(("list", "items", "items_from", "append", "override"))
    node = reading.scalar("list", required=True)
    file = reading.scalar("items_from")
    from_file = reading.has("items_from")
    items = reading.words("items", required=not from_file)
    mode = _mode(reading, "items")
    if from_file and reading.has("items"):
        hint = "keep one of them; a second item of this name with `override: {items: append}` adds the other"
        reading.error("`items` and `items_from` exclude each other", reading.mapping.get("items_from"), hint)
    if node is None or (items is None and file is None):
        return
    if not _LIST_NAME.fullmatch(node.text):
        message = f"a condition cannot refer to a list that is called `{node.text}`"
        reading.warn(Code.LOAD_INVALID_LIST_NAME, message, node)
    yield ListItem(node.text, reading.context, items or (), mode, file)


def _macro(reading: MappingReader) -> Iterator[Item]:
    reading.warn_unknown_keys(("macro", "condition", "append", "override"))
    node = reading.scalar("macro", required=True)
    condition = reading.text("condition", required=True)
    mode = _mode(reading, "condition")
    if node is None or condition is None:
        return
    if not _MACRO_NAME.fullmatch(node.text):
        message = f"a condition cannot refer to a macro that is called `{node.text}`"
        reading.warn(Code.LOAD_INVALID_MACRO_NAME, message, node)
    yield MacroItem(node.text, reading.context, condition, mode)


def _exception(reading: MappingReader) -> Iterator[Item]:
    yield from read_shared_exception(reading, _mode(reading, "values"))


def _mode(reading: MappingReader, key: str) -> Mode:
    """Return the mode of a list, a macro or a shared exception; `key` is the one key that `override` may name."""
    override = read_override(reading, {key: frozenset({"append", "replace"})})
    append = reading.flag("append")
    if append and override:
        reading.error("`append: true` and `override` exclude each other", reading.mapping.get("append"))
    if append:
        hint = f"write `override: {{{key}: append}}`"
        reading.warn(Code.LOAD_DEPRECATED_ITEM, "`append: true` is deprecated", reading.mapping.get("append"), hint)
        return Mode.APPEND
    if not override:
        return Mode.DEFINE
    return Mode.APPEND if override[key] == "append" else Mode.DEFINE


_KINDS: Final[dict[str, tuple[str, Callable[[MappingReader], Iterator[Item]]]]] = {
    "required_engine_version": ("required_engine_version", _engine),
    "required_plugin_versions": ("required plugin versions", _plugins),
    "list": ("list", _list),
    "macro": ("macro", _macro),
    "exception": ("exception", _exception),
    "rule": ("rule", read_rule),
}
"""Key that makes an item of this kind → type in reports, reader; in order of precedence."""
