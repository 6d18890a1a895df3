"""Tests in C, joined by `and` and `or`."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

_FEW: Final = 100
"""So many parts are compared with each other."""


class Check(NamedTuple):
    """A test: a C expression that is true or false."""

    code: str
    cost: int = 1
    """Cheap ones come first."""
    of_name: bool = False
    """Whether it looks at the name of a path, which must have been read."""
    of_process: bool = False
    """Whether it reads the verdict on the process."""
    text: str = ""
    """What is looked for anywhere in the name."""


class Joint(NamedTuple):
    """Several, of which all must hold, or one."""

    word: str
    """`&&` or `||`."""
    parts: "tuple[Expression, ...]"


Expression = bool | Check | Joint


def every(parts: Iterable[Expression]) -> Expression:
    """True where all are."""
    return _joined("&&", parts, zero=False)


def some(parts: Iterable[Expression]) -> Expression:
    """True where one is."""
    return _joined("||", parts, zero=True)


def _joined(word: str, parts: Iterable[Expression], *, zero: bool) -> Expression:
    distinct: dict[Expression, None] = {}
    for part in parts:
        for one in part.parts if isinstance(part, Joint) and part.word == word else (part,):
            if isinstance(one, bool):
                if one is zero:
                    return zero
            else:
                distinct[one] = None
    if not distinct:
        return not zero
    ordered = sorted(_irredundant(distinct), key=cost)
    return ordered[0] if len(ordered) == 1 else Joint(word, tuple(ordered))


def _irredundant(parts: Iterable[Expression]) -> list[Expression]:
    """Without those that others make needless: `a || (a && b)` is `a`, and `a && (a || b)` too."""
    sets = {part: frozenset(part.parts if isinstance(part, Joint) else (part,)) for part in parts}
    if len(sets) > _FEW:
        return list(sets)
    return [part for part, mine in sets.items() if not any(other < mine for other in sets.values())]


def cost(expression: Expression) -> int:
    """Of the whole, as if everything had to be looked at."""
    if isinstance(expression, Joint):
        return sum(map(cost, expression.parts))
    return expression.cost if isinstance(expression, Check) else 0


def factored(expression: Expression) -> Expression:
    """The same, tests that alternatives share made once for all of them: what they rule out is passed over together."""
    if not isinstance(expression, Joint):
        return expression
    shared = _shared(expression) if expression.word == "||" else None
    if shared is None:
        parts = map(factored, expression.parts)
        return every(parts) if expression.word == "&&" else some(parts)
    sharing = [_together(part) for part in expression.parts if shared in _together(part)]
    others = [part for part in expression.parts if shared not in _together(part)]
    rest = some(every(one for one in part if one != shared) for part in sharing)
    return some((every((shared, factored(rest))), factored(some(others))))


def _together(part: Expression) -> tuple[Expression, ...]:
    return part.parts if isinstance(part, Joint) and part.word == "&&" else (part,)


def _shared(expression: Joint) -> Expression | None:
    """What most alternatives have in common, the cheapest of these; None where no two have anything."""
    counts = Counter(one for part in expression.parts for one in _together(part))
    best = max(counts, key=lambda one: (counts[one], -cost(one)))
    return best if counts[best] > 1 else None


def replaced(expression: Expression, change: Callable[[Check], Expression]) -> Expression:
    """The same with other tests."""
    if isinstance(expression, Check):
        return change(expression)
    if isinstance(expression, Joint):
        parts = [replaced(part, change) for part in expression.parts]
        return every(parts) if expression.word == "&&" else some(parts)
    return expression


def negated(expression: Expression) -> Expression:
    """True where the other is false."""
    if isinstance(expression, Joint):
        parts = [negated(part) for part in expression.parts]
        return some(parts) if expression.word == "&&" else every(parts)
    if isinstance(expression, bool):
        return not expression
    return expression._replace(code=f"!({expression.code})", text="")


def assumed(expression: Expression, known: Mapping[Expression, bool]) -> Expression:
    """The same where it is known of some tests whether they hold."""
    known_codes = {check.code: value for check, value in known.items() if isinstance(check, Check)}
    known_codes |= {f"!({code})": not value for code, value in known_codes.items()}
    return replaced(expression, lambda check: known_codes.get(check.code, check))


def has(expression: Expression, test: Callable[[Check], bool]) -> bool:
    """Whether some test is such."""
    if isinstance(expression, Joint):
        return any(has(part, test) for part in expression.parts)
    return isinstance(expression, Check) and test(expression)


def in_c(expression: Expression) -> str:
    """The text of one C expression."""
    if isinstance(expression, Joint):
        return f"({f' {expression.word} '.join(map(in_c, expression.parts))})"
    if isinstance(expression, Check):
        return f"({expression.code})"
    return "true" if expression else "false"
