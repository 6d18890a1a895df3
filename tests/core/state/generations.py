"""python -m tests.core.state.generations COUNT: prints the memory left behind by COUNT processes, born and gone, as
JSON.

The program needs an interpreter of its own: allocations are counted, and the tests' interpreter has others.
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
"""Number of processes after which every table and cache has its final size."""


def life(child: int) -> list[SyscallEvent]:
    """Return the events of a process from its birth to its end."""
    return [
        made("_fork", 10, observed=Forked(tid=child, pid=child, vtid=child, vpid=child)),
        made("execve", child, res=0, pid=child, comm="x", args=b"a\0b\0"),
        made("openat", child, fd=3, dirfd=-100, name="/x", flags=1),
        made("procexit", child, status=0),
    ]


def main(count: int) -> dict[str, Any]:
    """Return the sizes of the tables before and after, and the number of memory blocks by which the interpreter has
    grown.
    """
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
