"""What could possibly matter: the arrow that runs from the evaluators back into the sources.

Demand maps a source class to event types, and each event type to an `Interest`: what of the state must be kept for it
and a *necessary* predicate, a formula over comparisons. It is a sound over-approximation: an event outside it can raise
no alert, so demand never loses one. A source leaves out what it can, and may ignore predicates. Beside the types stand
the names of hosts that the core has to resolve.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from mozu.core.filter.comparison import compare
from mozu.core.filter.formula import TRUE, Formula, all_of, any_of

STATE_DEPENDENCIES: Final[Mapping[str, tuple[str, ...]]] = {
    "tree": ("execve", "execveat", "procexit"),
    "cwd": ("chdir", "fchdir", "chroot"),
    "ids": ("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid"),
    "caps": ("capset", "setuid", "setreuid", "setresuid", "setfsuid", "setns", "unshare"),
    "session": ("setsid", "setpgid"),
    "comm": ("prctl",),
    "fds": ("close", "dup", "dup2", "dup3", "fcntl", "pipe", "pipe2", "socketpair"),
    "stdio": ("dup", "dup2", "dup3", "fcntl"),
    "threads": (),
    "env": (),
    "realpath": (),
    "cgroups": ("_cgroup",),
    "namespaces": ("unshare",),
    "names": (),
    "files": (),
}
"""State dependency → the event types that change it. A source that asks the kernel for one need not send them.

`stdio` is what a process's descriptors 0, 1 and 2 are, wherever it got them from: an exec reports it.

The last two say what `fds` is wanted for beside what a descriptor is: the name that its open gave it, and the table of
all of a process's descriptors."""

_ON_STDIO: Final = compare("evt.rawres", "in", ("0", "1", "2"))
STATE_PREDICATES: Final[Mapping[str, Mapping[str, Formula]]] = {
    "stdio": {
        **dict.fromkeys(("dup", "dup2", "dup3"), _ON_STDIO),
        "fcntl": all_of((_ON_STDIO, compare("evt.arg.cmd", "in", ("F_DUPFD", "F_DUPFD_CLOEXEC")))),
    }
}
"""State dependency → event type → what must hold of such an event for it to change that part of the state. Every event
of a type that is not here may."""

ANY_ENRICHER: Final = "enricher:*"
"""Stands beside state dependencies, as `enricher:NAME` does: what every enricher knows is wanted (of recordings)."""


class Interest(msgspec.Struct, frozen=True):
    """What is wanted of one event type."""

    state_dependencies: frozenset[str] = frozenset()
    predicate: Formula = TRUE

    def __or__(self, other: "Interest") -> "Interest":
        return Interest(self.state_dependencies | other.state_dependencies, any_of((self.predicate, other.predicate)))


class Demand(msgspec.Struct, frozen=True):
    """Source class → event type → interest. The type `*` stands for every type of that class, and the class `*` for
    events of any source (recordings)."""

    types: Mapping[str, Mapping[str, Interest]] = {}
    hosts: frozenset[str] = frozenset()
    """Names of hosts that addresses are compared with; the core resolves them (`fd.sip.name`)."""

    def __or__(self, other: "Demand") -> "Demand":
        merged = {source: dict(types) for source, types in self.types.items()}
        for source, types in other.types.items():
            mine = merged.setdefault(source, {})
            for name, interest in types.items():
                mine[name] = mine[name] | interest if name in mine else interest
        return Demand(merged, self.hosts | other.hosts)

    def of(self, source: str) -> Mapping[str, Interest]:
        """The event types wanted of one source class."""
        return self.types.get(source, {})

    def predicate(self, source: str, name: str) -> Formula:
        """What must hold of an event of this type for any evaluator, or the state, to want it."""
        changing = _changing(self.state_dependencies(source), name)
        return any_of((self.evaluators_predicate(source, name), *changing))

    def evaluators_predicate(self, source: str, name: str) -> Formula:
        """The same for any evaluator alone."""
        interests = self.of(source)
        return any_of(interests[one].predicate for one in (name, "*") if one in interests)

    def whole(self) -> "Demand":
        """The same with every event of the wanted types."""
        types = {
            source: {name: Interest(one.state_dependencies) for name, one in interests.items()}
            for source, interests in self.types.items()
        }
        return Demand(types, self.hosts)

    def state_dependencies(self, source: str) -> frozenset[str]:
        """Every state dependency that some interest in this source class names."""
        return frozenset().union(*(one.state_dependencies for one in self.of(source).values()))


def union(demands: Iterable[Demand]) -> Demand:
    """All of them together."""
    whole = Demand()
    for demand in demands:
        whole = whole | demand
    return whole


def _changing(state_dependencies: Iterable[str], name: str) -> Iterator[Formula]:
    """The predicates of the parts of the state that this event type changes in some cases only."""
    return (STATE_PREDICATES[one][name] for one in state_dependencies if name in STATE_PREDICATES.get(one, ()))


def state_types(state_dependencies: Iterable[str]) -> frozenset[str]:
    """The event types that the state machine needs to keep these parts of the state true."""
    return frozenset(name for one in state_dependencies for name in STATE_DEPENDENCIES.get(one, ()))
