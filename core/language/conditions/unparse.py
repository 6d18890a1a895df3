"""Tree → canonical text: `parse(unparse(node))` is the same tree."""

from mozu.core.language.conditions import tokens
from mozu.core.language.conditions.ast import (
    And,
    Call,
    Const,
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


def unparse(node: Node) -> str:
    """The canonical text of a condition. True and false (made by simplification only) print as these words."""
    return bottom_up(node, _node)


def unparse_term(term: Term) -> str:
    """The canonical text of an operand."""
    return bottom_up_term(term, _term)


def _node(node: Node, inner: list[str]) -> str:
    if isinstance(node, Test):
        return _test(node)
    if isinstance(node, Macro):
        return node.name
    if isinstance(node, Const):
        return "true" if node.value else "false"
    if isinstance(node, Not):
        return f"not ({inner[0]})" if isinstance(node.child, And | Or | Not) else f"not {inner[0]}"
    assert isinstance(node, And | Or)
    texts = (
        f"({text})" if isinstance(child, And | Or) else text for child, text in zip(node.children, inner, strict=True)
    )
    return (" and " if isinstance(node, And) else " or ").join(texts)


def _test(test: Test) -> str:
    words = [unparse_term(test.left), test.op]
    if test.modifier:
        words.append(test.modifier)
    if test.right is not None:
        words.append(_right(test.right, name=bool(test.modifier) or test.op in tokens.LIST_OPERATORS))
    return " ".join(words)


def _right(right: Right, *, name: bool) -> str:
    if isinstance(right, Text):
        return right.value if name else _text(right.value)
    if isinstance(right, Items):
        return f"({', '.join(_text(item.value) for item in right.items if isinstance(item, Text))})"
    if isinstance(right, Val):
        return f"val({unparse_term(right.field)})"
    return unparse_term(right)


def _text(value: str) -> str:
    """A value, bare where that reads back the same."""
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
