"""The JSON Schema of rule files, for editors and pipelines; conditions are checked by `mozu check`.

A valid file may still be wrong: the schema knows shapes, not names. Keys that mozu warns about are refused.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from mozu.core.language.correlation.window import TYPES
from mozu.core.language.rules.correlation_reader import MOST, STEP_NAME, TIMESPAN
from mozu.core.language.rules.guidance import MATURITIES
from mozu.core.language.rules.rule_reader import OPERATIONS
from mozu.core.language.rules.values import BOOLEANS, MAX_UNSIGNED, priority_names
from mozu.core.model.value_types import JsonObject

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SCALAR: Final[JsonObject] = {"type": ["string", "number", "boolean"]}
"""A scalar: YAML reads a word as a number or a boolean if it looks like one; rules treat all of them as text."""
_TEXT: Final[JsonObject] = {"anyOf": [{"type": "string", "minLength": 1}, {"type": ["number", "boolean"]}]}
_TEXTS: Final[JsonObject] = {"type": "array", "items": _SCALAR}
_FLAG: Final[JsonObject] = {"anyOf": [{"type": "boolean"}, {"enum": list(BOOLEANS)}]}
_OPERATIONS: Final = ("append", "replace")
_VERSION: Final[JsonObject] = {"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+"}
_ONE_OR_MANY: Final[JsonObject] = {"anyOf": [_TEXT, _TEXTS]}


def rules_schema() -> JsonObject:
    """Return the schema of a whole file."""
    kinds = (_engine(), _plugins(), _list(), _macro(), _shared_exception(), _rule())
    return {
        "$schema": _DIALECT,
        "title": "Rule files of mozu, which are Falco's",
        "type": ["array", "null"],
        "items": {"anyOf": [*kinds, {"type": "null"}]},
    }


def _engine() -> JsonObject:
    wanted: JsonObject = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]"}]}
    about = "The version of the rule language that the file needs: a number, or x.y.z."
    return _mapping({"required_engine_version": _about(wanted, about)}, ("required_engine_version",))


def _plugins() -> JsonObject:
    named: JsonObject = {"name": _TEXT, "version": _VERSION}
    alternatives: JsonObject = {"type": "array", "items": _mapping(named, ("name", "version"))}
    entry = _mapping({**named, "alternatives": alternatives}, ("name", "version"))
    wanted = _about({"type": "array", "items": entry}, "Plugins of which at least these versions must be there.")
    return _mapping({"required_plugin_versions": wanted}, ("required_plugin_versions",))


def _list() -> JsonObject:
    keys: JsonObject = {
        "list": _about(_TEXT, "A list of values, by the name that conditions use."),
        "items": _TEXTS,
        "items_from": _about(
            _TEXT, "The file with its values, one a line, relative to the rules file; mozu's own, Falco refuses it."
        ),
        "append": _about(_FLAG, "Deprecated: write `override: {items: append}`."),
        "override": _override({"items": frozenset(_OPERATIONS)}),
    }
    return {**_mapping(keys, ("list",)), "oneOf": [{"required": ["items"]}, {"required": ["items_from"]}]}


def _macro() -> JsonObject:
    keys: JsonObject = {
        "macro": _about(_TEXT, "A part of conditions, by the name that they use."),
        "condition": _TEXT,
        "append": _about(_FLAG, "Deprecated: write `override: {condition: append}`."),
        "override": _override({"condition": frozenset(_OPERATIONS)}),
    }
    return _mapping(keys, ("macro", "condition"))


def _rule() -> JsonObject:
    keys: JsonObject = {
        "rule": _about(_TEXT, "A rule, by its name."),
        "desc": _about(_TEXT, "What it finds."),
        "condition": _about(_TEXT, "What must hold of an event."),
        "correlation": _about(_correlation(), "What must hold of several events; mozu's own, Falco refuses it."),
        "output": _about(_TEXT, "What an alert says; %field is replaced by the field's value."),
        "priority": _about({"enum": _priorities()}, "How severe its alerts are."),
        "source": _about(_TEXT, "The source class of its events; by default syscall."),
        "enabled": _FLAG,
        "tags": _TEXTS,
        "exceptions": {"anyOf": [{"type": "array", "items": _exception()}, {"type": "null"}]},
        "warn_evttypes": _FLAG,
        "skip-if-unknown-filter": _FLAG,
        "capture": _about(_FLAG, "Whether its alerts begin a capture."),
        "capture_duration": {"type": "integer", "minimum": 0, "maximum": MAX_UNSIGNED},
        "append": _about(_FLAG, "Deprecated: write `override: {condition: append}`."),
        "override": _override(OPERATIONS),
        "mozu": _about(_of_mozu(), "What a person should know who gets one of its alerts; Falco ignores it."),
    }
    parts = ("output", "desc", "priority")
    ways = (("condition", *parts), ("correlation", *parts), ("override",), ("append",), ("enabled",))
    return {**_mapping(keys, ("rule",)), "anyOf": [{"required": list(way)} for way in ways]}


def _correlation() -> JsonObject:
    step = _mapping(
        {"name": {"type": "string", "pattern": f"^{STEP_NAME}$"}, "rule": _TEXT, "condition": _TEXT}, ("name",)
    )
    number: JsonObject = {"type": "integer", "minimum": 0, "maximum": MOST}
    condition = _mapping({"gte": number, "gt": number, "field": _TEXT}, ())
    keys: JsonObject = {
        "type": _about({"enum": list(TYPES)}, "What is counted, or that each of the rules must match."),
        "rules": _about(
            {"type": "array", "minItems": 1, "items": {"anyOf": [_TEXT, step]}},
            "The rules, by name, or each with a name and a condition of its own.",
        ),
        "group-by": _about(_TEXTS, "Fields, or aliases, whose values make a group; each group counts by itself."),
        "timespan": _about({"type": "string", "pattern": f"^{TIMESPAN}$"}, "Within which time: 90s, 15m, 4h, 1d."),
        "condition": _about(condition, "How many events, or values of the field, raise an alert."),
        "aliases": _about(
            {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _TEXT}},
            "Names for fields that differ from rule to rule: {ALIAS: {RULE: FIELD}}.",
        ),
    }
    return _mapping(keys, ("type", "rules", "timespan"))


def _exception() -> JsonObject:
    return _mapping({"name": _TEXT, **_exception_parts()}, ("name",))


def _shared_exception() -> JsonObject:
    keys: JsonObject = {
        "exception": _about(
            _TEXT, "An exception by its name, for every rule whose key `mozu` has it; mozu's own, Falco ignores it."
        ),
        **_exception_parts(),
        "override": _override({"values": frozenset(_OPERATIONS)}),
    }
    return _mapping(keys, ("exception",))


def _exception_parts() -> JsonObject:
    member: JsonObject = {"anyOf": [_SCALAR, _TEXTS]}
    value: JsonObject = {"anyOf": [_SCALAR, {"type": "array", "items": member}]}
    return {
        "fields": _ONE_OR_MANY,
        "comps": _ONE_OR_MANY,
        "values": {"anyOf": [{"type": "array", "items": value}, {"type": "null"}]},
        "mozu": _about(
            _mapping(dict.fromkeys(("author", "date", "reason", "expires"), _TEXT), ()),
            "Who made the exception, when, why, and its last day, of which `mozu check` reminds; Falco ignores it.",
        ),
    }


def _of_mozu() -> JsonObject:
    keys: JsonObject = {
        "id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"},
        "why": _TEXT,
        "next": _TEXT,
        "false_positives": _TEXTS,
        "references": _TEXTS,
        "maturity": {"enum": list(MATURITIES)},
        "respond": _ONE_OR_MANY,
        "shadow": _about(_FLAG, "True: its matches are counted, and raise no alert."),
        "triage": _about(_TEXTS, "Questions to ask about an alert, each with the command that answers it."),
        "exceptions": _about(_TEXTS, "Shared exceptions of the rule, by the names of their items `exception`."),
        "context": _about(_FLAG, "True: behind the sentence of its output stand who did it, and where."),
    }
    return _mapping(keys, ())


def _override(operations: Mapping[str, frozenset[str]]) -> JsonObject:
    keys: JsonObject = {key: {"enum": sorted(allowed)} for key, allowed in operations.items()}
    return _about(_mapping(keys, ()), "Which keys of an item that is there already this one changes, and how.")


def _priorities() -> list[str]:
    """Return priorities in the three usual letter cases; mozu also accepts any other mixture."""
    names = (*priority_names(), "Info")
    return [form for name in names for form in (name, name.lower(), name.upper())]


def _mapping(keys: JsonObject, required: Iterable[str]) -> JsonObject:
    return {"type": "object", "properties": keys, "required": list(required), "additionalProperties": False}


def _about(schema: JsonObject, text: str) -> JsonObject:
    return {**schema, "description": text}
