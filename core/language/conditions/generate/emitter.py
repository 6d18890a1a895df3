"""Conditions → Python expressions, with the variables known at each place.

`ready` is the set of local variables that certainly have their value at the place of an expression: it follows the
evaluation order through `and`, `or` and `not`. A variable that may have no value yet begins as `...` and is assigned
when first needed.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from mozu.core.filter.comparison import Call, Comparison, FieldRef, Items, Number, Term, Text
from mozu.core.filter.formula import AllOf, AnyOf, Constant, Formula, Negation, fold, parts_of
from mozu.core.filter.ip_text import Network
from mozu.core.language.conditions.generate.comparison import test_expression
from mozu.core.language.conditions.generate.cost_model import CostModel
from mozu.core.language.conditions.generate.matchers import any_of, in_networks, only_of
from mozu.core.language.conditions.operands import Resolver, Typed
from mozu.core.language.conditions.transformers import function
from mozu.core.language.conditions.unparse import unparse_term

MAX_HEIGHT: Final = 20
"""Maximum levels of one expression; deeper ones become functions of their own, because of limits of Python's parser."""
MAX_REPEATED: Final = 60
"""Maximum tests in a shared expression that is repeated at each use; larger expressions become functions."""
WORTH_KEEPING: Final = 3.0
"""Cost from which the result of a shared test is kept."""

Ready = frozenset[str]
Emitted = tuple[str, Ready, Ready]
"""(expression, variables ready after it was true, after it was false)."""


class Library:
    """Objects shared by all functions of one event type: readers, constants, helper functions, costs."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.namespace: dict[str, Any] = {}
        self.cost_model = CostModel()
        self._names: dict[Any, str] = {}
        self._sizes: dict[int, tuple[Formula, int, int]] = {}
        self._helpers: dict[int, str] = {}
        self._results: dict[int, tuple[Formula, str]] = {}

    def constant(self, value: Any) -> str:
        """Return the name of a constant; small constants are literals."""
        if isinstance(value, int | str | bytes) and not isinstance(value, bool) and len(repr(value)) < 80:
            return repr(value)
        return self._named("k", (type(value), value), lambda: value)

    def call(self, function: Callable[..., Any]) -> str:
        """Return the name of a function."""
        return self._named("m", ("call", function), lambda: function)

    def shared(self, value: Any) -> str:
        """Return the name of an object that is unique to its user."""
        return self._named("x", ("shared", id(value)), lambda: value)

    def matcher(self, op: str, values: tuple[Any, ...]) -> str:
        """Return the name of the function that tests a value against any of several constants."""
        return self._named("m", (op, values), lambda: any_of(op, values))

    def networks(self, values: tuple[Network, ...]) -> str:
        """Return the name of the function that tests whether an address is in one of several networks."""
        return self._named("m", (in_networks, values), lambda: in_networks(values))

    def reader(self, ref: FieldRef) -> str:
        """Return the name of a field's reader."""
        return self._named("r", (FieldRef, unparse_term(ref)), lambda: self._read(ref))

    def transformer(self, term: Call | Items) -> str:
        """Return the name of a transformer's function."""
        name, selector = (term.name, term.selector) if isinstance(term, Call) else ("()", None)
        return self._named("t", (Call, name, selector), lambda: function(name, selector))

    def variable(self, term: Term) -> str:
        """Return the name of the variable for an operand."""
        return self._named("v", ("variable", unparse_term(term)), lambda: None)

    def result(self, node: Formula) -> str:
        """Return the name of the variable for the result of a condition."""
        if id(node) not in self._results:
            self._results[id(node)] = node, f"b{len(self._results)}"
        return self._results[id(node)][1]

    def prepare(self, roots: Iterable[Formula]) -> None:
        """Define helper functions, innermost first, for conditions that are too deep, or too large to be repeated."""
        roots = list(roots)
        parents = Counter(id(root) for root in roots)
        seen: set[int] = set()
        for root in roots:
            fold(root, lambda node, _: self._count(node, parents, seen))
        for root in roots:
            fold(root, lambda node, _: self._measure(node, parents))

    def helper(self, node: Formula) -> str | None:
        """Return the name of the function that computes this condition from the event alone; None if there is none."""
        return self._helpers.get(id(node))

    def define(self, name: str, source: str) -> Callable[..., Any]:
        """Compile a function."""
        exec(compile(source, f"<{name}>", "exec"), self.namespace)
        return self.namespace[name]  # type: ignore[no-any-return]

    def _count(self, node: Formula, parents: Counter[int], seen: set[int]) -> None:
        if id(node) not in seen:
            seen.add(id(node))
            parents.update(id(child) for child in parts_of(node))

    def _measure(self, node: Formula, parents: Counter[int]) -> None:
        if id(node) in self._sizes:
            return
        below = [self._sizes[id(child)] for child in parts_of(node)]
        height = 1 + max((one[1] for one in below), default=0)
        size = sum(one[2] for one in below) or 1
        if height > 1 and (height > MAX_HEIGHT or (parents[id(node)] > 1 and size > MAX_REPEATED)):
            name = f"h{len(self._helpers)}"
            self.define(name, expression_function(name, node, self))
            self._helpers[id(node)] = name
            height, size = 1, 1
        self._sizes[id(node)] = node, height, size

    def _read(self, ref: FieldRef) -> Callable[[Any], Any]:
        found = self.resolver.resolve(ref)
        return only_of(found.type, found.read) if "dynamic" in found.field.traits else found.read

    def _named(self, letter: str, key: Any, make: Callable[[], Any]) -> str:
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = f"{letter}{len(self._names)}"
            self.namespace[name] = make()
        return name


