"""Rules that kill or deny in the kernel: those of responders that want it, as far as the sources decide them there."""

from collections.abc import Iterator
from functools import partial

from mozu.core.api import GivesConditions, KernelAction, KernelKill, KernelKills
from mozu.core.errors import MozuError
from mozu.core.respond.kernel_pins import pins_of
from mozu.core.respond.named_files import NamedFiles, paths_in
from mozu.core.respond.protection import protection_of
from mozu.core.runtime.engine.built import Assembly, BuiltResponder
from mozu.core.runtime.kernel_decisions import (
    UNKNOWN_TO_KERNEL,
    Decision,
    action_of,
    decisions,
    is_acted_on,
    place_of,
    reasons,
)


def kernel_kills(assembly: Assembly) -> KernelKills:
    """Return the rules that the kernel acts on. Raises MozuError if a rule that only the kernel may kill for cannot be
    decided there."""
    rules = [kill for one in assembly.responders for kill in _of_responder(one, assembly)]
    pins, respond = str(pins_of(assembly.state_dir)), assembly.respond
    assembly.named_files = NamedFiles(path for one in assembly.responders for path in _named_by(one, assembly))
    named_files = assembly.named_files.look()
    if not rules:
        return KernelKills(pins=pins, named_files=named_files)
    protection = assembly.protection = protection_of(respond)  # which holds open what the kernel spares
    return KernelKills(
        rules=tuple(sorted(rules, key=lambda kill: kill.dry_run)),
        per_minute=respond.per_minute,
        spared_pids=protection.spared_pids(),
        spared_users=frozenset(respond.allow.users),
        spared_executables=protection.executables_in_kernel(),
        named_files=named_files,
        goes_on=respond.on_death == "go_on",
        pins=pins,
    )


def _named_by(one: BuiltResponder, assembly: Assembly) -> Iterator[str]:
    """Yield the paths of files that rules of this responder name."""
    wanted = partial(is_acted_on, one.isolated.name, one.settings)
    for evaluator in assembly.evaluators:
        if isinstance(evaluator.component, GivesConditions):
            for rule in evaluator.component.rule_conditions(wanted):
                for predicate in rule.predicates.values():
                    yield from paths_in(predicate)


def _of_responder(one: BuiltResponder, assembly: Assembly) -> Iterator[KernelKill]:
    name, settings, allow = one.isolated.name, one.settings, assembly.respond.allow
    place, action = place_of(one.isolated.component), action_of(one.isolated.component)
    if place == "user":
        return
    if allow.containers or allow.namespaces:
        if place == "kernel":
            instead = "use `where: either`, with which mozu kills" if action == "kill" else "use the responder `kill`"
            raise MozuError(f"responder {name}: {UNKNOWN_TO_KERNEL}; {instead}")
        return
    evaluators: list[GivesConditions] = []
    for evaluator in assembly.evaluators:
        if isinstance(evaluator.component, GivesConditions):
            evaluators.append(evaluator.component)
        elif place == "kernel":
            raise MozuError(f"responder {name}: evaluator {evaluator.name} does not give its rules' conditions")
    sources = [source.declaration for source in assembly.sources]
    for found in decisions(name, settings, action, evaluators, sources, assembly.fields):
        if place == "kernel" and (why := reasons(found)):
            raise MozuError(_refusal(name, action, found, why))
        if found.predicates:
            yield KernelKill(found.rule, name, found.predicates, settings.dry_run, settings.per_minute, action)


def _refusal(responder: str, action: KernelAction, found: Decision, why: str) -> str:
    instead = "use `where: either`, or" if action == "kill" else "use the responder `kill`, or"
    return (
        f"responder {responder}: the kernel cannot {action} for the rule {found.rule!r}: {why}; {instead} another "
        "condition: `mozu rules explain` shows what the kernel decides"
    )
