"""The keys of a rule: the keys required in each mode, and the operations of `override` that each allows."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.correlation_reader import read_correlation
from mozu.core.language.rules.exception_reader import read_exceptions, read_uses
from mozu.core.language.rules.guidance import read_guidance
from mozu.core.language.rules.items import Item, Mode, RuleItem
from mozu.core.language.rules.mapping import MappingReader
from mozu.core.language.rules.suggest import closest
from mozu.core.language.rules.tree import Mapping as MappingNode
from mozu.core.language.rules.tree import Scalar
from mozu.core.language.rules.values import priority, priority_names
from mozu.core.model.alert import Severity

_BOTH: Final = frozenset({"append", "replace"})
_REPLACE: Final = frozenset({"replace"})

OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    "condition": _BOTH,
    "output": _BOTH,
    "desc": _BOTH,
    "priority": _REPLACE,
    "enabled": _REPLACE,
    "capture": _REPLACE,
    "capture_duration": _REPLACE,
    "warn_evttypes": _REPLACE,
    "skip-if-unknown-filter": _REPLACE,
    "tags": _BOTH,
    "exceptions": _BOTH,
    "mozu": _BOTH,
    "correlation": _REPLACE,
}
"""Key of a rule → operations that `override` may name for it."""
RULE_KEYS: Final = frozenset(OPERATIONS) | {"rule", "source", "override", "append"}
_FULL: Final = ("condition", "output", "desc", "priority")
_CORRELATED: Final = ("correlation", "output", "desc", "priority")
_ATTRIBUTES: Final = {"skip-if-unknown-filter": "skip_unknown", "mozu": "guidance"}


def read_rule(reading: MappingReader) -> Iterator[Item]:
    """Yield the rule. After an error only a definition is yielded, and only if its texts can be checked."""
    reading.warn_unknown_keys(RULE_KEYS)
    name = reading.word("rule", required=True)
    override = read_override(reading, OPERATIONS)
    append = reading.flag("append")
    if reading.failed:
        return
    if append and override:
        reading.error("`append: true` and `override` exclude each other", reading.mapping.get("append"))
    elif override:
        parts = _parts(reading, OPERATIONS, override, required=tuple(override))
        parts["source"] = reading.word("source", empty=True)
        ops = {_ATTRIBUTES.get(key, key): op for key, op in override.items()}
        parts["appended"] = frozenset(key for key, op in ops.items() if op == "append")
        parts["replaced"] = frozenset(key for key, op in ops.items() if op == "replace")
        yield from _made(reading, name, Mode.OVERRIDE, parts)
    elif append:
        yield from _appended(reading, name)
    elif reading.has("override") or any(reading.has(key) for key in (*_FULL, "correlation")):
        is_correlated = reading.has("correlation")
        if is_correlated and reading.has("condition"):
            hint = "put the condition into its `rules`, as {name: WORD, condition: TEXT}"
            reading.error("a rule has either `condition` or `correlation`", reading.mapping.get("correlation"), hint)
        parts = _parts(reading, OPERATIONS, {}, required=_CORRELATED if is_correlated else _FULL)
        parts["source"] = reading.word("source")
        yield from _made(reading, name, Mode.DEFINE, _completed(parts) if reading.failed else parts)
    else:
        yield from _switched(reading, name)


def _appended(reading: MappingReader, name: str | None) -> Iterator[Item]:
    hint = "write `override: {condition: append}`"
    reading.warn(Code.LOAD_DEPRECATED_ITEM, "`append: true` is deprecated", reading.mapping.get("append"), hint)
    if not reading.has("condition") and not reading.has("exceptions"):
        reading.error("a rule that appends needs a `condition` or `exceptions` to append", code=Code.LOAD_ERR_VALIDATE)
    parts = _parts(reading, ("condition", "exceptions"), {"exceptions": "append"}, required=())
    parts["source"] = reading.word("source", empty=True)
    yield from _made(reading, name, Mode.APPEND, parts)


def _switched(reading: MappingReader, name: str | None) -> Iterator[Item]:
    if not reading.has("enabled"):
        missing = ", ".join(f"`{key}`" for key in _FULL)
        reading.error(f"a rule needs the keys {missing}, or `override`, or at least `enabled`")
        return
    hint = "write `override: {enabled: replace}` beside it"
    reading.warn(
        Code.LOAD_DEPRECATED_ITEM, "a rule with only `enabled` is deprecated", reading.mapping.get("enabled"), hint
    )
    yield from _made(reading, name, Mode.SWITCH, {"enabled": reading.flag("enabled")})


def _completed(parts: dict[str, Any]) -> dict[str, Any]:
    """Return replacements for the malformed keys of a rule, so that mistakes in its other keys are found too; empty if
    there
    is nothing to check. The rule never runs: the load has failed.
    """
    if all(parts.get(key) is None for key in ("condition", "correlation")) or parts.get("output") is None:
        return {}
    missing = {"desc": "", "priority": Severity.DEBUG}
    return parts | {key: value for key, value in missing.items() if parts.get(key) is None}


def _made(reading: MappingReader, name: str | None, mode: Mode, parts: dict[str, Any]) -> Iterator[Item]:
    if name is not None and parts and (mode is Mode.DEFINE or not reading.failed):
        yield RuleItem(name=name, context=reading.context, mode=mode, **parts)


def _parts(
    reading: MappingReader,
    keys: Mapping[str, object] | tuple[str, ...],
    override: Mapping[str, str],
    required: tuple[str, ...],
) -> dict[str, Any]:
    """Return attributes of a RuleItem for the keys that are present."""
    values: dict[str, Any] = {}
    for key in keys:
        if not reading.has(key) and key not in required:
            continue
        values[_ATTRIBUTES.get(key, key)] = _value(reading, key, override, must=key in required)
        if key == "mozu":
            values["uses"] = read_uses(reading)
    return values


def _value(reading: MappingReader, key: str, override: Mapping[str, str], *, must: bool) -> Any:
    if key in ("condition", "output"):
        return reading.text(key, required=must, trim=key == "output")
    if key == "desc":
        return reading.word(key, required=must)
    if key == "priority":
        return _priority(reading, required=must)
    if key == "capture_duration":
        return reading.number(key)
    if key == "tags":
        return reading.words(key, required=must)
    if key == "exceptions":
        return read_exceptions(reading, appending=override.get(key) == "append")
    if key == "correlation":
        return read_correlation(reading)
    if key == "mozu":
        return read_guidance(reading)
    return reading.flag(key)


def _priority(reading: MappingReader, *, required: bool) -> Severity | None:
    node = reading.scalar("priority", required=required)
    if node is None:
        return None
    level = priority(node.text)
    if level is None:
        names = priority_names()
        hint = closest(node.text.capitalize(), names) or f"the priorities are {', '.join(names)}"
        reading.error(f"there is no priority `{node.text[:80]}`", node, hint)
    return level


def read_override(reading: MappingReader, operations: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Return key → `append` or `replace`; empty if `override` is absent or names no key (then the item is a plain
    one)."""
    node = reading.mapping.get("override")
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        reading.error("`override` must be a mapping from keys to `append` or `replace`", node)
        return {}
    found: dict[str, str] = {}
    for key, value in node.pairs:
        name = key.text if isinstance(key, Scalar) else ""
        allowed = operations.get(name)
        if name in found:
            continue
        if allowed is None:
            reading.error(f"`{name}` cannot be overridden", key, closest(name, operations))
        elif not isinstance(value, Scalar) or value.text not in _BOTH:
            reading.error(f"the operation for `{name}` must be `append` or `replace`", value)
        elif value.text not in allowed:
            reading.error(f"`{name}` can be replaced, and nothing can be appended to it", value)
        elif not reading.has(name):
            reading.error(f"`override` names `{name}`, and the item has no such key", key)
        else:
            found[name] = value.text
    if node.pairs:
        _unnamed(reading, operations, node)
    return found


def _unnamed(reading: MappingReader, operations: Mapping[str, frozenset[str]], node: MappingNode) -> None:
    """Report keys that could be overridden, are present, and are not named: their meaning is unclear."""
    for key in operations:
        if reading.has(key) and node.get(key) is None:
            reading.error(
                f"`{key}` is given beside `override`, which does not name it",
                reading.mapping.get(key),
                f"add `{key}: replace` to `override`",
            )
