"""Which event types a demand takes: for rules, and for the state."""

from typing import Final

from mozu.core.abi.syscall_specs import DEFAULT_TYPES, SYSCALL_SPECS
from mozu.core.filter.demand import STATE_PREDICATES, Demand, state_types

CGROUP_EVENTS: Final = frozenset({"_cgroup"})
"""Watched where a rule reads containers: a process is moved to another cgroup."""
PROCESS_EVENTS: Final = frozenset({"_fork", "execve", "procexit"})
"""Always watched: without them no event has a process. They cost nothing but at forks, execs and exits."""
EXECS: Final = frozenset({"execve", "execveat"})
"""Their events at the exit of the call are those that failed, of which the state learns nothing. One that succeeds is
an event of the scheduler's tracepoint, whichever of the two it was, and no filter stands before it."""
ATTACH_ORDER: Final = ("procexit", "execve", "_fork")
"""Attached before all others, in this order: a process whose fork is seen must have its exit seen, however soon."""
READ_ON_USE: Final = frozenset({"fds"})
"""Facets of the demand that need no events: the kernel is asked for the file of a descriptor at each use."""
_THREAD_EVENTS: Final = frozenset({"clone", "clone3"})
"""Types whose demand includes the forks and exits of threads."""
_RECORDED_FOR: Final = {"threads": "threads", "env": "environment", "realpath": "realpath", "stdio": "stdio"}
"""State dependency → what is recorded for it."""


def wanted_types(demand: Demand) -> tuple[frozenset[str], frozenset[str]]:
    """(types to watch, types that this source does not have) of a demand."""
    needs = demand.of("syscall")
    named = frozenset(needs)
    if "*" in named:
        named |= DEFAULT_TYPES
    state = state_types(demand.state_dependencies("syscall") - READ_ON_USE)
    return PROCESS_EVENTS | (named | state) & frozenset(SYSCALL_SPECS), named - frozenset(SYSCALL_SPECS) - {"*"}


def filterable_types(demand: Demand) -> frozenset[str]:
    """Types that are watched for rules alone, or for parts of the state that few of their events change."""
    state = state_types(demand.state_dependencies("syscall") - READ_ON_USE - STATE_PREDICATES.keys())
    return wanted_types(demand)[0] - ((PROCESS_EVENTS | state) - EXECS)


def recorded_beside(demand: Demand) -> frozenset[str]:
    """Return what is to be recorded beside the calls themselves, as `Loader.configure` names it."""
    state_dependencies, needs = demand.state_dependencies("syscall"), demand.of("syscall").keys()
    found = {_RECORDED_FOR[one] for one in state_dependencies if one in _RECORDED_FOR}
    return frozenset(found | ({"threads"} if needs & _THREAD_EVENTS or "*" in needs else set()))
