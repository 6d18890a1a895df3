"""The names of hosts that conditions compare addresses with: the core resolves them."""

from collections.abc import Iterable

from mozu.core.language.conditions.ast import Node, Test, bottom_up
from mozu.core.language.conditions.generate.comparison import constants
from mozu.core.language.conditions.operands import Resolver


def hosts(conditions: Iterable[Node], resolver: Resolver) -> frozenset[str]:
    """Every constant that stands beside a field whose constants are names of hosts (`fd.sip.name`)."""
    found: set[str] = set()

    def visit(node: Node, _: list[None]) -> None:
        if isinstance(node, Test):
            typed = resolver.typed(node.left)
            if "host_name" in typed.traits:
                found.update(constants(node, typed))

    for condition in conditions:
        bottom_up(condition, visit)
    return frozenset(found)
