"""Look-ups outside the event: names of users, groups and hosts, containers, addresses, and facts about the run.

One `Lookups` belongs to one registry of fields. Everything in it has a default that knows nothing, so the core reads
events alone; an enricher (or a recording) that knows better assigns its own function:

    context.fields.lookups.user = accounts.name_of

Such functions are called while an event is judged: they answer from memory, immediately, or with None.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from mozu.core.model.event import Address, Container, SyscallEvent
from mozu.core.model.fields.addresses import LocalAddresses
from mozu.core.model.fields.entities import ProcessEntities


def _unknown_id(_: int, __: SyscallEvent) -> str | None:
    return None


def _unknown(_: str) -> object | None:
    return None


def _unstated(_: str) -> str | None:
    return None


_MOST_FORGERIES: Final = 64
_STATES: Final = ("known", "late", "unknown")
"""States of a container from best to worst: one enricher that knows a container is enough."""


class Forgery(msgspec.Struct, frozen=True):
    """A process in a cgroup that claims falsely to be that of a container."""

    container: Container
    """The claimed container."""
    pid: int
    name: str
    """The kernel's comm."""


class Lookups:
    """The surroundings of one engine."""

    __slots__ = (
        "addresses", "base64_bytes", "container", "container_state", "entities", "first_time", "forgeries", "group",
        "hostname", "hosts", "user",
    )  # fmt: skip

    def __init__(self) -> None:
        self.user: Callable[[int, SyscallEvent], str | None] = _unknown_id
        """Function from (uid, the event that mentions it) to the account's name on the event's host or in its
        container."""
        self.group: Callable[[int, SyscallEvent], str | None] = _unknown_id
        """Function from (gid, the event that mentions it) to the group's name, likewise."""
        self.hosts: Mapping[Address, tuple[str, ...]] = {}
        """Address (IPv4 ones plain, not mapped into IPv6) → the names in rules that it was resolved from, sorted. Live,
        a table with new answers replaces the old one, which never changes."""
        self.container: Callable[[str], object | None] = _unknown
        """Function from `Container.key` to `ContainerMetadata`. Several enrichers may answer, each for one runtime."""
        self.container_state: Callable[[str], str | None] = _unstated
        """Function from `Container.key` to `known`; `late`: a runtime is still being asked; `unknown`: none knows it.
        None if no enricher knows containers."""
        self.forgeries: deque[Forgery] = deque(maxlen=_MOST_FORGERIES)
        """Forgeries to report, oldest first."""
        self.addresses = LocalAddresses()
        """Addresses of this machine."""
        self.entities = ProcessEntities()
        """Identities of processes, and of the host."""
        self.hostname = ""
        """The value of `evt.hostname`; empty: it has no value."""
        self.first_time = 0
        """Time of the first event of the run (ns since the epoch), from which `evt.reltime` counts; 0: the first event
        whose field is read sets it."""
        self.base64_bytes = False
        """True if bytes in `evt.args` and `evt.arg` print as base64 and not as printable characters and dots."""

    def functions(self) -> dict[str, Callable[..., object | None]]:
        """Return attribute → the function that components may assign to it."""
        return {
            "user": self.user,
            "group": self.group,
            "container": self.container,
            "container_state": self.container_state,
        }

    def assign(self, functions: Mapping[str, Callable[..., object | None]]) -> None:
        """Use these functions from now on."""
        for name, function in functions.items():
            setattr(self, name, function)

    def add(self, functions: Mapping[str, Callable[..., object | None]]) -> None:
        """Use these functions from now on; for containers they are asked after those in use."""
        before, state_before = self.container, self.container_state
        self.assign(functions)
        after, state_after = self.container, self.container_state
        if _unknown not in (before, after) and before != after:
            self.container = lambda full_id: before(full_id) or after(full_id)
        if _unstated not in (state_before, state_after) and state_before != state_after:
            self.container_state = lambda full_id: _best(state_before(full_id), state_after(full_id))

    def forget(self) -> None:
        """Reset the functions to their defaults, which know nothing."""
        self.user = self.group = _unknown_id
        self.container = _unknown
        self.container_state = _unstated


def _best(*states: str | None) -> str | None:
    return next((state for state in _STATES if state in states), None)
