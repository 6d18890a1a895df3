"""The rules that are given to the kernel, and the configurations that are refused since the kernel cannot decide a
rule.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mozu.core.api import KernelAction, KillPlace, ResponderSettings, RuleCondition, RuleHead
from mozu.core.errors import MozuError
from mozu.core.filter.comparison import compare
from mozu.core.filter.demand import Demand
from mozu.core.filter.formula import Formula
from mozu.core.filter.pushdown import Precision, Pushdown
from mozu.core.model.fields import FieldRegistry
from mozu.core.respond.settings import AllowSettings, RespondSettings
from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.engine.kernel_kills import kernel_kills

REACHED = compare("fd.realpath", "=", ("/etc/shadow",))
GIVEN = compare("fd.name", "=", ("/etc/shadow",))


class Rules:
    """An evaluator of these rules: name → tags, and the condition by event type."""

    def __init__(self, **rules: tuple[tuple[str, ...], dict[str, Formula]]) -> None:
        self._rules = rules

    def rule_conditions(self, wanted: Callable[[RuleHead], bool]) -> Sequence[RuleCondition]:
        found = [RuleCondition(RuleHead(name, "syscall", tags), by) for name, (tags, by) in self._rules.items()]
        return [one for one in found if wanted(one.head)]


class Killing:
    """A responder that kills or denies at this place."""

    def __init__(self, place: KillPlace, action: KernelAction) -> None:
        self._place, self._action = place, action

    def kill_place(self) -> KillPlace:
        return self._place

    def kernel_action(self) -> KernelAction:
        return self._action


def decides_reached(demand: Demand, fields: FieldRegistry) -> dict[str, Pushdown]:
    """Return the pushdown of a source that decides on the reached path only."""
    return {
        name: Pushdown(Precision.NONE, undecided=None if demand.predicate("syscall", name) == REACHED else GIVEN)
        for name in demand.of("syscall")
    }


def assembly(
    place: KillPlace, evaluator: object, *, respond: RespondSettings | None = None, decides: object = decides_reached,
    action: KernelAction = "kill", **settings: Any,
) -> Assembly:  # fmt: skip
    declaration = SimpleNamespace(pushdown=decides, event_source="syscall", live=True)
    isolated = SimpleNamespace(component=Killing(place, action), name="kill")
    made = SimpleNamespace(
        state_dir=Path("/state"),
        responders=[SimpleNamespace(isolated=isolated, settings=ResponderSettings(**settings))],
        evaluators=[SimpleNamespace(component=evaluator, name="falco")],
        sources=[SimpleNamespace(declaration=declaration)],
        respond=respond or RespondSettings(),
        fields=FieldRegistry(),
    )
    return cast("Assembly", made)


RULES = Rules(
    reached=(("files",), {"openat": REACHED, "open": REACHED}),
    given=(("files",), {"openat": GIVEN}),
    both=((), {"openat": REACHED, "open": GIVEN}),
)


def test_a_rule_that_the_kernel_decides_is_given_to_it() -> None:
    (found,) = kernel_kills(assembly("kernel", RULES, rules=("reached",), dry_run=False, per_minute=3)).rules

    assert ("reached", "kill", False, 3) == (found.rule, found.responder, found.dry_run, found.per_minute)
    assert {"openat": REACHED, "open": REACHED} == found.predicates


def test_only_the_calls_that_it_decides_are_given_to_it_and_mozu_kills_for_others() -> None:
    found = kernel_kills(assembly("either", RULES, rules=("*",))).rules

    assert [("reached", {"open", "openat"}), ("both", {"openat"})] == [(one.rule, set(one.predicates)) for one in found]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("given", "the kernel cannot kill for the rule 'given': of openat it does not decide fd.name = /etc/shadow"),
        ("both", "of open it does not decide fd.name = /etc/shadow for good; use `where: either`"),
    ],
)
def test_a_rule_that_only_the_kernel_may_kill_for_must_be_decided_at_every_call(rule: str, text: str) -> None:
    with pytest.raises(MozuError) as raised:
        kernel_kills(assembly("kernel", RULES, rules=(rule,)))
    assert text in str(raised.value)


def test_a_call_is_denied_where_its_source_can_deny_it() -> None:
    def denies(demand: Demand, fields: FieldRegistry) -> dict[str, Pushdown]:
        return {name: Pushdown(Precision.NONE, undenied=None) for name in demand.of("syscall")}

    (found,) = kernel_kills(assembly("kernel", RULES, rules=("reached",), decides=denies, action="deny")).rules

    assert ("reached", "deny", {"open", "openat"}) == (found.rule, found.action, set(found.predicates))


def test_a_rule_that_cannot_be_denied_is_refused_with_the_reason() -> None:
    text = "the kernel cannot deny for the rule 'reached': of open .* the source denies nothing in the kernel"
    with pytest.raises(MozuError, match=text):
        kernel_kills(assembly("kernel", RULES, rules=("reached",), action="deny"))


def test_a_tag_chooses_as_it_does_for_alerts() -> None:
    assert ["reached"] == [one.rule for one in kernel_kills(assembly("either", RULES, tags=("files",))).rules]


def test_the_kernel_does_nothing_unless_it_is_asked_to() -> None:
    assert () == kernel_kills(assembly("user", RULES, rules=("*",))).rules


def test_containers_that_are_allowed_by_name_leave_every_kill_to_mozu() -> None:
    respond = RespondSettings(allow=AllowSettings(containers=("builder",)))

    assert () == kernel_kills(assembly("either", RULES, respond=respond, rules=("reached",))).rules
    with pytest.raises(MozuError, match="names containers or namespaces, which the kernel does not know"):
        kernel_kills(assembly("kernel", RULES, respond=respond, rules=("reached",)))


def test_an_evaluator_without_conditions_and_a_source_that_does_not_act_are_reasons_to_refuse() -> None:
    with pytest.raises(MozuError, match="evaluator falco does not give its rules' conditions"):
        kernel_kills(assembly("kernel", object(), rules=("reached",)))
    with pytest.raises(MozuError, match="no source acts in the kernel"):
        kernel_kills(assembly("kernel", RULES, decides=None, rules=("reached",)))


def test_users_and_executables_that_are_allowed_and_what_started_mozu_are_spared() -> None:
    respond = RespondSettings(allow=AllowSettings(users=(77,), executables=(Path("/usr/bin/sleep"),)))
    found = kernel_kills(assembly("either", RULES, respond=respond, rules=("reached",)))

    assert frozenset((77,)) == found.spared_users
    assert os.stat("/usr/bin/sleep").st_ino in {inode for _, inode in found.spared_executables}
    assert {1, os.getpid()} <= found.spared_pids.keys()


def test_rules_that_act_come_before_those_that_would() -> None:
    made = assembly("either", RULES, rules=("reached",))
    acting = assembly("either", RULES, rules=("both",), dry_run=False)
    made.responders.extend(acting.responders)

    assert ["both", "reached"] == [one.rule for one in kernel_kills(made).rules]
