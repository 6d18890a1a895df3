"""Parser of conditions, by recursive descent: each function is the production of the same name in the package's
grammar.

Productions that can nest are generators: they yield the production they need and receive its node. `_run` keeps the
stack of waiting productions, so that no depth of input reaches the interpreter's recursion limit.
"""

from collections.abc import Generator
from typing import Any, TypeVar

from mozu.core.language.conditions import tokens
from mozu.core.language.conditions.ast import (
    And,
    Call,
    FieldRef,
    Items,
    Macro,
    Node,
    Not,
    Number,
    Operand,
    Or,
    Right,
    Test,
    Text,
    Val,
    levels,
)
from mozu.core.language.conditions.problems import ConditionError
from mozu.core.language.conditions.scanner import Scanner

T = TypeVar("T")
Production = Generator[Any, Any, T]
"""Generator that yields productions and returns its result."""

Argument = Operand | Text | Number | Items


def parse(text: str, origin: str = "") -> Node:
    """Parse a condition. Raises ConditionError."""
    return Parser(text, origin).condition()


class Parser(Scanner):
    """Parser of one text. `pos` is the current position."""

    def condition(self) -> Node:
        """Parse the whole text."""
        self.check_encoding()
        node = _run(self._or_expr())
        if self.pos != len(self.text):
            self.fail("the end, `and` or `or`")
        return node

    def call(self, pos: int) -> Call | None:
        """Parse the transformer call at a position, if there is one, and move `pos` behind it. Raises
        ConditionError."""
        self.pos = pos
        return _run(self._transformer()) if self.at_transformer() else None

    def argument(self, pos: int) -> str | None:
        """Parse the argument in brackets at a position and move `pos` behind it; return None if it is malformed."""
        self.pos = pos
        try:
            return self._arg()
        except ConditionError:
            return None

    # --- productions

    def _or_expr(self) -> Production[Node]:
        at = self.blanks()
        nodes = [(yield self._and_expr())]
        self.blanks()
        while self.take("or"):
            nodes.append((yield self._operand("or", self._and_expr)))
            self.blanks()
        return Or(tuple(nodes), at, levels(nodes)) if len(nodes) > 1 else nodes[0]

    def _and_expr(self) -> Production[Node]:
        at = self.blanks()
        nodes = [(yield self._not_expr())]
        self.blanks()
        while self.take("and"):
            nodes.append((yield self._operand("and", self._not_expr)))
            self.blanks()
        return And(tuple(nodes), at, levels(nodes)) if len(nodes) > 1 else nodes[0]

    def _operand(self, word: str, production: Any) -> Production[Node]:
        if self.peek() == "(":
            return self._paren()
        if self.peek() not in tokens.BLANK or self.pos == len(self.text):
            self.fail(f"a blank or `(` after `{word}`")
        return production()  # type: ignore[no-any-return]

    def _paren(self) -> Production[Node]:
        self.pos += 1
        return self._group_tail()

    def _not_expr(self) -> Production[Node]:
        at = self.blanks()
        negated = False
        while self.at_not():
            negated = not negated
            self.pos += 3
            if self.peek() == "(":
                self.pos += 1
                node = yield self._group_tail()
                return Not(node, at, levels((node,))) if negated else node
            self.blanks()
        node = yield self._check()
        return Not(node, at, levels((node,))) if negated else node

    def _group_tail(self) -> Production[Node]:
        self.enter(self.pos - 1)
        node = yield self._or_expr()
        self.blanks()
        self.expect(")")
        self.depth -= 1
        return node  # type: ignore[no-any-return]

    def _check(self) -> Production[Node]:
        at = self.pos
        if self.take("("):
            node = yield self._group_tail()
            return node  # type: ignore[no-any-return]
        if tokens.FIELD.match(self.text, at):
            return self._test(self._field(), at)
        if self.at_transformer():
            call = yield self._transformer()
            return self._test(call, at)
        name = self.match(tokens.IDENT)
        if name is None:
            self.fail("a field, a macro or `(`")
        return Macro(name, at, self.origin)

    def _field(self) -> FieldRef:
        at = self.pos
        name = self.match(tokens.FIELD)
        if name is None:
            self.fail("a field")
        return FieldRef(name, self._arg(), at)

    def _arg(self) -> str | None:
        if not self.take("["):
            return None
        quoted = self.quoted()
        value = self.match(tokens.BAREARG) if quoted is None else quoted.value
        if value is None:
            self.fail("an argument")
        self.expect("]")
        return value

    def _transformer(self) -> Production[Call]:
        at = self.pos
        name = self.match(tokens.TRANSFORMER)
        assert name is not None
        self.enter(self.pos - 1)
        args = [(yield self._targ(lists=True))]
        while self.take(","):
            args.append((yield self._targ(lists=True)))
        self.blanks()
        self.expect(")")
        self.depth -= 1
        return Call(name[:-1], tuple(args), self._arg(), at)

    def _targ(self, *, lists: bool) -> Production[Argument]:
        at = self.blanks()
        number = self.match(tokens.NUMBER)
        if number is not None:
            return Number(number, at)
        quoted = self.quoted()
        if quoted is not None:
            return quoted
        if lists and self.take("("):
            items = yield self._tlist(at)
            return items  # type: ignore[no-any-return]
        if self.at_transformer():
            call = yield self._transformer()
            return call  # type: ignore[no-any-return]
        if not tokens.FIELD.match(self.text, at):
            self.fail("a field, a transformer, a quoted text or a number")
        return self._field()

    def _tlist(self, at: int) -> Production[Items]:
        items: list[Argument] = []
        self.blanks()
        if not self.take(")"):
            items.append((yield self._targ(lists=False)))
            self.blanks()
            while self.take(","):
                items.append((yield self._targ(lists=False)))
                self.blanks()
            self.expect(")")
        return Items(tuple(items), at)  # type: ignore[arg-type]

    def _test(self, left: Operand, at: int) -> Test:
        op_at = self.blanks()
        if self.take("exists"):
            return Test(left, "exists", None, "", at, op_at, self.origin)
        modifier = ""
        right: Right
        if op := self.match(tokens.NUMERIC):
            right = self._number_side()
        elif op := self.match(tokens.STRING):
            blank = self.blanks() > op_at + len(op)
            modifier = self._modifier() if blank else ""
            right = self._modified() if modifier else self._text_side()
        elif op := self.match(tokens.LISTED):
            right = self._list_side()
        else:
            self.fail("an operator")
        return Test(left, op, right, modifier, at, op_at, self.origin)

    def _number_side(self) -> Right:
        at = self.blanks()
        field = self._rfield()
        if field is not None:
            return field
        number = self.match(tokens.NUMBER)
        if number is None:
            self.fail("a number")
        return Number(number, at)

    def _text_side(self) -> Right:
        side = self._rfield() or self._item()
        if side is None:
            hint = "write `in (…)` to compare with a list" if self.peek() == "(" else ""
            self.fail("a value", hint)
        return side

    def _list_side(self) -> Right:
        at = self.blanks()
        if self.peek() == "(":
            return self._list()
        field = self._rfield()
        if field is not None:
            return field
        name = self.match(tokens.IDENT)
        if name is None:
            self.fail("a list in parentheses")
        return Text(name, at)

    def _modifier(self) -> str:
        found = tokens.MODIFIER.match(self.text, self.pos)
        if found is None:
            return ""
        self.pos = found.end()
        return found[1]

    def _modified(self) -> Right:
        if self.peek() == "(":
            return self._list()
        at = self.pos
        name = self.match(tokens.IDENT)
        assert name is not None
        return Text(name, at)

    def _rfield(self) -> Call | Val | None:
        if self.at_transformer():
            return _run(self._transformer())
        at = self.pos
        if not self.take("val("):
            return None
        self.blanks()
        field = self._field()
        self.blanks()
        self.expect(")")
        after = self._arg()
        if after is not None:
            field = FieldRef(field.name, after, field.offset)
        return Val(field, at)

    def _list(self) -> Items:
        at = self.pos
        self.pos += 1
        items: list[Text] = []
        self.blanks()
        while found := tokens.LISTED_BARESTR.match(self.text, self.pos):
            items.append(Text(found[1], self.pos))
            self.pos = found.end()
        while not (not items and self.take(")")):
            item = self._item()
            if item is None:
                self.fail("a value or `)`" if not items else "a value")
            items.append(item)
            self.blanks()
            if self.take(")"):
                break
            self.expect(",", "`,` or `)`")
            self.blanks()
        return Items(tuple(items), at)

    def _item(self) -> Text | None:
        quoted = self.quoted()
        if quoted is not None:
            return quoted
        at = self.pos
        bare = self.match(tokens.BARESTR)
        return None if bare is None else Text(bare, at)


def _run(production: Production[T]) -> T:
    waiting: list[Production[Any]] = [production]
    value: Any = None
    while waiting:
        try:
            needed = waiting[-1].send(value)
        except StopIteration as done:
            waiting.pop()
            value = done.value
        else:
            waiting.append(needed)
            value = None
    return value  # type: ignore[no-any-return]
