"""Rules of all source classes, compiled: a function for each event type, made when the first event of it comes."""

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
from mozu.core.language.conditions.simplify import simplified
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry, Resolved
from mozu.core.model.fields.field import never

ANY: Final = "*"
"""Stands for every event type."""
F = TypeVar("F")
_FEW: Final = 100
"""Rules that name at most so many event types are looked at type by type when demand is stated."""


class RuleInput(msgspec.Struct, frozen=True):
    """A rule as far as its condition goes."""

    name: str
    source: str
    condition: Node
    """Macros replaced, checked without errors."""


def compile_rules(rules: Sequence[RuleInput], fields: FieldRegistry, mode: str = "first") -> "RuleProgram":
    """A program over all rules; their order is the order of precedence. `mode` is `first` or `all`.

    `fields` must be complete: what has no reader now has no value for this program.
    """
    return RuleProgram(rules, fields, mode)


class RuleProgram:
    """Finds the rules that match events."""

    def __init__(self, rules: Sequence[RuleInput], fields: FieldRegistry, mode: str = "first") -> None:
        if mode not in ("first", "all"):
            raise ValueError(f"the mode is `first` or `all`, not {mode!r}")
        self.rules = tuple(rules)
        self._first = mode == "first"
        sources = sorted({rule.source for rule in rules})
        self._sources = {source: _Source(source, self.rules, fields) for source in sources}
        self.needs: Mapping[str, Mapping[str, frozenset[str]]] = {
            source: part.needs() for source, part in self._sources.items()
        }
        """Source class → event type (or `*` for all) → what must be kept or fetched for its conditions."""
        self.hosts: frozenset[str] = frozenset().union(*(part.hosts for part in self._sources.values()))
        """The names of hosts that conditions compare addresses with."""
        self.predicates: Mapping[str, Mapping[str, Formula]] = {
            source: part.predicates for source, part in self._sources.items()
        }
        """Source class → event type → what must hold of an event for any condition to be true; TRUE for the others."""

    @property
    def event_types(self) -> Mapping[str, frozenset[str]]:
        """Source class → the event types that can match at all; `*` stands for every type."""
        return {source: frozenset(types) for source, types in self.needs.items()}

    def fields(self, source: str, event_type: str) -> Sequence[Resolved]:
        """Every field that a condition may read of an event of this type."""
        part = self._sources.get(source)
        return () if part is None else part.fields_of(event_type)

    def prepare(self) -> None:
        """Make the functions for every type that rules name now, and not when the first event of it comes."""
        for source, part in self._sources.items():
            for event_type in self.needs[source]:
                if event_type != ANY:
                    part.functions.make_now(event_type)

    def evaluate(self, batch: Iterable[Event]) -> list[tuple[Event, int]]:
        """(event, position of a rule that matches), in the order of events, then of rules."""
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
                if self._first:
                    result.append((event, min(found)))
                else:
                    result.extend((event, position) for position in sorted(found))
        return result

    def measure(self, event: Event) -> Mapping[int, float]:
        """How long each rule took with this event: position → ns. See `MeasuredFunction`."""
        part = self._sources.get(event.source)
        function = None if part is None else part.measured[event.type]
        return {} if function is None else function(event)

    def source_of(self, source: str, event_type: str) -> str:
        """The generated code for one event type, for people to read."""
        part = self._sources.get(source)
        if part is None or part.functions[event_type] is None:
            return ""
        return part.texts[event_type]


class _ByType(dict[str, F | None], Generic[F]):
    """Functions by event type, each made when it is first asked for."""

    def __init__(self, make: Callable[[str], F | None]) -> None:
        super().__init__()
        self._make = make

    def make_now(self, event_type: str) -> None:
        """Make the function for a type, unless it is there."""
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
        """Event type → its function; None where no rule can match."""
        self.measured: _ByType[MeasuredFunction] = _ByType(self._make_measured)
        """The same with clocks; those of few types are ever asked for."""
        self.texts: dict[str, str] = {}
        self._seen: dict[str, tuple[Resolver, dict[int, Formula]]] = {}
        """What demand has found out and functions are yet to be made of."""
        self._read: dict[str, Sequence[Resolved]] = {}
        """By event type, what the conditions read: of those whose function is made, or that were asked for."""
        whole = Resolver(fields, name)
        self._conditions = {
            position: simplified(lower(rule.condition), whole)
            for position, rule in enumerate(rules)
            if rule.source == name
        }
        self._types = {position: event_types(node) for position, node in self._conditions.items()}
        self.predicates: dict[str, Formula] = {}
        """By event type, once `needs` was asked for."""
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
        """Return what the conditions on a type read."""
        if event_type not in self._read:
            resolver, conditions = self._seen.get(event_type) or self._possible(event_type)
            self._read[event_type] = _read_by(conditions, resolver)
        return self._read[event_type]

    def needs(self) -> dict[str, frozenset[str]]:
        """What conditions need, by event type."""
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
                folded = simplified(node, resolver)
                if folded is not FALSE:
                    result[position] = folded
        return resolver, result

    @staticmethod
    def _state_dependencies(conditions: Iterable[Formula], resolver: Resolver) -> frozenset[str]:
        tests = {id(leaf): leaf for condition in conditions for leaf in leaves(condition)}
        return frozenset().union(*(needs_of(leaf, resolver) for leaf in tests.values()))


def needs_of(test: Leaf, resolver: Resolver) -> set[str]:
    """What the fields of a comparison need for events of the resolver's type."""
    assert isinstance(test, Comparison)
    right = set() if test.right is None else operand_needs(test.right, resolver)
    return operand_needs(test.left, resolver) | right


def operand_needs(operand: Operand, resolver: Resolver) -> set[str]:
    """What the fields of an operand need."""
    return {need for found in _resolved(operand, resolver) for need in found.needs}


def _resolved(operand: Operand, resolver: Resolver) -> list[Resolved]:
    """The fields of an operand that have values at all."""
    fields: list[Resolved] = []

    def visit(term: Term, _: list[Any]) -> None:
        if isinstance(term, FieldRef):
            found = resolver.resolve(term)
            if found.read is not never:
                fields.append(found)

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
