"""What a test file holds: checked for shape, not yet against rules and fields."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from mozu.core.errors import Problem
from mozu.core.language.rules.source import SourceFile


class GivenValue(msgspec.Struct, frozen=True):
    """What stands for one field: a text, a list of texts, or None: the field is absent."""

    form: str | tuple[str, ...] | None
    offset: int
    """Where the field is named in the file."""

    @property
    def shown(self) -> str:
        """As YAML would have it on one line."""
        if self.form is None:
            return "~"
        return self.form if isinstance(self.form, str) else f"[{', '.join(self.form)}]"


Fields = Mapping[str, GivenValue]
"""Fields as written (`proc.aname[2]`)."""


class GivenFields(msgspec.Struct, frozen=True):
    """One event."""

    fields: Fields
    offset: int


class NamedRule(msgspec.Struct, frozen=True):
    """A rule in `match` or `quiet`. In `quiet`, `*` stands for any text."""

    name: str
    offset: int
    count: int | None = None
    """How many alerts of it an act or a recording must give; None: one or more."""


class Act(msgspec.Struct, frozen=True):
    """A command to run under a source."""

    command: tuple[str, ...]
    under: str
    """ptrace, ebpf, or empty: as the command line says."""


class Expected(msgspec.Struct, frozen=True):
    """What must come of it."""

    match: tuple[NamedRule, ...] = ()
    quiet: tuple[NamedRule, ...] = ()
    output: tuple[tuple[str, int], ...] = ()
    """Texts that the output of the one rule in `match` must hold, each with its place."""
    fields: Fields = {}
    """Values that its alert must have."""


class RuleTest(msgspec.Struct, frozen=True):
    """One test. Of `events`, `act` and `recording` one is given."""

    name: str
    offset: int
    expected: Expected
    source: str = ""
    """Source class of the events; empty: that of the first rule that the test names."""
    given: Fields = {}
    """What holds for every event that can have it."""
    events: tuple[GivenFields, ...] = ()
    act: Act | None = None
    recording: Path | None = None


class RuleTestFile(msgspec.Struct, frozen=True):
    """A file of tests."""

    text: SourceFile
    rules: tuple[str, ...]
    """Rule files and directories, as they can be opened from here."""
    tests: tuple[RuleTest, ...]
    problems: tuple[Problem, ...]
    """Every mistake; tests that have one are not among `tests`."""

    @property
    def name(self) -> str:
        """The path as it was given."""
        return self.text.name

    def problem(self, offset: int, message: str) -> Problem:
        """A mistake at a character of it."""
        line, column = self.text.place(offset)
        return Problem.at(self.name, line + 1, column + 1, message)

    def line(self, offset: int) -> int:
        """The line of a character, from 1."""
        return self.text.place(offset)[0] + 1
