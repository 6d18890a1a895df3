"""Cases that make monitors stumble: names that lead elsewhere, programs without a file, descriptors of unusual origin.

An edge is a generator like those of tests.support.calls; it yields the field values that an event must have.
"""

import importlib
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.support.calls import in_a_child
from tests.support.edges.shown import Shown

Edge = Callable[[Path], Iterator[Shown]]
FAMILIES: Final = ("names", "programs", "kinds")


def edges(family: str) -> list[Edge]:
    """Return the edges of a family, in the order of its module."""
    module = importlib.import_module(f"tests.support.edges.{family}")
    found: list[Edge] = module.EDGES
    return found


def run(family: str, place: str) -> list[Shown]:
    """Run all edges of a family; return what must be shown."""
    found: list[Shown] = []
    for edge in edges(family):
        at = Path(place) / edge.__name__
        at.mkdir()
        found += in_a_child(edge, at)
    return found


def main() -> None:
    """Run as a program: `python -m tests.support.edges FAMILY PLACE FILE`."""
    family, place, file = sys.argv[1:]
    Path(file).write_bytes(pickle.dumps(run(family, place)))
