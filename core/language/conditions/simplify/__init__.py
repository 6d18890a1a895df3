"""Tree → smaller tree of the same meaning: one pass per file.

Every pass is a function from tree to tree that MUST keep the value for every event (of the given type, where one is
given), MUST be linear in the number of distinct nodes, and MAY share nodes. Passes build through a `Builder`, which
makes structurally equal nodes identical.
"""

from mozu.core.language.conditions.ast import Node
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.simplify.builder import Builder
from mozu.core.language.conditions.simplify.contradiction import contradiction
from mozu.core.language.conditions.simplify.factor import factor
from mozu.core.language.conditions.simplify.flatten import flatten
from mozu.core.language.conditions.simplify.fold import fold
from mozu.core.language.conditions.simplify.merge import merge
from mozu.core.model.fields import FieldRegistry

__all__ = ["Builder", "contradiction", "factor", "flatten", "fold", "merge", "simplify", "simplify_with"]


def simplify(node: Node, fields: FieldRegistry, source: str = "syscall", event_type: str | None = None) -> Node:
    """All passes, for events of one type or of any."""
    return simplify_with(node, Resolver(fields, source, event_type), Builder())


def simplify_with(node: Node, resolver: Resolver, builder: Builder) -> Node:
    """The same with a builder that many conditions share."""
    node = flatten(node, builder)
    node = fold(node, resolver, builder)
    node = merge(node, resolver, builder)
    node = contradiction(node, resolver, builder)
    shorter = factor(node, builder)
    return node if shorter is node else merge(shorter, resolver, builder)
