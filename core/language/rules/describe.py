"""Descriptions of rules, macros and lists, as plain data: the keys are those of Falco's descriptions.

Each entry has `info` (as in the files) and `details` (as compiled); mozu adds `file`, `line`, the shared exceptions
and, for rules, the state that must be kept (`needs`).
"""

from collections.abc import Iterable, Mapping
from typing import TypedDict

import msgspec

from mozu.core.language.conditions import check, unparse
from mozu.core.language.rules.exceptions import exception_texts
from mozu.core.language.rules.guidance import Guidance
from mozu.core.language.rules.items import ExceptionReview
from mozu.core.language.rules.loading import LoadResult
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.language.rules.ruleset import ListView, MacroView, Rule, RuleSet
from mozu.core.language.rules.store import ExceptionInfo
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import JsonObject


class ItemDescription(TypedDict):
    """Description of a rule, macro, list or shared exception."""

    info: JsonObject
    details: JsonObject


class RulesDescription(TypedDict):
    """Descriptions of all items of a load."""

    required_engine_version: str
    required_plugin_versions: list[JsonObject]
    rules: list[ItemDescription]
    macros: list[ItemDescription]
    lists: list[ItemDescription]
    exceptions: list[ItemDescription]


def describe_rules(result: LoadResult, fields: FieldRegistry, longest: int | None = None) -> RulesDescription:
    """Describe a load: `rules`, `macros`, `lists`, shared `exceptions`, and the requirements of the files.
    `longest`: number of items from which on lists in compiled conditions are shortened."""
    rules = result.rules
    return {
        "required_engine_version": "" if rules.engine is None else str(rules.engine),
        "required_plugin_versions": _required(rules),
        "rules": [describe_rule(rule, fields, longest) for rule in rules.rules],
        "macros": [describe_macro(macro, rules, fields, longest) for macro in rules.macros],
        "lists": [describe_list(entry) for entry in rules.lists],
        "exceptions": [describe_exception(info, rules) for info in rules.exceptions],
    }


def describe_rule(rule: Rule, fields: FieldRegistry, longest: int | None = None) -> ItemDescription:
    """Describe one rule."""
    operators = rule.checked.operators
    return {
        "info": {
            "name": rule.name,
            "condition": rule.condition_text,
            **({} if rule.correlation is None else {"correlation": rule.correlation.sentence}),
            "priority": rule.priority.label,
            "output": rule.output_text,
            "description": rule.desc,
            "enabled": rule.enabled,
            "source": rule.source,
            "capture": rule.capture,
            "capture_duration": rule.capture_duration,
            "tags": list(rule.tags),
            **_guidance(rule.guidance),
            **_place(rule.context),
        },
        "details": {
            "macros": list(rule.macros),
            "lists": list(rule.lists),
            "condition_operators": list(operators),
            "condition_fields": list(rule.checked.fields),
            "output_fields": sorted(set(rule.output.fields)),
            "exception_names": sorted({entry.name for entry in rule.exceptions}),
            "exception_fields": sorted({name for entry in rule.exceptions for name in entry.fields}),
            "exception_operators": sorted({comp for entry in rule.exceptions for comp in entry.comps}),
            **({"shared_exceptions": shared} if (shared := _shared_by(rule)) else {}),
            "events": _events(rule),
            "condition_compiled": unparse(rule.checked.node, longest),
            "output_compiled": rule.output_text,
            "extra_output_formatted_fields": {ref.key: ref.key for ref in rule.output.template.extra},
            "plugins": _plugins(_read(rule)),
            "needs": sorted(_needs(_read(rule), fields)),
        },
    }


