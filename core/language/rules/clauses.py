"""A rule's condition as a tree of clauses: every `and`, `or`, `not`, test and macro with its place in the files, and
the macro, exception and lists it comes from.

For human readers: `mozu why` prints it, and tests of rules count which of its clauses were true and false. The truth of
a clause is that of its node (`core.language.conditions.nodewise`).
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Final

import msgspec

from mozu.core.language.conditions import And, Items, Macro, Node, Not, Or, Test, Text, references, unparse
from mozu.core.language.conditions.ast import bottom_up
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.language.rules.ruleset import Rule, RuleSet

_KINDS: Final = {And: "and", Or: "or", Not: "not", Test: "test", Macro: "macro"}


class Clause(msgspec.Struct, frozen=True, eq=False):
    """A node. Clauses are shared like nodes: the clauses of a macro are used at every reference to it."""

    node: Node
    kind: str
    """Kind: and, or, not, test, macro."""
    text: str
    """Text of a test or a macro as in the file, lists by name; empty for other kinds."""
    macro: str
    """Macro whose text contains the clause; empty for the rule's own text."""
    exception: str
    """Exception of the rule that produced the clause; empty if there is none."""
    lists: tuple[str, ...]
    """Lists whose items the test compares with."""
    context: ProblemContext
    """Item of the file that contains the clause."""
    offset: int
    """Offset of its beginning in the file."""
    children: "tuple[Clause, ...]"
    """Operands of `and`, `or` and `not`; for a macro, its one tree."""

    @property
    def place(self) -> tuple[str, int, int]:
        """File, line and column; the last two count from 1."""
        line, column = self.context.source.place(self.offset)
        return self.context.source.name, line + 1, column + 1


def clauses(rule: Rule, rules: RuleSet) -> Clause:
    """Return the tree of a rule of this set."""
    trees: dict[str, Clause] = {}
    views = {view.name: view for view in rules.macros}
    waiting = list(references(rule.written))
    while waiting:
        view = views[waiting[-1]]
        assert view.written is not None  # a rule that could be compiled names no other
        assert view.filled is not None
        inner = [] if view.name in trees else [name for name in references(view.written) if name not in trees]
        if inner:
            waiting += inner
            continue
        if view.name not in trees:
            trees[view.name] = _tree(view.written, view.filled, view.name, trees)
        waiting.pop()
    return _tree(rule.written, rule.filled, "", trees)


def macro_trees(rules: RuleSet) -> dict[str, Node]:
    """Return macro → its tree as written, for `NodeEvaluator`."""
    return {view.name: view.written for view in rules.macros if view.written is not None}


def _tree(root: Node, filled: Filled, macro: str, trees: Mapping[str, Clause]) -> Clause:
    """Return the clauses of one text."""
    origin = filled.lists.origins(filled.text.value)

    def visit(node: Node, inner: list[Clause]) -> Clause:
        context, offset = filled.text.locate(origin(node.offset)[0])
        text = ""
        lists: tuple[str, ...] = ()
        if isinstance(node, Macro):
            text, inner = node.name, [trees[node.name]]
        elif isinstance(node, Test):
            text, lists = _by_name(node, {item.offset: origin(item.offset)[1] for item in _constants(node)})
        return Clause(
            node=node,
            kind=_KINDS[type(node)],
            text=text,
            macro=macro,
            exception=next((link.name for link in context.chain() if link.type == "exception"), ""),
            lists=lists,
            context=context,
            offset=offset,
            children=tuple(inner),
        )

    return bottom_up(root, visit)


def _constants(test: Test) -> list[Text]:
    if isinstance(test.right, Items):
        return [item for item in test.right.items if isinstance(item, Text)]
    return [test.right] if isinstance(test.right, Text) else []


def _by_name(test: Test, origins: Mapping[int, str]) -> tuple[str, tuple[str, ...]]:
    """Return the text of a test with the names of lists in place of their items, and these names."""
    shown: list[Text] = []
    for name, items in groupby(_constants(test), lambda item: origins[item.offset]):
        shown.extend((Text(name),) if name else items)
    lists = tuple(dict.fromkeys(name for name in origins.values() if name))
    if not lists:
        return unparse(test), ()
    right = Items(tuple(shown)) if isinstance(test.right, Items) else shown[0]
    return unparse(msgspec.structs.replace(test, right=right)), lists
