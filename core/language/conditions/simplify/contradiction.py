"""Tests that cannot all hold: `f = a and f != a`, `f in (a, b) and not f in (a, b, c)`, texts `f = a and f = b`."""

from mozu.core.language.conditions.ast import Items, Node, Not, Test, Text
from mozu.core.language.conditions.operands import TEXT, Resolver
from mozu.core.language.conditions.simplify.builder import FALSE, Builder, rebuilt
from mozu.core.language.conditions.unparse import unparse_term
from mozu.core.model.fields import Match


def contradiction(node: Node, resolver: Resolver, builder: Builder) -> Node:
    """The same condition with what is never true replaced by false."""

    def all_of(parts: list[Node]) -> Node:
        return FALSE if _contradicts(parts, resolver) else builder.all_of(parts)

    return rebuilt(node, builder, all_of=all_of)


def _contradicts(children: list[Node], resolver: Resolver) -> bool:
    """Whether some field would have to have a value that it may not have."""
    allowed: dict[str, set[str]] = {}
    barred: dict[str, set[str]] = {}
    for child in children:
        test = child.child if isinstance(child, Not) else child
        if not isinstance(test, Test) or not _is_single(test, resolver):
            continue
        values = _texts(test)
        if values is None or test.op not in ("=", "==", "in", "!="):
            continue
        field, is_turned, differs = unparse_term(test.left), isinstance(child, Not), test.op == "!="
        if (is_turned or differs) and not (is_turned and differs) and test.modifier in ("", "allof" if differs else ""):
            barred.setdefault(field, set()).update(values)
        elif not is_turned and not differs and not test.modifier:
            known = allowed.setdefault(field, values)
            if resolver.typed(test.left).type in TEXT:
                allowed[field] = known & values
    return any(not values - barred.get(field, set()) for field, values in allowed.items())


def _is_single(test: Test, resolver: Resolver) -> bool:
    typed = resolver.typed(test.left)
    return not typed.is_list and typed.match is Match.ONE and typed.traits.isdisjoint(("at_most", "host_name"))


def _texts(test: Test) -> set[str] | None:
    right = test.right
    if isinstance(right, Text):
        return {right.value}
    if isinstance(right, Items) and all(isinstance(item, Text) for item in right.items):
        return {item.value for item in right.items if isinstance(item, Text)}
    return None
