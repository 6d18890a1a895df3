"""The rules of each evaluator `falco` as a run would have them: loaded, selected, in the order of trial."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import msgspec

from mozu.core.errors import RulesError
from mozu.core.language.rules import LoadResult, Rule, Selector, load, priority, selected, with_static_fields
from mozu.core.model.alert import Severity
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.config import Config
from mozu.core.runtime.config.override import RULES_PLUGIN
from mozu.core.runtime.registry import Registry


class _Switch(Protocol):
    def selector(self) -> Selector: ...


class _FalcoSettings(Protocol):
    """The settings of the evaluator `falco` that decide which rules run."""

    rules: Sequence[Path]
    rule_matching: str
    priority: str
    selection: Sequence[_Switch]
    static_fields: Mapping[str, str]


class IdleRule(msgspec.Struct, frozen=True):
    """Why a rule does not run."""

    label: str
    """A few words."""
    text: str
    """A sentence without its end."""


class RulesInForce(msgspec.Struct, frozen=True):
    """Of one evaluator."""

    loaded: LoadResult
    fields: FieldRegistry
    """With the static fields of its settings."""
    running: tuple[Rule, ...]
    """In the order of trial."""
    matching: str
    """`first`: an event raises the alert of the first rule that matches; `all`: of every one."""
    minimum: Severity

    def idle(self, rule: Rule) -> IdleRule | None:
        """Why a rule of these files does not run; None for one that does."""
        if any(rule is one for one in self.running):
            return None
        if rule.priority > self.minimum:
            text = f"it has the priority {rule.priority.label}, and `priority` lets run {self.minimum.label} and above"
            return IdleRule("below priority", text)
        if not rule.enabled:
            text = "it is not enabled: its file says `enabled: false`, and no `selection` enables it"
            return IdleRule("disabled", text)
        return IdleRule("disabled by selection", "the configuration disables it (`selection`)")


def rules_in_force(config: Config, registry: Registry, fields: FieldRegistry) -> Iterator[RulesInForce]:
    """Raises RulesError with the report of files that cannot be used."""
    for entry in config.evaluators:
        if entry.name == RULES_PLUGIN:
            yield _in_force(cast("_FalcoSettings", registry.settings(entry)), fields)


def _in_force(settings: _FalcoSettings, fields: FieldRegistry) -> RulesInForce:
    known = with_static_fields(fields, settings.static_fields)
    loaded = load(settings.rules, known)
    if not loaded.ok:
        raise RulesError(loaded.report.verbose())
    minimum = priority(settings.priority)
    assert minimum is not None  # the settings were validated
    running = selected(loaded.rules.rules, [switch.selector() for switch in settings.selection], minimum)
    return RulesInForce(loaded, known, tuple(running), settings.rule_matching, minimum)
