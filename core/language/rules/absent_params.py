"""Parameters that no event type of a rule has: `evt.arg.addr` of `openat` is absent, and so it equals nothing."""

from collections.abc import Iterator
from typing import Final

from mozu.core.language.conditions import Checked
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.lint import first_places
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.store import RuleInfo
from mozu.core.language.rules.suggest import closest
from mozu.core.model.syscalls import EventType, event_of_call, event_type, event_types

_PREFIXES: Final = ("evt.arg.", "evt.rawarg.")
_SHOWN: Final = 8
"""Maximum number of event types, or parameters, that a sentence names; the others are counted."""


def absent_parameters(
    info: RuleInfo, checked: Checked, filled: Filled, origins: dict[str, Filled]
) -> Iterator[RuleProblem]:
    """Yield problems for parameters that the condition names and no event type has, each at its first place. A
    condition that
    no event type satisfies yields none: its problem is a different one.
    """
    asked = [name for name in checked.fields if name.startswith(_PREFIXES)]
    if not asked or info.source != "syscall":
        return
    types = _types(checked)
    known = {param.name for one in types for param in one.params}
    places = first_places(checked.node)
    for field in asked:
        name = field.partition(".")[2].partition(".")[2]
        if not types or name in known:
            continue
        origin, offset = places[field]
        text = origins[origin] if origin else filled
        message = (
            f"{field} is always absent: no event type of the rule `{info.name}` "
            f"({_some(sorted(one.name for one in types))}) has a parameter `{name}`"
        )
        yield text.problem(Code.LINT_ABSENT_FIELD, message, offset, _hint(name, known))


def _types(checked: Checked) -> list[EventType]:
    names = event_types() if checked.event_types is None else checked.event_types
    found = (event_type(name) or event_of_call(name) for name in names)
    return list({one.name: one for one in found if one is not None}.values())


def _hint(name: str, known: set[str]) -> str:
    having = sorted(one.name for one in event_types().values() if one.index(name) is not None)
    parts = [
        closest(name, known),
        f"the parameters there are {_some(sorted(known))}" if known else "",
        f"{_some(having)} {'has' if len(having) == 1 else 'have'} `{name}`" if having else "",
    ]
    return "; ".join(filter(None, parts))


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
