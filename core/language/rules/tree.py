"""YAML text as a tree of nodes with offsets: untyped scalars, first duplicate key, aliases followed, nothing merged.

Built from libyaml's event stream instead of a YAML constructor, because rule files use every scalar as text (`10`,
`yes`, `0x10`), and because the input may be hostile: the loop below does not recurse, an alias must not be inside the
node it refers to, and both the number of nodes (an alias counts as much as its whole target) and the nesting are
bounded (libyaml bounds the nesting too, but not in every version).
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml

from mozu.core.language.rules.source import SourceFile

_NODES: Final = 1_000_000
"""Maximum number of nodes of a file: ten times that of the largest public rule sets, and some 200 MB of memory."""
_LEVELS: Final = 1_000
"""Maximum number of nested collections; far more than any rule needs, and few enough for code that recurses."""
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


class Scalar(msgspec.Struct, eq=False):
    """A text. `offset` and `end` enclose it in the file, quotes included."""

    text: str
    offset: int
    end: int
    plain: bool

    @property
    def null(self) -> bool:
        """True if the scalar means null: `~`, `null`, or no text at all, without quotes."""
        return self.plain and self.text in _NULLS


class Sequence(msgspec.Struct, eq=False):
    """A list of nodes."""

    offset: int
    items: list["Node"]


class Mapping(msgspec.Struct, eq=False):
    """Pairs in file order, duplicates included; `get` returns the first."""

    offset: int
    pairs: list[tuple["Node", "Node"]]

    def get(self, key: str) -> "Node | None":
        """Return the value of the first pair with this key."""
        for name, value in self.pairs:
            if isinstance(name, Scalar) and name.text == key:
                return value
        return None


Node = Scalar | Sequence | Mapping


class YamlError(Exception):
    """Raised for text that is not YAML (or exceeds a limit) at `offset`."""

    def __init__(self, message: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.offset, self.hint = message, offset, hint


def documents(source: SourceFile) -> Iterator[Node]:
    """Yield the root of each document. Raises YamlError at the first place that is not YAML."""
    bad = _UNPRINTABLE.search(source.text)
    try:
        yield from _Builder(source).documents()
    except yaml.reader.ReaderError as error:
        at = error.position if bad is None else bad.start()
        raise YamlError(f"the character U+{ord(source.text[at]):04X} may not stand in YAML", at) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = 0 if mark is None else source.offset(mark.line, mark.column)
        parts = [part for part in (error.problem, error.context) if part]
        raise YamlError(f"not YAML: {' '.join(parts)}", at, _hint(source.text, at)) from error


def _hint(text: str, at: int) -> str:
    if text[at : at + 1] == "\t":
        return "indent with spaces; YAML allows no tabs there"
    if text[at : at + 1] in ("%", "@", "`", "*", "&", "!"):
        return "put a text that begins with this character in quotes"
    return ""


def _span(event: Any) -> tuple[int, int]:
    """Return the start and end offsets of an event."""
    return event.start_mark.index, event.end_mark.index


class _Builder:
    """Builder of nodes from events; `_open` is the stack of collections that have not ended yet."""

    def __init__(self, source: SourceFile) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(source.text, Loader=yaml.CBaseLoader))
        self._open: list[tuple[Sequence | Mapping, str | None]] = []
        self._keys: list[Node | None] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._before: list[int] = []
        self._count = 0

    def documents(self) -> Iterator[Node]:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.ScalarEvent):
                plain = event.style in (None, "")
                start, end = _span(event)
                root = self._place(Scalar(event.value, start, end, plain), event.anchor, 1, start) or root
            elif isinstance(event, yaml.AliasEvent):
                node, size = self._alias(event)
                root = self._place(node, None, size, _span(event)[0]) or root
            elif isinstance(event, yaml.SequenceStartEvent):
                self._enter(Sequence(_span(event)[0], []), event.anchor)
            elif isinstance(event, yaml.MappingStartEvent):
                self._enter(Mapping(_span(event)[0], []), event.anchor)
            elif isinstance(event, yaml.CollectionEndEvent):
                root = self._leave() or root
            elif isinstance(event, yaml.DocumentEndEvent) and root is not None:
                self._anchors.clear()
                yield root

    def _enter(self, node: Sequence | Mapping, anchor: str | None) -> None:
        if len(self._open) >= _LEVELS:
            raise YamlError(f"the nesting is deeper than {_LEVELS} levels", node.offset)
        self._open.append((node, anchor))
        self._keys.append(None)
        self._before.append(self._count)

    def _leave(self) -> Node | None:
        node, anchor = self._open.pop()
        self._keys.pop()
        size = 1 + self._count - self._before.pop()
        self._count -= size - 1
        return self._place(node, anchor, size, node.offset)

    def _alias(self, event: Any) -> tuple[Node, int]:
        found = self._anchors.get(event.anchor)
        if found is None:
            raise YamlError(
                f"the alias *{event.anchor} refers to nothing that is complete before it", event.start_mark.index
            )
        return found

    def _place(self, node: Node, anchor: str | None, size: int, offset: int) -> Node | None:
        """Add a finished node to its parent; return it if it is a root. `size`: number of nodes in it, aliases
        followed."""
        self._count += size
        if self._count > _NODES:
            raise YamlError(f"the file holds more than {_NODES:,} values (aliases followed)", offset)
        if anchor is not None:
            self._anchors[anchor] = (node, size)
        if not self._open:
            return node
        parent = self._open[-1][0]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = node
        else:
            parent.pairs.append((key, node))
            self._keys[-1] = None
        return None
