"""Fixture files of pairs: a title, an input, the expected result.

    === title
    input
    ---
    expected

Lines before the first title are comments. `pairs("lists.txt")` gives the parameters of a test.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent / "pairs"


def pairs(name: str) -> list[Any]:
    """Return a pytest parameter (input, expected) for each pair."""
    return [pytest.param(given, expected, id=title) for title, given, expected in _read(_HERE / name)]


def _read(path: Path) -> Iterator[tuple[str, str, str]]:
    _, *parts = re.split(r"^=== (.*)\n", path.read_text(), flags=re.MULTILINE)
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        given, _, expected = body.rpartition("\n---\n")
        yield title.strip(), given, expected.strip("\n")
