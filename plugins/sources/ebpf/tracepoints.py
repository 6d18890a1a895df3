"""Event types: those that a demand requires, for rules and for the state, and the BPF programs that make the records of
each, with the tracepoints that they are attached to.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import DEFAULT_TYPES, SYSCALL_SPECS, syscall_name
from mozu.core.filter.demand import STATE_PREDICATES, Demand, state_types


class Program(NamedTuple):
    """A BPF program at one tracepoint."""

    function: str
    """Name of the function in bpf/programs."""
    family: str
    """Name of the file in bpf/programs."""
    tracepoint: str
    """The kernel's name; `group` is its folder in tracefs."""
    raw: bool = False
    group: str = "syscalls"
    context: str = ""
    """Struct of the tracepoint's arguments; empty for programs of calls, which find the call in the map SYSCALL_CTX."""

    @property
    def entry(self) -> str:
        """Name of the program that calls the function."""
        return f"mozu_{self.function}"

    @property
    def is_tail_called(self) -> bool:
        """True if the entry paths tail-call it for all calls of its family; False if it has a tracepoint."""
        return not self.raw and not self.context


def _scheduler(name: str, family: str, function: str) -> Program:
    return Program(function, family, f"sched_process_{name}", raw=True, group="sched")


def _at_exit(name: str, family: str, function: str) -> Program:
    return Program(function, family, f"sys_exit_{_TRACEPOINTS.get(name, name)}")


_TRACEPOINTS: Final = {
    "fstat": "newfstat", "lstat": "newlstat", "sendfile": "sendfile64", "stat": "newstat", "umount2": "umount",
    "uname": "newuname",
}  # fmt: skip
"""Names of tracepoints that differ from the call's: that of their SYSCALL_DEFINE."""
_FILES: Final = {"clone": "lifecycle", "fork": "lifecycle", "exit": "lifecycle"}
"""File in bpf/programs by family, if the names differ."""
_OWN: Final[Mapping[str, tuple[Program, ...]]] = {
    "execve": (_scheduler("exec", "exec", "process_executed"), _at_exit("execve", "exec", "execve_failed")),
    "execveat": (_at_exit("execveat", "exec", "execve_failed"),),
    "_fork": (_scheduler("fork", "lifecycle", "process_forked"),),
    "procexit": (_scheduler("exit", "lifecycle", "process_exited"),),
    "_cgroup": (Program("process_moved", "lifecycle", "cgroup_attach_task", True, "cgroup"),),
    "signaldeliver": (Program("signal_delivered", "signal", "signal_deliver", True, "signal"),),
    "switch": (Program("switched", "switch", "sched_switch", True, "sched"),),
    "page_fault": tuple(
        Program("faulted", "fault", f"page_fault_{mode}", True, "exceptions") for mode in ("user", "kernel")
    ),
    "capset": (_at_exit("capset", "session", "capset_exit"),),
    "prctl": (_at_exit("prctl", "session", "prctl_exit"),),
}
"""Event types that have other programs than the one of their family."""


def _programs(spec: SyscallSpec) -> tuple[Program, ...]:
    family = spec.family
    return _OWN.get(spec.name) or (_at_exit(syscall_name(spec.name), _FILES.get(family, family), f"{family}_exit"),)


EXEC_JUDGED: Final = Program("process_judged", "exec", "sched_process_exec", raw=True, group="sched")
"""The program that the kill rules' program for an exec continues with."""
SHARERS: Final = (
    Program("sharers_signalled", "sharers", "signal_deliver", group="signal", context="deliver_ctx"),
    Program("sharers_ended", "sharers", "sched_process_exit", group="sched", context="exit_ctx"),
)
"""Programs that end processes which share the descriptors of one that a kill rule has killed."""
PROGRAMS: Final[dict[str, tuple[Program, ...]]] = {name: _programs(spec) for name, spec in SYSCALL_SPECS.items()}
"""Programs by event type."""


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
