"""Reports of earlier histories, kept as text, and a comparison that names the first difference.

A file `*.txt.xz` holds many histories: `= NAME`, then for each event a line `# EVENT` and lines `name<TAB>value`.
"""

import lzma
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

_ESCAPED: Final = str.maketrans({"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"})


def line(name: str, value: object) -> str:
    """Return the line of one value."""
    return f"{name}\t{str(value).translate(_ESCAPED)}".encode("utf-8", "backslashreplace").decode()


def write(path: Path, reported: Mapping[str, Iterable[str]]) -> None:
    """Replace the kept histories by these."""
    text = "".join(f"= {name}\n" + "".join(f"{one}\n" for one in lines) for name, lines in reported.items())
    path.write_bytes(lzma.compress(text.encode(), preset=6))


@cache
def kept(path: Path) -> dict[str, list[str]]:
    """Return the lines of each history of a file."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for one in lzma.decompress(path.read_bytes()).decode().split("\n")[:-1]:
        if one.startswith("= "):
            lines = found[one[2:]] = []
        else:
            lines.append(one)
    return found


def first_difference(expected: Iterable[str], found: Iterable[str]) -> str:
    """Return event, name, expected and found value of the first event that differs; empty if none does."""
    wanted = _by_event(expected)
    for event, reported in _by_event(found):
        known = next(wanted, None)
        if known is None:
            return f"{event}: an event that was not there"
        if known[0] != event:
            return f"{event}: expected the event {known[0]}"
        names = [name for name in {**known[1], **reported} if known[1].get(name) != reported.get(name)]
        if names:
            shown = (
                f"  {name}: expected {_or_same(known[1], name)}, found {_or_same(reported, name)}" for name in names
            )
            return "\n".join([event, *shown])
    missing = next(wanted, None)
    return "" if missing is None else f"{missing[0]}: this event is missing"


def _or_same(reported: Mapping[str, str], name: str) -> str:
    return reported.get(name, "(as before)")


def _by_event(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    event, reported = "", dict[str, str]()
    for one in lines:
        if one.startswith("# "):
            if event:
                yield event, reported
            event, reported = one, {}
        else:
            name, _, value = one.partition("\t")
            reported[name] = value
    if event:
        yield event, reported
