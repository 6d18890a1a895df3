"""Text → tree, by recursive descent: each function is the production of that name (see the grammar in the package).

Productions that can nest are generators: they yield the production they need and get its node back. `_run` keeps the
stack of those that wait, so that no depth of input reaches the interpreter's recursion limit.
"""

from collections.abc import Generator
from re import Pattern
from typing import Any, Final, NoReturn, TypeVar

from mozu.core.conditions import tokens
from mozu.core.conditions.ast import (
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
from mozu.core.conditions.problems import ConditionError

MAX_DEPTH: Final = 1000
"""Levels of parentheses, and of transformers."""

T = TypeVar("T")
Production = Generator[Any, Any, T]
"""Yields productions, returns what it has read."""

Argument = Operand | Text | Number | Items


def parse(text: str, origin: str = "") -> Node:
    """The tree of a condition. Raises ConditionError."""
    return Parser(text, origin).condition()


class Parser:
    """Reads one text. `pos` is where it stands."""

    def __init__(self, text: str, origin: str = "") -> None:
        self.text = text
        self.origin = origin
        self.pos = 0
        self.depth = 0

    def condition(self) -> Node:
        """The whole text."""
        self._check_encoding()
        node = _run(self._or_expr())
        if self.pos != len(self.text):
            self._fail("the end, `and` or `or`")
        return node

    def call(self, pos: int) -> Call | None:
        """The transformer call at a position, if there is one; `pos` then stands behind it. Raises ConditionError."""
        self.pos = pos
        return _run(self._transformer()) if self._transformer_ahead() else None

    def argument(self, pos: int) -> str | None:
        """The argument in brackets at a position, if it is sound; `pos` then stands behind it."""
        self.pos = pos
        try:
            return self._arg()
        except ConditionError:
            return None

    # --- productions

    def _or_expr(self) -> Production[Node]:
        at = self._blanks()
        nodes = [(yield self._and_expr())]
        self._blanks()
        while self._take("or"):
            nodes.append((yield self._operand("or", self._and_expr)))
            self._blanks()
        return Or(tuple(nodes), at, levels(nodes)) if len(nodes) > 1 else nodes[0]

    def _and_expr(self) -> Production[Node]:
        at = self._blanks()
        nodes = [(yield self._not_expr())]
        self._blanks()
        while self._take("and"):
            nodes.append((yield self._operand("and", self._not_expr)))
            self._blanks()
        return And(tuple(nodes), at, levels(nodes)) if len(nodes) > 1 else nodes[0]

    def _operand(self, word: str, production: Any) -> Production[Node]:
        if self._peek() == "(":
            return self._paren()
        if self._peek() not in tokens.BLANK or self.pos == len(self.text):
            self._fail(f"a blank or `(` after `{word}`")
        return production()  # type: ignore[no-any-return]

    def _paren(self) -> Production[Node]:
        self.pos += 1
        return self._group_tail()

    def _not_expr(self) -> Production[Node]:
        at = self._blanks()
        negated = False
        while self._word_not():
            negated = not negated
            self.pos += 3
            if self._peek() == "(":
                self.pos += 1
                node = yield self._group_tail()
                return Not(node, at, levels((node,))) if negated else node
            self._blanks()
        node = yield self._check()
        return Not(node, at, levels((node,))) if negated else node

    def _group_tail(self) -> Production[Node]:
        self._enter(self.pos - 1)
        node = yield self._or_expr()
        self._blanks()
        self._expect(")")
        self.depth -= 1
        return node  # type: ignore[no-any-return]

    def _check(self) -> Production[Node]:
        at = self.pos
        if self._take("("):
            node = yield self._group_tail()
            return node  # type: ignore[no-any-return]
        if tokens.FIELD.match(self.text, at):
            return self._test(self._field(), at)
        if self._transformer_ahead():
            call = yield self._transformer()
            return self._test(call, at)
        name = self._match(tokens.IDENT)
        if name is None:
            self._fail("a field, a macro or `(`")
        return Macro(name, at, self.origin)

    def _field(self) -> FieldRef:
        at = self.pos
        name = self._match(tokens.FIELD)
        if name is None:
            self._fail("a field")
        return FieldRef(name, self._arg(), at)

    def _arg(self) -> str | None:
        if not self._take("["):
            return None
        quoted = self._qstr()
        value = self._match(tokens.BAREARG) if quoted is None else quoted.value
        if value is None:
            self._fail("an argument")
        self._expect("]")
        return value

    def _transformer(self) -> Production[Call]:
        at = self.pos
        name = self._match(tokens.TRANSFORMER)
        assert name is not None
        self._enter(self.pos - 1)
        args = [(yield self._targ(lists=True))]
        while self._take(","):
            args.append((yield self._targ(lists=True)))
        self._blanks()
        self._expect(")")
        self.depth -= 1
        return Call(name[:-1], tuple(args), self._arg(), at)

    def _targ(self, *, lists: bool) -> Production[Argument]:
        at = self._blanks()
        number = self._match(tokens.NUMBER)
        if number is not None:
            return Number(number, at)
        quoted = self._qstr()
        if quoted is not None:
            return quoted
        if lists and self._take("("):
            items = yield self._tlist(at)
            return items  # type: ignore[no-any-return]
        if self._transformer_ahead():
            call = yield self._transformer()
            return call  # type: ignore[no-any-return]
        if not tokens.FIELD.match(self.text, at):
            self._fail("a field, a transformer, a quoted text or a number")
        return self._field()

    def _tlist(self, at: int) -> Production[Items]:
        items: list[Argument] = []
        self._blanks()
        if not self._take(")"):
            items.append((yield self._targ(lists=False)))
            self._blanks()
            while self._take(","):
                items.append((yield self._targ(lists=False)))
                self._blanks()
            self._expect(")")
        return Items(tuple(items), at)  # type: ignore[arg-type]

    def _test(self, left: Operand, at: int) -> Test:
        op_at = self._blanks()
        if self._take("exists"):
            return Test(left, "exists", None, "", at, op_at, self.origin)
        modifier = ""
        right: Right
        if op := self._match(tokens.NUMERIC):
            right = self._number_side()
        elif op := self._match(tokens.STRING):
            blank = self._blanks() > op_at + len(op)
            modifier = self._modifier() if blank else ""
            right = self._modified() if modifier else self._text_side()
        elif op := self._match(tokens.LISTED):
            right = self._list_side()
        else:
            self._fail("an operator")
        return Test(left, op, right, modifier, at, op_at, self.origin)

    def _number_side(self) -> Right:
        at = self._blanks()
        field = self._rfield()
        if field is not None:
            return field
        number = self._match(tokens.NUMBER)
        if number is None:
            self._fail("a number")
        return Number(number, at)

    def _text_side(self) -> Right:
        side = self._rfield() or self._item()
        if side is None:
            hint = "write `in (…)` to compare with a list" if self._peek() == "(" else ""
            self._fail("a value", hint)
        return side

    def _list_side(self) -> Right:
        at = self._blanks()
        if self._peek() == "(":
            return self._list()
        field = self._rfield()
        if field is not None:
            return field
        name = self._match(tokens.IDENT)
        if name is None:
            self._fail("a list in parentheses")
        return Text(name, at)

    def _modifier(self) -> str:
        found = tokens.MODIFIER.match(self.text, self.pos)
        if found is None:
            return ""
        self.pos = found.end()
        return found[1]

    def _modified(self) -> Right:
        if self._peek() == "(":
            return self._list()
        at = self.pos
        name = self._match(tokens.IDENT)
        assert name is not None
        return Text(name, at)

    def _rfield(self) -> Call | Val | None:
        if self._transformer_ahead():
            return _run(self._transformer())
        at = self.pos
        if not self._take("val("):
            return None
        self._blanks()
        field = self._field()
        self._blanks()
        self._expect(")")
        after = self._arg()
        if after is not None:
            field = FieldRef(field.name, after, field.offset)
        return Val(field, at)

    def _list(self) -> Items:
        at = self.pos
        self.pos += 1
        items: list[Text] = []
        self._blanks()
        while not (not items and self._take(")")):
            item = self._item()
            if item is None:
                self._fail("a value or `)`" if not items else "a value")
            items.append(item)
            self._blanks()
            if self._take(")"):
                break
            self._expect(",", "`,` or `)`")
            self._blanks()
        return Items(tuple(items), at)

    def _item(self) -> Text | None:
        quoted = self._qstr()
        if quoted is not None:
            return quoted
        at = self.pos
        bare = self._match(tokens.BARESTR)
        return None if bare is None else Text(bare, at)

    # --- words

    def _qstr(self) -> Text | None:
        at = self.pos
        if self._peek() not in ('"', "'"):
            return None
        end = tokens.quoted_end(self.text, at)
        if end == -1:
            self._fail("a value", "the quoted text does not end")
        self.pos = end
        value = tokens.unescape(self.text[at + 1 : end - 1], self.text[at])
        if value is None:
            self._raise("unknown escape in the quoted text before this place", "write `\\\\` for a backslash")
        return Text(value, at, quoted=True)

    def _word_not(self) -> bool:
        after = self.text[self.pos + 3 : self.pos + 4]
        return self.text.startswith("not", self.pos) and after != "" and (after == "(" or after in tokens.BLANK)

    def _transformer_ahead(self) -> bool:
        return tokens.TRANSFORMER.match(self.text, self.pos) is not None

    def _blanks(self) -> int:
        found = tokens.BLANKS.match(self.text, self.pos)
        assert found is not None
        self.pos = found.end()
        return self.pos

    def _match(self, pattern: Pattern[str]) -> str | None:
        found = pattern.match(self.text, self.pos)
        if found is None:
            return None
        self.pos = found.end()
        return found[0]

    def _take(self, word: str) -> bool:
        if not self.text.startswith(word, self.pos):
            return False
        self.pos += len(word)
        return True

    def _expect(self, word: str, expected: str = "") -> None:
        if not self._take(word):
            self._fail(expected or f"`{word}`")

    def _peek(self) -> str:
        return self.text[self.pos : self.pos + 1]

    def _enter(self, at: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.pos = at
            self._raise(f"the condition nests deeper than {MAX_DEPTH} levels", reason="too_deep")

    def _check_encoding(self) -> None:
        try:
            self.text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as bad:
            self.pos = bad.start
            self._raise("the text is not valid Unicode here")

    def _fail(self, expected: str, hint: str = "") -> NoReturn:
        self._raise(f"expected {expected}, found {self._found()}", hint)

    def _raise(self, message: str, hint: str = "", reason: str = "syntax") -> NoReturn:
        raise ConditionError(self.text, self.pos, message, hint, reason=reason, origin=self.origin)

    def _found(self) -> str:
        if self.pos >= len(self.text):
            return "the end"
        word = tokens.BARESTR.match(self.text, self.pos)
        return f"`{word[0][:40]}`" if word is not None else f"`{self._peek()}`"


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