def describe_macro(
    macro: MacroView, rules: RuleSet, fields: FieldRegistry, longest: int | None = None
) -> ItemDescription:
    """Describe one macro. It has no source of its own: its fields are those of the source of a rule that uses it."""
    node = macro.condition
    checked = None if node is None else check(node, fields, _source_of(macro, rules))
    names = () if checked is None else checked.fields
    return {
        "info": {"name": macro.name, "condition": macro.condition_text, **_place(macro.context)},
        "details": {
            "used": macro.used,
            "macros": list(macro.macros),
            "lists": list(macro.lists),
            "condition_operators": [] if checked is None else list(checked.operators),
            "condition_fields": list(names),
            "events": [] if checked is None or checked.event_types is None else sorted(checked.event_types),
            "condition_compiled": "" if node is None else unparse(node, longest),
            "plugins": _plugins(names),
        },
    }


def describe_list(entry: ListView) -> ItemDescription:
    """Describe one list."""
    return {
        "info": {
            "name": entry.name,
            "items": list(entry.items),
            **({"items_from": [file.source.name for file in entry.files]} if entry.files else {}),
            **_place(entry.context),
        },
        "details": {"used": entry.used, "lists": list(entry.lists), "items_compiled": list(entry.compiled)},
    }


def describe_exception(info: ExceptionInfo, rules: RuleSet) -> ItemDescription:
    """Describe one shared exception."""
    review = ExceptionReview() if info.review is None else info.review
    about = {"author": review.author, "date": review.made, "reason": review.reason, "expires": review.expires}
    return {
        "info": {
            "name": info.name,
            "fields": list(info.fields),
            "comps": list(info.comps),
            "values": [value.form if isinstance(value.form, str) else list(value.form) for value in info.values],
            **{key: str(value) for key, value in about.items() if value},
            **_place(info.context),
        },
        "details": {
            "rules": [rule.name for rule in rules.rules if info.name in _shared_by(rule)],
            "condition_compiled": " or ".join(f"({text})" for text in exception_texts(info)),
        },
    }


def _shared_by(rule: Rule) -> list[str]:
    return [one.name for one in rule.exceptions if one.use is not None]


def _place(context: ProblemContext) -> JsonObject:
    line, _ = context.source.place(context.offset)
    return {"file": context.source.name, "line": line + 1}


def _guidance(guidance: Guidance) -> JsonObject:
    """Return the content of the rule's key `mozu`, without keys that have no value."""
    return {key: value for key, value in msgspec.to_builtins(guidance).items() if value}


def _events(rule: Rule) -> list[str]:
    """Return the event types by name; empty if nothing restricts them."""
    types = rule.checked.event_types
    return [] if types is None or rule.source != "syscall" else sorted(types)


def _required(rules: RuleSet) -> list[JsonObject]:
    entries: list[JsonObject] = []
    for entry in rules.plugins:
        first, *others = ({"name": plugin.name, "version": str(plugin.version)} for plugin in entry.alternatives)
        entries.append({**first, "alternatives": others})
    return entries


def _source_of(macro: MacroView, rules: RuleSet) -> str:
    """Return the source of a rule that uses the macro, directly or through others; macros have none of their own."""
    users: Mapping[str, MacroView] = {other.name: other for other in rules.macros}
    for rule in rules.rules:
        waiting, seen = list(rule.macros), set(rule.macros)
        while waiting:
            name = waiting.pop()
            if name == macro.name:
                return rule.source
            inner = users[name].macros if name in users else ()
            waiting += [other for other in inner if other not in seen]
            seen.update(inner)
    return "syscall"


def _read(rule: Rule) -> tuple[str, ...]:
    """Return every field that the rule reads."""
    more = () if rule.correlation is None else rule.correlation.read
    return (*rule.checked.fields, *rule.output.fields, *more)


def _plugins(names: Iterable[str]) -> list[str]:
    """Return the plugins of Falco that define these fields."""
    owners = {"container": "container", "k8s": "container", "json": "json", "jevt": "json", "ka": "k8saudit"}
    return sorted({owners[head] for name in names if (head := name.partition(".")[0]) in owners})


def _needs(names: Iterable[str], fields: FieldRegistry) -> set[str]:
    """Return the facets of the state, and the enrichers, that these fields need."""
    found: set[str] = set()
    for name in names:
        field, _ = fields.find(name.partition("[")[0])
        found |= field.needs or frozenset()
    return found