class Emitter:
    """Writer of the expressions of one function. It is used twice: the first pass counts, the second knows the
    counts."""

    def __init__(self, library: Library, counts: Counter[str] | None = None) -> None:
        self.library = library
        self.counts = counts
        self.seen: Counter[str] = Counter()
        self.unsure: set[str] = set()
        """Variables that must begin as `...`."""

    def condition(self, node: Formula, ready: Ready) -> Emitted:
        """Return the expression of a condition."""
        if isinstance(node, Constant):
            return str(node.value), ready, ready
        helper = self.library.helper(node)
        if helper is not None:
            return f"{helper}(e)", ready, ready
        name = self.library.result(node)
        cost = self.library.cost_model.of(node)[0]
        if isinstance(node, Negation) or cost < WORTH_KEEPING:
            return self._plain(node, ready)
        if name in ready:
            return name, ready, ready
        self.seen[name] += 1
        if self.counts is not None and self.counts[name] <= 1:
            return self._plain(node, ready)
        if self.counts is None and self.seen[name] > 1:
            return name, ready, ready
        text, true, false = self._plain(node, ready)
        return self._kept(name, text), true | {name}, false | {name}

    def value(self, term: Term, ready: set[str]) -> str:
        """Return the expression of an operand; add its variable to `ready` if the variable is kept."""
        name = self.variable(term)
        if name not in ready and self.counts is not None and self.counts[name] == 1:
            return self._load(term, ready)
        return self.value_kept(term, ready)

    def value_kept(self, term: Term, ready: set[str]) -> str:
        """Return the expression of an operand whose variable is used again directly afterwards."""
        name = self.variable(term)
        self.seen[name] += 1
        if name in ready:
            return name
        first = self.seen[name] == 1
        text = self._load(term, ready)
        ready.add(name)
        return f"({name} := {text})" if first else self._filled(name, text)

    def variable(self, term: Term) -> str:
        """Return the name of an operand's variable."""
        return self.library.variable(term)

    def initial(self) -> str:
        """Return the first line of a function; empty if it needs none."""
        return "".join(f"{name} = " for name in sorted(self.unsure)) + "..." if self.unsure else ""

    def _plain(self, node: Formula, ready: Ready) -> Emitted:
        if isinstance(node, Comparison):
            after = set(ready)
            text = test_expression(node, self, after)
            both = frozenset(after)
            return text, both, both
        if isinstance(node, Negation):
            text, true, false = self.condition(node.part, ready)
            return f"(not {text})", false, true
        assert isinstance(node, AllOf | AnyOf)
        return self._chain(node, ready)

    def _chain(self, node: AllOf | AnyOf, ready: Ready) -> Emitted:
        texts: list[str] = []
        left: Ready | None = None
        conjunction = isinstance(node, AllOf)
        for child in self.library.cost_model.ordered(node.parts, holds=not conjunction):
            text, true, false = self.condition(child, ready)
            texts.append(text)
            ready, out = (true, false) if conjunction else (false, true)
            left = out if left is None else left & out
        whole = f"({(' and ' if conjunction else ' or ').join(texts)})"
        assert left is not None
        return (whole, ready, left) if conjunction else (whole, left, ready)

    def _kept(self, name: str, text: str) -> str:
        return f"({name} := {text})" if self.seen[name] == 1 else self._filled(name, text)

    def _filled(self, name: str, text: str) -> str:
        self.unsure.add(name)
        return f"({name} if {name} is not ... else ({name} := {text}))"

    def _load(self, term: Term, ready: set[str]) -> str:
        if isinstance(term, FieldRef):
            # A list without elements counts as missing.
            return (
                f"({self.library.reader(term)}(e) or None)"
                if self.typed(term).is_list
                else f"{self.library.reader(term)}(e)"
            )
        if isinstance(term, Text):
            return self.library.constant(term.value)
        if isinstance(term, Number):
            return self.library.constant(term.text)
        below = term.args if isinstance(term, Call) else term.items
        inner = ", ".join(self.argument(one, ready) for one in below)
        return f"{self.library.transformer(term)}({inner})"

    def argument(self, term: Term, ready: set[str]) -> str:
        """Return the expression of an operand inside another: constants are literals."""
        return self._load(term, ready) if isinstance(term, Text | Number) else self.value(term, ready)

    def typed(self, term: Term) -> Typed:
        """Return the type of an operand."""
        return self.library.resolver.typed(term)


def expression_function(name: str, node: Formula, library: Library) -> str:
    """Return the Python source of `name(e)`, which returns the value of one condition for the event `e`."""
    counts: Counter[str] | None = None
    for _ in range(2):
        emitter = Emitter(library, counts)
        text, _, _ = emitter._plain(node, frozenset())
        counts = emitter.seen
    start = emitter.initial()
    return f"def {name}(e):\n" + (f"    {start}\n" if start else "") + f"    return {text}\n"
