"""Which calls may have a gate: those that only rules want, and whose events teach the state nothing that others need.

An open teaches the state the name of its file as it was given. Where events of other types show names of files, those
of opens that are turned away are kept in the kernel and told with such an event; or, for types whose programs tell no
such name, an open is turned away only if the kernel calls the file the same.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.demand import Demand
from mozu.core.filter.predicate import Fact, Predicate, holds
from mozu.core.model.syscalls import event_type
from mozu.plugins.sources.ebpf.kernel_filter.exec_invariant import Lasting
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import Gate, OpenedName, gate_of

OPENS: Final = frozenset(("open", "openat", "openat2", "creat"))
_COPIES: Final = frozenset(("dup", "dup2", "dup3"))
_MESSAGES: Final = frozenset(("sendto", "sendmsg", "recvfrom", "recvmsg", "sendmmsg", "recvmmsg"))
_FORGETTABLE: Final = OPENS | _COPIES | {"socket"}
"""They change the state, but what they tell is asked of the kernel again when the descriptor is used."""
_TELL_NAMES: Final = frozenset(("descriptor", "transfer", "pair", "mapping"))
"""Families whose programs tell the name that is kept of a file."""
_BELOW_DIRECTORIES: Final = frozenset(
    ("renameat", "renameat2", "unlinkat", "mkdirat", "mknodat", "linkat", "symlinkat")
)
"""Their descriptors can only stand for directories."""
_FILES: Final = frozenset(("f", "d", "file", "directory"))


class Chosen(NamedTuple):
    """What stands before the programs of calls."""

    gates: Mapping[str, Gate]
    """Event type → its gate."""
    questions: tuple[Predicate, ...]
    """About processes, which gates ask: in the order of their bits."""


def choose(demand: Demand, types: Iterable[str], lasting_fields: Iterable[str] = ()) -> Chosen:
    """The gates of a demand. `types`: those that nobody but rules wants. `lasting_fields`: what stays until an exec."""
    lasting = Lasting(lasting_fields)
    needs = demand.of("syscall")
    if any("files" in need.facets for need in needs.values()):
        types = [name for name in types if not _has_descriptor(name)]
    naming = [name for name in needs if _wants_names(demand, name)]
    if all(name in _BELOW_DIRECTORIES or _family(name) in _TELL_NAMES for name in naming):
        names = OpenedName.KEPT if naming else OpenedName.UNUSED
    else:
        names = OpenedName.TOLD
    found: dict[str, Gate] = {}
    for name in sorted(types):
        if not _may(name) or (naming and name in _COPIES):
            continue
        kept = names if name in OPENS else OpenedName.UNUSED
        gate = gate_of(SYSCALL_SPECS[name], demand.predicate("syscall", name), lasting, kept)
        if gate is not None:
            found[name] = gate
    if not _agree(found, needs):
        found = {name: gate for name, gate in found.items() if name not in _MESSAGES}
    return Chosen(found, tuple(lasting.questions))


def _family(name: str) -> str:
    spec = SYSCALL_SPECS.get(name)
    return "" if spec is None else spec.family


def _may(name: str) -> bool:
    kind = event_type(name)
    if kind is None:
        return False
    return name in _FORGETTABLE | _MESSAGES or kind.traits.isdisjoint(("modifies_state", "creates_fd"))


def _agree(found: dict[str, Gate], needs: Iterable[str]) -> bool:
    """Messages teach the state who is at the other end: all of them, or none, may be turned away."""
    wanted = _MESSAGES & set(needs)
    return len({found[name].wanted if name in found else True for name in wanted}) < 2


def _has_descriptor(name: str) -> bool:
    kind = event_type(name)
    return kind is not None and kind.has_fd


def _wants_names(demand: Demand, name: str) -> bool:
    """Whether events of a type, other than opens, show the names of files."""
    kind = event_type(name)
    if "names" not in demand.of("syscall")[name].facets or name in OPENS:
        return False
    return kind is None or (kind.category != "net" and holds(demand.predicate("syscall", name), _of_file))


def _of_file(fact: Fact) -> bool:
    """Whether a fact may be true of a descriptor that stands for a file."""
    if fact.field not in ("fd.type", "fd.typechar", "fd.sockfamily") or fact.op != "in" or fact.negated:
        return True
    return not _FILES.isdisjoint(fact.values)
