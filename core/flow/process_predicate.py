"""Process predicates, evaluated from the state: for sources that filter by process in the kernel."""

from collections.abc import Callable, Sequence
from typing import Final

from mozu.core.api import ProcessPredicate
from mozu.core.filter.formula import Formula
from mozu.core.language.conditions.generate.function import build
from mozu.core.language.conditions.operands import Resolver
from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.state import StateMachine

_ANY: Final = "openat"
"""Any event type: fields of processes are the same for all of them."""


def process_predicates(fields: FieldRegistry, state: StateMachine) -> Callable[[Sequence[Formula]], ProcessPredicate]:
    """Return a function that compiles predicates on fields of the process, and evaluates them with the present
    state."""

    def decide(predicates: Sequence[Formula]) -> ProcessPredicate:
        match, _ = build(dict(enumerate(predicates)), Resolver(fields, "syscall", _ANY))

        def of(pid: int) -> Sequence[bool] | None:
            process = state.process(pid)
            if process is None:
                return None
            found = match(SyscallEvent("syscall", _ANY, 0, state.number, pid, pid, process=process))
            return [number in found for number in range(len(predicates))]

        return of

    return decide
