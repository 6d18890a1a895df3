"""Texts → trees, cached between passes: after each file all rules are compiled again, and most of them are
unchanged."""

from collections.abc import Mapping

from mozu.core.language.conditions import Checked, ConditionError, Macro, Node, check, expand_macros, parse, references
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.filled import Filled, fill
from mozu.core.language.rules.lists import Lists, TooLong
from mozu.core.language.rules.mapping import Add
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.text import LocatedText
from mozu.core.model.fields import FieldRegistry


class Cache:
    """Cache of parsed, expanded and checked trees. Trees are kept alive here, so that their ids can be keys."""

    def __init__(self, fields: FieldRegistry) -> None:
        self.fields = fields
        self._parsed: dict[tuple[str, str], Node | ConditionError] = {}
        self._references: dict[int, dict[str, Macro]] = {}
        self._expanded: dict[tuple[int, ...], tuple[Node, tuple[Node, ...]]] = {}
        self._checked: dict[tuple[int, str], Checked] = {}

    @property
    def remembered(self) -> int:
        """Number of entries."""
        return len(self._parsed) + len(self._expanded) + len(self._checked)

    def parse(self, text: str, origin: str) -> Node:
        """Parse a text. Raises ConditionError."""
        found = self._parsed.get((text, origin))
        if found is None:
            try:
                found = parse(text, origin)
            except ConditionError as error:
                found = error
            self._parsed[text, origin] = found
        if isinstance(found, ConditionError):
            raise found
        return found

    def references(self, node: Node) -> Mapping[str, Macro]:
        """Return the macros that a parsed tree names, each with its first place."""
        found = self._references.get(id(node))
        if found is None:
            found = self._references[id(node)] = references(node)
        return found

    def expand(self, node: Node, trees: Mapping[str, Node]) -> Node:
        """Return the tree with macros expanded. Raises ConditionError."""
        if not trees:
            return node
        key = (id(node), *(id(tree) for tree in trees.values()))
        if key not in self._expanded:
            self._expanded[key] = (expand_macros(node, trees), (node, *trees.values()))
        return self._expanded[key][0]

    def check(self, node: Node, source: str) -> Checked:
        """Check a tree that `expand` returned, for a source."""
        key = (id(node), source)
        if key not in self._checked:
            self._checked[key] = check(node, self.fields, source)
        return self._checked[key]


class Parses:
    """Parser of one pass, with its lists and its report."""

    def __init__(self, cache: Cache, lists: Lists, add: Add) -> None:
        self.cache, self._lists, self._add = cache, lists, add

    def parse(self, text: LocatedText, origin: str = "") -> tuple[Filled | None, Node | None]:
        """Return the text with lists expanded, and its tree; None for a part with an error, which is reported."""
        try:
            filled = fill(text, self._lists)
        except TooLong as error:
            context, offset = text.locate(0)
            by = f" when the list `{error}` is filled in" if str(error) else ""
            message = f"the condition grows beyond {self._lists.most:,} characters{by}"
            self._add(RuleProblem(Code.LOAD_ERR_VALIDATE, message, context, offset))
            return None, None
        try:
            return filled, self.cache.parse(filled.value, origin)
        except ConditionError as error:
            self._add(filled.problem(Code.LOAD_ERR_COMPILE_CONDITION, error.message, error.offset, error.hint))
            return filled, None
