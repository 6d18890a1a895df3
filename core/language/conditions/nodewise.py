"""Evaluation node by node: the truth of each node of a condition for one event, values read, and deciding nodes.

The functions of `program` judge the events of a run: over all rules at once, simplified, in the cheapest order, and
only
as far as a rule requires. This module simplifies, reorders and omits nothing, so that every node as written has a
result: for `mozu why`, and for the coverage of tests of rules. A single test is the same generated code in both.

Trees keep their macros (`parse` returns such a tree): a node of type Macro has the truth of the macro's tree.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from mozu.core.filter.comparison import Items, Number, Operand, Text
from mozu.core.filter.formula import Constant, Formula, holds
from mozu.core.language.conditions.ast import And, Call, Macro, Node, Not, Or, Test, Val, children
from mozu.core.language.conditions.generate.emitter import Emitter, Library, expression_function
from mozu.core.language.conditions.lower import lower
from mozu.core.language.conditions.operands import Resolver, Typed
from mozu.core.language.conditions.unparse import unparse_term
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.trees import fold
from mozu.core.model.value_types import FieldValue

_ANY_MODIFIER: Final = ("", "anyof")
"""Modifiers with which a test holds if it holds for one of its constants (`!=` aside)."""


class OperandValue(msgspec.Struct, frozen=True):
    """The value of an operand of a test."""

    name: str
    """The field or transformer as written."""
    value: FieldValue
    """Native value, as readers return it (a tuple for fields that are tested value by value); None: missing."""
    type: Typed


class NodeEvaluator:
    """Evaluator of the nodes of conditions of one source class. `macros` has the tree of every macro they name."""

    def __init__(self, fields: FieldRegistry, source: str, macros: Mapping[str, Node] | None = None) -> None:
        self._fields, self._source = fields, source
        self._macros: Mapping[str, Node] = {} if macros is None else macros
        self._types: dict[str, _TypeFunctions] = {}

    def at(self, event: Event) -> "NodeTruths":
        """Return the results for an event. They are valid only while its state exists: as long as for an evaluator."""
        functions = self._types.get(event.type)
        if functions is None:
            functions = _TypeFunctions(Resolver(self._fields, self._source, event.type))
            self._types[event.type] = functions
        return NodeTruths(event, functions, self.below)

    def below(self, node: Node) -> Sequence[Node]:
        """Return the direct children: of a macro, its tree."""
        return (self._macros[node.name],) if isinstance(node, Macro) else children(node)


class NodeTruths:
    """Truths of nodes for one event. Each node is judged once, however many trees contain it."""

    def __init__(self, event: Event, functions: "_TypeFunctions", below: Callable[[Node], Sequence[Node]]) -> None:
        self._event, self._functions, self._below = event, functions, below
        self._known: dict[int, tuple[Node, bool]] = {}
        """Truths by id; the node is kept, so that its id is not reused."""

    def of(self, root: Node) -> bool:
        """Return True if a node is true."""
        return fold(root, self._unknown_below, self._visit)

    def of_formula(self, formula: Formula) -> bool:
        """Return True if a formula over comparisons is true."""
        return holds(formula, lambda leaf: self._functions.formula(leaf)(self._event))

    def deciding(self, node: Node) -> Sequence[Node]:
        """Return the direct children that determine its truth: for a false `and` and a true `or` the first one in text
        order,
        else all.
        """
        below = self._below(node)
        if isinstance(node, And | Or):
            truth = self.of(node)
            if truth is isinstance(node, Or):
                return next((child,) for child in below if self.of(child) is truth)
        return below

    def values(self, test: Test) -> tuple[OperandValue, ...]:
        """Return the value of the left side, and of the right side unless it is a constant."""
        right = test.right.field if isinstance(test.right, Val) else test.right
        sides = (test.left, right) if isinstance(test.right, Val | Call) else (test.left,)
        return tuple(self._functions.value(side, self._event) for side in sides)  # type: ignore[arg-type]  # as tested

    def holding(self, test: Test) -> tuple[str, ...]:
        """Return the constants, of several, for which a true test holds individually; empty if it needs all of them."""
        if not isinstance(test.right, Items) or test.op == "!=" or test.modifier not in _ANY_MODIFIER:
            return ()
        return tuple(map(_constant, self._holding(test, test.right.items)))

    def _holding(self, test: Test, items: Sequence[object]) -> tuple[object, ...]:
        """Return the constants for which the test holds, by halves: of a long list only few do."""
        part = msgspec.structs.replace(test, right=Items(tuple(items)))  # type: ignore[arg-type]  # items of the test
        if not items or not self._functions.formula(lower(part))(self._event):
            return ()
        half = len(items) // 2
        return tuple(items) if not half else self._holding(test, items[:half]) + self._holding(test, items[half:])

    def _unknown_below(self, node: Node) -> Sequence[Node]:
        return () if id(node) in self._known else self._below(node)

    def _visit(self, node: Node, inner: list[bool]) -> bool:
        if id(node) not in self._known:
            self._known[id(node)] = node, self._truth(node, inner)
        return self._known[id(node)][1]

    def _truth(self, node: Node, inner: list[bool]) -> bool:
        if isinstance(node, Test):
            return self._functions.test(node)(self._event)
        if isinstance(node, And):
            return all(inner)
        if isinstance(node, Or):
            return any(inner)
        return not inner[0] if isinstance(node, Not) else inner[0]


class _TypeFunctions:
    """Functions for the events of one type, each made when first requested."""

    def __init__(self, resolver: Resolver) -> None:
        self._library = Library(resolver)
        self._tests: dict[int, tuple[Test, Callable[[Event], bool]]] = {}
        self._formulas: dict[int, tuple[Formula, Callable[[Event], bool]]] = {}
        self._values: dict[str, tuple[Typed, Callable[[Event], FieldValue]]] = {}

    def test(self, test: Test) -> Callable[[Event], bool]:
        """Return the function of a test."""
        known = self._tests.get(id(test))
        if known is None:
            known = self._tests[id(test)] = test, self.formula(lower(test))
        return known[1]

    def formula(self, formula: Formula) -> Callable[[Event], bool]:
        """Return the function of the formula of one test. Equal formulas are one object."""
        known = self._formulas.get(id(formula))
        if known is None:
            known = self._formulas[id(formula)] = formula, self._made(formula)
        return known[1]

    def _made(self, formula: Formula) -> Callable[[Event], bool]:
        if isinstance(formula, Constant):
            value = formula.value
            return lambda _: value
        decide = self._library.define("test", expression_function("test", formula, self._library))
        return lambda event: bool(decide(event))

    def value(self, operand: Operand, event: Event) -> OperandValue:
        """Return the value of an operand."""
        name = unparse_term(operand)
        if name not in self._values:
            emitter = Emitter(self._library)
            text = emitter.value(operand, set())
            read = self._library.define("value", f"def value(e):\n    return {text}\n")
            self._values[name] = emitter.typed(operand), read
        typed, read = self._values[name]
        return OperandValue(name, read(event), typed)


def _constant(item: object) -> str:
    return item.value if isinstance(item, Text) else item.text if isinstance(item, Number) else ""
