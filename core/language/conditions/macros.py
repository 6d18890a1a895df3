"""References to macros, and their replacement by the macros' trees."""

from collections.abc import Mapping
from typing import Final

import msgspec

from mozu.core.language.conditions.ast import And, Macro, Node, Not, Or, bottom_up, levels
from mozu.core.language.conditions.problems import ConditionError

MAX_LEVELS: Final = 4000
"""Maximum levels of nested `and`, `or` and `not`. One text cannot have more than half of it."""


def references(node: Node) -> dict[str, Macro]:
    """Return the macros that a tree names, each with its first place."""
    found: dict[str, Macro] = {}

    def visit(part: Node, _: list[None]) -> None:
        if isinstance(part, Macro):
            found.setdefault(part.name, part)

    bottom_up(node, visit)
    return found


def expand_macros(node: Node, macros: Mapping[str, Node]) -> Node:
    """Return the tree with every macro replaced. `macros` maps names to already expanded trees, which are shared.

    Raises ConditionError: a name that is not in `macros` (reason `undefined_macro`, `text` is the name), or more than
    MAX_LEVELS (reason `too_deep`).
    """

    def visit(node: Node, inner: list[Node]) -> Node:
        if isinstance(node, Macro):
            found = macros.get(node.name)
            if found is None:
                message = f"the macro {node.name} is not defined"
                raise ConditionError(node.name, node.offset, message, reason="undefined_macro", origin=node.origin)
            return found
        if isinstance(node, And | Or):
            return msgspec.structs.replace(node, children=tuple(inner), levels=_checked(levels(inner)))
        if isinstance(node, Not):
            return msgspec.structs.replace(node, child=inner[0], levels=_checked(levels(inner)))
        return node

    return bottom_up(node, visit)


def _checked(height: int) -> int:
    if height > MAX_LEVELS:
        message = f"with its macros replaced the condition nests deeper than {MAX_LEVELS} levels"
        raise ConditionError("", 0, message, reason="too_deep")
    return height
