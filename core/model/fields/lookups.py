"""Look-ups outside the event: names of users, groups and hosts, containers, addresses, and what holds for the run.

One `Lookups` belongs to one registry of fields. Everything in it has a default that knows nothing, so the core reads
events alone; an enricher (or a recording) that knows better assigns its own function:

    context.fields.lookups.user = accounts.name_of

Such functions are called while an event is judged: they answer from memory, at once, or with None.
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
"""From best to worst: one enricher that knows a container is enough."""


class Forgery(msgspec.Struct, frozen=True):
    """A process in a cgroup that claims to be that of a container, and is not."""

    container: Container
    """The claim."""
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
        """(uid, the event that mentions it) → the account's name where the event happened: host or container."""
        self.group: Callable[[int, SyscallEvent], str | None] = _unknown_id
        """The same for a gid."""
        self.hosts: Mapping[Address, tuple[str, ...]] = {}
        """Address (IPv4 ones plain, not mapped into IPv6) → the names in rules that it was resolved from, sorted. Live,
        a table with new answers takes the place of the old one, which never changes."""
        self.container: Callable[[str], object | None] = _unknown
        """`Container.key` → `ContainerMetadata`. Several enrichers may answer, each for one runtime."""
        self.container_state: Callable[[str], str | None] = _unstated
        """`Container.key` → `known`; `late`: a runtime is still being asked; `unknown`: none knows it. None where no
        enricher knows of containers."""
        self.forgeries: deque[Forgery] = deque(maxlen=_MOST_FORGERIES)
        """The lookups to report."""
        self.addresses = LocalAddresses()
        """This machine's own."""
        self.entities = ProcessEntities()
        """Identities of processes, and of the host."""
        self.hostname = ""
        """What `evt.hostname` shows; empty: it has no value."""
        self.first_time = 0
        """Time of the first event of the run (ns since the epoch), from which `evt.reltime` counts; 0: the first event
        that is asked for it."""
        self.base64_bytes = False
        """Bytes in `evt.args` and `evt.arg` print as base64 and not as printable characters and dots."""

    def functions(self) -> dict[str, Callable[..., object | None]]:
        """Attribute → the function that components may assign to it."""
        return {
            "user": self.user,
            "group": self.group,
            "container": self.container,
            "container_state": self.container_state,
        }

    def assign(self, functions: Mapping[str, Callable[..., object | None]]) -> None:
        """Use these from now on."""
        for name, function in functions.items():
            setattr(self, name, function)

    def add(self, functions: Mapping[str, Callable[..., object | None]]) -> None:
        """Use these from now on; for containers they are asked after those that are in use."""
        before, state_before = self.container, self.container_state
        self.assign(functions)
        after, state_after = self.container, self.container_state
        if _unknown not in (before, after) and before != after:
            self.container = lambda full_id: before(full_id) or after(full_id)
        if _unstated not in (state_before, state_after) and state_before != state_after:
            self.container_state = lambda full_id: _best(state_before(full_id), state_after(full_id))

    def forget(self) -> None:
        """Know nothing, as at first."""
        self.user = self.group = _unknown_id
        self.container = _unknown
        self.container_state = _unstated


def _best(*states: str | None) -> str | None:
    return next((state for state in _STATES if state in states), None)
