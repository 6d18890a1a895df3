"""A component in a child process: whatever it does there (spin, leak, crash, exit), mozu goes on.

    messages.py    what goes over the socket between the two, and what the parent accepts of it
    child.py       the child: builds the component and calls it
    worker.py      the parent's end: launches the child, calls it, ends it where it gives no heartbeat
    limits.py      bounds of memory and CPU: a cgroup, or else rlimits
    remote.py      the contracts, as the core calls them
"""

from mozu.core.runtime.hosting.process.choose import remote, remote_again
from mozu.core.runtime.hosting.process.plan import ProcessPlan, process_plan

__all__ = ["ProcessPlan", "process_plan", "remote", "remote_again"]
