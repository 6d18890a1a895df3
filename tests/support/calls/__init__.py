"""Every system call made on purpose, once with success and once without, and what each must be reported as.

A trigger is a generator that has a directory of its own, runs in a child of its own and yields `Reported`s. What it
yields is what it knows of itself: results, numbers and texts that it passed, what the kernel gave back.
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
    """Those of one family, in the order in which they are written down."""
    module = importlib.import_module(f"tests.support.calls.{family}")
    found: list[Trigger] = module.TRIGGERS
    return found


def run(family: str, place: str) -> list[Reported]:
    """Pull them all; gives what must be reported."""
    found: list[Reported] = []
    for number, trigger in enumerate(triggers(family)):
        at = Path(place) / f"{number}"
        at.mkdir()
        found += in_a_child(trigger, at)
    return found


def in_a_child(trigger: Callable[[Path], Iterator[Any]], at: Path) -> list[Any]:
    """All that a generator yields in a process of its own."""
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
    """As a program: `python -m tests.support.calls FAMILY PLACE FILE`."""
    family, place, file = sys.argv[1:]
    Path(file).write_bytes(pickle.dumps(run(family, place)))
