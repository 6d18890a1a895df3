"""Tree or formula → canonical text: parsing (and lowering) it returns the same tree (or formula)."""

from collections.abc import Sequence

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import AllOf, AnyOf, Constant, Formula, Negation, fold
from mozu.core.language.conditions import tokens
from mozu.core.language.conditions.ast import (
    And,
    Call,
    FieldRef,
    Items,
    Macro,
    Node,
    Not,
    Number,
    Or,
    Right,
    Term,
    Test,
    Text,
    Val,
    bottom_up,
    bottom_up_term,
)


def unparse(node: Node, longest: int | None = None) -> str:
    """Return the canonical text of a condition. Of a list with more than `longest` items it has only so many, and the
    number of the others."""
    return bottom_up(node, lambda node, inner: _node(node, inner, longest))


def unparse_term(term: Term) -> str:
    """Return the canonical text of an operand."""
    return bottom_up_term(term, _term)


def text_of(formula: Formula, longest: int | None = None) -> str:
    """Return the canonical text of a formula. Constants print as `true` and `false`, which no condition can contain.
    `longest`: as for `unparse`."""
    return fold(formula, lambda node, inner: _formula(node, inner, longest))


def _formula(node: Formula, inner: list[str], longest: int | None) -> str:
    if isinstance(node, Constant):
        return "true" if node.value else "false"
    if isinstance(node, Negation):
        return f"not ({inner[0]})" if isinstance(node.part, AllOf | AnyOf) else f"not {inner[0]}"
    if isinstance(node, AllOf | AnyOf):
        texts = (
            f"({text})" if isinstance(part, AllOf | AnyOf) else text
            for part, text in zip(node.parts, inner, strict=True)
        )
        return (" and " if isinstance(node, AllOf) else " or ").join(texts)
    assert isinstance(node, Comparison)
    return _comparison(node, longest)


def _comparison(test: Comparison, longest: int | None) -> str:
    left = f"{unparse_term(test.left)} {test.op}"
    if test.right is not None:
        right = unparse_term(test.right)
        return f"{left} val({right})" if isinstance(test.right, FieldRef) else f"{left} {right}"
    if test.op == "exists":
        return left
    if test.op in ("<", "<=", ">", ">="):
        return f"{left} {test.values[0]}"
    values = _listed(test.values, longest)
    if test.op in tokens.LIST_OPERATORS:
        return f"{left} {values}"
    if len(test.values) == 1:
        return f"{left} {_text(test.values[0])}"
    return f"{left} {'oneof' if test.exactly_one else 'allof' if test.op == '!=' else 'anyof'} {values}"


def _node(node: Node, inner: list[str], longest: int | None) -> str:
    if isinstance(node, Test):
        return _test(node, longest)
    if isinstance(node, Macro):
        return node.name
    if isinstance(node, Not):
        return f"not ({inner[0]})" if isinstance(node.child, And | Or | Not) else f"not {inner[0]}"
    assert isinstance(node, And | Or)
    texts = (
        f"({text})" if isinstance(child, And | Or) else text for child, text in zip(node.children, inner, strict=True)
    )
    return (" and " if isinstance(node, And) else " or ").join(texts)


def _test(test: Test, longest: int | None) -> str:
    words = [unparse_term(test.left), test.op]
    if test.modifier:
        words.append(test.modifier)
    if test.right is not None:
        words.append(_right(test.right, longest, name=bool(test.modifier) or test.op in tokens.LIST_OPERATORS))
    return " ".join(words)


def _right(right: Right, longest: int | None, *, name: bool) -> str:
    if isinstance(right, Text):
        return right.value if name else _text(right.value)
    if isinstance(right, Items):
        return _listed([item.value for item in right.items if isinstance(item, Text)], longest)
    if isinstance(right, Val):
        return f"val({unparse_term(right.field)})"
    return unparse_term(right)


def _listed(values: Sequence[str], longest: int | None) -> str:
    shown = list(map(_text, values[:longest]))
    if len(shown) < len(values):
        shown.append(f"… {len(values) - len(shown):,} more")
    return f"({', '.join(shown)})"


def _text(value: str) -> str:
    """Return a value, without quotes if it parses to the same value."""
    bare = tokens.BARESTR.fullmatch(value) and value not in tokens.MODIFIERS
    return value if bare and _encodes(value) else tokens.quote(value)


def _encodes(value: str) -> bool:
    return value.isascii() or not any("\udc80" <= char <= "\udcff" for char in value)


def _term(term: Term, inner: list[str]) -> str:
    if isinstance(term, FieldRef):
        return term.name + _argument(term.argument)
    if isinstance(term, Call):
        return f"{term.name}({', '.join(inner)}){_argument(term.selector)}"
    if isinstance(term, Items):
        return f"({', '.join(inner)})"
    if isinstance(term, Number):
        return term.text
    return tokens.quote(term.value)


def _argument(value: str | None) -> str:
    if value is None:
        return ""
    return f"[{value}]" if tokens.BAREARG.fullmatch(value) and _encodes(value) else f"[{tokens.quote(value)}]"
