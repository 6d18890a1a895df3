"""The key `correlation` of a rule, in Sigma's vocabulary: which rules, how many matches or values, within which time.

correlation:
  type: event_count
  rules: [Private key read, {name: guess, condition: evt.type = accept}]
  group-by: [user.uid]
  timespan: 60s
  condition: {gte: 20}
"""

import re
from typing import Final

import msgspec

from mozu.core.language.correlation.window import EVENT_COUNT, TEMPORAL, TEMPORAL_ORDERED, TYPES, VALUE_COUNT
from mozu.core.language.rules.mapping import MappingReader
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.language.rules.suggest import closest
from mozu.core.language.rules.text import LocatedText
from mozu.core.language.rules.tree import Mapping, Node, Scalar, Sequence
from mozu.core.language.rules.values import unsigned

KEYS: Final = ("type", "rules", "group-by", "timespan", "condition", "aliases")
STEP_KEYS: Final = ("name", "rule", "condition")
CONDITION_KEYS: Final = ("gte", "gt", "field")
MOST: Final = 10_000
"""Highest number that a condition may ask for: so many matches of a group are kept at most."""
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
TIMESPAN: Final = r"[1-9][0-9]{0,8}[smhd]"
STEP_NAME: Final = r"[a-z_][a-z0-9_]*"
_ABSENCE: Final = ("lt", "lte", "eq", "neq")
"""Sigma's operators that are true of a group long before its timespan ends."""


class StepItem(msgspec.Struct, frozen=True, eq=False):
    """An entry of `rules`: another rule by its name, or a condition of its own."""

    name: str
    """The name by which outputs and aliases refer to it."""
    context: ProblemContext
    rule: str = ""
    condition: LocatedText | None = None


