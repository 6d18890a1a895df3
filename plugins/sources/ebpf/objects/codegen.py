"""The C of programs and subprograms: their names in object files, the functions that they call, and placeholders for
numbers that are written into a program before it is loaded (maps, structs of the kernel's BTF, kfuncs, constants of the
kernel).

For bcc the placeholders are numbers. bpf_pseudo_fd (llvm.bpf.pseudo) makes a load of 64 bits with a given source
register and immediate: a register that the kernel does not know marks a placeholder, and the immediate identifies it. A
kfunc and a subprogram of bpf/subprogram.h are calls of helpers whose numbers do not exist. `with_relocations` finds all
of them in the compiler's output.
"""

from pathlib import Path
from typing import Final, NamedTuple

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.plugins.sources.ebpf import btf, entry_paths, maps, uring
from mozu.plugins.sources.ebpf.objects import kernel_features, subprograms
from mozu.plugins.sources.ebpf.objects.kernel_features import CAST
from mozu.plugins.sources.ebpf.objects.kernel_structs import CAST_TO, ENUMERATIONS, HELPER, MEMBERS
from mozu.plugins.sources.ebpf.objects.relocatable import (
    CALL,
    INSTRUCTION,
    LOAD_64,
    RelocatableCode,
    Relocation,
    Symbol,
    operations,
)
from mozu.plugins.sources.ebpf.tracepoints import EXEC_JUDGED, PROGRAMS, SHARERS, Program

PROGRAM_ARRAY: Final = "PROGS"
"""The program array of the type that a program is loaded as: TP_PROGS or RAW_TP_PROGS."""
_REGISTER: Final = 15
KFUNCS: Final = (CAST, *kernel_features.SIGNAL_KFUNCS)
"""The kfuncs that the C text may call."""
_FIRST_CALL: Final = 0x6D6F7A75
"""Number of KFUNCS[0]; the other kfuncs follow, and then subprograms.NAMES."""
_CALLED: Final = (
    *((Symbol.KFUNC, name) for name in KFUNCS),
    *((Symbol.SUBPROGRAM, name) for name in subprograms.NAMES),
)
"""Symbols called by _FIRST_CALL and the following numbers."""
_MAPS: Final = (*maps.MAPS, PROGRAM_ARRAY)
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


def placeholder_text() -> str:
    """Return C with the placeholders of maps, by the names of the maps, of constants, kfuncs and subprograms.
    bpf/record.h and bpf/subprogram.h have the macros that use them."""
    lines = [f"#define {name} {number}" for number, name in enumerate(_MAPS)]
    lines += [f"#define SUBPROGRAM_{name} {_call(Symbol.SUBPROGRAM, name)}" for name in subprograms.NAMES]
    lines += [f"#define CONSTANT_{name} {_SYMBOLS.index((Symbol.CONSTANT, name))}" for name in CONSTANTS]
    lines += [f"#define KFUNC_{name} {_call(Symbol.KFUNC, name)}" for name in kernel_features.SIGNAL_KFUNCS]
    return "\n".join([f"#define RELOCATED {_REGISTER}", *lines, ""])


def cast_text() -> str:
    """Return C with CAST, the call of bpf_rdonly_cast, and BTF_*, the structs."""
    lines = [f"#define BTF_{name} {len(_MAPS) + number}" for number, name in enumerate(CAST_TO)]
    return "\n".join([f"#define CAST {_FIRST_CALL}", *lines, ""])


def _call(kind: Symbol, name: str) -> int:
    return _FIRST_CALL + _CALLED.index((kind, name))


def with_relocations(name: str, instructions: bytes) -> RelocatableCode:
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


SYS_EXIT = Program("native", "native", "", context="sys_exit_ctx")
"""The program at the exit tracepoint of each call, an instance per call, which tail-calls the program of the call's
family."""
SELFTEST = Program("selftest", "selftest", "sys_exit_splice")
"""The program that Loader.prepare runs once."""
OUTPUT = Program("output", "output", "")
"""The program that others tail-call with a record."""
PARTS: Final = (
    *("part_process_bits", "part_count_filtered", "part_open_args", "part_name", "part_reached"),
    *("part_sock", "part_ends", "part_must_emit_path", "part_must_emit_differing"),
)
"""Subprograms of kernel filters, in PARTS_FILE."""
KILL_PARTS: Final = ("kill_part_socket", "kill_part_executable", "kill_part_real", "kill_part_act")
"""Subprograms of kill programs, besides part_open_args; compiled if there are kill rules."""
DENY_PARTS: Final = ("deny_part_open", "deny_part_exec", "deny_part_connect", "deny_part_message", "deny_part_act")
"""Subprograms of deny programs; compiled if there are deny rules."""
PARTS_FILE: Final = "programs/filter_parts.c"
_OTHER_PARTS: Final = dict.fromkeys(KILL_PARTS, "programs/kill_parts.c") | dict.fromkeys(
    DENY_PARTS, "programs/deny_parts.c"
)
"""File of each subprogram of kill and deny programs."""


class Unit(NamedTuple):
    """Source of one program or subprogram."""

    entry: str
    """Name of the function in the main text, and of the code."""
    file: str
    """File of bpf/ that is included before it."""
    text: str


def read_types(path: Path = btf.BTF_FILE) -> btf.Btf:
    """Return the kernel's BTF, for the types that the programs need. Raises SourceUnavailable."""
    names = (*CAST_TO, *ENUMERATIONS)
    functions = (*KFUNCS, HELPER, *uring.ITERATORS, *kernel_features.HOOK_FUNCTIONS)
    return btf.read(names, path, functions=functions)


def every_program(*, requests: bool = True) -> list[Program]:
    """Return all programs that any kernel can have. `requests`: False for those without io_uring's."""
    found = [SYS_EXIT, SELFTEST, OUTPUT, entry_paths.CALLED, EXEC_JUDGED, *SHARERS]
    found += [program for name in SYSCALL_SPECS for program in PROGRAMS[name]]
    found += uring.every_program() if requests else ()
    return list({program.entry: program for program in found}.values())


def program_unit(program: Program) -> Unit:
    """Return a program that calls its function.

    The main text contains only such calls, since bcc rewrites it. A tail-called program reads the call from the map
    SYSCALL_CTX, one at a tracepoint from its context.
    """
    file = f"programs/{program.family}.c"
    if program.is_tail_called:
        call = f"go_on(ctx, sys, {program.function}(sys))"
        body = f"struct syscall_ctx *sys = this_cpu_syscall(); return sys ? {call} : 0;"
        return Unit(program.entry, file, f"int {program.entry}(void *ctx) {{ {body} }}")
    context = program.context or "bpf_raw_tracepoint_args"
    return Unit(
        program.entry, file, f"int {program.entry}(struct {context} *ctx) {{ return {program.function}(ctx); }}"
    )


def part_entry(part: str) -> str:
    """Return the name of a subprogram of kernel filters in object files."""
    return f"mozu_{part}"


def part_unit(part: str) -> Unit:
    """Return a subprogram of kernel filters, which is not loaded but linked."""
    file = _OTHER_PARTS.get(part, PARTS_FILE)
    return Unit(part_entry(part), file, f"u64 {part_entry(part)}(void *call) {{ return {part}(call); }}")


SUBPROGRAMS: Final = tuple(Unit(f"mozu_{name}", "programs/subprograms.c", "") for name in subprograms.NAMES)
"""Units that others call by bpf/subprogram.h, in the order of subprograms.NAMES."""
