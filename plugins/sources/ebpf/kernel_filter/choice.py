"""Choice of event types with a kernel filter: those that only rules need, and whose events do not otherwise update the
state.

An open (open, openat, openat2, creat) gives the state the path of its file as passed. If events of other types show
paths of files, the path of a filtered open is kept in the kernel (maps OPENED_AT, OPENED_PATHS) and emitted with such
an event; or, for types whose programs emit no kept path, an open is filtered only if the kernel's own path of the file
is the same.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.comparison import EQUALITY, Comparison, compare
from mozu.core.filter.demand import Demand
from mozu.core.filter.formula import TRUE, Formula, Leaf, any_of, may_hold
from mozu.core.model.syscalls import event_type
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import FilterFunction, filter_function_of
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import ProcessPredicates
from mozu.plugins.sources.ebpf.tracepoints import EXECS

OPENS: Final = frozenset(("open", "openat", "openat2", "creat"))
_COPIES: Final = frozenset(("dup", "dup2", "dup3", "fcntl"))
_COPYING: Final = compare("evt.arg.cmd", "in", ("F_DUPFD", "F_DUPFD_CLOEXEC"))
"""Commands of fcntl that copy a descriptor."""
_MESSAGES: Final = frozenset(("sendto", "sendmsg", "recvfrom", "recvmsg", "sendmmsg", "recvmmsg"))
_REREAD_ON_USE: Final = OPENS | _COPIES | {"socket", "bpf", "connect"}
"""Types that change the state, but whose descriptor is read again at its next use."""
_FAMILIES_WITH_OPENED_PATH: Final = frozenset(("descriptor", "transfer", "pair", "mapping"))
"""Families whose programs emit the kept path of a file."""
_BELOW_DIRECTORIES: Final = frozenset(
    (
        *("renameat", "renameat2", "unlinkat", "mkdirat", "mknodat", "linkat", "symlinkat", "fchmodat"),
        *("open_tree", "move_mount", "fanotify_mark"),
    )
)
"""Types whose descriptors are directories. (A descriptor of open_tree or move_mount with an empty path can be a file,
which is then shown by the kernel's path. That of fanotify_mark is no file that was opened.)"""
_FILES: Final = frozenset(("f", "d", "file", "directory"))


class Chosen(NamedTuple):
    """The kernel filters of a demand."""

    functions: Mapping[str, FilterFunction]
    """Function by event type."""
    predicates: tuple[Formula, ...]
    """Process predicates of the functions, in the order of their bits."""


def choose(demand: Demand, types: Iterable[str], fields: Iterable[str] = ()) -> Chosen:
    """Return the kernel filters of a demand.

    `types`: those that only rules need. `fields`: fields allowed in process predicates.
    """
    process_predicates = ProcessPredicates(fields)
    needs = demand.of("syscall")
    if any("files" in need.state_dependencies for need in needs.values()):
        types = [name for name in types if not _has_descriptor(name)]
    naming = _naming(demand)
    names = _names(naming)
    found: dict[str, FilterFunction] = {}
    for name in sorted(types):
        predicate = demand.predicate("syscall", name)
        if naming and name in _COPIES:
            predicate = any_of((predicate, _COPYING if name == "fcntl" else TRUE))
        if not _is_filterable(name):
            continue
        kept = names if name in OPENS else OpenedName.UNUSED
        of_rules = demand.evaluators_predicate("syscall", name)
        function = filter_function_of(SYSCALL_SPECS[name], predicate, process_predicates, kept, of_rules)
        if function is not None:
            found[name] = function
    if not _all_messages_filtered_alike(found, needs):
        found = {name: function for name, function in found.items() if name not in _MESSAGES}
    return Chosen(found, tuple(process_predicates.predicates))


def discardable_opens(demand: Demand, types: Iterable[str]) -> tuple[frozenset[str], OpenedName]:
    """Return the opens that may be discarded if no rule matches them, and the treatment of their paths.

    `types`: those that only rules need.
    """
    if any("files" in need.state_dependencies for need in demand.of("syscall").values()):
        return frozenset(), OpenedName.UNUSED
    return OPENS & frozenset(types), _names(_naming(demand))


def _naming(demand: Demand) -> list[str]:
    """Return the types other than opens whose events show names of files."""
    return [name for name in demand.of("syscall") if _wants_names(demand, name)]


def _names(naming: Iterable[str]) -> OpenedName:
    """Return the treatment of an open's path if events of these types show names."""
    if not all(name in _BELOW_DIRECTORIES or _family(name) in _FAMILIES_WITH_OPENED_PATH for name in naming):
        return OpenedName.EMITTED
    return OpenedName.KEPT if naming else OpenedName.UNUSED


def without_refused(functions: Mapping[str, FilterFunction], refused: Collection[str]) -> dict[str, FilterFunction]:
    """Return the filters that can be used after the kernel has refused some: messages are filtered alike, or not at
    all."""
    gone = _MESSAGES | set(refused) if _MESSAGES & set(refused) else set(refused)
    return {name: function for name, function in functions.items() if name not in gone}


def _family(name: str) -> str:
    spec = SYSCALL_SPECS.get(name)
    return "" if spec is None else spec.family


def _is_filterable(name: str) -> bool:
    if name in _REREAD_ON_USE | _MESSAGES | EXECS:
        return True
    kind = event_type(name)
    return kind is not None and kind.traits.isdisjoint(("modifies_state", "creates_fd"))


def _all_messages_filtered_alike(found: dict[str, FilterFunction], needs: Iterable[str]) -> bool:
    """Return True if messages are filtered alike: they give the state a socket's peer, so either all are filtered or
    none."""
    wanted = _MESSAGES & set(needs)
    return len({found[name].wanted if name in found else TRUE for name in wanted}) < 2


def _has_descriptor(name: str) -> bool:
    kind = event_type(name)
    return kind is not None and kind.has_fd


def _wants_names(demand: Demand, name: str) -> bool:
    """Return True if events of a type show rules the names that opens have given to files. An open by handle has given
    none."""
    kind, interest = event_type(name), demand.of("syscall")[name]
    is_of_files = kind is None or (kind.category != "net" and may_hold(interest.predicate, _of_file))
    return is_of_files and "names" in interest.state_dependencies and name not in OPENS | {"open_by_handle_at"}


def _of_file(test: Leaf) -> bool | None:
    """Return the value of a comparison for a descriptor that is a file; None if it may be either."""
    if not isinstance(test, Comparison) or test.field not in ("fd.type", "fd.typechar", "fd.sockfamily"):
        return None
    return False if test.op in EQUALITY and _FILES.isdisjoint(test.values) else None
