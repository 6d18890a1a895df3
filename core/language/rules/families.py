"""Families of rules: the files of a directory that an installation contains, and the ones that a configuration uses."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from mozu.core.language.rules.files import expand


class Family(msgspec.Struct, frozen=True):
    """A rule file."""

    file: Path
    is_used: bool

    @property
    def name(self) -> str:
        """Return the file's name."""
        return self.file.name


def families(available: Path, used: Iterable[Path]) -> Sequence[Family]:
    """Return the families of a directory by name; `used`: paths as in the setting `rules`, with links resolved."""
    files = {file.resolve() for file in expand(used)}
    return [Family(file, file.resolve() in files) for file in expand([available])]


def unused(available: Path, used: Iterable[Path]) -> Sequence[str]:
    """Return the names of unused families if other families of the directory are used."""
    found = families(available, used)
    return [one.name for one in found if not one.is_used] if any(one.is_used for one in found) else []
