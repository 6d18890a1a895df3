"""A rule's condition as a tree of clauses: every `and`, `or`, `not`, test and macro with its place in the files, and
the macro, exception and lists that it is known by.

For people: `mozu why` prints it, and tests of rules count which of its clauses they have seen true and false. The truth
of a clause is that of its node (`core.language.conditions.nodewise`).
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Final

import msgspec

from mozu.core.language.conditions import And, Items, Macro, Node, Not, Or, Test, Text, unparse
from mozu.core.language.conditions.ast import bottom_up
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.macros import references
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.language.rules.ruleset import Rule, RuleSet

_KINDS: Final = {And: "and", Or: "or", Not: "not", Test: "test", Macro: "macro"}


class Clause(msgspec.Struct, frozen=True, eq=False):
    """One node. Clauses are shared as nodes are: a macro's stand wherever its name stands."""

    node: Node
    kind: str
    """and, or, not, test, macro."""
    text: str
    """A test or a macro as the file has it, lists by name; empty for the others."""
    macro: str
    """The macro whose text it stands in; empty for the rule's own."""
    exception: str
    """The exception of the rule that it was made of, or empty."""
    lists: tuple[str, ...]
    """Lists whose items it compares with."""
    context: ProblemContext
    """What holds it in the file."""
    offset: int
    """Where it begins in the file."""
    children: "tuple[Clause, ...]"
    """Of `and`, `or` and `not` what they join; of a macro its one tree."""

    @property
    def place(self) -> tuple[str, int, int]:
        """File, line and column, both from 1."""
        line, column = self.context.source.place(self.offset)
        return self.context.source.name, line + 1, column + 1


def clauses(rule: Rule, rules: RuleSet) -> Clause:
    """The tree of a rule of this set."""
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
    """Macro → its tree as written, as `NodeEvaluator` takes them."""
    return {view.name: view.written for view in rules.macros if view.written is not None}


def _tree(root: Node, filled: Filled, macro: str, trees: Mapping[str, Clause]) -> Clause:
    """The clauses of one text."""
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
    """The text of a test with the names of lists where their items stand, and these names."""
    shown: list[Text] = []
    for name, items in groupby(_constants(test), lambda item: origins[item.offset]):
        shown.extend((Text(name),) if name else items)
    lists = tuple(dict.fromkeys(name for name in origins.values() if name))
    if not lists:
        return unparse(test), ()
    right = Items(tuple(shown)) if isinstance(test.right, Items) else shown[0]
    return unparse(msgspec.structs.replace(test, right=right)), lists
