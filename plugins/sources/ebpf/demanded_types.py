"""Event types that a demand requires, for rules and for the state."""

from typing import Final

from mozu.core.abi.syscall_specs import DEFAULT_TYPES, SYSCALL_SPECS
from mozu.core.filter.demand import STATE_PREDICATES, Demand, state_types

CGROUP_EVENTS: Final = frozenset({"_cgroup"})
"""Types watched if a rule reads containers: moves of a process to another cgroup."""
PROCESS_EVENTS: Final = frozenset({"_fork", "execve", "procexit"})
"""Types that are always watched, because without them no event has a process. They only cost at forks, execs and
exits."""
EXECS: Final = frozenset({"execve", "execveat"})
"""Execs. Their events at the exit of the call are failed ones, which do not change the state. A successful one is an
event of the scheduler's tracepoint, for both calls, and without a filter."""
ATTACH_ORDER: Final = ("procexit", "execve", "_fork")
"""Types attached before all others, in this order: a process whose fork is seen must have its exit seen, however
soon."""
READ_ON_USE: Final = frozenset({"fds"})
"""State dependencies that need no events: the kernel's file of a descriptor is read at each use."""
_THREAD_EVENTS: Final = frozenset({"clone", "clone3"})
"""Types whose demand includes the forks and exits of threads."""
_RECORDED_FOR: Final = {"threads": "threads", "env": "environment", "realpath": "realpath", "stdio": "stdio"}
"""Name of what is recorded, by state dependency."""


def wanted_types(demand: Demand) -> tuple[frozenset[str], frozenset[str]]:
    """Return the types of a demand to watch, and its types that this source does not have."""
    needs = demand.of("syscall")
    named = frozenset(needs)
    if "*" in named:
        named |= DEFAULT_TYPES
    state = state_types(demand.state_dependencies("syscall") - READ_ON_USE)
    return PROCESS_EVENTS | (named | state) & frozenset(SYSCALL_SPECS), named - frozenset(SYSCALL_SPECS) - {"*"}


def filterable_types(demand: Demand) -> frozenset[str]:
    """Return the types that are watched for rules alone, or for parts of the state that few of their events change."""
    state = state_types(demand.state_dependencies("syscall") - READ_ON_USE - STATE_PREDICATES.keys())
    return wanted_types(demand)[0] - ((PROCESS_EVENTS | state) - EXECS)


def recorded_beside(demand: Demand) -> frozenset[str]:
    """Return what to record besides the calls themselves, in the names of `Loader.configure`."""
    state_dependencies, needs = demand.state_dependencies("syscall"), demand.of("syscall").keys()
    found = {_RECORDED_FOR[one] for one in state_dependencies if one in _RECORDED_FOR}
    return frozenset(found | ({"threads"} if needs & _THREAD_EVENTS or "*" in needs else set()))
