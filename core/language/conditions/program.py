"""Compiled rules of all source classes: one function per event type, made when its first event arrives."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from mozu.core.filter.comparison import Comparison, FieldRef, Operand, Term
from mozu.core.filter.formula import FALSE, Formula, Leaf, any_of, leaves
from mozu.core.language.conditions.ast import Node, bottom_up_term
from mozu.core.language.conditions.eventset import Types, event_types
from mozu.core.language.conditions.generate.function import Function, build
from mozu.core.language.conditions.generate.measured import MeasuredFunction
from mozu.core.language.conditions.hosts import hosts
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.simplify import fold, shortened, simplified
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry, Resolved
from mozu.core.model.fields.field import never

ANY: Final = "*"
"""Event type that means every type."""
F = TypeVar("F")
_FEW: Final = 100
"""Maximum number of event types named by a rule for which demand is computed type by type."""


class RuleInput(msgspec.Struct, frozen=True):
    """The part of a rule that its condition needs."""

    name: str
    source: str
    condition: Node
    """The condition with macros expanded, checked without errors."""
    shadow: bool = False
    """True: under `first` its match hides no match of another rule, and none hides it."""


def compile_rules(rules: Sequence[RuleInput], fields: FieldRegistry, mode: str = "first") -> "RuleProgram":
    """Return a program over all rules, in order of precedence. `mode` is `first` or `all`.

    `fields` must be complete: a field without a reader now has no value in this program.
    """
    return RuleProgram(rules, fields, mode)


class RuleProgram:
    """Program that finds the rules that match events."""

    def __init__(self, rules: Sequence[RuleInput], fields: FieldRegistry, mode: str = "first") -> None:
        if mode not in ("first", "all"):
            raise ValueError(f"the mode is `first` or `all`, not {mode!r}")
        self.rules = tuple(rules)
        self._first = mode == "first"
        self._shadow = frozenset(position for position, rule in enumerate(self.rules) if rule.shadow)
        sources = sorted({rule.source for rule in rules})
        self._sources = {source: _Source(source, self.rules, fields) for source in sources}
        self.needs: Mapping[str, Mapping[str, frozenset[str]]] = {
            source: part.needs() for source, part in self._sources.items()
        }
        """Source class → event type (or `*` for all) → state dependencies of its conditions."""
        self.hosts: frozenset[str] = frozenset().union(*(part.hosts for part in self._sources.values()))
        """Host names that conditions compare addresses with."""
        self.predicates: Mapping[str, Mapping[str, Formula]] = {
            source: part.predicates for source, part in self._sources.items()
        }
        """Source class → event type → formula that holds if any condition could be true; TRUE for types not listed."""

    @property
    def event_types(self) -> Mapping[str, frozenset[str]]:
        """Source class → event types that can match at all; `*` means every type."""
        return {source: frozenset(types) for source, types in self.needs.items()}

    def fields(self, source: str, event_type: str) -> Sequence[Resolved]:
        """Return every field that a condition may read of an event of this type."""
        part = self._sources.get(source)
        return () if part is None else part.fields_of(event_type)

    def prepare(self) -> None:
        """Make the functions for every type named by rules now, instead of when its first event arrives."""
        for source, part in self._sources.items():
            for event_type in self.needs[source]:
                if event_type != ANY:
                    part.functions.make_now(event_type)

    def evaluate(self, batch: Iterable[Event]) -> list[tuple[Event, int]]:
        """Return (event, position of a rule that matches), in the order of events, then of rules."""
        result: list[tuple[Event, int]] = []
        part: _Source | None = None
        source = ""
        functions: Mapping[str, Function | None] = {}
        for event in batch:
            if event.source != source:
                source = event.source
                part = self._sources.get(source)
                functions = {} if part is None else part.functions
            if part is None:
                continue
            function = functions[event.type]
            if function is not None and (found := function(event)):
                if len(found) == 1:
                    result.append((event, next(iter(found))))
                elif self._first and not self._shadow:
                    result.append((event, min(found)))
                elif self._first:
                    result.extend((event, position) for position in self._first_and_shadow(found))
                else:
                    result.extend((event, position) for position in sorted(found))
        return result

    def _first_and_shadow(self, found: Iterable[int]) -> list[int]:
        """Return the first rule of these that is not in shadow mode, and every one that is."""
        shadow = self._shadow.intersection(found)
        return sorted((*sorted(set(found) - shadow)[:1], *shadow))

    def can_measure(self, event: Event) -> bool:
        """Return whether `measure` has its function for events of this type already."""
        part = self._sources.get(event.source)
        return part is None or event.type in part.measured

    def prepare_measure(self, source: str, event_type: str) -> None:
        """Make the function of `measure` for a type: up to 60 ms of CPU. On any thread."""
        if (part := self._sources.get(source)) is not None:
            part.measured.make_now(event_type)

    def measure(self, event: Event) -> Mapping[int, float]:
        """Return the time of each rule for this event: position → ns. See `MeasuredFunction`."""
        part = self._sources.get(event.source)
        function = None if part is None else part.measured[event.type]
        return {} if function is None else function(event)

    def source_of(self, source: str, event_type: str) -> str:
        """Return the generated code for one event type, for human readers."""
        part = self._sources.get(source)
        if part is None or part.functions[event_type] is None:
            return ""
        return part.texts[event_type]


class _ByType(dict[str, F | None], Generic[F]):
    """Functions by event type, each made when first requested."""

    def __init__(self, make: Callable[[str], F | None]) -> None:
        super().__init__()
        self._make = make

    def make_now(self, event_type: str) -> None:
        """Make the function for a type, unless it exists."""
        if event_type not in self:
            self[event_type] = self._make(event_type)

    def __missing__(self, event_type: str) -> F | None:
        function = self[event_type] = self._make(event_type)
        return function


class _Source:
    """The rules of one source class."""

    def __init__(self, name: str, rules: Sequence[RuleInput], fields: FieldRegistry) -> None:
        self.name = name
        self.fields = fields
        self.functions: _ByType[Function] = _ByType(self._make)
        """Event type → its function; None if no rule can match."""
        self.measured: _ByType[MeasuredFunction] = _ByType(self._make_measured)
        """Event type → its function with clocks; made for few types only."""
        self.texts: dict[str, str] = {}
        self._seen: dict[str, tuple[Resolver, dict[int, Formula]]] = {}
        """Conditions by event type that demand has computed and no function has used yet."""
        self._read: dict[str, Sequence[Resolved]] = {}
        """Fields read by the conditions, by event type: only types whose function was made or requested."""
        self._shortened: dict[int, tuple[Formula, Formula]] = {}
        """Formulas that `fold` returned, by id, with their shortened forms: most are those of several event types."""
        whole = self._whole = Resolver(fields, name)
        self._conditions = {
            position: simplified(lower(rule.condition), whole)
            for position, rule in enumerate(rules)
            if rule.source == name
        }
        self._types = {position: event_types(node) for position, node in self._conditions.items()}
        self.predicates: dict[str, Formula] = {}
        """Predicates by event type, once `needs` was called."""
        self.hosts = hosts(self._conditions.values(), whole)

    def _make(self, event_type: str) -> Function | None:
        known = event_type in self._seen
        resolver, conditions = self._seen.pop(event_type) if known else self._possible(event_type)
        self._read[event_type] = _read_by(conditions, resolver)
        if not conditions:
            return None
        function, self.texts[event_type] = build(conditions, resolver)
        return function

    def _make_measured(self, event_type: str) -> MeasuredFunction | None:
        resolver, conditions = self._possible(event_type)
        return MeasuredFunction(conditions, resolver) if conditions else None

    def fields_of(self, event_type: str) -> Sequence[Resolved]:
        """Return the fields that the conditions on a type read."""
        if event_type not in self._read:
            resolver, conditions = self._seen.get(event_type) or self._possible(event_type)
            self._read[event_type] = _read_by(conditions, resolver)
        return self._read[event_type]

    def needs(self) -> dict[str, frozenset[str]]:
        """Return the state dependencies of conditions, by event type."""
        wide = [position for position, types in self._types.items() if _is_wide(types)]
        named: set[str] = set().union(*(_named(types) for types in self._types.values() if not _is_wide(types)))
        result: dict[str, frozenset[str]] = {}
        if wide:
            resolver = Resolver(self.fields, self.name)
            result[ANY] = self._state_dependencies((self._conditions[position] for position in wide), resolver)
        for name in sorted(named):
            resolver, conditions = self._seen[name] = self._possible(name)
            if conditions:
                result[name] = self._state_dependencies(conditions.values(), resolver)
                self.predicates[name] = any_of(conditions.values())
        return result

    def _possible(self, event_type: str) -> tuple[Resolver, dict[int, Formula]]:
        resolver = Resolver(self.fields, self.name, event_type)
        result: dict[int, Formula] = {}
        for position, node in self._conditions.items():
            types = self._types[position]
            if (event_type in types.names) != types.negated:
                possible = self._shorten(fold(node, resolver))
                if possible is not FALSE:
                    result[position] = possible
        return resolver, result

    def _shorten(self, folded: Formula) -> Formula:
        known = self._shortened.get(id(folded))
        if known is None:
            known = self._shortened[id(folded)] = folded, shortened(folded, self._whole)
        return known[1]

    @staticmethod
    def _state_dependencies(conditions: Iterable[Formula], resolver: Resolver) -> frozenset[str]:
        tests = {id(leaf): leaf for condition in conditions for leaf in leaves(condition)}
        return frozenset().union(*(needs_of(leaf, resolver) for leaf in tests.values()))


def needs_of(test: Leaf, resolver: Resolver) -> set[str]:
    """Return the state dependencies of a comparison's fields for events of the resolver's type."""
    assert isinstance(test, Comparison)
    right = set() if test.right is None else operand_needs(test.right, resolver)
    return operand_needs(test.left, resolver) | right


def operand_needs(operand: Operand, resolver: Resolver) -> set[str]:
    """Return the state dependencies of an operand's fields."""
    return {need for found in _resolved(operand, resolver) for need in found.needs}


