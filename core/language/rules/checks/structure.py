"""Checks of the structure of a rule: `or` without parentheses, lists, exceptions, outputs."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from mozu.core.filter.comparison import Items, Text
from mozu.core.filter.formula import Formula, all_of
from mozu.core.language.conditions import And, ConditionError, Node, Or, parse
from mozu.core.language.conditions.decide import can_hold
from mozu.core.language.conditions.eventset import ALL, event_types
from mozu.core.language.conditions.lower import lower
from mozu.core.language.rules.checks.view import Shared, View, tests_below
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.exceptions import exception_texts
from mozu.core.language.rules.items import ExceptionValue
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.store import ExceptionInfo

_LIST_NAME: Final = re.compile(
    r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*_(?:list|tools|binaries|procs|processes|programs|commands|images|users|names|paths|"
    r"dirs|directories|files|ports|ips|networks|domains|hosts|containers|namespaces)"
)
_FOREIGN_FIELD: Final = re.compile(r"%?[{(]((?:proc|fd|evt|user|container|group|k8s|ka)\.[\w.]+)[)}]")


def suspicious_structure(view: View) -> Iterator[RuleProblem]:
    """Yield problems of the rule's structure, exceptions and output."""
    yield from _far_or(view)
    yield from _unknown_lists(view)
    yield from _switched_off(view)
    yield from _unused_exceptions(view)
    yield from _output(view)


def suspicious_lists(shared: Shared) -> Iterator[RuleProblem]:
    """Yield a problem for each item that a list has more than once."""
    for view in shared.rules.lists:
        for item in (one for one, times in Counter(view.items).items() if times > 1):
            text = view.context.source.text
            first = text.find(item, view.context.offset)
            at = text.find(item, first + 1)
            message = f"the list `{view.name}` has `{item}` twice"
            yield RuleProblem(Code.LINT_DUPLICATE_ITEM, message, view.context, max(at, first, 0), "remove one")


def _far_or(view: View) -> Iterator[RuleProblem]:
    root: Node = view.rule.checked.node
    while isinstance(root, And) and isinstance(root.children[0], And | Or):
        root = root.children[0]  # exceptions are appended to the condition
    if not isinstance(root, Or) or view.rule.source != "syscall":
        return
    limited = [event_types(lower(part)) != ALL for part in root.children]
    if all(limited) or not any(limited):
        return
    part = root.children[limited.index(False)]
    first = tests_below(part)[0]
    problem = view.problem(
        Code.LINT_PRECEDENCE,
        f"the rule `{view.rule.name}` matches events of every type: an alternative after `or` does not test evt.type",
        first.offset,
        first.origin,
        "write `evt.type = … and (… or …)`",
    )
    start = view.rule.context
    if problem.file != start.source.name:
        problem = view.problem(
            problem.code, f"{problem.message}; `or` comes from {problem.file}", first.offset, first.origin, problem.hint
        )
    yield problem


def _unknown_lists(view: View) -> Iterator[RuleProblem]:
    for test, _ in view.uses:
        items = test.right.items if isinstance(test.right, Items) else ()
        if len(items) != 1 or not isinstance(items[0], Text) or items[0].quoted:
            continue
        word = items[0].value
        filled = view.text(test.origin)
        if _LIST_NAME.fullmatch(word) and not filled.lists.origin(filled.text.value, items[0].offset)[1]:
            message = f"`{word}` is compared as a text: no list has this name"
            hint = "define the list before the rule, or put the text in quotes"
            yield view.problem(Code.LINT_UNDEFINED_NAME, message, items[0].offset, test.origin, hint)


def _switched_off(view: View) -> Iterator[RuleProblem]:
    """Yield a problem if the rule cannot match because a list is empty."""
    empty = [one.test for one in view.uses if isinstance(one.test.right, Items) and not one.test.right.items]
    if not empty or not can_hold(view.formula, view.resolver):
        return
    if can_hold(lower(view.rule.checked.node), view.resolver):
        return
    first = empty[0]
    message = f"the rule `{view.rule.name}` matches nothing: a list that it needs has no items"
    yield view.problem(Code.LINT_EMPTY_LIST, message, first.offset, first.origin, "fill the list, or disable the rule")


def _unused_exceptions(view: View) -> Iterator[RuleProblem]:
    rule = view.rule
    condition = _without_exceptions(view)
    for info in rule.exceptions:
        if not info.values:
            message = f"the exception `{info.name}` has no values: it excludes nothing"
            yield RuleProblem(
                Code.LINT_UNUSED_EXCEPTION, message, info.context, info.context.offset, "give it values, or remove it"
            )
        useless = [] if condition is None else list(_useless_values(view, info, condition))
        if info.use is None:
            for value, text in useless:
                message = f"a value of the exception `{info.name}` excludes nothing: the rule matches no such event"
                yield RuleProblem(
                    Code.LINT_UNUSED_EXCEPTION, message, value.context, value.context.offset, f"see `{text}`"
                )
        elif useless and len(useless) == len(info.values):
            message = f"the shared exception `{info.name}` excludes nothing here: the rule matches no such event"
            hint = f"remove `{info.name}` from the rule, or give it a value that fits"
            yield RuleProblem(Code.LINT_UNUSED_EXCEPTION, message, info.use, info.use.offset, hint)


def _useless_values(view: View, info: ExceptionInfo, condition: Formula) -> Iterator[tuple[ExceptionValue, str]]:
    """Yield the values, each with its condition, that no event has for which `condition` holds."""
    for value, text in zip(info.values, exception_texts(info), strict=True):
        try:
            part = view.lowered(parse(view.rule.filled.lists.fill(text)[0]))
        except (ConditionError, ValueError):
            continue
        if not can_hold(all_of((condition, part)), view.resolver):
            yield value, text


def _without_exceptions(view: View) -> Formula | None:
    """Return the condition without the exceptions; None if it cannot match."""
    node: Node = view.rule.checked.node
    count = sum(1 for info in view.rule.exceptions if info.values)
    if isinstance(node, And) and count:
        own = [view.lowered(child) for child in node.children[: len(node.children) - count]]
        found = all_of(own)
    else:
        found = view.formula
    return found if can_hold(found, view.resolver) else None


def _output(view: View) -> Iterator[RuleProblem]:
    place = view.rule.output_place
    foreign = _FOREIGN_FIELD.search(view.rule.output_text)
    if foreign is not None:
        message = f"`{foreign[0]}` is printed literally: it is not a field"
        yield place.problem(Code.LINT_OUTPUT, message, foreign.start(), f"write %{foreign[1]}")
    elif not view.rule.output.fields and view.rule.correlation is None:
        message = f"the output of the rule `{view.rule.name}` prints no field"
        yield place.problem(Code.LINT_OUTPUT, message, 0, "print what happened, as in %proc.cmdline or %fd.name")
