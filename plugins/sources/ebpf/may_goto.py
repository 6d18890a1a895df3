"""Detection of may_goto (Linux 6.9), with which the verifier follows a loop once and not round by round.

A loop of 128 rounds costs the verifier 128 times its body, for each type that a program is loaded as. may_goto is a
jump out of the loop that the kernel takes by itself after very many rounds; behind it the verifier accepts that a round
begins in the same state as an earlier one. The C text uses it in COUNTED (bpf/record.h), kernel filters in searches for
a text (kernel_filter/check_code.py).
"""

import os
from typing import Final

from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.relocatable import INSTRUCTION, RelocatableCode, operations

_MAY_GOTO, _JUMP, _SET, _EXIT = 0xE5, 0x05, 0xB7, 0x95
"""BPF_JMP | BPF_JCOND, with BPF_MAY_GOTO (0) as the source register; BPF_JMP | BPF_JA; r = immediate; return."""
_LOOP: Final = ((_MAY_GOTO, 0, 1, 0), (_JUMP, 0, -2, 0), (_SET, 0, 0, 0), (_EXIT, 0, 0, 0))


def removed(code: RelocatableCode) -> RelocatableCode:
    """Return the code for a kernel without may_goto: with a jump to the next instruction in its place."""
    text = bytearray(code.instructions)
    for at, operation, *_ in operations(code.instructions):
        if operation == _MAY_GOTO:
            INSTRUCTION.pack_into(text, at * INSTRUCTION.size, _JUMP, 0, 0, 0)
    return code._replace(instructions=bytes(text))


def is_usable() -> bool:
    """Return True if the kernel accepts may_goto, by loading a loop without any other end."""
    try:
        code = b"".join(INSTRUCTION.pack(*one) for one in _LOOP)
        os.close(bpf_syscall.load(bpf_syscall.TRACEPOINT, "mozu_may_goto", code))
    except OSError:
        return False
    return True
