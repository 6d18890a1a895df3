"""Machine check: which source would watch, and which capabilities a configuration needs, has, and would miss.

Nothing is started. What a component needs is what its declaration says of its settings (`privileges`, `start_problem`).
"""

from collections.abc import Iterator

import msgspec

from mozu.core.api import Privilege
from mozu.core.api.declarations import AnyComponent, AnySource, ComponentDeclaration
from mozu.core.common import linux_capabilities
from mozu.core.runtime.config import Config, Entry
from mozu.core.runtime.registry import Registry
from mozu.core.state.procfs import PROC_PRIVILEGES


class SourceAnswer(msgspec.Struct, frozen=True):
    """Whether one of the sources that an entry stands for could start."""

    plugin: str
    problem: str | None
    """Why not; None: nothing speaks against it."""


class PrivilegeAnswer(msgspec.Struct, frozen=True):
    """One capability that one component uses."""

    component: str
    privilege: Privilege
    held: bool


class MachineAnswer(msgspec.Struct, frozen=True):
    """What this machine, and this process's capabilities, let a configuration do."""

    sources: dict[str, list[SourceAnswer]]
    """Id of an entry → its alternatives, best first."""
    privileges: list[PrivilegeAnswer]

    @property
    def can_start(self) -> bool:
        """Whether each entry has a source that could start."""
        return all(any(one.problem is None for one in alternatives) for alternatives in self.sources.values())


def check_machine(config: Config, registry: Registry) -> MachineAnswer:
    """Ask every component that is configured. Raises ConfigError and PluginError."""
    capabilities = linux_capabilities.effective()
    sources: dict[str, list[SourceAnswer]] = {}
    lines: list[PrivilegeAnswer] = []
    reads_proc = False
    for entry in config.sources:
        for declaration, one in registry.sources(entry):
            sources.setdefault(entry.id, []).append(_source(registry, declaration, one))
            lines += _privileges(registry, declaration, one, capabilities)
            reads_proc |= declaration.live and declaration.event_source == "syscall"
    if reads_proc:
        lines += [PrivilegeAnswer("the state", one, _held(one, capabilities)) for one in PROC_PRIVILEGES]
    for entry in (*config.enrichers, *config.evaluators, *config.sinks):
        found = registry.declaration(entry)
        if isinstance(found, ComponentDeclaration):
            lines += _privileges(registry, found, entry, capabilities)
    return MachineAnswer(sources, lines)


def _source(registry: Registry, declaration: AnySource, entry: Entry) -> SourceAnswer:
    settings = registry.settings(entry)
    return SourceAnswer(entry.name, None if declaration.start_problem is None else declaration.start_problem(settings))


def _privileges(
    registry: Registry, declaration: AnyComponent, entry: Entry, capabilities: int
) -> Iterator[PrivilegeAnswer]:
    if declaration.privileges is not None:
        title = f"{entry.kind} {entry.id}" + ("" if entry.id == entry.name else f" ({entry.name})")
        for one in declaration.privileges(registry.settings(entry)):
            yield PrivilegeAnswer(title, one, _held(one, capabilities))


def _held(privilege: Privilege, capabilities: int) -> bool:
    return linux_capabilities.holds(privilege.capability, capabilities)
