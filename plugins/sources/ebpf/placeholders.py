"""Placeholders in the C text for numbers that are written into a program before it is loaded: maps, structs of the
kernel's BTF, kfuncs, constants of the kernel.

For bcc they are numbers. bpf_pseudo_fd (llvm.bpf.pseudo) makes a load of 64 bits with a given source register and
immediate: a register that the kernel does not know marks a placeholder, and the immediate identifies it. A kfunc and a
subprogram of bpf/subprogram.h are calls of helpers whose numbers do not exist. `relocatable` finds all of them in the
compiler's output.
"""

from typing import Final

from mozu.plugins.sources.ebpf import maps
from mozu.plugins.sources.ebpf.kernel_structs import CAST_TO, MEMBERS
from mozu.plugins.sources.ebpf.kfunc_casts import FUNCTION
from mozu.plugins.sources.ebpf.kfunc_signals import FUNCTIONS as OF_TASKS
from mozu.plugins.sources.ebpf.relocatable import (
    CALL,
    INSTRUCTION,
    LOAD_64,
    RelocatableCode,
    Relocation,
    Symbol,
    operations,
)
from mozu.plugins.sources.ebpf.subprograms import NAMES as SUBPROGRAMS

PROGRAMS: Final = "PROGS"
"""The program array of the type that a program is loaded as: TP_PROGS or RAW_TP_PROGS."""
_REGISTER: Final = 15
FUNCTIONS: Final = (FUNCTION, *OF_TASKS)
"""The kfuncs that the C text may call."""
_FIRST_CALL: Final = 0x6D6F7A75
"""Number of FUNCTIONS[0]; the other functions follow, and then SUBPROGRAMS."""
_CALLED: Final = (*((Symbol.KFUNC, name) for name in FUNCTIONS), *((Symbol.SUBPROGRAM, name) for name in SUBPROGRAMS))
"""Symbols called by _FIRST_CALL and the following numbers."""
_MAPS: Final = (*maps.MAPS, PROGRAMS)
CONSTANTS: Final = (
    *(f"HAS_{struct}__{one.name}" for struct, members in MEMBERS.items() for one in members if one.is_optional),
    *(f"{struct}__{one.name}" for struct, members in MEMBERS.items() for one in members if one.is_bit),
    *("HAS_signals_of_tasks", "HAS_completed_cqe"),
)
"""Numbers by KERNEL_CONSTANT and HAS of bpf/record.h: see KernelLayout.constant."""
_SYMBOLS: Final = (
    *((Symbol.MAP, name) for name in _MAPS),
    *((Symbol.BTF_ID, name) for name in CAST_TO),
    *((Symbol.CONSTANT, name) for name in CONSTANTS),
)
"""Symbols by placeholder, which is the index."""


def text() -> str:
    """Return C with the placeholders of maps, by the names of the maps, of constants, kfuncs and subprograms.
    bpf/record.h and bpf/subprogram.h have the macros that use them."""
    lines = [f"#define {name} {number}" for number, name in enumerate(_MAPS)]
    lines += [f"#define SUBPROGRAM_{name} {_call(Symbol.SUBPROGRAM, name)}" for name in SUBPROGRAMS]
    lines += [f"#define CONSTANT_{name} {_SYMBOLS.index((Symbol.CONSTANT, name))}" for name in CONSTANTS]
    lines += [f"#define KFUNC_{name} {_call(Symbol.KFUNC, name)}" for name in OF_TASKS]
    return "\n".join([f"#define RELOCATED {_REGISTER}", *lines, ""])


def cast_text() -> str:
    """Return C with CAST, the call of bpf_rdonly_cast, and BTF_*, the structs."""
    lines = [f"#define BTF_{name} {len(_MAPS) + number}" for number, name in enumerate(CAST_TO)]
    return "\n".join([f"#define CAST {_FIRST_CALL}", *lines, ""])


def _call(kind: Symbol, name: str) -> int:
    return _FIRST_CALL + _CALLED.index((kind, name))


def relocatable(name: str, instructions: bytes) -> RelocatableCode:
    """Return the code with a relocation at each placeholder. Raises ValueError for one that `text` does not have."""
    code = bytearray(instructions)
    found: list[Relocation] = []
    for at, operation, registers, offset, immediate in operations(instructions):
        if operation == LOAD_64 and registers >> 4 == _REGISTER:
            if not 0 <= immediate < len(_SYMBOLS):
                raise ValueError(f"{name} has a placeholder {immediate} that stands for nothing")
            found.append(Relocation(at, *_SYMBOLS[immediate]))
            INSTRUCTION.pack_into(code, at * INSTRUCTION.size, operation, registers & 0xF, offset, 0)
        elif operation == CALL and registers == 0 and 0 <= immediate - _FIRST_CALL < len(_CALLED):
            found.append(Relocation(at, *_CALLED[immediate - _FIRST_CALL]))
            INSTRUCTION.pack_into(code, at * INSTRUCTION.size, operation, registers, offset, 0)
    return RelocatableCode(name, bytes(code), tuple(found))
