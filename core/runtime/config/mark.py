"""Positions in files (line and column), and the list of problems found there."""

import msgspec

from mozu.core.errors import ConfigError, Problem


class Mark(msgspec.Struct, frozen=True):
    """A place in a file (`line` and `column` count from 1), or an argument of the command line (`line` is 0)."""

    where: str
    """The file as the user named it, or `-o sinks.siem.topic`."""
    line: int = 0
    column: int = 0

    def problem(self, text: str) -> Problem:
        """Return a problem with this place and text."""
        if self.line:
            return Problem.at(self.where, self.line, self.column, text)
        return Problem(f"{self.where}: {text}")


class Problems:
    """A collector of mistakes, so that all are reported at once, in the order of the files and of the lines in them."""

    def __init__(self) -> None:
        self._files: list[str] = []
        self._found: list[tuple[Mark, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def files(self) -> tuple[str, ...]:
        """The files read so far, in order."""
        return tuple(self._files)

    def file(self, where: str) -> None:
        """Note that this file is read next; its problems follow those of the files before it."""
        if where not in self._files:
            self._files.append(where)

    def add(self, mark: Mark, text: str) -> None:
        """Add a mistake; the same mistake at the same place is reported once."""
        if (mark, text) not in self._found:
            self._found.append((mark, text))

    def add_once(self, mark: Mark, text: str) -> None:
        """Add a mistake that has one cause at several places: the text is reported once."""
        if all(text != found for _, found in self._found):
            self._found.append((mark, text))

    def lines(self) -> list[Problem]:
        """Return every mistake: by file in reading order, then by position; those of the command line come last."""
        return [mark.problem(text) for mark, text in sorted(self._found, key=lambda found: self._place(found[0]))]

    def check(self) -> None:
        """Raise ConfigError if there are mistakes."""
        if self._found:
            raise ConfigError(self.lines())

    def _place(self, mark: Mark) -> tuple[int, int, int]:
        order = self._files.index(mark.where) if mark.where in self._files else len(self._files)
        return order, mark.line, mark.column
