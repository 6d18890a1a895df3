"""python -m tests.core.state.generations COUNT: what so many processes, born and gone, leave behind. Prints JSON.

In an interpreter of its own: what it allocates is counted, and in that of the tests others allocate as well.
"""

import gc
import json
import sys
from typing import Any

from mozu.core.model.event import SyscallEvent
from mozu.core.state import StateMachine
from mozu.core.state.observed import Forked
from tests.core.state.story import made

_FIRST = 2_000
"""Processes after which every table and cache has its size."""


def life(child: int) -> list[SyscallEvent]:
    """From its birth to its end."""
    return [
        made("_fork", 10, observed=Forked(tid=child, pid=child, vtid=child, vpid=child)),
        made("execve", child, res=0, pid=child, comm="x", args=b"a\0b\0"),
        made("openat", child, fd=3, dirfd=-100, name="/x", flags=1),
        made("procexit", child, status=0),
    ]


def main(count: int) -> dict[str, Any]:
    """Sizes of the tables before and after, and by how many blocks of memory the interpreter has grown."""
    machine = StateMachine(procfs="/nowhere/at/all")
    machine.apply([made("execve", 10, res=0, pid=10, comm="sh")])
    machine.prune(2)
    before = machine.sizes()
    blocks = 0
    for number in range(count):
        if number == _FIRST:
            gc.collect()
            blocks = sys.getallocatedblocks()
        machine.prune(machine.apply(life(1000 + number % 500))[-1].num + 1)
    gc.collect()
    return {"before": before, "after": machine.sizes(), "blocks": sys.getallocatedblocks() - blocks}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
