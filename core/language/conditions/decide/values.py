"""Agreement of comparisons of one operand: can any value that an event may have satisfy all of them?"""

from collections.abc import Iterator, Sequence
from typing import Final

from mozu.core.filter.comparison import FieldRef
from mozu.core.language.conditions.decide import networks, numbers, texts
from mozu.core.language.conditions.decide.literals import Literal, constants, satisfied
from mozu.core.language.conditions.operands import TEXT, Resolver, Typed
from mozu.core.model.fields import FieldType, Match
from mozu.core.model.fields.binding import constant_of
from mozu.core.model.fields.possible import words
from mozu.core.model.syscalls import event_type

_OPAQUE: Final = frozenset({"at_most", "host_name"})
_BOTH: Final = (False, True)
_MOST: Final = 2_000
"""Maximum number of constants that are compared with each other."""


def agree(literals: Sequence[Literal], resolver: Resolver) -> bool:
    """Return False if no value of the operand, absence included, satisfies all of these comparisons of it."""
    typed = resolver.typed(literals[0].test.left)
    if typed.match is Match.NAMES or not typed.traits.isdisjoint(_OPAQUE):
        return not _is_contradictory(literals)
    demanded = [one for one in literals if not one.negated]
    if demanded and any(one.negated and one.test.op == "exists" for one in literals):
        return False
    if typed.is_list or sum(len(one.test.values) for one in literals) > _MOST:
        return not _is_contradictory(literals)
    fixed = _fixed(literals[0], resolver)
    if fixed is not None:
        return all(satisfied(one, typed, fixed[0]) for one in literals)
    return all(_has_value(group, typed, resolver) for group in _of_one_value(literals, typed))


def _is_contradictory(literals: Sequence[Literal]) -> bool:
    known = {(id(one.test), one.negated) for one in literals}
    return any((test, not negated) in known for test, negated in known)


def _fixed(literal: Literal, resolver: Resolver) -> tuple[object] | None:
    """Return the value that every event of the resolver's type has; None if events differ."""
    left = literal.test.left
    if not isinstance(left, FieldRef) or resolver.event_type is None:
        return None
    found = resolver.resolve(left)
    value = constant_of(found.field.reads(found.argument, resolver.event_type))
    return None if value is None or value == (None,) or found.match is not Match.ONE else value


def _of_one_value(literals: Sequence[Literal], typed: Typed) -> Iterator[Sequence[Literal]]:
    """Yield groups of comparisons that one value must satisfy together; each group requires that a value exists."""
    demanded = [one for one in literals if not one.negated]
    if typed.match is Match.ONE:
        if demanded:
            yield literals
        return
    of_all = [one for one in literals if one.negated]
    if typed.match is Match.ENDPOINTS:
        differing = [one for one in demanded if one.test.op == "!="]
        demanded = [one for one in demanded if one.test.op != "!="]
        of_all = [one for one in of_all if one.test.op != "!="] + differing
    for one in demanded:
        yield (one, *of_all)


def _has_value(group: Sequence[Literal], typed: Typed, resolver: Resolver) -> bool:
    """Return False if no value that exists satisfies these comparisons."""
    literals = [one.as_equality() for one in group]
    known = _possible(literals[0], typed, resolver)
    if known is None:
        known = _candidates(literals, typed)
    if known is not None:
        return any(all(satisfied(one, typed, value) for one in literals) for value in known)
    if typed.type in TEXT:
        return texts.has_value([one for one in literals if not one.is_opaque])
    if typed.type is FieldType.IPNET:
        return networks.has_value([one for one in literals if not one.is_opaque], typed)
    if typed.type in numbers.TYPES:
        return numbers.has_value([one for one in literals if not one.is_opaque], typed)
    return True


def _possible(literal: Literal, typed: Typed, resolver: Resolver) -> Sequence[object] | None:
    """Return every value that the operand can have; None if there are too many."""
    if typed.type is FieldType.BOOL:
        return _BOTH
    left = literal.test.left
    if not isinstance(left, FieldRef) or left.argument is not None:
        return None
    declared = None if resolver.event_type is None else event_type(resolver.event_type)
    return words(left.name, declared)


def _candidates(literals: Sequence[Literal], typed: Typed) -> Sequence[object] | None:
    """Return the constants of one that the value must equal; None if no comparison demands that."""
    if typed.type is FieldType.IPNET:
        return None
    first = next((one for one in literals if one.equals and not one.is_opaque), None)
    if first is None:
        return None
    left = first.test.left
    found = constants(first, typed)
    if typed.type in TEXT:
        return [one for one in found if texts.is_possible(left, "=", one)]
    return [one for one in found if typed.type not in numbers.TYPES or numbers.is_possible(left, one)]
