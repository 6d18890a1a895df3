"""Outputs: the text of the rule, without fields that are no longer printed, with the additions of the configuration."""

import re
from typing import Final

import msgspec

from mozu.core.language.conditions import CompiledOutput, compile_template
from mozu.core.language.rules.additions import Added
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.context import context_of
from mozu.core.language.rules.problem import Expression, ProblemContext, RuleProblem
from mozu.core.language.rules.text import LocatedText
from mozu.core.model.fields import FieldRegistry

_CONTAINER_INFO: Final = re.compile(r"%container\.info(?![\w.\[])")


class OutputText(msgspec.Struct, frozen=True, eq=False):
    """An output before compilation. `cuts` are the places in `text` at which something was removed."""

    text: LocatedText
    value: str
    own: int
    """Length of the part that comes from the rule."""
    cuts: tuple[tuple[int, int], ...]
    context: ProblemContext

    def problem(self, code: Code, message: str, offset: int, hint: str = "") -> RuleProblem:
        """Return a problem at a character of `value`."""
        expression = Expression("rule output expression", self.value, offset)
        if offset > self.own or not self.text.pieces:
            hint = hint or "this part comes from the configuration (append_output)"
            return RuleProblem(code, message, self.context, self.context.offset, hint, expression)
        for start, end in self.cuts:
            if offset >= start:
                offset += end - start
        context, place = self.text.locate(offset)
        return RuleProblem(code, message, context, place, hint, expression)


def output_text(text: LocatedText, addition: str, context: ProblemContext) -> OutputText:
    """Return the text that becomes the template."""
    raw = text.value
    cuts = tuple(found.span() for found in _CONTAINER_INFO.finditer(raw))
    own = _CONTAINER_INFO.sub("", raw)
    value = f"{own} {addition}" if addition else own
    return OutputText(text, value, len(own), cuts, context)


def cut_problem(output: OutputText) -> RuleProblem | None:
    """Return the problem about %container.info, if the rule has it."""
    if not output.cuts:
        return None
    context, place = output.text.locate(output.cuts[0][0])
    return RuleProblem(
        Code.LOAD_DEPRECATED_ITEM,
        "`%container.info` is deprecated and prints nothing",
        context,
        place,
        "name the fields that you want, such as %container.id and %container.name",
        Expression("rule output expression", output.text.value, output.cuts[0][0]),
        "container.info",
    )


def compile_output(
    output: OutputText, added: Added, fields: FieldRegistry, source: str, *, context: bool = False
) -> CompiledOutput:
    """Return the template and the readers of its values. Raises ConditionError."""
    about = context_of(source, fields) if context else ()
    return compile_template(output.value, fields, source, extra=added.fields, context=about)
