"""Expansion of macros in each condition's tree, inner ones first; names must be visible and must not form a cycle."""

from collections.abc import Iterator, Mapping

from mozu.core.language.conditions import ConditionError, Macro, Node, Test
from mozu.core.language.conditions.ast import bottom_up
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.mapping import Add
from mozu.core.language.rules.parsing import Parses
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.language.rules.store import MacroInfo, Store
from mozu.core.language.rules.suggest import closest

LARGEST = 100_000
"""Maximum tests of a condition with macros expanded; two hundred times the largest of public rule sets."""


def size(node: Node, sizes: Mapping[str, int]) -> int:
    """Return the number of tests of a tree once its macros, of these sizes, are expanded."""

    def visit(part: Node, below: list[int]) -> int:
        if isinstance(part, Macro):
            return sizes.get(part.name, 1)
        return 1 if isinstance(part, Test) else sum(below)

    return bottom_up(node, visit)


class Macros:
    """The macros of a store, resolved. `used` collects the names of macros with references."""

    def __init__(self, store: Store, parses: Parses, later: Mapping[str, ProblemContext], add: Add) -> None:
        self._store, self._parses, self._later, self._add = store, parses, later, add
        self.used: set[str] = set()
        self.trees: dict[str, Node] = {}
        """Expanded trees of valid macros."""
        self.filled: dict[str, Filled] = {}
        self.direct: dict[str, tuple[str, ...]] = {}
        """Macro → macros that its own text names."""
        self._sizes: dict[str, int] = {}
        self.parsed: dict[str, Node] = {}
        """Trees as written, with macros by name."""
        for info in store.macros.values():
            filled, node = parses.parse(info.condition, info.name)
            if filled is not None:
                self.filled[info.name] = filled
            if node is not None:
                self.parsed[info.name] = node
        for name in self._order():
            self._resolve(name)

    def _order(self) -> Iterator[str]:
        """Yield every parsed macro after the macros it names; members of a cycle are reported and omitted."""
        refs = {name: self._parses.cache.references(node) for name, node in self.parsed.items()}
        self.direct = {name: tuple(found) for name, found in refs.items()}
        done: set[str] = set()
        trail: dict[str, Iterator[str]] = {}
        for root in self.parsed:
            if root not in done:
                trail[root] = iter(refs[root])
            while trail:
                name = next(reversed(trail))
                for inner in trail[name]:
                    if inner in trail:
                        self._circle(list(trail), refs[name][inner])
                    elif inner in self.parsed and inner not in done:
                        trail[inner] = iter(refs[inner])
                        break
                else:
                    del trail[name]
                    done.add(name)
                    yield name

    def _circle(self, trail: list[str], reference: Macro) -> None:
        circle = [*trail[trail.index(reference.name) :], reference.name]
        shown = circle if len(circle) <= 8 else [*circle[:4], "…", *circle[-3:]]
        problem = self.filled[trail[-1]].problem(
            Code.LOAD_ERR_VALIDATE,
            f"macros refer to each other in a circle: {' → '.join(shown)}",
            reference.offset,
            "take one of the references out",
        )
        self._add(problem)
        self._store.broken.update(("macro", name) for name in circle)

    def _resolve(self, name: str) -> None:
        info = self._store.macros[name]
        tree = self.expand(self.parsed[name], self.filled[name], within=info)
        if tree is not None:
            self.trees[name] = tree
            self._sizes[name] = size(self.parsed[name], self._sizes)

    def expand(self, node: Node, filled: Filled, within: MacroInfo | None = None) -> Node | None:
        """Return the tree with macros expanded; None if it is impossible (and reported, or excused)."""
        refs = self._parses.cache.references(node)
        self.used.update(refs)
        sound = [self._visible(reference, filled, within) for reference in refs.values()]
        if not all(sound):
            return None
        if size(node, self._sizes) > LARGEST:
            message = f"the condition grows beyond {LARGEST:,} tests through its macros"
            self._add(filled.problem(Code.LOAD_ERR_VALIDATE, message, 0))
            return None
        try:
            return self._parses.cache.expand(node, {name: self.trees[name] for name in refs})
        except ConditionError as error:
            self._add(filled.problem(Code.LOAD_ERR_COMPILE_CONDITION, error.message, error.offset, error.hint))
            return None

    def _visible(self, reference: Macro, filled: Filled, within: MacroInfo | None) -> bool:
        """Return True if the reference leads to a valid macro; otherwise report it, unless another error explains
        it."""
        name = reference.name
        info = self._store.macros.get(name)
        early = info is not None and within is not None and info.index >= within.visibility
        if info is not None and not early:
            return name in self.trees
        if self._store.excused("macro", name):
            return False
        self._add(
            filled.problem(
                Code.LOAD_ERR_VALIDATE,
                f"the macro `{name}` is not defined" + (" before this macro" if early else ""),
                reference.offset,
                self._remedy(name, info),
            )
        )
        return False

    def _remedy(self, name: str, info: MacroInfo | None) -> str:
        context = info.context if info is not None else self._later.get(name)
        if context is not None:
            line, _ = context.source.place(context.offset)
            return f"it is defined later, at {context.source.name}:{line + 1}; move it up"
        if name in self._store.lists:
            return f"`{name}` is a list; it can stand on the right side of an operator such as `in`"
        return closest(name, self._store.macros) or "define it before, in this file or one that is loaded earlier"
