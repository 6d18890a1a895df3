"""Texts of rule files: as an editor has them, or as they are on the disk; and which files load together."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mozu.core.language.rules import RuleProblem, SourceFile, expand, read_file
from mozu.core.language.rules.files import PACKAGE
from mozu.core.language.rules.problem import ItemRefused

_ITEM: Final = re.compile(
    r"""^[ \t]*-[ \t{]*["']?(?:rule|macro|list|exception|required_\w+)["']?[ \t]*:""", re.MULTILINE
)


class Texts:
    """The texts of rule files by their paths."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = [root if root.startswith(PACKAGE) else str(Path(root).absolute()) for root in roots]
        self._open: dict[str, SourceFile] = {}
        self._read: dict[str, tuple[object, SourceFile | RuleProblem]] = {}
        self.version = 0
        """Number of changes."""

    def put(self, file: str, text: str | None) -> None:
        """Use a text for a file; None: the content of the disk."""
        self.version += 1
        if text is None:
            self._open.pop(file, None)
        else:
            self._open[file] = SourceFile(file, text)

    def together(self, file: str) -> list[str]:
        """Return the files that load together with this one, in load order; empty if the file holds no rules.

        These are the given ones; without any, the rule files of the file's directory, by name.
        """
        text = self.text(file)
        if text.strip() and not _ITEM.search(text):
            return []
        files = self._expanded(self._roots or [str(Path(file).parent)])
        if not self._roots:
            files = [one for one in files if one == file or _ITEM.search(self.text(one))]
        return files if file in files else [*files, file]

    def _expanded(self, roots: Sequence[str]) -> list[str]:
        try:
            return list(dict.fromkeys(str(path) for path in expand(roots)))
        except OSError:  # a directory that cannot be listed; a load reports it
            return list(roots)

    def source(self, file: str) -> SourceFile | RuleProblem:
        """Return the text of a file, or the reason why it cannot be read."""
        known = self._open.get(file)
        if known is not None:
            return known
        try:
            status = Path(file).stat()
            state: object = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            state = None
        kept = self._read.get(file)
        if kept is not None and state is not None and kept[0] == state:
            return kept[1]
        try:
            found: SourceFile | RuleProblem = read_file(Path(file))
        except ItemRefused as refused:
            found = refused.problems[0]
        self._read[file] = state, found
        return found

    def readable(self, file: str) -> SourceFile:
        """Return the text of a file, with its lines found once; an empty one if the file cannot be read."""
        found = self.source(file)
        return found if isinstance(found, SourceFile) else SourceFile(file)

    def text(self, file: str) -> str:
        """Return the text of a file; empty if it cannot be read."""
        return self.readable(file).text
