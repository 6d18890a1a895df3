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
from mozu.core.runtime.unfed_sources import brought_sources, configured_sources, unfed_source


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
    brought: frozenset[str] | None
    """Source classes of the events that the configuration's sources bring; None: of any."""

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
        if self.brought is not None and rule.source not in self.brought:
            return IdleRule("no source", unfed_source(rule.source))
        return IdleRule("disabled by selection", "the configuration disables it (`selection`)")


def rules_in_force(config: Config, registry: Registry, fields: FieldRegistry) -> Iterator[RulesInForce]:
    """Raises RulesError with the report of files that cannot be used."""
    brought = brought_sources(configured_sources(config, registry))
    for entry in config.evaluators:
        if entry.name == RULES_PLUGIN:
            yield _in_force(cast("_FalcoSettings", registry.settings(entry)), fields, brought)


def _in_force(settings: _FalcoSettings, fields: FieldRegistry, brought: frozenset[str] | None) -> RulesInForce:
    known = with_static_fields(fields, settings.static_fields)
    loaded = load(settings.rules, known)
    if not loaded.ok:
        raise RulesError(loaded.report.verbose())
    minimum = priority(settings.priority)
    assert minimum is not None  # the settings were validated
    chosen = selected(loaded.rules.rules, [switch.selector() for switch in settings.selection], minimum)
    running = tuple(rule for rule in chosen if brought is None or rule.source in brought)
    return RulesInForce(loaded, known, running, settings.rule_matching, minimum, brought)
