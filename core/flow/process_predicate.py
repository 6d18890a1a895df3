"""Process predicates, evaluated from the state: for sources that filter by process in the kernel."""

from collections.abc import Callable, Sequence
from typing import Final

from mozu.core.api import ProcessPredicate
from mozu.core.filter.predicate import Predicate
from mozu.core.language.conditions import RuleInput, compile_rules, parse
from mozu.core.language.conditions.necessary import as_condition
from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.state import StateMachine

_ANY: Final = "openat"
"""Fields of processes are the same for events of every type."""


def process_predicates(fields: FieldRegistry, state: StateMachine) -> Callable[[Sequence[Predicate]], ProcessPredicate]:
    """Predicates on exec-invariant fields → a function that evaluates them for a process, by the state as it is."""

    def decide(questions: Sequence[Predicate]) -> ProcessPredicate:
        rules = [RuleInput(str(number), "syscall", parse(as_condition(one))) for number, one in enumerate(questions)]
        program = compile_rules(rules, fields, "all")

        def of(pid: int) -> Sequence[bool] | None:
            process = state.process(pid)
            if process is None:
                return None
            event = SyscallEvent("syscall", _ANY, 0, state.number, pid, pid, process=process)
            found = {position for _, position in program.evaluate((event,))}
            return [number in found for number in range(len(questions))]

        return of

    return decide
