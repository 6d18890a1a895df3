"""Triggers that make every system call, once with success and once without, with the event that each must be reported
as.

A trigger is a generator that gets an own directory, runs in a child and yields `Reported`s. They hold what the process
itself knows: results, numbers and texts that it passed, and what the kernel returned.
"""

import importlib
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.calls.reported import Reported

Trigger = Callable[[Path], Iterator[Reported]]
FAMILIES: Final = (
    *("bare", "descriptors", "identities", "memory", "network", "own", "paths", "processes", "signals", "transfers"),
)
ANSWERS: Final = 900
"""A descriptor that no trigger uses."""


def triggers(family: str) -> list[Trigger]:
    """Return the triggers of a family, in the order of its module."""
    module = importlib.import_module(f"tests.support.calls.{family}")
    found: list[Trigger] = module.TRIGGERS
    return found


def run(family: str, place: str) -> list[Reported]:
    """Run all triggers of a family; return the events that must be reported."""
    found: list[Reported] = []
    for number, trigger in enumerate(triggers(family)):
        at = Path(place) / f"{number}"
        at.mkdir()
        found += in_a_child(trigger, at)
    return found


def in_a_child(trigger: Callable[[Path], Iterator[Any]], at: Path) -> list[Any]:
    """Return all that a generator yields in a child."""
    out = at.with_suffix(".reported")
    answers = os.open(out, os.O_WRONLY | os.O_CREAT)  # afterwards the trigger may be another user, or in a chroot
    pid = os.fork()
    if pid == 0:
        os.dup2(answers, ANSWERS)
        try:
            answer: object = list(trigger(at))
        except BaseException as error:  # noqa: BLE001  the test's side raises it
            answer = repr(error)
        os.write(ANSWERS, pickle.dumps(answer))
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(answers)
    answer = pickle.loads(out.read_bytes())
    if isinstance(answer, str):
        raise RuntimeError(f"the trigger {trigger.__name__} failed: {answer}")
    assert isinstance(answer, list)
    return answer


def main() -> None:
    """Run as a program: `python -m tests.support.calls FAMILY PLACE FILE`."""
    family, place, file = sys.argv[1:]
    Path(file).write_bytes(pickle.dumps(run(family, place)))
