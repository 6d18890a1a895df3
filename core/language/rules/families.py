"""Families of rules: the files of a directory that an installation contains, and the ones that a configuration uses."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.language.rules.files import SHIPPED, expand, located

_RULE: Final = re.compile(rb"^- rule: ", re.MULTILINE)


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


def left_out(used: Iterable[Path]) -> str:
    """Return a sentence on mozu's own rules that these paths leave out, with their number and what to add; empty if
    none are left out."""
    found = families(located(SHIPPED), used)
    unused = [one for one in found if not one.is_used]
    count = sum(len(_RULE.findall(one.file.read_bytes())) for one in unused)
    if not count:
        return ""
    if len(unused) == len(found):
        why = f"because `rules` replaces them: add {SHIPPED} to `rules` to have them, too"
        return f"mozu's own rules ({count}) are not loaded, {why}"
    names = ", ".join(one.name for one in unused)
    return f"mozu's own rules {names} are installed and not among `rules`; `mozu rules list --available` has them all"
