"""One change of one line."""

from typing import NamedTuple


class Mutation(NamedTuple):
    """Replaces a piece of a line."""

    line: int
    """From 1."""
    start: int
    end: int
    """Columns in characters, from 0; the end is not part of it."""
    text: str

    def applied(self, source: str) -> str:
        """The whole file, changed."""
        lines = source.splitlines(keepends=True)
        old = lines[self.line - 1]
        lines[self.line - 1] = old[: self.start] + self.text + old[self.end :]
        return "".join(lines)

    def described(self, source: str) -> str:
        """The line before and after."""
        old = source.splitlines()[self.line - 1]
        return f"{old.strip()}  ⇒  {(old[: self.start] + self.text + old[self.end :]).strip()}"