class CorrelationItem(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A correlation as written."""

    context: ProblemContext
    type: str
    steps: tuple[StepItem, ...]
    group_by: tuple[str, ...] = ()
    """Fields, or names of aliases."""
    span: int
    """Nanoseconds."""
    at_least: int = 1
    field: str = ""
    """The field whose values are counted, or the name of an alias."""
    aliases: dict[str, dict[str, str]] = {}
    """Alias → name of a step → field."""


def read_correlation(reading: MappingReader) -> CorrelationItem | None:
    """Read the correlation; return None if it is malformed, which is reported."""
    inner = reading.nested("correlation", KEYS)
    if inner is None:
        reading.failed = True
        return None
    context = reading.context.inner("correlation", "", inner.mapping.offset)
    type_ = inner.word("type", required=True) or ""
    if type_ and type_ not in TYPES:
        hint = closest(type_, TYPES) or f"the types are {', '.join(TYPES)}"
        inner.error(f"there is no correlation of the type `{type_[:80]}`", inner.mapping.get("type"), hint)
    steps = _steps(inner, context)
    if type_ in (TEMPORAL, TEMPORAL_ORDERED) and len(steps) < 2 and not inner.failed:
        hint = "name a second one under `rules`, or write `type: event_count`"
        inner.error(f"a correlation of the type {type_} needs two rules or more", inner.mapping.get("rules"), hint)
    span = _timespan(inner)
    at_least, field = _condition(inner, type_)
    found = CorrelationItem(
        context=context,
        type=type_,
        steps=steps,
        group_by=inner.words("group-by") or (),
        span=span,
        at_least=at_least,
        field=field,
        aliases=_aliases(inner, {one.name for one in steps}),
    )
    reading.failed = reading.failed or inner.failed
    return None if inner.failed else found


def _steps(inner: MappingReader, context: ProblemContext) -> tuple[StepItem, ...]:
    node = inner.mapping.get("rules")
    if not isinstance(node, Sequence) or not node.items:
        hint = "list names of rules, or mappings {name: WORD, condition: TEXT}"
        inner.error("`rules` of a correlation must be a sequence with one element or more", node, hint)
        return ()
    found: dict[str, StepItem] = {}
    for one in node.items:
        step = _step(one, inner, context)
        if step is not None and step.name in found:
            hint = "give one of them another name: {name: WORD, rule: NAME}"
            inner.error(f"two rules of the correlation are called `{step.name}`", one, hint)
        elif step is not None:
            found[step.name] = step
    return tuple(found.values())


def _step(node: Node, inner: MappingReader, context: ProblemContext) -> StepItem | None:
    if isinstance(node, Scalar) and not node.null:
        name = re.sub("[^a-z0-9]+", "_", node.text.lower()).strip("_")
        name = f"_{name}" if name[:1].isdigit() else name or "_"
        return StepItem(name, context.inner("correlated rule", node.text, node.offset), node.text)
    if not isinstance(node, Mapping):
        inner.error("an element of `rules` must be the name of a rule, or a mapping", node)
        return None
    reading = MappingReader(node, context.inner("correlated rule", "", node.offset), inner.add)
    reading.warn_unknown_keys(STEP_KEYS)
    word = reading.word("name", required=True)
    rule, condition = reading.word("rule"), reading.text("condition")
    if word is not None and re.fullmatch(STEP_NAME, word) is None:
        hint = "write lower-case letters, digits and underscores; outputs then show %NAME.FIELD"
        reading.error(f"`{word[:80]}` cannot be the name of a correlated rule", reading.mapping.get("name"), hint)
    if not reading.failed and (rule is None) == (condition is None):
        reading.error("a correlated rule needs either `rule`, the name of another rule, or a `condition`", node)
    inner.failed = inner.failed or reading.failed
    if reading.failed or word is None:
        return None
    return StepItem(word, context.inner("correlated rule", word, node.offset), rule or "", condition)


def _timespan(inner: MappingReader) -> int:
    node = inner.scalar("timespan", required=True)
    if node is None:
        return 0
    if re.fullmatch(TIMESPAN, node.text) is None:
        inner.error(f"`{node.text[:80]}` is no timespan", node, "write a number with its unit: 90s, 15m, 4h or 1d")
        return 0
    return int(node.text[:-1]) * _UNITS[node.text[-1]] * 10**9


def _condition(inner: MappingReader, type_: str) -> tuple[int, str]:
    """Return the number to reach and the field to count values of."""
    at = inner.mapping.get("condition")
    if type_ not in (EVENT_COUNT, VALUE_COUNT):
        if at is not None:
            hint = "leave it out: such a correlation wants each of its rules once"
            inner.error(f"a correlation of the type {type_} has no `condition`", at, hint)
        return 1, ""
    if at is None:
        hint = "write `condition: {gte: NUMBER}`"
        inner.error(f"a correlation of the type {type_} needs a `condition`", None, hint)
        return 1, ""
    reading = inner.nested("condition", (*CONDITION_KEYS, *_ABSENCE))
    if reading is None:
        return 1, ""
    absence = next((key for key in _ABSENCE if reading.has(key)), None)
    field = reading.word("field", required=type_ == VALUE_COUNT) or ""
    bounds = [key for key in ("gte", "gt") if reading.has(key)]
    if absence is not None:
        hint = "alerts are raised at the event that reaches a number: write `gte` or `gt`"
        reading.error(f"`{absence}` cannot be decided before the timespan ends", reading.mapping.get(absence), hint)
    elif field and type_ == EVENT_COUNT:
        hint = "write `type: value_count`, or leave `field` out"
        reading.error("an event_count counts events, not the values of a field", reading.mapping.get("field"), hint)
    elif len(bounds) != 1:
        reading.error("`condition` of a correlation needs either `gte` or `gt`, with a number", at)
    wanted = 1 if reading.failed else _number(reading, bounds[0])
    inner.failed = inner.failed or reading.failed
    return wanted, field


def _number(reading: MappingReader, key: str) -> int:
    node = reading.scalar(key)
    number = None if node is None else unsigned(node.text)
    wanted = 0 if number is None else number + (key == "gt")
    if node is not None and not 1 <= wanted <= MOST:
        reading.error(f"`{key}: {node.text[:80]}` must be a whole number for 1 to {MOST:,} matches", node)
    return wanted


def _aliases(inner: MappingReader, steps: set[str]) -> dict[str, dict[str, str]]:
    node = inner.mapping.get("aliases")
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        inner.error("`aliases` must be a mapping {ALIAS: {RULE: FIELD}}", node)
        return {}
    found: dict[str, dict[str, str]] = {}
    for key, value in node.pairs:
        alias = key.text if isinstance(key, Scalar) else ""
        if not isinstance(value, Mapping):
            inner.error(f"the alias `{alias[:80]}` must be a mapping {{RULE: FIELD}}", value)
            continue
        fields = {
            name.text: field.text
            for name, field in value.pairs
            if isinstance(name, Scalar) and isinstance(field, Scalar) and field.text
        }
        if fields.keys() != steps or len(value.pairs) != len(steps):
            hint = f"name a field for each of {', '.join(sorted(steps))}"
            inner.error(f"the alias `{alias[:80]}` does not name one field for each rule", value, hint)
        found[alias] = fields
    return found
