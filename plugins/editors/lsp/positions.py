"""Places in files: characters here, the units of the editor there; paths here, URIs there."""

from collections.abc import Callable
from typing import Final

from lsprotocol import types
from pygls import uris

from mozu.core.api.rule_workspace import Position, Span

_BMP_END: Final = 0xFFFF
"""Last code point that UTF-16 writes in one unit."""


class Positions:
    """Conversion of places. `line` returns a line of a file; `encoding` the editor's unit."""

    def __init__(self, line: Callable[[str, int], str], encoding: Callable[[], str | None]) -> None:
        self._line, self._encoding = line, encoding
        self._uris: dict[str, str] = {}

    def file(self, uri: str) -> str:
        """Return the path of a file, or the URI of a document that is no file."""
        file = uris.to_fs_path(uri) if uri.startswith("file:") else None
        self._uris[file or uri] = uri
        return file or uri

    def uri(self, file: str) -> str:
        """Return the URI of a file, in the editor's spelling if the editor has named it."""
        return self._uris.get(file) or uris.from_fs_path(file) or file

    def from_editor(self, file: str, at: types.Position) -> Position:
        """Return the place that the editor means."""
        left = at.character
        column = 0
        for char in self._line(file, at.line):
            left -= self._units(char)
            if left < 0:
                break
            column += 1
        return Position(at.line, column)

    def to_editor(self, file: str, at: Position) -> types.Position:
        """Return a place as the editor counts."""
        before = self._line(file, at.line)[: at.column]
        return types.Position(at.line, sum(map(self._units, before)))

    def range(self, span: Span) -> types.Range:
        """Return a part of a file as the editor counts."""
        return types.Range(self.to_editor(span.file, span.start), self.to_editor(span.file, span.end))

    def _units(self, char: str) -> int:
        encoding = self._encoding()
        if encoding == types.PositionEncodingKind.Utf32:
            return 1
        if encoding == types.PositionEncodingKind.Utf8:
            return len(char.encode("utf-8", "surrogatepass"))
        return 2 if ord(char) > _BMP_END else 1