def depends_on_type(operand: Operand, resolver: Resolver) -> bool:
    """Return True if `operand_needs` may differ between event types."""
    return any(found.field.depends_on_type for found in _fields_of(operand, resolver))


def _resolved(operand: Operand, resolver: Resolver) -> list[Resolved]:
    """Return the fields of an operand that can have a value."""
    return [found for found in _fields_of(operand, resolver) if found.read is not never]


def _fields_of(operand: Operand, resolver: Resolver) -> list[Resolved]:
    if isinstance(operand, FieldRef):
        return [resolver.resolve(operand)]
    fields: list[Resolved] = []

    def visit(term: Term, _: list[Any]) -> None:
        if isinstance(term, FieldRef):
            fields.append(resolver.resolve(term))

    bottom_up_term(operand, visit)
    return fields


def _read_by(conditions: Mapping[int, Formula], resolver: Resolver) -> Sequence[Resolved]:
    """Return every field that these conditions read."""
    found: dict[str, Resolved] = {}
    for condition in conditions.values():
        for test in leaves(condition):
            assert isinstance(test, Comparison)
            for term in (test.left, *(() if test.right is None else (test.right,))):
                for one in _resolved(term, resolver):
                    found[one.text] = one
    return tuple(found.values())


def _is_wide(types: Types) -> bool:
    return types.negated or len(types.names) > _FEW


def _named(types: Types) -> frozenset[str]:
    return types.names
