"""Values of another product's configuration, read as that product does: a value of the wrong type is the default."""

import re
from collections.abc import Mapping
from typing import Final, TypeVar

from mozu.core.model.value_types import Json

T = TypeVar("T", bool, int, str)
_VARIABLE: Final = re.compile(r"(?<!\$)\$\{(\w+)\}")
_WORDS: Final = {"true": True, "false": False}


class TreeReader:
    """Dotted keys of one tree. `fold`: names are not case-sensitive."""

    def __init__(self, tree: Mapping[str, Json], *, fold: bool = False) -> None:
        self._fold = fold
        self._tree = _folded(tree) if fold else tree

    def value(self, key: str) -> Json:
        """Return the value at a dotted key; None if the tree has none."""
        found: Json = self._tree
        for step in (key.lower() if self._fold else key).split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a truth value."""
        found = self.value(key)
        if isinstance(found, str):
            return _WORDS.get(found.lower(), default)
        return found if isinstance(found, bool) else default

    def number(self, key: str, default: int) -> int:
        """Return a whole number."""
        found = self.value(key)
        if isinstance(found, str) and found.isdigit():
            return int(found)
        return found if isinstance(found, int) and not isinstance(found, bool) else default

    def text(self, key: str, default: str = "") -> str:
        """Return a text. A variable that is not set is empty in Falco; mozu needs that as its default."""
        found = self.value(key)
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            return default
        return with_defaults(str(found)) or default

    def texts(self, key: str) -> list[str]:
        """Return a list of texts; one text is a list of one."""
        found = self.value(key)
        items = found if isinstance(found, list) else [] if found is None else [found]
        return [with_defaults(str(item)) for item in items if isinstance(item, str | int | float)]


def with_defaults(text: str) -> str:
    """Return the text with the empty text as default of each reference to a variable."""
    return _VARIABLE.sub(r"${\1:-}", text)


def tree_with_defaults(value: Json) -> Json:
    """Return the tree with `with_defaults` of each of its texts."""
    if isinstance(value, str):
        return with_defaults(value)
    if isinstance(value, Mapping):
        return {name: tree_with_defaults(item) for name, item in value.items()}
    return [tree_with_defaults(item) for item in value] if isinstance(value, list) else value


def _folded(tree: Mapping[str, Json]) -> dict[str, Json]:
    return {
        str(name).lower(): _folded(value) if isinstance(value, Mapping) and name != "customHeaders" else value
        for name, value in tree.items()
    }
