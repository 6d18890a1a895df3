"""The program of deny rules at one hook of the security modules: it tests the call's object, and returns -EPERM if an
acting rule matches.

Like a filter (filter_program.py) it is made without a compiler, and calls subprograms: bpf/programs/deny_parts.c.
"""

import errno
from collections.abc import Sequence
from typing import Final

from mozu.core.filter.formula import Formula, factor
from mozu.plugins.sources.ebpf.assembly import CodeAssembler, Condition, Label, Register, Width
from mozu.plugins.sources.ebpf.kernel_filter.check import cost
from mozu.plugins.sources.ebpf.kernel_filter.check_code import CALL, SCRATCH
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import REACHED_UNKNOWN, FilterProgram, in_scratch, named
from mozu.plugins.sources.ebpf.kernel_filter.kill_program import of_known_path
from mozu.plugins.sources.ebpf.kernel_filter.names import with_byte_hints
from mozu.plugins.sources.ebpf.maps import DENY_SLOTS, SIZES
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode

DENY_PARTS_OF: Final = {
    "file_open": "deny_part_open",
    "bprm_check_security": "deny_part_exec",
    "socket_connect": "deny_part_connect",
    "socket_sendmsg": "deny_part_message",
}
"""Subprogram that reads a hook's arguments, by hook."""
_BUSY: Final = SIZES["FILTER_SCRATCH_SIZE"]
"""Offset of `busy` in struct deny_slot."""


class _DenyProgram(FilterProgram):
    """Program under construction that works in a slot of its own, because another task may reach a hook on this CPU
    before it ends."""

    def find_places(self) -> None:
        """Append the search for the hook's arguments, and for a slot that no other program uses."""
        code, taken = self.code, Label()
        code.move(CALL, Register.R1)
        self.keep(call=CALL)
        for slot in range(DENY_SLOTS):
            self.look_up("DENY_SLOTS", SCRATCH, slot)
            code.move(Register.R1, 1)
            code.exchange(SCRATCH, _BUSY, Register.R1)
            code.jump_if(Condition.EQ, Register.R1, 0, taken)
        code.jump(self.ended)
        code.bind(taken)
        self.keep(scratch=SCRATCH)


def deny_program(rules: Sequence[tuple[int, Formula]], hook: str) -> RelocatableCode:
    """Return the program of these rules, each a (number, test); the first that matches decides (deny_caller of
    bpf/kernel_deny.h). Raises ProgramTooLong."""
    program, acts, allowed = _DenyProgram(), Label(), Label()
    code: CodeAssembler = program.code
    program.call(DENY_PARTS_OF[hook])
    code.jump_if(Condition.EQ, Register.R0, REACHED_UNKNOWN, allowed)
    for number, formula in rules:
        tested = of_known_path(formula) if hook == "bprm_check_security" else formula
        after = Label()
        program.require(factor(with_byte_hints(tested), cost), after)
        code.store(SCRATCH, in_scratch("kill_rule"), number, Width.DOUBLE)
        code.jump(acts)
        program.bind(after)
    code.bind(allowed)
    code.store(SCRATCH, _BUSY, 0, Width.DOUBLE)
    code.bind(program.ended)
    code.move(Register.R0, 0)
    code.exit()
    code.bind(acts)
    program.call("deny_part_act")
    code.store(SCRATCH, _BUSY, 0, Width.DOUBLE)
    code.jump_if(Condition.EQ, Register.R0, 0, program.ended)
    code.move(Register.R0, -errno.EPERM)
    code.exit()
    return named(code.assembled(""), "deny")
