"""A condition between the file and the tree: its parts, the text with lists expanded, and the mapping back."""

import msgspec

from mozu.core.language.conditions import tokens
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.lists import Lists
from mozu.core.language.rules.problem import Expression, ProblemContext, RuleProblem
from mozu.core.language.rules.text import LocatedText


class Filled(msgspec.Struct, frozen=True, eq=False):
    """A condition: `text` as written (exceptions added), `value` with the lists of the load expanded."""

    text: LocatedText
    value: str
    lists: Lists
    used: frozenset[str]
    """Names of the lists that were expanded."""

    def problem(self, code: Code, message: str, offset: int, hint: str = "") -> RuleProblem:
        """Return a problem at a character of `value`."""
        origin, name = self.lists.origin(self.text.value, offset)
        in_file = self.lists.in_file(name, self.word_at(offset)) if name else None
        if in_file is not None:
            hint = hint or f"correct the line, or take it out of the list `{name}`"
            return RuleProblem(code, message, *in_file, hint)
        if name and not hint:
            hint = f"this is where the list `{name}` is filled in"
        context, place = self.text.locate(origin)
        return RuleProblem(code, message, context, place, hint, Expression("condition expression", self.value, offset))


    def word_at(self, offset: int) -> str:
        """Return the item of a list that begins at a character of `value`, with its quotes."""
        if self.value[offset : offset + 1] in ("'", '"'):
            return self.value[offset : tokens.quoted_end(self.value, offset)]
        found = tokens.BARESTR.match(self.value, offset)
        return "" if found is None else found[0]


def fill(text: LocatedText, lists: Lists) -> Filled:
    """Expand the lists in a text. Raises lists.TooLong."""
    value, used = lists.fill(text.value)
    return Filled(text, value, lists, used)


def whole(text: LocatedText, fallback: ProblemContext) -> ProblemContext:
    """Return the context of a text's first part."""
    return text.pieces[0].context if text.pieces else fallback
