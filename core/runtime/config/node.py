"""Nodes of YAML: plain values, each with its position in the file."""

from collections.abc import Mapping, Sequence

import msgspec

from mozu.core.model.value_types import Json
from mozu.core.runtime.config.mark import Mark

Scalar = str | int | float | bool | None


class YamlNode(msgspec.Struct):
    """A scalar, a list of nodes, or a mapping from key to node."""

    value: "Scalar | list[YamlNode] | dict[str, YamlNode]"
    mark: Mark
    keys: dict[str, Mark] = {}
    """Mappings: where each key stands."""
    private: bool = False
    """The text came out of the environment, so no message may quote it."""

    @property
    def kind(self) -> str:
        """What it is, in words for messages."""
        if self.value is None:
            return "nothing"
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        if isinstance(self.value, str):
            return "text"
        return "a truth value" if isinstance(self.value, bool) else "a number"

    def mapping(self) -> "dict[str, YamlNode]":
        """The entries of a mapping; none for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    def key_mark(self, key: str) -> Mark:
        """Where `key` is written, or where the mapping begins."""
        return self.keys.get(key, self.mark)

    def plain(self) -> Json:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def child(self, step: str | int) -> "YamlNode | None":
        """The entry of a mapping or list, if there is one."""
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, list) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None

    def follow(self, path: Sequence[str | int]) -> "tuple[YamlNode, tuple[str | int, ...]]":
        """The deepest node on the path, and the steps that led there. Steps that no node answers to are passed over:
        pydantic names the branches of unions in its paths."""
        node, taken = self, []
        for step in path:
            below = node.child(step)
            if below is not None:
                node = below
                taken.append(step)
        return node, tuple(taken)


def node_of(value: Json, mark: Mark) -> YamlNode:
    """A node from plain data; every part has the same place."""
    if isinstance(value, Mapping):
        keys = dict.fromkeys(map(str, value), mark)
        return YamlNode({str(key): node_of(item, mark) for key, item in value.items()}, mark, keys)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return YamlNode([node_of(item, mark) for item in value], mark)
    assert value is None or isinstance(value, str | int | float)
    return YamlNode(value, mark)
