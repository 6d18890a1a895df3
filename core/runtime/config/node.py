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
    """A mapping's keys → where each is written."""
    private: bool = False
    """True if the text came from the environment, so that no message may quote it."""

    @property
    def kind(self) -> str:
        """The type of the value, in words for messages."""
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
        """Return the entries of a mapping; an empty dict for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    def key_mark(self, key: str) -> Mark:
        """Return the place where `key` is written, or where the mapping begins."""
        return self.keys.get(key, self.mark)

    def plain(self) -> Json:
        """Return the value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def child(self, step: str | int) -> "YamlNode | None":
        """Return the entry of a mapping or list, or None."""
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, list) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None

    def follow(self, path: Sequence[str | int]) -> "tuple[YamlNode, tuple[str | int, ...]]":
        """Return the deepest node on the path, and the steps that led there. Steps to which no node corresponds are
        skipped: pydantic names the branches of unions in its paths."""
        node, taken = self, []
        for step in path:
            below = node.child(step)
            if below is not None:
                node = below
                taken.append(step)
        return node, tuple(taken)


def node_of(value: Json, mark: Mark) -> YamlNode:
    """Return a node made from plain data; every part has the same place."""
    if isinstance(value, Mapping):
        keys = dict.fromkeys(map(str, value), mark)
        return YamlNode({str(key): node_of(item, mark) for key, item in value.items()}, mark, keys)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return YamlNode([node_of(item, mark) for item in value], mark)
    assert value is None or isinstance(value, str | int | float)
    return YamlNode(value, mark)
