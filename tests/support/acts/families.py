"""Programs whose creators have ended, in several shapes and orders, below a process that takes over orphans."""

import os
import random
import signal
import time
from collections.abc import Callable

from tests.support.acts.raw import call

_SUBREAPER, _CLONE_PARENT = 36, 0x8000


def main(rounds: int) -> None:
    """Run `rounds` children of each shape; each executes `true` as soon as this process is its parent."""
    call("prctl", _SUBREAPER, 1, 0, 0, 0)
    own = os.getpid()

    def program() -> None:
        while os.getppid() != own:
            os.sched_yield()
        os.execv("/bin/true", ["true"])

    for _ in range(rounds):
        for shape in SHAPES:
            _child(lambda shape=shape: shape(program))  # type: ignore[misc]  # a default argument binds it
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break


def _child(work: Callable[[], object]) -> None:
    if os.fork() == 0:
        work()
        os._exit(0)


def _sibling(work: Callable[[], object]) -> None:
    """Run `work` in a child whose parent is the caller's parent."""
    if call("clone", _CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        work()
        os._exit(0)


def _late(work: Callable[[], object]) -> None:
    """End at about the same time as the descendants."""
    work()
    time.sleep(random.random() / 3000)  # the order of both ends is to vary


def _also_a_reaper(work: Callable[[], object]) -> None:
    call("prctl", _SUBREAPER, 1, 0, 0, 0)
    _late(work)


SHAPES: tuple[Callable[[Callable[[], object]], object], ...] = (
    lambda program: _child(program),
    lambda program: _child(lambda: _child(program)),
    lambda program: _child(lambda: _sibling(program)),
    lambda program: _late(lambda: _child(lambda: _child(lambda: _sibling(program)))),
    lambda program: _also_a_reaper(lambda: _child(lambda: _child(program))),
    lambda program: _late(lambda: _child(lambda: _sibling(lambda: _sibling(program)))),
)
