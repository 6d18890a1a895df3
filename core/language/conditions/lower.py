"""Lowering: syntax tree → formula (`core/filter/formula.py`), which every back end reads.

Spellings are unified here: `==` becomes `=`, `= anyof (…)` becomes `in (…)`, a test with an empty list becomes false,
and `allof` becomes the equivalent several tests.
"""

from collections.abc import Callable

from mozu.core.filter.comparison import Call, Comparison, FieldRef, Items, Number, Operand, Term, Text
from mozu.core.filter.formula import FALSE, Formula, all_of, any_of, interned, negation
from mozu.core.language.conditions.ast import And, Node, Not, Or, Right, Test, Val, bottom_up, bottom_up_term


def lower(condition: Node, of_test: Callable[[Test], Formula] | None = None) -> Formula:
    """Return the formula of a condition with macros expanded. `of_test` returns another formula for a test."""
    of_test = of_test or _lowered

    def visit(node: Node, inner: list[Formula]) -> Formula:
        if isinstance(node, And):
            return all_of(inner)
        if isinstance(node, Or):
            return any_of(inner)
        if isinstance(node, Not):
            return negation(inner[0])
        if isinstance(node, Test):
            return of_test(node)
        raise ValueError(f"the macro {node.name} has not been replaced")

    return bottom_up(condition, visit)


def _lowered(test: Test) -> Formula:
    left, op = _operand(test.left), "=" if test.op == "==" else test.op
    if isinstance(test.right, Call | Val):
        right = _operand(test.right.field if isinstance(test.right, Val) else test.right)
        return interned(Comparison(left, op, right=right))
    values = _values(test.right)
    if not values and op != "exists":
        return FALSE
    if test.modifier == "oneof" and len(values) > 1:
        return interned(Comparison(left, op, values, exactly_one=True))
    if test.modifier == ("anyof" if op == "!=" else "allof"):
        each = [interned(Comparison(left, op, (value,))) for value in values]
        return any_of(each) if op == "!=" else all_of(each)
    if op == "=" and len(values) > 1:
        op = "in"
    return interned(Comparison(left, op, values))


def _values(right: Right | None) -> tuple[str, ...]:
    if isinstance(right, Items):
        return tuple(item.value for item in right.items if isinstance(item, Text))
    if isinstance(right, Number):
        return (right.text,)
    return (right.value,) if isinstance(right, Text) else ()


def _operand(operand: Operand) -> Operand:
    """Return an equal operand without offsets."""
    made = bottom_up_term(operand, _without_place)
    assert isinstance(made, FieldRef | Call)
    return made


def _without_place(term: Term, inner: list[Term]) -> Term:
    if isinstance(term, FieldRef):
        return FieldRef(term.name, term.argument)
    if isinstance(term, Call):
        return Call(term.name, tuple(inner), term.selector)
    if isinstance(term, Items):
        return Items(tuple(inner))  # type: ignore[arg-type]  # a list holds no list
    return Text(term.value) if isinstance(term, Text) else Number(term.text)
