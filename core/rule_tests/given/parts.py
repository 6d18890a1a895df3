"""The parts of an event in a test: objects in place of the model's, whose other attributes are absent.

The readers of fields are those of a run. A reader that asks for an absent attribute raises `NotGiven`, and the field
has no value (`core.rule_tests.given.fields`); so a field has a value if it was given or follows from what was given,
and never one that would only be a default.
"""

from collections.abc import Iterator, Mapping

from mozu.core.model.event import DataEvent, SyscallEvent
from mozu.core.model.value_types import FieldValue

Key = tuple[str, str | None]
"""A field and its argument: `proc.aname` and `2`."""


class NotGiven(Exception):
    """A reader's access to an attribute that the test did not give."""


class GivenPart:
    """Attributes by name; any other attribute is absent."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)

    def __getattr__(self, name: str) -> object:
        raise NotGiven(name)


class GivenArguments:
    """The parameters of a call by position; other parameters are absent."""

    def __init__(self, count: int, values: Mapping[int, object]) -> None:
        self._count, self._values = count, values

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, position: int) -> object:
        if position not in self._values:
            raise NotGiven(position)
        return self._values[position]

    def __iter__(self) -> Iterator[object]:
        return (self[position] for position in range(self._count))


class GivenProcess(GivenPart):
    """A process at the moment of its event, with its ancestors."""

    def __init__(self, tid: object, parent: "GivenProcess | None", **attributes: object) -> None:
        super().__init__(tid=tid, leader=None, **attributes)
        self.parent = parent

    def main_at(self, number: int) -> "GivenProcess":
        """Return this process: a test describes no threads."""
        return self

    def parent_at(self, number: int) -> "GivenProcess | None":
        """Return the next of the given ancestors."""
        return self.parent

    def find(self, tid: int, number: int) -> "GivenProcess | None":
        """Raise NotGiven: a test describes no other tasks."""
        raise NotGiven(tid)


class GivenEvent(GivenPart):
    """An event of a test. `values` has the given fields, as readers return them; None: declared absent. `depth` is the
    number of given ancestors."""

    def __init__(
        self, source: str, type_: str, values: Mapping[Key, FieldValue], depth: int, **attributes: object
    ) -> None:
        super().__init__(**{"source": source, "type": type_, "num": 1, "observed": None, **attributes})
        self.values, self.depth = values, depth

    @property  # type: ignore[misc]  # readers only ask what it is, by isinstance
    def __class__(self) -> type:
        return SyscallEvent if self.__dict__["source"] == "syscall" else DataEvent
