"""A problem in rule files: what, where (a chain from the file to the innermost item), and what to do about it."""

from typing import Final

import msgspec

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.source import SourceFile, snippet

_SHORT: Final = 20


class ProblemContext(msgspec.Struct, frozen=True, eq=False):
    """One link of the chain: an item of this type and name begins at `offset`. The root is the file."""

    source: SourceFile
    type: str
    name: str = ""
    offset: int = 0
    parent: "ProblemContext | None" = None

    def inner(self, type_: str, name: str, offset: int) -> "ProblemContext":
        """The context of something within this one."""
        return ProblemContext(self.source, type_, name, offset, self)

    def chain(self) -> "list[ProblemContext]":
        """From the file to this."""
        links: list[ProblemContext] = []
        link: ProblemContext | None = self
        while link is not None:
            links.append(link)
            link = link.parent
        return links[::-1]


def file_context(source: SourceFile) -> ProblemContext:
    """The root of every chain in a file."""
    return ProblemContext(source, "rules content")


class Expression(msgspec.Struct, frozen=True):
    """A place inside a condition or an output as it was compiled: lists filled in, exceptions added."""

    type: str
    """`condition expression` or `rule output expression`."""
    text: str
    offset: int

    @property
    def name(self) -> str:
        """The beginning of the text in quotes, as reports call it."""
        return f'"{self.text}"' if len(self.text) <= _SHORT else f'"{self.text[:_SHORT]}..."'

    def place(self) -> tuple[int, int]:
        """Line and column from 0 within the text."""
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
        """The file it lies in."""
        return self.context.source.name

    @property
    def place(self) -> tuple[int, int]:
        """Line and column in the file, both from 1, as people and editors count."""
        line, column = self.context.source.place(self.offset)
        return line + 1, column + 1

    @property
    def line(self) -> str:
        """Place, code and sentence, for a log."""
        return f"{self.file}:{':'.join(map(str, self.place))}: {self.code.value}: {self.message}"

    @property
    def snippet(self) -> str:
        """The line with a caret: of the compiled text where there is one, else of the file."""
        if self.expression is not None:
            return snippet(self.expression.text, self.expression.offset)
        return self.context.source.snippet(self.offset)

    @property
    def key(self) -> tuple[Code, str, str, int]:
        """What makes it the same problem when it is found again."""
        return self.code, self.message, self.file, self.offset


class ItemRefused(Exception):
    """An item cannot be used; carries the problem. Raised inside the loader only, and caught at the item."""

    def __init__(self, problem: RuleProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def refusal(
    code: Code, message: str, context: ProblemContext, *, offset: int | None = None, hint: str = ""
) -> ItemRefused:
    """An error at `offset`, or where its context begins."""
    return ItemRefused(RuleProblem(code, message, context, context.offset if offset is None else offset, hint))
