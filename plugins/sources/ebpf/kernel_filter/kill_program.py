"""The program of a call's kill rules, which runs behind the filter of the call: the filter passes all calls that they
name.

Like a filter (filter_program.py) it is made without a compiler, and calls subprograms: bpf/programs/kill_parts.c.
"""

from collections.abc import Sequence
from typing import Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.core.filter.formula import Bounds, Formula, Leaf, all_of, any_of, exactly, factor, necessary, negation
from mozu.plugins.sources.ebpf.assembly import Condition, Label, Register, Width
from mozu.plugins.sources.ebpf.kernel_filter.check import (
    Check,
    NumberCheck,
    Subject,
    cost,
    has,
    without,
)
from mozu.plugins.sources.ebpf.kernel_filter.check_code import CALL, SCRATCH
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import (
    REACHED_UNKNOWN,
    FilterProgram,
    descriptor_at,
    in_scratch,
    is_of_name,
    is_of_real_path,
    named,
)
from mozu.plugins.sources.ebpf.kernel_filter.names import with_byte_hints
from mozu.plugins.sources.ebpf.kernel_filter.settled import wants_peer
from mozu.plugins.sources.ebpf.maps import JUDGED_INDEX
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode
from mozu.plugins.sources.ebpf.wire import marks

_HAS_PATH: Final = NumberCheck(Subject.FACTS, "executable", "==", 0, mask=marks()["CUT"])


def kill_program(rules: Sequence[tuple[int, Formula]], spec: SyscallSpec) -> RelocatableCode:
    """Return the program of these rules, each a (number, test).

    The first that matches acts (kill_caller of bpf/kernel_kill.h); the call continues to its family in any case. Raises
    ProgramTooLong.
    """
    program, acts = FilterProgram(), Label()
    if any(has(formula, lambda check: check.subject is Subject.OPEN) for _, formula in rules):
        program.call("part_open_args")
    program.require(any_of(without(formula, _is_found) for _, formula in rules), program.passed)
    if spec.family == "exec":
        program.call("kill_part_executable")
        rules = [(number, of_known_path(formula)) for number, formula in rules]
    elif any(has(formula, _is_fact) for _, formula in rules):
        _find_socket(program, spec, wants=any(has(formula, wants_peer) for _, formula in rules))
    elif any(has(formula, is_of_real_path) for _, formula in rules):
        _find_path(program)
    for number, formula in rules:
        after = Label()
        program.require(factor(with_byte_hints(formula), cost), after)
        program.code.store(SCRATCH, in_scratch("kill_rule"), number, Width.DOUBLE)
        program.code.jump(acts)
        program.bind(after)
    program.code.jump(program.passed)
    program.bind(acts)
    program.call("kill_part_act")
    program.go_on(JUDGED_INDEX - spec.number if spec.family == "exec" else 2 * NUMBERS_END)
    program.bind(program.ended)
    program.code.move(Register.R0, 0)
    program.code.exit()
    return named(program.code.assembled(""), "kill")


def of_known_path(formula: Formula) -> Formula:
    """Return the condition under which the formula is surely true: tests of a path decide nothing for a program with an
    unknown path, negated or not."""

    def bounds(leaf: Leaf) -> Bounds:
        if isinstance(leaf, Check) and is_of_real_path(leaf):
            return Bounds(all_of((_HAS_PATH, leaf)), all_of((_HAS_PATH, negation(leaf))))
        return exactly(leaf)

    return necessary(formula, bounds).true


def _is_fact(check: Check) -> bool:
    return check.subject is Subject.FACTS


def _is_found(check: Check) -> bool:
    """Return True if the check is about facts that a subprogram has yet to read."""
    return is_of_name(check) or _is_fact(check)


def _find_path(program: FilterProgram) -> None:
    """Append the read of the path that was reached; the call continues if it is unknown."""
    program.call("kill_part_real")
    program.code.jump_if(Condition.EQ, Register.R0, REACHED_UNKNOWN, program.passed)


def _find_socket(program: FilterProgram, spec: SyscallSpec, *, wants: bool) -> None:
    """Append the read of the call's descriptor; the call continues if user space must examine it."""
    program.code.load(Register.R1, CALL, descriptor_at(spec), Width.DOUBLE)
    program.code.store(SCRATCH, in_scratch("kill_fd"), Register.R1, Width.DOUBLE)
    program.code.store(SCRATCH, in_scratch("kill_wants_peer"), int(wants), Width.DOUBLE)
    program.call("kill_part_socket")
    program.code.jump_if(Condition.EQ, Register.R0, REACHED_UNKNOWN, program.passed)
