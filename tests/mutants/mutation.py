"""A change of a single line."""

from typing import NamedTuple


class Mutation(NamedTuple):
    """A replacement of a piece of a line."""

    line: int
    """Number of the line, from 1."""
    start: int
    end: int
    """End of the piece, a column in characters from 0; not part of the piece."""
    text: str

    def applied(self, source: str) -> str:
        """Return the whole file with the change."""
        lines = source.splitlines(keepends=True)
        old = lines[self.line - 1]
        lines[self.line - 1] = old[: self.start] + self.text + old[self.end :]
        return "".join(lines)

    def described(self, source: str) -> str:
        """Return the line before and after the change."""
        old = source.splitlines()[self.line - 1]
        return f"{old.strip()}  ⇒  {(old[: self.start] + self.text + old[self.end :]).strip()}"
