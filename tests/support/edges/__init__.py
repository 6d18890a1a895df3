"""What makes monitors stumble: names that lead elsewhere, programs without a file, descriptors from nowhere.

An edge is a generator like those of tests.support.calls; it yields what the fields of an event must be.
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
    """Those of one family, in the order in which they are written down."""
    module = importlib.import_module(f"tests.support.edges.{family}")
    found: list[Edge] = module.EDGES
    return found


def run(family: str, place: str) -> list[Shown]:
    """Make them all happen; gives what must be shown."""
    found: list[Shown] = []
    for edge in edges(family):
        at = Path(place) / edge.__name__
        at.mkdir()
        found += in_a_child(edge, at)
    return found


def main() -> None:
    """As a program: `python -m tests.support.edges FAMILY PLACE FILE`."""
    family, place, file = sys.argv[1:]
    Path(file).write_bytes(pickle.dumps(run(family, place)))
