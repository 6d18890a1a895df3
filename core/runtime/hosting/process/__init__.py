"""Components in child processes: mozu continues whatever a component does there (spin, leak, crash, exit).

    messages.py    messages over the socket between parent and child, and what the parent accepts
    child.py       the child: builds the component and calls it
    worker.py      the parent's end: launches the child, calls it, kills it if it sends no heartbeat
    limits.py      bounds of memory and CPU: a cgroup, or else rlimits
    remote.py      the contracts, as the core calls them
"""

from mozu.core.runtime.hosting.process.choose import remote, remote_again
from mozu.core.runtime.hosting.process.plan import ProcessPlan, process_plan

__all__ = ["ProcessPlan", "process_plan", "remote", "remote_again"]
