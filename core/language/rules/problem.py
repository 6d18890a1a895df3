"""A problem in rule files: its message, its place (a chain from the file to the innermost item), and a remedy."""

from typing import Final

import msgspec

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.source import SourceFile, snippet

_SHORT: Final = 20


class ProblemContext(msgspec.Struct, frozen=True, eq=False):
    """A link of the chain: an item of this type and name begins at `offset`. The root is the file."""

    source: SourceFile
    type: str
    name: str = ""
    offset: int = 0
    parent: "ProblemContext | None" = None

    def inner(self, type_: str, name: str, offset: int) -> "ProblemContext":
        """Return the context of an item within this one."""
        return ProblemContext(self.source, type_, name, offset, self)

    def chain(self) -> "list[ProblemContext]":
        """Return the links from the file to this context."""
        links: list[ProblemContext] = []
        link: ProblemContext | None = self
        while link is not None:
            links.append(link)
            link = link.parent
        return links[::-1]


def file_context(source: SourceFile) -> ProblemContext:
    """Return the root of every chain in a file."""
    return ProblemContext(source, "rules content")


class Expression(msgspec.Struct, frozen=True):
    """A place inside a condition or an output as compiled: lists expanded, exceptions added."""

    type: str
    """Kind: `condition expression` or `rule output expression`."""
    text: str
    offset: int

    @property
    def name(self) -> str:
        """Beginning of the text in quotes, as reports name it."""
        return f'"{self.text}"' if len(self.text) <= _SHORT else f'"{self.text[:_SHORT]}..."'

    def place(self) -> tuple[int, int]:
        """Return line and column, from 0, within the text."""
        before = self.text[: self.offset]
        return before.count("\n"), len(before) - (before.rfind("\n") + 1)


class RuleProblem(msgspec.Struct, frozen=True, eq=False):
    """An error or a warning. `offset` is the place in the file; `expression` the place in a compiled text, if any."""

    code: Code
    message: str
    context: ProblemContext
    offset: int
    hint: str = ""
    expression: Expression | None = None
    deprecated_field: str = ""

    @property
    def file(self) -> str:
        """Name of the file that contains it."""
        return self.context.source.name

    @property
    def place(self) -> tuple[int, int]:
        """Line and column in the file, both from 1, as editors count."""
        line, column = self.context.source.place(self.offset)
        return line + 1, column + 1

    @property
    def line(self) -> str:
        """Place, code and message, for a log."""
        return f"{self.file}:{':'.join(map(str, self.place))}: {self.code.value}: {self.message}"

    @property
    def snippet(self) -> str:
        """Line with a caret: of the compiled text if there is one, else of the file."""
        if self.expression is not None:
            return snippet(self.expression.text, self.expression.offset)
        return self.context.source.snippet(self.offset)

    @property
    def key(self) -> tuple[Code, str, str, int]:
        """Key of equal problems, for removing duplicates."""
        return self.code, self.message, self.file, self.offset


class ItemRefused(Exception):
    """Raised for an item that cannot be used, with every problem. Used inside the loader only, and caught at the
    item."""

    def __init__(self, *problems: RuleProblem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def refusing(
    code: Code, message: str, context: ProblemContext, *, offset: int | None = None, hint: str = ""
) -> RuleProblem:
    """Return a problem at `offset`, or at the beginning of its context."""
    return RuleProblem(code, message, context, context.offset if offset is None else offset, hint)


def refusal(
    code: Code, message: str, context: ProblemContext, *, offset: int | None = None, hint: str = ""
) -> ItemRefused:
    """Return an error at `offset`, or at the beginning of its context."""
    return ItemRefused(refusing(code, message, context, offset=offset, hint=hint))
