"""What the core hands to a server for editors: rule files that are being written, with the compiler's knowledge of
them.

A file is named by its path. Lines and columns count from 0; a column counts characters. Nothing here raises for the
content of a file, however broken.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from mozu.core.errors import MozuError


class Position(msgspec.Struct, frozen=True, order=True):
    """A place between two characters of a file."""

    line: int
    column: int


class Span(msgspec.Struct, frozen=True):
    """A part of a file."""

    file: str
    start: Position
    end: Position


class FindingKind(enum.Enum):
    """The weight of a finding: rules with an error do not load; advice is reported if it was asked for."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


class RuleFinding(msgspec.Struct, frozen=True):
    """A finding of `mozu check`."""

    span: Span
    kind: FindingKind
    code: str
    """Code that `mozu explain` explains."""
    message: str
    """A sentence, with the remedy if there is one."""


Findings = Mapping[str, Sequence[RuleFinding]]
"""File → findings in it; a file without any has an empty sequence."""


class CompletionKind(enum.Enum):
    """The kind of a word that can stand at a place."""

    KEY = "key"
    FIELD = "field"
    OPERATOR = "operator"
    KEYWORD = "keyword"
    TRANSFORMER = "transformer"
    VALUE = "value"
    MACRO = "macro"
    LIST = "list"
    EXCEPTION = "exception"
    RULE = "rule"


class Completion(msgspec.Struct, frozen=True):
    """A word that can stand at a place; it replaces `span`."""

    kind: CompletionKind
    label: str
    span: Span
    text: str = ""
    """Text that is written; empty: the label."""
    detail: str = ""
    """A few words, such as the type of a field."""
    doc: str = ""
    """A sentence or two."""


class Hover(msgspec.Struct, frozen=True):
    """The meaning of a word."""

    span: Span
    text: str
    """Markdown."""


class Edit(msgspec.Struct, frozen=True):
    """A change of a file: the text that replaces a part of it."""

    span: Span
    text: str


class RenameRefused(MozuError):
    """Raised for a new name that a macro or a list cannot get; the message is the reason."""


class RuleWorkspace(Protocol):
    """Rule files as an editor has them. `findings` and `rename` may run on one thread while another calls the other
    methods."""

    def put(self, file: str, text: str | None) -> None:
        """Use this text for a file instead of its content on the disk; with None use the disk again."""
        ...

    def line(self, file: str, number: int) -> str:
        """Return a line of a file, without its end; empty behind the last one. An editor may count its columns in other
        units than characters."""
        ...

    def findings(self, file: str) -> Iterator[Findings]:
        """Yield the findings in all files that load together with this one: first those of the load, which take a
        moment, then again whenever slower checks have found more; the last time all of them. Yield nothing for a file
        that holds no rules.

        The iterator stops early if `put` changes a text meanwhile."""
        ...

    def completions(self, file: str, at: Position) -> Sequence[Completion]:
        """Return the words that can stand at a place."""
        ...

    def hover(self, file: str, at: Position) -> Hover | None:
        """Return the meaning of the word at a place; None for a word without any."""
        ...

    def rules(self, file: str) -> Sequence[tuple[str, Span]]:
        """Return the rules that a file defines or changes, with the places of their names."""
        ...

    def name(self, file: str, at: Position) -> Span | None:
        """Return the place of the name of a rule, a macro or a list; None if there is no such name."""
        ...

    def definitions(self, file: str, at: Position) -> Sequence[Span]:
        """Return the names of the items that define or change what the place names, in load order."""
        ...

    def references(self, file: str, at: Position) -> Sequence[Span]:
        """Return the other places that name it."""
        ...

    def rename(self, file: str, at: Position, name: str) -> Sequence[Edit]:
        """Return the edits in all files that give a macro or a list another name, after a load has shown that every
        rule means the same then. Raises RenameRefused."""
        ...


class RuleTestRunner(Protocol):
    """The tests beside a rule file, as they are saved."""

    def counts(self, file: str) -> Mapping[str, int]:
        """Return rule → number of tests that name it."""
        ...

    def run(self, file: str, rule: str) -> Sequence[str]:
        """Run the tests of a rule that give events; return a summary, then a line for each failure."""
        ...
