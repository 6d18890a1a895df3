"""Detection of bpf_rdonly_cast, by which programs load members of kernel structs instead of copying them.

bpf_rdonly_cast (Linux 6.2) gives an address a BTF type for the verifier and is no instruction at run time. The C text
calls it by a placeholder (placeholders.py), since bcc can call helpers only and no kfuncs.
"""

import os
from typing import Final

from mozu.plugins.sources.ebpf import bpf_syscall, btf
from mozu.plugins.sources.ebpf.relocatable import (
    CALL,
    INSTRUCTION,
    LOAD_64,
    Numbers,
    RelocatableCode,
    Relocation,
    Symbol,
    bind,
)

FUNCTION: Final = "bpf_rdonly_cast"
_SET, _EXIT = 0xB7, 0x95
_EXAMPLE: Final = "task_struct"
_INSTRUCTIONS: Final = (
    (_SET, 1, 0, 0),
    (LOAD_64, 2, 0, 0),
    (0, 0, 0, 0),
    (CALL, 0, 0, 0),
    (_SET, 0, 0, 0),
    (_EXIT, 0, 0, 0),
)
_PROGRAM: Final = RelocatableCode(
    "mozu_cast",
    b"".join(INSTRUCTION.pack(*one) for one in _INSTRUCTIONS),
    (Relocation(1, Symbol.BTF_ID, _EXAMPLE), Relocation(3, Symbol.KFUNC, FUNCTION)),
)


def are_usable(types: btf.Btf) -> bool:
    """Return True if the kernel has the kfunc and accepts it, by loading a program of six instructions that casts."""
    function = types.function(FUNCTION)
    if function is None:
        return False
    code = bind(_PROGRAM, Numbers({}, {_EXAMPLE: types.identity(_EXAMPLE)}, {FUNCTION: function}))
    try:
        os.close(bpf_syscall.load(bpf_syscall.TRACEPOINT, _PROGRAM.name, code))
    except OSError:
        return False
    return True
