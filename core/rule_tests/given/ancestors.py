"""The ancestors of a process, as far as a test names them."""

from collections.abc import Mapping, Sequence
from typing import Final

from mozu.core.model.event import as_bytes, byte_length
from mozu.core.model.fields.possible import COMM
from mozu.core.rule_tests.given.parts import GivenProcess

ANCESTORS: Final[Mapping[str, str]] = {
    "proc.aname": "name",
    "proc.aexe": "exe",
    "proc.aexepath": "exepath",
    "proc.apid": "pid",
}
"""Field → attribute: of the ancestor that the argument counts, or without an argument of all, nearest first."""
PARENT: Final[Mapping[str, str]] = {
    "proc.pname": "name",
    "proc.pexe": "exe",
    "proc.pexepath": "exepath",
    "proc.ppid": "pid",
    "proc.pvpid": "vpid",
}
MOST: Final = 1000
"""Most steps up that a test may count."""


def check_name(attribute: str, value: object) -> None:
    """Raise ValueError for a name of a program that no process can have."""
    if attribute == "name" and isinstance(value, str) and byte_length(value) > COMM:
        kept = as_bytes(value)[:COMM].decode("utf-8", "ignore")
        raise ValueError(f"no program is called `{value[:60]}`: the kernel keeps {COMM} bytes of a name; write {kept}")


class Ancestors:
    """Attributes by level; the parent is level 1."""

    def __init__(self) -> None:
        self._levels: dict[int, dict[str, object]] = {}

    @property
    def depth(self) -> int:
        """The highest level with a value."""
        return max(self._levels, default=0)

    def take(self, attribute: str, level: int, value: object) -> None:
        """Set one attribute of one ancestor. Raises ValueError if the ancestor is too far up."""
        if level > MOST:
            raise ValueError(f"no process has {level:,} ancestors; count {MOST:,} steps up at most")
        check_name(attribute, value)
        if level:
            self._levels.setdefault(level, {}).setdefault(attribute, value)

    def take_all(self, attribute: str, values: Sequence[object]) -> None:
        """Set one attribute of all ancestors, nearest first."""
        for level, value in enumerate(values, 1):
            self.take(attribute, level, value)

    def names(self) -> dict[int, str]:
        """Return the given names by level, nearest first."""
        found = ((level, self._levels[level].get("name")) for level in sorted(self._levels))
        return {level: str(name) for level, name in found if name is not None}

    def chain(self) -> GivenProcess | None:
        """Return the parent, which has the other ancestors; None if there are none."""
        found: GivenProcess | None = None
        for level in range(self.depth, 0, -1):
            attributes = self._levels.get(level, {})
            found = GivenProcess(attributes.get("pid", object()), found, **attributes)
        return found
