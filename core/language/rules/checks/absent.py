"""Fields that no event type of a rule has, in its own condition and in its output."""

from collections.abc import Iterator

from mozu.core.filter.comparison import FieldRef
from mozu.core.language.conditions.ast import Term, bottom_up_term
from mozu.core.language.rules.checks.view import View
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.problem import RuleProblem

_PARAMETERS = ("evt.arg.", "evt.rawarg.")
"""Prefixes of fields that a load reports itself if a condition tests them."""


def absent_fields(view: View) -> Iterator[RuleProblem]:
    """Yield problems for fields that are always absent. Macros are left out: other rules use them for other types."""
    if not view.types:
        return
    types = ", ".join(view.types[:4]) + (" …" if len(view.types) > 4 else "")
    message = f"is always absent: events of type {types} never have it"
    for ref in _own_fields(view):
        if not ref.name.startswith(_PARAMETERS) and view.lacks(ref.name, ref.argument):
            hint = "test another evt.type, or another field"
            yield _at_use(view, view.problem(Code.LINT_ABSENT_FIELD, f"{ref.name} {message}", ref.offset, "", hint))
    place = view.rule.output_place
    for text in view.rule.output.fields:
        name, bracket, argument = text.partition("[")
        if view.lacks(name, argument[:-1] if bracket else None):
            at = max(place.value.find(f"%{text}"), 0)
            yield place.problem(Code.LINT_ABSENT_FIELD, f"%{text} {message}", at, "print another field")


def _at_use(view: View, problem: RuleProblem) -> RuleProblem:
    """Return a problem of a shared exception at the place at which the rule names it: others may have the field."""
    links = problem.context.chain()
    found = next((one for one in view.rule.exceptions if one.use is not None and one.context in links), None)
    if found is None or found.use is None:
        return problem
    message = f"{problem.message}, so that the shared exception `{found.name}` excludes nothing here"
    hint = f"remove `{found.name}` from the rule, or compare another field in it"
    return RuleProblem(problem.code, message, found.use, found.use.offset, hint)


def _own_fields(view: View) -> Iterator[FieldRef]:
    found: list[FieldRef] = []

    def note(term: Term, _: list[None]) -> None:
        if isinstance(term, FieldRef):
            found.append(term)

    for use in view.uses:
        if not use.test.origin:
            bottom_up_term(use.test.left, note)
    return iter({one.name: one for one in reversed(found)}.values())
