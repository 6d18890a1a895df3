"""The rules of each evaluator `falco` as a run would have them: loaded, selected, in the order of trial."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import msgspec

from mozu.core.errors import RulesError
from mozu.core.language.rules import (
    Addition,
    LoadResult,
    Options,
    Rule,
    Selector,
    in_shadow,
    load,
    priority,
    selected,
    with_static_fields,
)
from mozu.core.model.alert import Severity
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.config import Config, Entry
from mozu.core.runtime.config.override import RULES_PLUGIN
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.unfed_sources import brought_sources, configured_sources, unfed_source


class _Switch(Protocol):
    def selector(self) -> Selector: ...


class _Append(Protocol):
    def addition(self) -> Addition: ...


class RuleSettings(Protocol):
    """The settings of the evaluator `falco` that decide which rules run, and how they are reported."""

    rules: Sequence[Path]
    rule_matching: str
    priority: str
    selection: Sequence[_Switch]
    append_output: Sequence[_Append]
    static_fields: Mapping[str, str]

    def chosen(self) -> Sequence[Selector]:
        """Return what the configured packs and level switch off."""
        ...


class ConfiguredRules(msgspec.Struct, frozen=True):
    """The rule files of one evaluator, loaded as the evaluator loads them."""

    entry: Entry
    settings: RuleSettings
    fields: FieldRegistry
    """Fields, with the static fields of its settings."""
    loaded: LoadResult

    @property
    def minimum(self) -> Severity:
        """Rules of less importance never run."""
        found = priority(self.settings.priority)
        assert found is not None  # the settings were validated
        return found

    @property
    def selectors(self) -> list[Selector]:
        """Selectors of the packs, the level and `selection`, in order."""
        return [*self.settings.chosen(), *(switch.selector() for switch in self.settings.selection)]

    def running(self, brought: frozenset[str] | None) -> tuple[Rule, ...]:
        """Return the rules that run, in the order of trial. `brought` are the source classes of the events; None:
        any."""
        chosen = selected(self.loaded.rules.rules, self.selectors, self.minimum)
        return tuple(rule for rule in chosen if brought is None or rule.source in brought)

    def alerting(self) -> tuple[Rule, ...]:
        """Return the rules that raise alerts, for events of any source, in the order of trial."""
        shadow = in_shadow(self.loaded.rules.rules, self.selectors)
        return tuple(rule for rule in self.running(None) if rule.name not in shadow)


class IdleRule(msgspec.Struct, frozen=True):
    """The reason why a rule does not run."""

    label: str
    """A few words."""
    text: str
    """A sentence without its end."""


class RulesInForce(msgspec.Struct, frozen=True):
    """The rules of one evaluator."""

    loaded: LoadResult
    fields: FieldRegistry
    """Fields, with the static fields of its settings."""
    running: tuple[Rule, ...]
    """Rules that run, in the order of trial."""
    matching: str
    """`first`: an event raises the alert of the first rule that matches; `all`: of every rule that matches."""
    minimum: Severity
    brought: frozenset[str] | None
    """Source classes of the events that the configuration's sources bring; None: of any."""
    shadow: frozenset[str]
    """Names of the rules in shadow mode."""
    left_out: tuple[Selector, ...]
    """Selectors by which the configured packs and level switch rules off."""

    def idle(self, rule: Rule) -> IdleRule | None:
        """Return why a rule of these files does not run; None for one that does."""
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
        if any(selector.selects(rule) for selector in self.left_out):
            return IdleRule("other pack or level", "its pack or its level is not among those set (`packs`, `level`)")
        return IdleRule("disabled by selection", "the configuration disables it (`selection`)")


def configured_rules(config: Config, registry: Registry, fields: FieldRegistry) -> list[ConfiguredRules]:
    """Return the rules of every evaluator `falco`. Raises ConfigError and PluginError."""
    found = []
    for entry, settings, known in rule_settings(config, registry, fields):
        options = Options(additions=[one.addition() for one in settings.append_output])
        found.append(ConfiguredRules(entry, settings, known, load(settings.rules, known, options)))
    return found


def rule_settings(
    config: Config, registry: Registry, fields: FieldRegistry
) -> Iterator[tuple[Entry, RuleSettings, FieldRegistry]]:
    """Yield every evaluator `falco`, its settings, and the fields with its static ones. Raises ConfigError and
    PluginError."""
    for entry in config.evaluators:
        if entry.name == RULES_PLUGIN:
            settings = cast("RuleSettings", registry.settings(entry))
            yield entry, settings, with_static_fields(fields, settings.static_fields)


def rules_in_force(config: Config, registry: Registry, fields: FieldRegistry) -> Iterator[RulesInForce]:
    """Yield the rules of each evaluator. Raises RulesError with the report of files that cannot be used."""
    brought = brought_sources(configured_sources(config, registry))
    for one in configured_rules(config, registry, fields):
        if not one.loaded.ok:
            raise RulesError(one.loaded.report.refusal())
        yield RulesInForce(
            loaded=one.loaded,
            fields=one.fields,
            running=one.running(brought),
            matching=one.settings.rule_matching,
            minimum=one.minimum,
            brought=brought,
            shadow=in_shadow(one.loaded.rules.rules, one.selectors),
            left_out=tuple(one.settings.chosen()),
        )
