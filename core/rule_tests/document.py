"""The content of a test file: checked for shape, not yet against rules and fields."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from mozu.core.errors import Problem
from mozu.core.language.rules.source import SourceFile


class GivenValue(msgspec.Struct, frozen=True):
    """The value of one field: a text, a list of texts, or None if the field is absent."""

    form: str | tuple[str, ...] | None
    offset: int
    """Offset of the field's name in the file."""

    @property
    def shown(self) -> str:
        """Return the value as YAML on one line."""
        if self.form is None:
            return "~"
        return self.form if isinstance(self.form, str) else f"[{', '.join(self.form)}]"


Fields = Mapping[str, GivenValue]
"""Fields as written (`proc.aname[2]`)."""


class GivenFields(msgspec.Struct, frozen=True):
    """The fields of one event."""

    fields: Fields
    offset: int
    at: int = 0
    """Nanoseconds from the beginning of the scene."""
    alert: tuple[str, ...] = ()
    """The rules that alert at this event of a scene."""


class NamedRule(msgspec.Struct, frozen=True):
    """A rule in `match` or `quiet`. In `quiet`, `*` stands for any text."""

    name: str
    offset: int
    count: int | None = None
    """Number of alerts that an act or a recording must raise; None: one or more."""


class Act(msgspec.Struct, frozen=True):
    """A command to run under a source."""

    command: tuple[str, ...]
    under: str
    """ptrace, ebpf, or empty: the source that the command line names."""


class Expected(msgspec.Struct, frozen=True):
    """The expected result of a test."""

    match: tuple[NamedRule, ...] = ()
    quiet: tuple[NamedRule, ...] = ()
    output: tuple[tuple[str, int], ...] = ()
    """Texts that the output of the one rule in `match` must contain, each with its offset."""
    fields: Fields = {}
    """Values that the alert of that rule must have."""


class RuleTest(msgspec.Struct, frozen=True):
    """A single test, which has one of `events`, `act` and `recording`."""

    name: str
    offset: int
    expected: Expected
    source: str = ""
    """Source class of the events; empty: that of the first rule that the test names."""
    given: Fields = {}
    """Fields for every event whose type has them."""
    events: tuple[GivenFields, ...] = ()
    is_scene: bool = False
    """True if the events belong together: each rule in `match` alerts where they say so, and at no other."""
    act: Act | None = None
    recording: Path | None = None


class RuleTestFile(msgspec.Struct, frozen=True):
    """A file of tests."""

    text: SourceFile
    rules: tuple[str, ...]
    """Rule files and directories, as they can be opened from here."""
    tests: tuple[RuleTest, ...]
    problems: tuple[Problem, ...]
    """Every mistake; tests with a mistake are not among `tests`."""

    @property
    def name(self) -> str:
        """The path as it was given."""
        return self.text.name

    def problem(self, offset: int, message: str) -> Problem:
        """Return a mistake at a character offset of the file."""
        line, column = self.text.place(offset)
        return Problem.at(self.name, line + 1, column + 1, message)

    def line(self, offset: int) -> int:
        """Return the line of a character offset, from 1."""
        return self.text.place(offset)[0] + 1
