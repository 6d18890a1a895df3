"""What a test gives of an event: objects in the place of the model's, whose attributes that were not given are absent.

The readers of fields are those of a run. One that asks for an attribute which was not given ends with `NotGiven`,
and the field has no value (`core.rule_tests.given.fields`); so a field has a value where it was given, or follows from
what was given, and never one that only a default would be.
"""

from collections.abc import Iterator, Mapping

from mozu.core.model.event import DataEvent, SyscallEvent
from mozu.core.model.value_types import FieldValue

Key = tuple[str, str | None]
"""A field and its argument: `proc.aname` and `2`."""


class NotGiven(Exception):
    """A reader has asked for something that the test did not give."""


class GivenPart:
    """Attributes by name; any other is absent."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)

    def __getattr__(self, name: str) -> object:
        raise NotGiven(name)


class GivenArguments:
    """The parameters of a call by their position; those not given are absent."""

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
    """A process at the one moment of its event, with its ancestors."""

    def __init__(self, tid: object, parent: "GivenProcess | None", **attributes: object) -> None:
        super().__init__(tid=tid, leader=None, **attributes)
        self.parent = parent

    def main_at(self, number: int) -> "GivenProcess":
        """Itself: a test says nothing of threads."""
        return self

    def parent_at(self, number: int) -> "GivenProcess | None":
        """The next of the ancestors that were given."""
        return self.parent

    def find(self, tid: int, number: int) -> "GivenProcess | None":
        """Of other tasks nothing is known."""
        raise NotGiven(tid)


class GivenEvent(GivenPart):
    """An event of a test. `values` has the fields that were given, as readers give them; None: said to be absent.
    `depth`: how many ancestors were given."""

    def __init__(
        self, source: str, type_: str, values: Mapping[Key, FieldValue], depth: int, **attributes: object
    ) -> None:
        super().__init__(**{"source": source, "type": type_, "num": 1, "observed": None, **attributes})
        self.values, self.depth = values, depth

    @property  # type: ignore[misc]  # readers only ask what it is, by isinstance
    def __class__(self) -> type:
        return SyscallEvent if self.__dict__["source"] == "syscall" else DataEvent
