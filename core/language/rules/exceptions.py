"""Exceptions of rules: their checks, their merging, and the text that they add to a condition."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from mozu.core.language.conditions import ConditionError, check, parse
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.items import ExceptionItem, ExceptionValue
from mozu.core.language.rules.problem import ItemRefused, RuleProblem, refusal, refusing
from mozu.core.language.rules.store import ExceptionInfo
from mozu.core.language.rules.suggest import closest
from mozu.core.language.rules.text import LocatedText, Piece
from mozu.core.model.fields import FieldRegistry

_LISTS: Final = frozenset({"in", "intersects", "pmatch"})
_STRINGS: Final = frozenset(
    {
        "=",
        "==",
        "!=",
        "glob",
        "iglob",
        "contains",
        "icontains",
        "bcontains",
        "startswith",
        "bstartswith",
        "endswith",
        "regex",
    }
)
_NUMBERS: Final = frozenset({"<", "<=", ">", ">=", "exists"})
_OPERATORS: Final = _LISTS | _STRINGS | _NUMBERS
_MODIFIERS: Final = frozenset({"oneof", "anyof", "allof"})
_BLANKS: Final = re.compile(r"\s+")


def defined(items: Iterable[ExceptionItem], fields: FieldRegistry, source: str | None) -> tuple[ExceptionInfo, ...]:
    """Return the exceptions of definitions. `source` None: fields are not checked. Raises ItemRefused with every
    problem of every one."""
    made, problems = list[ExceptionInfo](), list[RuleProblem]()
    for item in items:
        try:
            made.append(_defined(item, fields, source))
        except ItemRefused as refused:
            problems += refused.problems
    if problems:
        raise ItemRefused(*problems)
    return tuple(made)


def _defined(item: ExceptionItem, fields: FieldRegistry, source: str | None) -> ExceptionInfo:
    if item.fields is None:
        raise refusal(Code.LOAD_ERR_VALIDATE, f"the exception `{item.name}` has no `fields`", item.context)
    single = isinstance(item.fields, str)
    names = (item.fields,) if isinstance(item.fields, str) else item.fields
    comps = _comps(item, names, single=single)
    info = ExceptionInfo(item.name, item.context, single, names, comps, item.values or (), item.review)
    problems = list(field_problems(info, fields, source))
    problems += [one for comp in comps for one in _comp_problems(item, comp, single=single)]
    problems += _value_problems(info, info.values)
    if problems:
        raise ItemRefused(*problems)
    return info


def appended(
    old: tuple[ExceptionInfo, ...], items: tuple[ExceptionItem, ...], fields: FieldRegistry, source: str | None
) -> tuple[ExceptionInfo, ...]:
    """Append values to exceptions of the same name, and new exceptions; return all. Raises ItemRefused with every
    problem of every item."""
    merged, problems = list(old), list[RuleProblem]()
    for item in items:
        try:
            _append(merged, item, fields, source)
        except ItemRefused as refused:
            problems += refused.problems
    if problems:
        raise ItemRefused(*problems)
    return tuple(merged)


def _append(merged: list[ExceptionInfo], item: ExceptionItem, fields: FieldRegistry, source: str | None) -> None:
    at = next((position for position, info in enumerate(merged) if info.name == item.name), None)
    if at is not None:
        merged[at] = with_values(merged[at], item)
    elif not item.values:
        raise refusal(
            Code.LOAD_ERR_VALIDATE,
            f"the rule has no exception `{item.name}`, so this one needs `values`",
            item.context,
        )
    else:
        merged.append(_defined(item, fields, source))


def with_values(info: ExceptionInfo, item: ExceptionItem) -> ExceptionInfo:
    """Return an exception with the values of an item appended. Raises ItemRefused."""
    if item.fields is not None or item.comps is not None:
        raise refusal(
            Code.LOAD_ERR_VALIDATE,
            f"there is an exception `{item.name}` already; to append to it give `values` only",
            item.context,
        )
    problems = list(_value_problems(info, item.values or (), item))
    if problems:
        raise ItemRefused(*problems)
    return msgspec.structs.replace(info, values=info.values + (item.values or ()))


def _comps(item: ExceptionItem, names: tuple[str, ...], *, single: bool) -> tuple[str, ...]:
    """Return the comparisons, one for each field, in canonical spacing."""
    comps = item.comps
    if comps is None:
        return ("in",) if single else ("=",) * len(names)
    if isinstance(comps, str) != single:
        wanted = "a text, since `fields` is one" if single else "a sequence, since `fields` is one"
        raise refusal(Code.LOAD_ERR_VALIDATE, f"`comps` of the exception `{item.name}` must be {wanted}", item.context)
    found = (comps,) if isinstance(comps, str) else comps
    if len(found) != len(names):
        message = f"`fields` and `comps` of the exception `{item.name}` differ in length: {len(names)} and {len(found)}"
        raise refusal(Code.LOAD_ERR_VALIDATE, message, item.context, hint="give one comparison for each field")
    return tuple(_BLANKS.sub(" ", comp.strip()) for comp in found)


def _comp_problems(item: ExceptionItem, comp: str, *, single: bool) -> Iterator[RuleProblem]:
    words = comp.split(" ")
    modified = len(words) == 2 and words[0] in _STRINGS and words[1] in _MODIFIERS
    if modified or comp in (_LISTS if single else _OPERATORS):
        return
    if single and comp in _OPERATORS:
        message = f"`{comp}` compares with one value, and an exception with one field compares with a list"
        hint = "use in, pmatch or intersects, or add anyof to the operator"
    else:
        message, hint = f"there is no operator `{comp}`", closest(comp, _OPERATORS)
    yield refusing(Code.LOAD_ERR_VALIDATE, f"exception `{item.name}`: {message}", item.context, hint=hint)


def field_problems(info: ExceptionInfo, fields: FieldRegistry, source: str | None) -> Iterator[RuleProblem]:
    """Yield a problem for each field that is not allowed on the left side of a test; `source` None: fields are not
    checked."""
    if source is not None:
        for name in info.fields:
            yield from _field_problem(info, name, fields, source)


def _field_problem(info: ExceptionInfo, name: str, fields: FieldRegistry, source: str) -> Iterator[RuleProblem]:
    message = hint = ""
    try:
        problems = check(parse(f"{name} exists"), fields, source).problems
    except ConditionError as error:
        message, hint = error.message, error.hint
    else:
        found = next((problem for problem in problems if problem.is_error), None)
        if found is not None:
            message, hint = found.message, found.hint
    if message:
        yield refusing(
            Code.LOAD_ERR_VALIDATE,
            f"exception `{info.name}`: `{name}` is no field that can be compared: {message}",
            info.context if info.use is None else info.use,
            hint=hint,
        )


def _value_problems(
    info: ExceptionInfo, values: tuple[ExceptionValue, ...], item: ExceptionItem | None = None
) -> Iterator[RuleProblem]:
    context = info.context if item is None else item.context
    for value in values:
        if info.single:
            if not isinstance(value.form, str):
                message = f"the exception `{info.name}` has one field, so each of its values is one text"
                yield refusing(Code.LOAD_ERR_VALIDATE, message, context, offset=value.context.offset)
        elif isinstance(value.form, str) or len(value.form) != len(info.fields):
            has = "is one text" if isinstance(value.form, str) else f"has {len(value.form)}"
            message = f"each value of the exception `{info.name}` needs {len(info.fields)} members, and this {has}"
            yield refusing(Code.LOAD_ERR_VALIDATE, message, context, offset=value.context.offset)


def with_exceptions(condition: LocatedText, exceptions: tuple[ExceptionInfo, ...]) -> LocatedText:
    """Return the condition in parentheses, and ` and not …` for each exception that has values."""
    added = [info for info in exceptions if info.values]
    if not added:
        return condition
    begin = condition.pieces[0].context
    pieces = [Piece("(", begin), *condition.pieces, Piece(")", begin)]
    for info in added:
        pieces += _expression(info)
    return LocatedText(tuple(pieces))


def one_exception_each(condition: LocatedText, exceptions: tuple[ExceptionInfo, ...]) -> Iterator[LocatedText]:
    """Yield the condition with each value alone: a parser ends at the first error, and there may be one in each."""
    for info in exceptions:
        for value in info.values:
            yield with_exceptions(condition, (msgspec.structs.replace(info, values=(value,)),))


def _expression(info: ExceptionInfo) -> Iterator[Piece]:
    """Yield the expression of an exception, with each value as a separate part, since a later file may have added
    it."""
    if info.single:
        before, between, behind = f" and not ({info.fields[0]} {info.comps[0]} (", ", ", "))"
        texts = [quoted(str(value.form)) for value in info.values]
    else:
        before, between, behind = " and not (", " or ", ")"
        texts = [f"({text})" for text in exception_texts(info)]
    yield Piece(before, info.context)
    for value, text in zip(info.values, texts, strict=True):
        yield Piece(text, value.context)
        yield Piece(behind if value is info.values[-1] else between, info.context)


def exception_texts(info: ExceptionInfo) -> list[str]:
    """Return the condition of each value of an exception."""
    if info.single:
        return [f"{info.fields[0]} {info.comps[0]} ({quoted(str(value.form))})" for value in info.values]
    return [" and ".join(_tests(info, value)) for value in info.values]


def _tests(info: ExceptionInfo, value: ExceptionValue) -> Iterator[str]:
    for field, comp, member in zip(info.fields, info.comps, value.form, strict=True):
        yield f"{field} {comp} {_member(member, comp)}"


def _member(member: str | tuple[str, ...], comp: str) -> str:
    if not isinstance(member, str):
        return "(" + ", ".join(quoted(text) for text in member) + ")"
    if comp in _LISTS or " " in comp:
        return member if member.startswith("(") else f"({member})"
    return quoted(member)


def quoted(text: str) -> str:
    """Quote a text that contains a space and has no quotes of its own. The language has no escapes here."""
    return f'"{text}"' if " " in text and text[0] not in "\"'" else text
