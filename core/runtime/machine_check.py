"""Machine check: which source would watch, which rules the kernel would kill for, and which capabilities a
configuration needs, has, and lacks.

Nothing is started. A component's needs are what its declaration derives from its settings (`privileges`,
`start_problem`).
"""

import logging
from collections.abc import Iterable, Iterator
from typing import cast

import msgspec

from mozu.core.api import Context, GivesConditions, KernelAction, Privilege, ResponderSettings, Settings
from mozu.core.api.declarations import AnyComponent, AnySource, ComponentDeclaration
from mozu.core.common import linux_capabilities
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.config import Config, Entry
from mozu.core.runtime.kernel_decisions import UNKNOWN_TO_KERNEL, action_of, decisions, place_of, reasons
from mozu.core.runtime.registry import Registry
from mozu.core.state.procfs import PROC_PRIVILEGES


class SourceAnswer(msgspec.Struct, frozen=True):
    """The answer if one of an entry's alternative sources could start."""

    plugin: str
    problem: str | None
    """Reason why the source could not start; None if no obstacle is known."""


class PrivilegeAnswer(msgspec.Struct, frozen=True):
    """A capability that one component uses."""

    component: str
    privilege: Privilege
    held: bool


class KillAnswer(msgspec.Struct, frozen=True):
    """An action of the kernel for a rule, if a responder that kills or denies in the kernel acts on the rule."""

    responder: str
    rule: str
    types: tuple[str, ...]
    """Event types at which the kernel acts."""
    reason: str
    """Reason why the kernel does not act at other types; empty if it acts at all."""
    action: KernelAction = "kill"


class MachineAnswer(msgspec.Struct, frozen=True):
    """The answer for a whole configuration on this machine and with this process's capabilities."""

    sources: dict[str, list[SourceAnswer]]
    """Id of an entry → answers for its alternatives, best first."""
    privileges: list[PrivilegeAnswer]
    kills: list[KillAnswer]

    @property
    def can_start(self) -> bool:
        """True if each entry has a source that could start."""
        return all(any(one.problem is None for one in alternatives) for alternatives in self.sources.values())


def check_machine(config: Config, registry: Registry, fields: FieldRegistry) -> MachineAnswer:
    """Ask every configured component. Raises ConfigError, PluginError and RulesError."""
    capabilities = linux_capabilities.effective()
    sources: dict[str, list[SourceAnswer]] = {}
    lines: list[PrivilegeAnswer] = []
    usable: list[AnySource] = []
    reads_proc = False
    for entry in config.sources:
        for declaration, one in registry.sources(entry):
            answer = _source(registry, declaration, one)
            sources.setdefault(entry.id, []).append(answer)
            if answer.problem is None and all(before.problem for before in sources[entry.id][:-1]):
                usable.append(declaration)
            lines += _privileges(registry, declaration, one, capabilities)
            reads_proc |= declaration.live and declaration.event_source == "syscall"
    if reads_proc:
        lines += [PrivilegeAnswer("the state", one, _held(one, capabilities)) for one in PROC_PRIVILEGES]
    for entry in (*config.enrichers, *config.evaluators, *config.sinks):
        found = registry.declaration(entry)
        if isinstance(found, ComponentDeclaration):
            lines += _privileges(registry, found, entry, capabilities)
    return MachineAnswer(sources, lines, list(_kills(config, registry, fields, usable)))


def _kills(
    config: Config, registry: Registry, fields: FieldRegistry, sources: Iterable[AnySource]
) -> Iterator[KillAnswer]:
    """Yield the kernel's actions. Rules are loaded only if a responder may act in the kernel."""
    wanted: list[tuple[str, ResponderSettings, KernelAction]] = []
    for entry in config.responders:
        settings = registry.settings(entry)
        if not isinstance(settings, ResponderSettings):
            continue
        responder = _built(registry, entry, fields)
        if place_of(responder) != "user":
            wanted.append((entry.id, settings, action_of(responder)))
    built = [_built(registry, entry, fields) for entry in config.evaluators] if wanted else []
    evaluators = [one for one in built if isinstance(one, GivesConditions)]
    allow = config.core.respond.allow
    why = UNKNOWN_TO_KERNEL if allow.containers or allow.namespaces else ""
    for responder, settings, action in wanted:
        for found in decisions(responder, settings, action, evaluators, sources, fields):
            types = () if why else tuple(sorted(found.predicates))
            yield KillAnswer(responder, found.rule, types, why or reasons(found), action)


def _built(registry: Registry, entry: Entry, fields: FieldRegistry) -> object:
    """Return a component that is built, but never started."""
    context = Context(entry.id, logging.getLogger(f"mozu.{entry.id}"), Metrics(), fields, offline=True)
    declaration = registry.declaration(entry)
    assert isinstance(declaration, ComponentDeclaration)
    built: object = registry.build(cast("ComponentDeclaration[Settings, object]", declaration), entry, context)
    return built


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
