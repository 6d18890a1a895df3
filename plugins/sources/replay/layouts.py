"""Event layouts of the `.scap` format: events by number, their parameters, the portable numbers of system calls.

Event numbers never change meaning, and parameters are only ever appended, so the newest table reads every file.
Numbers that are missing here are unused, or newer than this table; events of them are skipped.
"""

from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

_PACKAGE: Final = files(__package__)


class EventLayout(msgspec.Struct, frozen=True):
    """The layout of an event number."""

    id: int
    name: str
    """The name in rules."""
    kind: str
    """syscall, tracepoint, metaevent, plugin, iter."""
    traits: frozenset[str]
    """old: superseded by a later number. converted: brought to today's form by `convert`. large: parameter lengths are
    32 bits wide. creates, uses, destroys: what it does with a descriptor. state: changes what the state keeps."""
    names: tuple[str, ...]
    """The names of the parameters."""
    encodings: tuple[str, ...]
    """The encoding of each parameter: a key of `params.FIXED` or `params.SPECIAL`, or `DYN:` and its alternatives."""

    @property
    def is_exit(self) -> bool:
        """Odd numbers are the ends of calls."""
        return self.id % 2 == 1

    @property
    def length_width(self) -> int:
        """Bytes of one entry of the array of parameter lengths."""
        return 4 if "large" in self.traits else 2


def rows(name: str) -> list[list[str]]:
    """The lines of one of the package's tables, split, without the heading."""
    text = _PACKAGE.joinpath(name).read_text("ascii")
    return [line.split("\t") for line in text.splitlines()[1:]]


def _layout(row: list[str]) -> EventLayout:
    number, name, kind, traits, parameters = row
    pairs = [] if parameters == "-" else [item.split(":", 1) for item in parameters.split(",")]
    return EventLayout(
        id=int(number),
        name=name,
        kind=kind,
        traits=frozenset(traits.split(",")),
        names=tuple(pair[0] for pair in pairs),
        encodings=tuple(pair[1] for pair in pairs),
    )


@cache
def layouts() -> dict[int, EventLayout]:
    """Event number → layout."""
    return {int(row[0]): _layout(row) for row in rows("layouts.tsv")}


@cache
def call_names() -> dict[int, str]:
    """Portable number of a system call → name; generic events carry it."""
    return {int(code): name for code, name in rows("calls.tsv")}
