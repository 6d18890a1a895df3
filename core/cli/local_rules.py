"""The local rule file, to which `mozu rules promote` and `mozu tune` append items once a load has shown that they do
what they are for."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import click
import orjson

from mozu.core.cli.rules_in_force import ConfiguredRules
from mozu.core.errors import RulesError
from mozu.core.language.rules import LoadResult, Options, RuleProblem, SourceFile, expand, load_texts, read_file
from mozu.core.language.rules.problem import ItemRefused

LOCAL: Final = Path("/etc/mozu/rules.local.yaml")
"""The local file, unless another one is named."""


class LocalRules:
    """The local rule file among the rule files of an evaluator."""

    def __init__(self, configured: ConfiguredRules, file: Path) -> None:
        """Raises click.UsageError if the evaluator does not load the file."""
        file = file.absolute()  # as paths of the configuration are
        self.file, self._configured = file, configured
        self.paths = list(_with(configured, file))
        if file not in self.paths:
            hint = "add it to `rules` of the evaluator `falco`, or name a file there with --to"
            raise click.UsageError(f"{file} is not among the rule files in use; {hint}")

    @property
    def text(self) -> str:
        """The content of the file; empty if it does not exist. Raises RulesError if it cannot be read."""
        if not self.file.exists():
            return ""
        try:
            return read_file(self.file).text
        except ItemRefused as refused:
            raise RulesError(refused.problems[0].line) from refused

    def loaded_with(self, items: str) -> LoadResult:
        """Return the result of a load in which the file ends with these items; nothing is written."""
        texts = [self._text(path, items) for path in self.paths]
        additions = [one.addition() for one in self._configured.settings.append_output]
        return load_texts(texts, self._configured.fields, Options(additions=additions))

    def text_with(self, items: str) -> str:
        """Return the content of the file with these items at its end."""
        return _ended(self.text) + items

    def append(self, items: str) -> int:
        """Append the items to the file, and return the line of the first one. Raises OSError."""
        before = _ended(self.text)
        write_whole(self.file, before + items)
        return before.count("\n") + 1

    def _text(self, path: Path, items: str) -> SourceFile | RuleProblem:
        if path == self.file:
            return SourceFile(str(path), self.text_with(items))
        try:
            return read_file(path)
        except ItemRefused as refused:
            return refused.problems[0]


def write_whole(file: Path, text: str) -> None:
    """Replace the content of a file at once, with its mode and owner kept where it exists. Raises OSError."""
    target = file.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as opened:
            opened.write(text)
            if target.exists():
                found = target.stat()
                os.fchown(opened.fileno(), found.st_uid, found.st_gid)
            mode = found.st_mode & 0o7777 if target.exists() else 0o644
            os.fchmod(opened.fileno(), mode)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def quoted(text: str) -> str:
    """Return a text as a YAML scalar in double quotes."""
    return orjson.dumps(text).decode()


def _with(configured: ConfiguredRules, file: Path) -> Iterator[Path]:
    """Yield the rule files in load order, the local one also if it does not exist yet."""
    for path in configured.settings.rules:
        if path == file:
            yield file
        elif path.is_dir() and file.parent == path and file.suffix in (".yaml", ".yml"):
            yield from sorted({*expand([path]), file})
        else:
            yield from expand([path])


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"
