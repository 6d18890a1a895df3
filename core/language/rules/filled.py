"""A condition on its way from the file to the tree: its parts, the text with lists filled in, and the way back."""

import msgspec

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.lists import Lists
from mozu.core.language.rules.problem import Expression, ProblemContext, RuleProblem
from mozu.core.language.rules.text import LocatedText


class Filled(msgspec.Struct, frozen=True, eq=False):
    """`text` as it was written (exceptions added), `value` with the lists of the load filled in."""

    text: LocatedText
    value: str
    lists: Lists
    used: frozenset[str]
    """Names of the lists that were filled in."""

    def problem(self, code: Code, message: str, offset: int, hint: str = "") -> RuleProblem:
        """A problem at a character of `value`."""
        origin, name = self.lists.origin(self.text.value, offset)
        if name and not hint:
            hint = f"this is where the list `{name}` is filled in"
        context, place = self.text.locate(origin)
        return RuleProblem(code, message, context, place, hint, Expression("condition expression", self.value, offset))


def fill(text: LocatedText, lists: Lists) -> Filled:
    """Raises lists.TooLong."""
    value, used = lists.fill(text.value)
    return Filled(text, value, lists, used)


def whole(text: LocatedText, fallback: ProblemContext) -> ProblemContext:
    """The context of a text's first part."""
    return text.pieces[0].context if text.pieces else fallback
