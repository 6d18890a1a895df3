"""The ids of mozu's own rules, including those that will never be used again.

`rule_ids.tsv` has a line for each id ever used, in order: the id, the version that introduced it, the rule's name, and
its history (`was NAME` for each former name; at last `removed VERSION`, with `, see ID` if another rule detects the
same).
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
    """Version that introduced the rule."""
    name: str
    """Present name of the rule, or its last one."""
    former: tuple[str, ...] = ()
    """Former names."""
    removed: str = ""
    """First version without the rule; empty while it exists."""
    instead: str = ""
    """Id of a rule that detects the same; empty if there is none."""


def registered(path: Path = REGISTRY) -> list[RegisteredRule]:
    """Return every id ever used, in order. Raises ValueError for a malformed line."""
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
