"""Typed access to one YAML mapping: every mistake is reported, and none stops the reading of the others."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.problem import ProblemContext, RuleProblem
from mozu.core.language.rules.suggest import closest
from mozu.core.language.rules.text import LocatedText, Piece
from mozu.core.language.rules.tree import Mapping, Node, Scalar, Sequence
from mozu.core.language.rules.values import MAX_UNSIGNED, boolean, unsigned

_MOST_KEYS: Final = 100
"""Maximum number of keys of one item with a warning each."""

T = TypeVar("T")
Add = Callable[[RuleProblem], None]


class MappingReader:
    """Reader of a mapping. `failed` is True after any error."""

    def __init__(self, mapping: Mapping, context: ProblemContext, add: Add) -> None:
        self.mapping, self.context, self.add = mapping, context, add
        self.failed = False

    def has(self, key: str) -> bool:
        """Return True if the key is present, even with an empty value."""
        return self.mapping.get(key) is not None

    def error(self, message: str, node: Node | None = None, hint: str = "", code: Code | None = None) -> None:
        """Report a mistake at a node, or at the beginning of the item."""
        self.failed = True
        offset = self.context.offset if node is None else node.offset
        self.add(RuleProblem(code or Code.LOAD_ERR_YAML_VALIDATE, message, self.context, offset, hint))

    def warn(self, code: Code, message: str, node: Node | None = None, hint: str = "") -> None:
        """Report a doubt."""
        offset = self.context.offset if node is None else node.offset
        self.add(RuleProblem(code, message, self.context, offset, hint))

    def warn_unknown_keys(self, known: Iterable[str]) -> None:
        """Warn about each key that has no meaning here, and about each duplicate."""
        known, seen = frozenset(known), set[str]()
        doubtful = 0
        for key, _ in self.mapping.pairs:
            name = key.text if isinstance(key, Scalar) else "(not a text)"
            if name in known and name not in seen:
                seen.add(name)
                continue
            doubtful += 1
            if doubtful <= _MOST_KEYS:
                self._warn_key(name, key, known)
        if doubtful > _MOST_KEYS:
            self.warn(
                Code.LOAD_UNKNOWN_KEY, f"{doubtful - _MOST_KEYS:,} more keys have no meaning here and are ignored"
            )

    def _warn_key(self, name: str, key: Node, known: Iterable[str]) -> None:
        if name in known:
            message = f"the key `{name}` stands here a second time; the first one counts, this one is ignored"
            self.warn(Code.LOAD_UNKNOWN_KEY, message, key)
        else:
            message = f"the key `{name[:80]}` has no meaning here and is ignored"
            self.warn(Code.LOAD_UNKNOWN_KEY, message, key, closest(name, known))

    def nested(self, key: str, known: Iterable[str]) -> "MappingReader | None":
        """Return a reader of the mapping below a key, with warnings about keys that are not in `known`; None if the key
        is absent or its value is no mapping, which is reported."""
        node = self.mapping.get(key)
        if node is None:
            return None
        if not isinstance(node, Mapping):
            self.error(f"`{key}` must be a mapping", node)
            return None
        inner = MappingReader(node, self.context, self.add)
        inner.warn_unknown_keys(known)
        return inner

    def scalar(self, key: str, *, required: bool = False, empty: bool = False) -> Scalar | None:
        """Return the scalar of a key. None if absent; `empty` permits a value that is null or has no text (also
        None)."""
        node = self.mapping.get(key)
        if node is None:
            if required:
                self.error(f"the key `{key}` is missing")
            return None
        if not isinstance(node, Scalar):
            self.error(f"`{key}` must be a text, and is a {_kind(node)}", node)
        elif node.null or not node.text:
            if not empty:
                self.error(f"`{key}` is empty; give it a value" + ("" if required else " or leave the key out"), node)
        else:
            return node
        return None

    def word(self, key: str, *, required: bool = False, empty: bool = False) -> str | None:
        """Return the text of a key as a plain `str`; parameters as for `scalar`."""
        node = self.scalar(key, required=required, empty=empty)
        return None if node is None else node.text

    def text(self, key: str, *, required: bool = False, trim: bool = False) -> LocatedText | None:
        """Return the text of a key with its places."""
        node = self.scalar(key, required=required)
        if node is None:
            return None
        value = node.text.strip() if trim else node.text
        return LocatedText((Piece(value, self.context.inner(f"{self.context.type} {key}", "", node.offset), node),))

    def flag(self, key: str) -> bool | None:
        """Return a boolean."""
        return self._convert(key, boolean, "true or false")

    def number(self, key: str) -> int | None:
        """Return an unsigned number of 32 bits."""
        return self._convert(key, unsigned, f"a whole number from 0 to {MAX_UNSIGNED}")

    def _convert(self, key: str, convert: Callable[[str], T | None], what: str) -> T | None:
        node = self.scalar(key)
        if node is None:
            return None
        value = convert(node.text)
        if value is None:
            self.error(f"`{key}` must be {what}, and is `{node.text[:80]}`", node)
        return value

    def words(self, key: str, *, required: bool = False) -> tuple[str, ...] | None:
        """Return a sequence of texts; it may be empty."""
        node = self.mapping.get(key)
        if node is None:
            if required:
                self.error(f"the key `{key}` is missing")
            return None
        return self.texts_of(key, node)

    def texts_of(self, key: str, node: Node) -> tuple[str, ...] | None:
        """Return the elements of a sequence that contains texts only."""
        if not isinstance(node, Sequence):
            self.error(f"`{key}` must be a sequence, and is {_article(node)}", node)
            return None
        bad = next((item for item in node.items if not isinstance(item, Scalar) or item.null), None)
        if bad is not None:
            self.error(f"every element of `{key}` must be a text, and one is {_article(bad)}", bad)
            return None
        return tuple(item.text for item in node.items if isinstance(item, Scalar))


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        return "null" if node.null else "text"
    return "sequence" if isinstance(node, Sequence) else "mapping"


def _article(node: Node) -> str:
    kind = _kind(node)
    return kind if kind == "null" else f"a {kind}"
