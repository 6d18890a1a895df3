"""What could possibly matter: the arrow that runs from the evaluators back into the sources.

Demand maps a source class to event types, and each event type to a `Need`: the facets of state that must be kept for it
and a *necessary* predicate. It is a sound over-approximation: an event outside it can raise no alert, so demand never
loses one. Until a source can use predicates, evaluators emit TRUE. Beside the types stand the names of hosts that
somebody has to resolve.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

TRUE: Final = "true"
"""The predicate that lets every event pass."""

FACETS: Final[Mapping[str, tuple[str, ...]]] = {
    "tree": ("execve", "execveat", "procexit"),
    "cwd": ("chdir", "fchdir", "chroot"),
    "ids": ("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid"),
    "caps": ("capset", "setuid", "setreuid", "setresuid", "setfsuid", "setns", "unshare"),
    "session": ("setsid", "setpgid"),
    "comm": ("prctl",),
    "fds": ("close", "dup", "dup2", "dup3", "fcntl", "pipe", "pipe2", "socketpair"),
    "threads": (),
    "env": (),
    "realpath": (),
    "cgroups": (),
}
"""Facet of the state → the event types that change it. A source that asks the kernel for a facet need not send them."""


class Need(msgspec.Struct, frozen=True):
    """What is wanted of one event type."""

    facets: frozenset[str] = frozenset()
    predicate: str = TRUE

    def __or__(self, other: "Need") -> "Need":
        predicate = self.predicate if self.predicate == other.predicate else TRUE
        return Need(self.facets | other.facets, predicate)


class Demand(msgspec.Struct, frozen=True):
    """Source class → event type → need. The type `*` stands for every type of that class."""

    types: Mapping[str, Mapping[str, Need]] = {}
    hosts: frozenset[str] = frozenset()
    """Names of hosts that addresses are compared with; the core resolves them (`fd.sip.name`)."""

    def __or__(self, other: "Demand") -> "Demand":
        merged = {source: dict(types) for source, types in self.types.items()}
        for source, types in other.types.items():
            mine = merged.setdefault(source, {})
            for name, need in types.items():
                mine[name] = mine[name] | need if name in mine else need
        return Demand(merged, self.hosts | other.hosts)

    def of(self, source: str) -> Mapping[str, Need]:
        """The event types wanted of one source class."""
        return self.types.get(source, {})

    def facets(self, source: str) -> frozenset[str]:
        """Every facet that some need of this source class names."""
        return frozenset().union(*(need.facets for need in self.of(source).values()))


def union(demands: Iterable[Demand]) -> Demand:
    """All of them together."""
    whole = Demand()
    for demand in demands:
        whole = whole | demand
    return whole


def state_types(facets: Iterable[str]) -> frozenset[str]:
    """The event types that the state machine needs to keep these facets true."""
    return frozenset(name for facet in facets for name in FACETS.get(facet, ()))
