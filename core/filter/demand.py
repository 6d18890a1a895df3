"""The demand: everything that could possibly matter, passed from the evaluators back to the sources.

Demand maps a source class to event types, and each event type to an `Interest`: the parts of the state that must be
kept for it and a *necessary* predicate, a formula over comparisons. It is a sound over-approximation: an event outside
it can raise no alert, so demand never loses one. A source leaves out what it can, and may ignore predicates. Besides
the types, demand has the names of hosts that the core has to resolve.
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

`stdio` stands for a process's descriptors 0, 1 and 2, wherever it got them from: an exec reports them.
The last two say what `fds` is wanted for besides the kind of a descriptor: the name that its open was given, and the
table of all of a process's descriptors.
"""

_ON_STDIO: Final = compare("evt.rawres", "in", ("0", "1", "2"))
STATE_PREDICATES: Final[Mapping[str, Mapping[str, Formula]]] = {
    "stdio": {
        **dict.fromkeys(("dup", "dup2", "dup3"), _ON_STDIO),
        "fcntl": all_of((_ON_STDIO, compare("evt.arg.cmd", "in", ("F_DUPFD", "F_DUPFD_CLOEXEC")))),
    }
}
"""State dependency → event type → predicate that holds of the events that change that part of the state. Every event of
a type that is not listed may change it."""

ANY_ENRICHER: Final = "enricher:*"
"""An entry among state dependencies, like `enricher:NAME`: everything that enrichers know is wanted (for
recordings)."""


class Interest(msgspec.Struct, frozen=True):
    """The facts and events wanted of one event type."""

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
        """Return the event types wanted of one source class."""
        return self.types.get(source, {})

    def predicate(self, source: str, name: str) -> Formula:
        """Return the predicate that an event of this type must satisfy for any evaluator, or the state, to want it."""
        changing = _changing(self.state_dependencies(source), name)
        return any_of((self.evaluators_predicate(source, name), *changing))

    def evaluators_predicate(self, source: str, name: str) -> Formula:
        """Return the predicate that an event of this type must satisfy for any evaluator to want it."""
        interests = self.of(source)
        return any_of(interests[one].predicate for one in (name, "*") if one in interests)

    def whole(self) -> "Demand":
        """Return the demand without predicates: every event of the wanted types."""
        types = {
            source: {name: Interest(one.state_dependencies) for name, one in interests.items()}
            for source, interests in self.types.items()
        }
        return Demand(types, self.hosts)

    def state_dependencies(self, source: str) -> frozenset[str]:
        """Return every state dependency that some interest in this source class names."""
        return frozenset().union(*(one.state_dependencies for one in self.of(source).values()))


def union(demands: Iterable[Demand]) -> Demand:
    """Return the union of the demands."""
    whole = Demand()
    for demand in demands:
        whole = whole | demand
    return whole


def _changing(state_dependencies: Iterable[str], name: str) -> Iterator[Formula]:
    """Return the predicates of the parts of the state that this event type changes only in some cases."""
    return (STATE_PREDICATES[one][name] for one in state_dependencies if name in STATE_PREDICATES.get(one, ()))


def state_types(state_dependencies: Iterable[str]) -> frozenset[str]:
    """Return the event types that the state machine needs to keep these parts of the state true."""
    return frozenset(name for one in state_dependencies for name in STATE_DEPENDENCIES.get(one, ()))
