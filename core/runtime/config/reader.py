"""Conversion of YAML text to nodes with places.

The scalars are those of YAML 1.2: `on`, `no`, `12:30` and `1_000` are text, though a boolean setting still accepts
`on`. Only plain data can be written: tags that make objects are refused.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import yaml

from mozu.core.runtime.config.mark import Mark, Problems
from mozu.core.runtime.config.node import Scalar, YamlNode
from mozu.core.runtime.config.substitute import Unset, has_reference, substitute

_PREFIX: Final = "tag:yaml.org,2002:"
_MAX_DEPTH: Final = 50
_TOO_DEEP: Final = f"lists and mappings are nested more than {_MAX_DEPTH} deep"
_MAX_SIZE: Final = 1 << 20
_MAX_NODES: Final = 100_000


class _Loader(yaml.SafeLoader):
    """PyYAML's reader with a limit of nesting, so that no file exhausts the stack, and with the scalars of YAML 1.2."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=self.get_mark())
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+0123456789.")),
):
    _Loader.add_implicit_resolver(_PREFIX + _tag, re.compile(rf"(?:{_pattern})\Z"), _first)


def _number(text: str) -> int:
    return int(text, 0) if text[:2] in ("0x", "0o") else int(text)


_SCALARS: Final[Mapping[str, Callable[[str], bool | int | float | str | None]]] = {
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _number,
    "float": float,
    "str": str,
}


def parse(text: str, where: str, problems: Problems, environment: Mapping[str, str] | None = None) -> YamlNode | None:
    """Return the document, or None if there is none or it cannot be read at all (then `problems` has the reason).

    Without an environment `${…}` is plain text.
    """
    return _Reader(where, problems, environment).read(text)


class _Reader:
    def __init__(self, where: str, problems: Problems, environment: Mapping[str, str] | None) -> None:
        self._where = where
        self._problems = problems
        self._environment = environment
        self._count = 0

    def read(self, text: str) -> YamlNode | None:
        if len(text) > _MAX_SIZE:
            self._problems.add(Mark(self._where, 1, 1), "larger than 1 MiB; this is no configuration of mozu")
            return None
        try:
            root = yaml.compose(text, _Loader)
        except yaml.MarkedYAMLError as error:
            self._broken(error)
            return None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
            place = Mark(self._where, line, column)
            self._problems.add(place, f"the character U+{error.character:04X} is not allowed in YAML")
            return None
        return None if root is None else self._node(root, 0)

    def _broken(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        place = Mark(self._where, mark.line + 1, mark.column + 1) if mark else Mark(self._where, 1, 1)
        text = error.problem or error.context or "this is not YAML"
        if "'\\t'" in text:
            text = "a tab cannot indent YAML; use spaces"
        elif "expected a single document" in (error.context or ""):
            text = "a second document begins here; configuration is one document"
        self._problems.add(place, f"not valid YAML: {text}")

    def _mark(self, node: yaml.Node) -> Mark:
        return Mark(self._where, node.start_mark.line + 1, node.start_mark.column + 1)

    def _node(self, node: yaml.Node, depth: int) -> YamlNode | None:
        self._count += 1
        if self._count > _MAX_NODES:
            if self._count == _MAX_NODES + 1:
                text = f"there are more than {_MAX_NODES} values; do aliases repeat each other?"
                self._problems.add(self._mark(node), text)
            return None
        if depth > _MAX_DEPTH:
            self._problems.add(self._mark(node), _TOO_DEEP)
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if node.tag not in (f"{_PREFIX}map", f"{_PREFIX}seq"):
            self._bad_tag(node)
            return None
        return self._mapping(node, depth) if isinstance(node, yaml.MappingNode) else self._list(node, depth)

    def _list(self, node: yaml.Node, depth: int) -> YamlNode:
        items = (self._node(item, depth + 1) for item in node.value)
        return YamlNode([item for item in items if item is not None], self._mark(node))

    def _mapping(self, node: yaml.MappingNode, depth: int) -> YamlNode:
        made = YamlNode({}, self._mark(node), {})
        entries = made.mapping()
        for key_node, value_node in node.value:
            mark = self._mark(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._problems.add(mark, "a key must be a word, not a list or a mapping")
                continue
            key = str(key_node.value)
            if key in entries:
                self._problems.add(mark, f"{key!r} is already given in line {made.keys[key].line}; keep one of the two")
                continue
            made.keys[key] = mark
            value = self._node(value_node, depth + 1)
            if value is not None:
                entries[key] = value
        return made

    def _scalar(self, node: yaml.ScalarNode) -> YamlNode | None:
        mark = self._mark(node)
        if self._environment is not None and has_reference(node.value):
            try:
                return YamlNode(substitute(node.value, self._environment), mark, private=True)
            except Unset as unset:
                self._problems.add(mark, str(unset))
                return None
        convert = _SCALARS.get(node.tag.removeprefix(_PREFIX)) if node.tag.startswith(_PREFIX) else None
        if convert is None:
            self._bad_tag(node)
            return None
        try:
            value: Scalar = convert(node.value)
        except ValueError:
            self._problems.add(mark, f"{node.value!r} is not what its tag {node.tag.replace(_PREFIX, '!!')} says")
            return None
        return YamlNode(value, mark)

    def _bad_tag(self, node: yaml.Node) -> None:
        tag = node.tag.replace(_PREFIX, "!!")
        self._problems.add(self._mark(node), f"the tag {tag} has no meaning here; remove it")
