"""Doubts about valid rules: no restriction to event types, fields that have lost their meaning, unused items."""

from collections.abc import Iterator
from typing import Final

from mozu.core.errors import UnknownField
from mozu.core.language.conditions import Checked, CompiledOutput, FieldRef, Node, Test, Val
from mozu.core.language.conditions.ast import Term, bottom_up, bottom_up_term
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.outputs import OutputText
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.store import RuleInfo, Store
from mozu.core.model.fields import Field, FieldRegistry

MANY_TYPES: Final = 100
"""Maximum number of event types that a rule may match without a warning."""


def too_many_types(info: RuleInfo, checked: Checked) -> Iterator[RuleProblem]:
    """Yield a problem for a rule on system calls that could match nearly any of them."""
    types = checked.event_types
    if info.source != "syscall" or not info.warn_evttypes or (types is not None and len(types) <= MANY_TYPES):
        return
    message = f"the rule `{info.name}` can match {'every type' if types is None else f'{len(types)} types'} of events"
    context, offset = info.condition.locate(0)
    yield RuleProblem(
        Code.LOAD_NO_EVTTYPE,
        message,
        context,
        offset,
        "begin the condition with a test of evt.type, as in `evt.type = execve and …`",
    )


def deprecated_in_condition(
    checked: Checked, filled: Filled, origins: dict[str, Filled], fields: FieldRegistry
) -> Iterator[RuleProblem]:
    """Yield problems for deprecated fields that the condition tests, each at its first place."""
    wanted = {name: field for name in checked.fields if (field := _deprecated(name, fields)) is not None}
    if not wanted:
        return
    places = first_places(checked.node)
    for field in {field.name: field for field in wanted.values()}.values():
        origin, offset = places.get(field.name, ("", 0))
        text = origins[origin] if origin else filled
        problem = text.problem(Code.LOAD_DEPRECATED_ITEM, _sentence(field), offset)
        yield _marked(problem, field)


def deprecated_in_output(output: CompiledOutput, text: OutputText, fields: FieldRegistry) -> Iterator[RuleProblem]:
    """Yield problems for deprecated fields that the output prints."""
    for name in output.fields:
        field = _deprecated(name, fields)
        if field is not None:
            at = max(text.value.find(f"%{field.name}"), 0)
            yield _marked(text.problem(Code.LOAD_DEPRECATED_ITEM, _sentence(field), at), field)


def unused(store: Store, macros: set[str], lists: set[str]) -> Iterator[RuleProblem]:
    """Yield problems for macros, lists and shared exceptions without references."""
    for macro in store.macros.values():
        if macro.name not in macros:
            message = f"the macro `{macro.name}` is not used by any rule or macro"
            yield RuleProblem(Code.LOAD_UNUSED_MACRO, message, macro.context, macro.context.offset)
    for info in store.lists.values():
        if info.name not in lists:
            message = f"the list `{info.name}` is not used by any rule, macro or list"
            yield RuleProblem(Code.LOAD_UNUSED_LIST, message, info.context, info.context.offset)
    used = {use.name for rule in store.rules.values() for use in rule.uses}
    for one in store.exceptions.values():
        if one.name not in used:
            message = f"the exception `{one.name}` is not used by any rule"
            hint = f"name it in a rule, as `mozu: {{exceptions: [{one.name}]}}`, or remove it"
            yield RuleProblem(Code.LOAD_UNUSED_EXCEPTION, message, one.context, one.context.offset, hint)


def first_places(node: Node) -> dict[str, tuple[str, int]]:
    """Return field (without argument) → text and offset of its first use on a side of a test."""
    places: dict[str, tuple[str, int]] = {}

    def note(term: Term, origin: str) -> None:
        if isinstance(term, FieldRef):
            places.setdefault(term.name, (origin, term.offset))

    def visit(part: Node, _: list[None]) -> None:
        if isinstance(part, Test):
            right = part.right.field if isinstance(part.right, Val) else part.right
            for side in (part.left, right):
                if side is not None:
                    bottom_up_term(side, lambda term, _: note(term, part.origin))

    bottom_up(node, visit)
    return places


def _deprecated(name: str, fields: FieldRegistry) -> Field | None:
    try:
        field, _ = fields.find(name.partition("[")[0])
    except UnknownField:
        return None
    return field if "deprecated" in field.traits else None


def _sentence(field: Field) -> str:
    return f"the field `{field.name}` is deprecated"


def _marked(problem: RuleProblem, field: Field) -> RuleProblem:
    return RuleProblem(
        problem.code, problem.message, problem.context, problem.offset, problem.hint, problem.expression, field.name
    )
