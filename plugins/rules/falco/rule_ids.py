"""The ids of mozu's own rules: which rule has which, and which will never be given again.

`rule_ids.tsv` has a line for each id ever given, in order: the id, the version that brought it, the rule's name, and
what became of it since (`was NAME` for each name that it had before; at last `removed VERSION`, with `, see ID` where
another rule sees the same).
"""

import re
from pathlib import Path
from typing import Final

import msgspec

REGISTRY: Final = Path(__file__).parent / "rule_ids.tsv"
_LINE: Final = re.compile(r"(MZ-\d{4})\t(\d+\.\d+\.\d+)\t([^\t]+)(?:\t([^\t]+))?")
_REMOVED: Final = re.compile(r"removed (\d+\.\d+\.\d+)(?:, see (MZ-\d{4}))?")


class RegisteredRule(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the registry."""

    id: str
    since: str
    """The version that brought it."""
    name: str
    """The rule's name now, or its last one."""
    former: tuple[str, ...] = ()
    """Names that it had before."""
    removed: str = ""
    """The version without it; empty while there is the rule."""
    instead: str = ""
    """The id of a rule that sees the same."""


def registered(path: Path = REGISTRY) -> list[RegisteredRule]:
    """Every id that was ever given, in order. Raises ValueError for a line that is none."""
    return [_read(line, number) for number, line in enumerate(path.read_text().splitlines(), 1)]


def _read(line: str, number: int) -> RegisteredRule:
    found = _LINE.fullmatch(line)
    if found is None or found[1] != f"MZ-{number:04d}":
        raise ValueError(f"line {number} of the registry must begin with MZ-{number:04d}, a version and a name: {line}")
    former, removed, instead = [], "", ""
    for part in filter(None, (found[4] or "").split("; ")):
        end = _REMOVED.fullmatch(part)
        if end is not None:
            removed, instead = end[1], end[2] or ""
        elif part.startswith("was "):
            former.append(part.removeprefix("was "))
        else:
            raise ValueError(f"line {number} of the registry says neither `was NAME` nor `removed VERSION`: {part}")
    return RegisteredRule(
        id=found[1], since=found[2], name=found[3], former=tuple(former), removed=removed, instead=instead
    )
